"""Balls enclose the exact result, round it correctly, and refuse what they cannot tell."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball, matrix, matrix_product
from backproof.reference.arithmetic.exact import exact, exact_array, nearest, rounded, rounded_up, upwards
from backproof.reference.arithmetic.protocol import UndecidedError
from backproof.reference.generation.evaluate import rounded_results
from backproof.vectors.dtypes import FORMATS
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

SMALLEST = 2.0**-1074
LARGEST = float(np.finfo(np.float64).max)


@pytest.fixture(autouse=True)
def precision() -> None:
    """Work at 128 bits."""
    flint.ctx.prec = 128


def wide(low: float, high: float) -> arb:
    """A ball from one number to another."""
    return arb(low).union(arb(high))


def correctly_rounded(x: Fraction) -> float:
    """The nearest float64 by Python's own conversion."""
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


# Rounding ---------------------------------------------------------------------------------------------------------


@given(st.integers(-(2**70), 2**70), st.integers(-1200, 1000))
def test_every_dyadic_number_rounds_as_a_fraction_does(man: int, exp: int) -> None:
    assert nearest(man, exp) == correctly_rounded(Fraction(man) * Fraction(2) ** exp)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([-1, 0, 1]), st.integers(60, 3000))
def test_ties_and_the_neighbours_of_ties_round_as_fractions_do(x: float, aside: int, bits: int) -> None:
    above = math.nextafter(x, math.inf)
    exactly = 2 * Fraction(x) - Fraction(math.nextafter(x, 0)) if math.isinf(above) else Fraction(above)
    tie = (Fraction(x) + exactly) / 2 + aside * Fraction(1, 2 ** (1075 + bits))
    man, exp = tie.numerator, 1 - tie.denominator.bit_length()
    assert nearest(man, exp) == correctly_rounded(tie)


@pytest.mark.parametrize(
    ("man", "exp", "expected"),
    [
        (1, -1075, 0.0),
        (3, -1076, SMALLEST),
        (2**60 + 1, -1135, SMALLEST),
        (3, -1075, 2 * SMALLEST),
        (2**54 - 1, 970, math.inf),
        (2**55 - 3, 969, LARGEST),
        (-(2**54 - 1), 970, -math.inf),
        (2**2000 + 1, -1000, 2.0**1000),
        (2**2000 + 1, -900, math.inf),
        (-(2**2000) - 1, 0, -math.inf),
        (2**2000 + 1, -4000, 0.0),
        (2**1030 + 1, -6, math.inf),
        (2**1030 + 1, -7, 2.0**1023),
    ],
)
def test_the_ends_of_the_range_round_to_nearest_even(man: int, exp: int, expected: float) -> None:
    assert nearest(man, exp) == expected


@given(st.integers(0, 2**70), st.integers(-1200, 900))
def test_rounding_up_gives_the_smallest_float64_that_is_not_below(man: int, exp: int) -> None:
    x, up = Fraction(man) * Fraction(2) ** exp, upwards(man, exp)
    assert Fraction(up) >= x
    assert up == 0 or Fraction(math.nextafter(up, 0)) < x


def test_an_exact_zero_rounds_to_a_positive_zero() -> None:
    assert math.copysign(1, rounded(arb(0))) == 1
    assert math.copysign(1, rounded(-(arb(2) ** -2000))) == 1
    assert rounded_up(arb(0)) == 0


def test_a_ball_on_a_rounding_boundary_is_undecided_until_it_is_narrow_enough() -> None:
    tie, width = 1 + arb(2) ** -53, arb(2) ** -90
    with pytest.raises(UndecidedError):
        rounded(tie + wide(-1, 1) * width)
    assert rounded(tie) == 1
    assert rounded(tie + wide(1, 2) * width) == math.nextafter(1, 2)
    with pytest.raises(UndecidedError):
        rounded_up(1 + wide(-1, 1) * width)
    assert rounded_up(arb(1)) == 1
    assert rounded_up(1 + wide(1, 2) * width) == math.nextafter(1, 2)


