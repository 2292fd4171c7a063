"""Numbers of live cases: the same everywhere, and what their profile says."""

import hashlib

import numpy as np
import pytest
from backproof.conformance.live import profiles
from backproof.conformance.live.profiles import BLOCK, PROFILES, Stream, repeated
from backproof.vectors.dtypes import DTYPES, numpy_dtype


def drawn(profile: str, dtype: str = "float32", shape: tuple[int, ...] = (6, 50)) -> np.ndarray:
    return PROFILES[profile](Stream("a key", dtype), shape)


def test_the_same_key_gives_the_same_bytes_on_any_machine() -> None:
    digest = hashlib.sha256()
    for dtype in DTYPES:
        for profile in PROFILES:
            digest.update(drawn(profile, dtype).tobytes())
    assert digest.hexdigest()[:16] == "28e2341c9661bdf6"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_draws_the_shape_and_the_dtype(profile: str, dtype: str) -> None:
    for shape in ((), (0,), (3,), (2, 0, 3), (2, 3, 4)):
        x = drawn(profile, dtype, shape)
        assert x.shape == shape
        assert x.dtype == numpy_dtype(dtype)


def test_bell_shaped_numbers_have_variance_1_and_full_significands() -> None:
    x = drawn("bell", "float64", (100_000,))
    assert abs(x.mean()) < 0.02
    assert abs(x.var() - 1) < 0.02
    assert abs(x).max() < 3
    odd = np.ldexp(np.frexp(x)[0], 53).astype(np.int64) % 16
    assert len(np.unique(odd)) > 8


def test_a_tensor_of_several_blocks_does_not_repeat_itself() -> None:
    x = drawn("bell", "float32", (BLOCK + 50,))
    assert not np.array_equal(x[:50], x[BLOCK:])


def test_integers_are_whole_and_none_is_0() -> None:
    x = drawn("integers")
    assert np.array_equal(x, np.rint(x))
    assert set(np.abs(x).ravel().tolist()) == set(range(1, 9))


def test_of_sparse_numbers_few_are_not_0_the_last_among_them() -> None:
    x = drawn("sparse", shape=(60, 600))
    assert 1 <= (x != 0).sum(axis=1).mean() <= 9
    assert x[-1, -1] != 0


@pytest.mark.parametrize("shape", [(1, 4, 64, 32), (4096,), (96, 17), (2, 5000)])
def test_of_a_large_tensor_a_part_is_drawn_and_tiles_differ(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "DRAWN", 1024)
    drawn_at_once: list[tuple[int, ...]] = []

    def draw(part: tuple[int, ...]) -> np.ndarray:
        drawn_at_once.append(part)
        return np.arange(np.prod(part)).reshape(part)

    x = repeated(draw, shape)
    (part,) = drawn_at_once
    assert x.shape == shape
    assert 512 < np.prod(part) <= 1024
    assert x.flat[-1] in (np.prod(part) - 1, np.prod(part) - 2)
    flat = x.reshape(-1)
    for distance in (2**k for k in range(1, flat.size.bit_length() - 1)):
        assert (flat[distance:] != flat[:-distance]).all()


def test_rows_that_belong_together_are_repeated_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "DRAWN", 1024)
    x = repeated(lambda part: np.arange(np.prod(part)).reshape(part), (50, 100), whole_rows=True)
    assert (x % 100 == np.arange(100)).all()
    assert len(np.unique(x[:9, 0])) == 9
    assert np.array_equal(x[:-9], x[9:])
