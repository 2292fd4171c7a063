"""What each data profile is there for is so of what it draws."""

import numpy as np
import pytest
from backproof.reference.generation.draws import NotHeldError, Words, held, round_to_significand
from backproof.reference.generation.profiles import (
    LADDER,
    TERMS,
    heavy,
    integers,
    ladder,
    long_integers,
    offset,
    skewed,
    sparse,
    spread,
)
from backproof.vectors.dtypes import DTYPES, FORMATS, TF32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 300), (300, 5), (1, 1), (40, 41)])
def test_a_sparse_matrix_has_few_terms_in_each_line_and_its_last_element(dtype: str, shape: tuple[int, int]) -> None:
    there = sparse(Words("sparse", dtype), shape) != 0
    assert there.shape == shape
    assert there[-1, -1]
    assert max(there.sum(axis=0).max(), there.sum(axis=1).max()) <= TERMS
    assert there.any(axis=int(shape[0] <= shape[1])).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_of_products_of_integers_fit_whatever_the_order(dtype: str) -> None:
    w = Words("integers", dtype)
    long, signs = long_integers(w, (2049,)).astype(np.float64), integers(w, (2049,), 0).astype(np.float64)
    assert (long != 0).all()
    assert (abs(signs) == 1).all()
    significand = FORMATS["float32" if FORMATS[dtype].significand < 24 else dtype].significand
    assert abs(long).sum() <= 2.0**significand  # half precisions are accumulated in float32
    held((long * signs).sum(), dtype)


def test_long_integers_are_none_of_a_lower_precision() -> None:
    double = long_integers(Words("long", "float64"), (100,))
    assert (double.astype(np.float32) != double).mean() > 0.9
    single = long_integers(Words("long", "float32"), (100,)).astype(int)
    assert any(round_to_significand(n, TF32.significand) != n for n in single.tolist())


def test_heavy_tails_reach_far_beyond_a_bell() -> None:
    w = Words("heavy", "float64")
    magnitudes = abs(heavy(w, (2000,)))
    assert magnitudes.max() > 100
    assert np.median(magnitudes) < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_offset_is_large_beside_what_differs_and_a_spread_is_wide(dtype: str) -> None:
    numbers = offset(Words("offset", dtype), (50,)).astype(np.float64)
    assert abs(numbers.mean()) > 5 * np.ptp(numbers)
    exponents = np.frexp(spread(Words("spread", dtype), (200,)).astype(np.float64))[1]
    assert np.ptp(exponents) >= 7


def test_skewed_indices_are_mostly_the_same_and_all_in_range() -> None:
    counts = np.bincount(skewed(Words("skewed", "float32"), (1000,), 9), minlength=9)
    assert len(counts) == 9
    assert counts.max() > 600
    assert (counts > 0).sum() > 2


def test_a_ladder_ends_where_its_dtype_does() -> None:
    assert ladder("float64") == list(LADDER)
    assert max(ladder("float16")) == 2e4


def test_what_a_dtype_does_not_hold_is_no_integer_of_it() -> None:
    with pytest.raises(NotHeldError):
        integers(Words("too long", "bfloat16"), (100,), 12)
