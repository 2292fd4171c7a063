"""Random inputs are the same for ever, exact in their dtype, and use all of it."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from backproof.reference.generation.draws import NotHeldError, Words, held, nearest_held, round_to_significand
from backproof.vectors.dtypes import DTYPES, FORMATS, numpy_dtype
from hypothesis import given
from hypothesis import strategies as st

DRAWS = {
    "integers": lambda w: w.integers((4,), -3, 9),
    "signs": lambda w: w.signs((4,)),
    "normal": lambda w: w.normal((2, 2)),
    "uniform": lambda w: w.uniform((4,), 0.25, 1.0),
    "signed": lambda w: w.signed((4,), 1.0, 2.0),
    "spread": lambda w: w.spread((4,), -8, 8),
}


def test_the_first_words_of_a_key_are_those_of_philox() -> None:
    key = int.from_bytes(hashlib.sha256(b"pinned").digest()[:16], "little")
    assert Words("pinned", "float64").integers((3,), 0, 2**40).tolist() == [
        int(w) % 2**40 for w in np.random.Philox(key=key).random_raw(3)
    ]


PINNED = {
    ("integers", "float64"): [
        "0x1.0000000000000p+1",
        "0x1.8000000000000p+1",
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("integers", "float32"): [
        "0x1.0000000000000p+1",
        "0x1.8000000000000p+1",
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("integers", "float16"): [
        "0x1.0000000000000p+1",
        "0x1.8000000000000p+1",
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("integers", "bfloat16"): [
        "0x1.0000000000000p+1",
        "0x1.8000000000000p+1",
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("signs", "float64"): [
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("signs", "float32"): [
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("signs", "float16"): [
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("signs", "bfloat16"): [
        "0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
        "-0x1.0000000000000p+0",
    ],
    ("normal", "float64"): [
        "-0x1.0f32267b4b668p+1",
        "0x1.e8b7fba56adfep-1",
        "-0x1.187c9de18afedp+1",
        "0x1.7ce93db51f42fp-1",
    ],
    ("normal", "float32"): [
        "-0x1.0f32260000000p+1",
        "0x1.e8b7fc0000000p-1",
        "-0x1.187c9e0000000p+1",
        "0x1.7ce93e0000000p-1",
    ],
    ("normal", "float16"): [
        "-0x1.0f40000000000p+1",
        "0x1.e8c0000000000p-1",
        "-0x1.1880000000000p+1",
        "0x1.7d00000000000p-1",
    ],
    ("normal", "bfloat16"): [
        "-0x1.1000000000000p+1",
        "0x1.e800000000000p-1",
        "-0x1.1800000000000p+1",
        "0x1.7c00000000000p-1",
    ],
    ("uniform", "float64"): [
        "0x1.4e18525666cd4p-1",
        "0x1.1676794e5d8e4p-1",
        "0x1.5a42bc1e7f1b1p-2",
        "0x1.7e238c33f57b0p-2",
    ],
    ("uniform", "float32"): [
        "0x1.4e18520000000p-1",
        "0x1.16767a0000000p-1",
        "0x1.5a42bc0000000p-2",
        "0x1.7e238c0000000p-2",
    ],
    ("uniform", "float16"): [
        "0x1.4e00000000000p-1",
        "0x1.1680000000000p-1",
        "0x1.5a40000000000p-2",
        "0x1.7e40000000000p-2",
    ],
    ("uniform", "bfloat16"): [
        "0x1.4e00000000000p-1",
        "0x1.1600000000000p-1",
        "0x1.5a00000000000p-2",
        "0x1.7e00000000000p-2",
    ],
    ("signed", "float64"): [
        "0x1.89658c3999de3p+0",
        "-0x1.644efb8993b43p+0",
        "-0x1.1e163eb4d5090p+0",
        "0x1.2a0bd966a7290p+0",
    ],
    ("signed", "float32"): [
        "0x1.89658c0000000p+0",
        "-0x1.644efc0000000p+0",
        "-0x1.1e163e0000000p+0",
        "0x1.2a0bda0000000p+0",
    ],
    ("signed", "float16"): [
        "0x1.8980000000000p+0",
        "-0x1.6440000000000p+0",
        "-0x1.1e00000000000p+0",
        "0x1.2a00000000000p+0",
    ],
    ("signed", "bfloat16"): [
        "0x1.8a00000000000p+0",
        "-0x1.6400000000000p+0",
        "-0x1.1e00000000000p+0",
        "0x1.2a00000000000p+0",
    ],
    ("spread", "float64"): [
        "-0x1.88686ce57cf02p-3",
        "0x1.11e7504068459p+2",
        "0x1.39a16f72b4506p+4",
        "-0x1.5a77ecf5206e9p-6",
    ],
    ("spread", "float32"): [
        "-0x1.88686c0000000p-3",
        "0x1.11e7500000000p+2",
        "0x1.39a1700000000p+4",
        "-0x1.5a77ec0000000p-6",
    ],
    ("spread", "float16"): [
        "-0x1.8880000000000p-3",
        "0x1.1200000000000p+2",
        "0x1.39c0000000000p+4",
        "-0x1.5a80000000000p-6",
    ],
    ("spread", "bfloat16"): [
        "-0x1.8800000000000p-3",
        "0x1.1200000000000p+2",
        "0x1.3a00000000000p+4",
        "-0x1.5a00000000000p-6",
    ],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("draw", DRAWS)
def test_draws_are_pinned(draw: str, dtype: str) -> None:
    got = DRAWS[draw](Words("pinned", dtype))
    assert [float(x).hex() for x in got.ravel()] == PINNED[draw, dtype]


def test_no_distribution_of_numpys_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np.random, "Generator", None)
    monkeypatch.setattr(np.random, "default_rng", None)
    for draw in DRAWS.values():
        draw(Words("raw", "float32"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_another_key_is_another_stream_and_the_same_key_the_same(dtype: str) -> None:
    one, again, other = (Words(key, dtype).normal((64,)) for key in ("a#1", "a#1", "a#2"))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.9


def test_a_draw_does_not_depend_on_the_dtype_but_for_its_rounding() -> None:
    wide = Words("same", "float64").normal((50,))
    for dtype in DTYPES[1:]:
        narrow = Words("same", dtype).normal((50,)).astype(np.float64)
        u = float(FORMATS[dtype].unit_roundoff)
        assert (abs(narrow - wide) <= u * abs(wide) * (1 + u)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("draw", ["normal", "uniform", "signed", "spread"])
def test_draws_are_of_the_dtype_and_use_its_last_bit(draw: str, dtype: str) -> None:
    w = Words(f"bits/{draw}", dtype)
    got = np.concatenate([DRAWS[draw](w).ravel() for _ in range(40)])
    assert got.dtype == numpy_dtype(dtype)
    fractions, _ = np.frexp(got.astype(np.float64))
    last = np.ldexp(fractions, FORMATS[dtype].significand)
    np.testing.assert_array_equal(last, np.rint(last))
    assert 0.3 < (last % 2 != 0).mean() < 0.7


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_uniform_draw_stays_in_its_range(dtype: str) -> None:
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.25, 0.5), (60.0, 64.0), (-3.0, -1.5)):
        got = Words(f"range/{low}/{high}", dtype).uniform((400,), low, high).astype(np.float64)
        assert (got >= low).all()
        assert (got <= high).all()
        assert got.min() < low + (high - low) / 10
        assert got.max() > high - (high - low) / 10


def test_a_normal_draw_has_mean_0_and_its_scale_squared_for_variance() -> None:
    got = Words("moments", "float64").normal((4000,), 4.0)
    assert abs(got.mean()) < 0.25
    assert 14 < got.var() < 18
    assert abs(got).max() <= 24


def test_integers_signs_and_permutations_reach_all_that_they_may() -> None:
    w = Words("reach", "float32")
    assert set(w.integers((200,), -2, 3).tolist()) == {-2, -1, 0, 1, 2}
    assert set(w.signs((50,)).tolist()) == {-1, 1}
    assert sorted(w.permutation(20)) == list(range(20))
    assert w.permutation(20) != w.permutation(20)


@pytest.mark.parametrize("draw", ["integers", "signs", "normal", "uniform", "signed", "spread"])
def test_nothing_is_drawn_for_an_empty_shape(draw: str) -> None:
    calls = {
        "integers": lambda w: w.integers((0, 3), 0, 2),
        "signs": lambda w: w.signs((0, 3)),
        "normal": lambda w: w.normal((0, 3)),
        "uniform": lambda w: w.uniform((0, 3), 0, 1),
        "signed": lambda w: w.signed((0, 3), 1, 2),
        "spread": lambda w: w.spread((0, 3), 0, 2),
    }
    assert calls[draw](Words("empty", "float32")).shape == (0, 3)


@given(st.integers(-(2**90), 2**90), st.integers(1, 60))
def test_rounding_to_a_significand_is_to_nearest_even(n: int, bits: int) -> None:
    got = round_to_significand(n, bits)
    spacing = 1 << max(abs(n).bit_length() - bits, 0)
    assert got == round(Fraction(n, spacing)) * spacing


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_dtype_does_not_hold_is_refused(dtype: str) -> None:
    held([0.5, -0.0, np.inf, np.nan], dtype)
    if dtype != "float64":
        with pytest.raises(NotHeldError, match=dtype):
            held([1.0, 1 + 2.0**-40], dtype)
    assert held(1 + 2.0 ** (1 - FORMATS[dtype].significand), dtype) == 1 + 2.0 ** (1 - FORMATS[dtype].significand)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@given(st.floats(2.0**-10, 2.0**10))
def test_decimal_figures_are_rounded_as_numpy_rounds_them(dtype: str, x: float) -> None:
    assert nearest_held([x, -x], dtype).tolist() == np.array([x, -x]).astype(dtype).tolist()
    assert numpy_dtype(dtype) == np.dtype(dtype)