@pytest.mark.parametrize("bits", [128, 200, 333, 1024, 4096])
def test_quotients_roots_and_exponentials_round_as_mpmath_rounds_them(bits: int) -> None:
    flint.ctx.prec = bits
    with mpmath.workprec(4200):
        for i in range(1, 40):
            x = i / 7
            assert rounded(arb(i) / 7) == float(Fraction(i, 7))
            assert rounded(arb(x).exp()) == float(mpmath.exp(mpmath.mpf(x)))
            assert rounded(arb(x).log()) == float(mpmath.log(mpmath.mpf(x)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_a_value_is_infinite_from_half_a_spacing_above_the_largest_number_on(dtype: str) -> None:
    largest = FORMATS[dtype].largest
    half = largest * FORMATS[dtype].unit_roundoff / (2 - 2 * FORMATS[dtype].unit_roundoff)
    values = [float(largest + half), math.nextafter(float(largest + half), 0), -float(largest + half), float(largest)]
    got = rounded_results(exact_array(np.array(values)), np.array(values), FORMATS[dtype])
    assert got.tolist() == [math.inf, values[1], -math.inf, float(largest)]


def test_an_element_without_a_finite_exact_value_takes_its_class_from_float64() -> None:
    balls = exact_array(np.array([np.nan, np.inf, -np.inf, 2.5]))
    plain = np.array([np.nan, np.inf, -np.inf, 3.0])
    got = rounded_results(balls, plain, FORMATS["float64"])
    np.testing.assert_array_equal(got, [np.nan, np.inf, -np.inf, 2.5])
    with pytest.raises(UndecidedError, match="where float64 gives"):
        rounded_results(exact_array(np.array([np.nan])), np.array([1.0]), FORMATS["float64"])


# Numbers in -------------------------------------------------------------------------------------------------------


def test_a_constant_is_the_decimal_that_was_written_and_an_element_the_binary_number_it_holds() -> None:
    assert exact(1e-7).contains(arb(1) / 10**7)
    assert not exact(1e-7).is_exact()
    assert not exact(np.float64(1e-7)).contains(arb(1) / 10**7)
    assert exact_array(np.array([1e-7]))[0].is_exact()
    assert exact(0.5).is_exact()
    assert exact(3) == 3
    assert exact(True) == 1


# Comparisons ------------------------------------------------------------------------------------------------------

COMPARISONS: list[Callable[[Any, Any], Any]] = [
    np.greater,
    np.less,
    np.greater_equal,
    np.less_equal,
    np.equal,
    np.not_equal,
]


@pytest.mark.parametrize("compare", COMPARISONS)
def test_balls_that_overlap_are_not_compared(compare: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(UndecidedError):
        compare(Ball(exact_array(np.array(1.0))) + Ball(as_cell(wide(-1, 1))), 1)


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("x", [-1.5, -0.0, 0.0, 1.0, np.inf, -np.inf, np.nan])
def test_exact_numbers_compare_as_numpy_compares_them(compare: Callable[[Any, Any], Any], x: float) -> None:
    others = np.array([-2.0, 0.0, 1.0, np.inf, -np.inf, np.nan])
    got = compare(Ball(np.full(6, x)), Ball(others))
    assert got.dtype == bool
    np.testing.assert_array_equal(got, compare(np.full(6, x), others))


def as_cell(ball: arb) -> np.ndarray:
    """A ball as an object array of rank 0."""
    cell = np.empty((), dtype=object)
    cell[()] = ball
    return cell


def test_division_by_what_may_be_zero_and_the_logarithm_of_it_are_undecided() -> None:
    around = Ball(as_cell(wide(-1, 1)))
    with pytest.raises(UndecidedError):
        1 / around
    with pytest.raises(UndecidedError):
        np.log(around)
    assert not (1 / Ball(np.zeros(()))).balls[()].is_finite()
    assert not np.log(Ball(np.zeros(()))).balls[()].is_finite()
    assert not np.log(Ball(np.array(-1.0))).balls[()].is_finite()


# The maximum ------------------------------------------------------------------------------------------------------


def test_the_maximum_of_overlapping_balls_encloses_either() -> None:
    one, other = Ball(as_cell(wide(0, 2))), Ball(as_cell(wide(1, 1.5)))
    largest = np.maximum(one, other).balls[()]
    assert largest.contains(arb(1))
    assert largest.contains(arb(2))
    assert not largest.contains(arb(0.5))


@given(st.lists(st.floats(), min_size=1, max_size=6))
def test_the_maximum_of_numbers_is_numpys(values: list[float]) -> None:
    x = np.array(values)
    got = Ball(x).max(axis=0).balls[()]
    want = x.max()
    if np.isfinite(want):
        assert got == arb(float(want))
    else:
        assert got.is_nan() == np.isnan(want)
        assert not got.is_finite()


def test_a_row_that_begins_with_masks_keeps_its_maximum() -> None:
    row = Ball(np.array([-np.inf, -np.inf, 1.5]))
    assert row.max(axis=-1).balls[()] == arb(1.5)
    assert np.exp(row - row.max(axis=-1, keepdims=True)).balls[0].is_zero()


# Structure and contractions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 3)])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_have_numpys_shapes_the_empty_ones_too(shape: tuple[int, int], axis: int | None, keepdims: bool) -> None:
    x = np.arange(float(math.prod(shape))).reshape(shape)
    got, want = Ball(x).sum(axis=axis, keepdims=keepdims), x.sum(axis=axis, keepdims=keepdims)
    assert got.shape == want.shape
    assert [rounded(b) for b in got.balls.ravel()] == want.ravel().tolist()


def test_an_axis_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="axis 2 of an array of rank 2"):
        Ball(np.ones((2, 2))).sum(axis=2)


@pytest.mark.parametrize("terms", [0, 1, 3, 40, 200])
def test_contractions_of_exact_numbers_are_exact_where_the_precision_suffices(terms: int) -> None:
    whole = (np.arange(2 * terms, dtype=np.int64).reshape(2, terms) * 7919) % 65537 - 30000
    got = matrix_product(matrix(exact_array(whole.astype(float))), matrix(exact_array(whole.T.astype(float))))
    assert all(ball.is_exact() for ball in got.ravel())
    assert [int(ball.man_exp()[0]) << int(ball.man_exp()[1]) for ball in got.ravel()] == (
        whole @ whole.T
    ).ravel().tolist()


def test_a_contraction_that_cancels_is_exactly_zero() -> None:
    x = 1 / np.arange(1.0, 31.0)
    row, column = exact_array(np.stack([x, x]).reshape(1, -1)), exact_array(np.stack([x, -x]).reshape(-1, 1))
    got = matrix_product(matrix(row), matrix(column))
    assert got[0, 0].is_zero()


def test_one_infinite_element_spoils_no_other_row() -> None:
    left = np.ones((70, 70))
    left[3, 5] = np.inf
    finite = [
        b.is_finite() for b in matrix_product(matrix(exact_array(left)), matrix(exact_array(np.ones((70, 2))))).ravel()
    ]
    assert finite == [row != 3 for row in range(70) for _ in range(2)]


# What is not said is refused --------------------------------------------------------------------------------------

X = np.array([[1.0, 2.0], [3.0, 4.0]])
REFUSED: list[Callable[[Ball], Any]] = [
    np.arctan,
    np.cbrt,
    np.sign,
    np.var,
    np.argmax,
    np.dot,
    np.ravel,
    np.add.reduce,
    np.exp2,
    lambda x: np.einsum("ij->i", x),
    lambda x: np.add(x, 1, where=[True, False]),
    lambda x: np.add(1.0, 1.0, out=x),
    lambda x: np.multiply.outer(x, x),
    lambda x: np.sum(x, dtype=np.float32),
    lambda x: np.add(x, 1, dtype=np.float32),
    lambda x: x // 2,
    lambda x: x % 2,
    lambda x: x**2,
]


@pytest.mark.parametrize("function", REFUSED)
def test_what_the_arithmetic_does_not_say_is_refused(function: Callable[[Ball], Any]) -> None:
    with pytest.raises(TypeError):
        function(Ball(X))


def test_an_array_is_never_changed_in_place() -> None:
    x = Ball(X)
    with pytest.raises(TypeError):
        x += 1
    with pytest.raises(TypeError):
        x[0] = 1  # type: ignore[index]


ACCEPTED: list[Callable[[Any], Any]] = [
    lambda x: x + 1,
    lambda x: 1 - x,
    lambda x: x * x,
    lambda x: X / x,
    lambda x: -x,
    abs,
    np.exp,
    np.log,
    lambda x: np.maximum(x, 2),
    lambda x: np.minimum(2, x),
    lambda x: x @ x.T,
    lambda x: X @ x,
    lambda x: x.sum(axis=0),
    lambda x: np.sum(x, axis=1, keepdims=True),
    lambda x: (x @ x).reshape(2, 1, 2).sum(axis=(0, -1)),
    lambda x: x.reshape(2, 1, 2).sum(axis=(2, 0), keepdims=True),
    lambda x: x.mean(),
    lambda x: np.mean(x, axis=(0, 1)),
    lambda x: x.mean(axis=-1, keepdims=True),
    lambda x: x.max(),
    lambda x: np.max(x, axis=0),
    lambda x: x.reshape(2, 1, 2).max(axis=(1, 2)),
    lambda x: np.where(x > 2, x, 0),
    lambda x: np.where(X > 2, 1, x),
    lambda x: np.concatenate([x, X], axis=1),
    np.ones_like,
    np.zeros_like,
    lambda x: np.broadcast_to(x, (3, 2, 2)),
    lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.moveaxis(x, 0, -1),
    lambda x: np.transpose(x[None], (2, 0, 1)),
    lambda x: x[None].transpose(),
    lambda x: np.expand_dims(x, -1),
    lambda x: x[:, None, 0],
    lambda x: x[1, 1],
    lambda x: x.reshape(-1),
]


@pytest.mark.parametrize("formula", ACCEPTED)
def test_what_it_does_say_agrees_with_numpy(formula: Callable[[Any], Any]) -> None:
    got, want = formula(Ball(X)), formula(X)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose([rounded(b) for b in got.balls.ravel()], np.ravel(want), rtol=4e-16)
