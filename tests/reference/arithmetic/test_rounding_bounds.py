"""No sound implementation ever leaves the tolerance, and some come near it."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import cycle, product

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.precision import Precision, precision_model
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError
from backproof.reference.arithmetic.rounding import Rounding
from backproof.reference.generation.draws import NotHeldError, Shape, Words
from backproof.reference.generation.evaluate import UnsettledError, evaluate
from backproof.reference.model.formulations import Formulation
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, FORMATS, PRECISIONS_OF, Format
from calls import Draw, Form, as_tuple, call, directions, forms
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shares import one_in
from sound_arithmetic import Style, lifted

EXAMPLES, MANY_EXAMPLES = 4, 200
RUNS = 2


def with_zeros(w: Words, shape: Shape) -> np.ndarray:
    """Bell-shaped, and about half of them exactly 0."""
    return w.array(w.normal(shape).astype(np.float64) * w.integers(shape, 0, 2))


def tiny(w: Words, shape: Shape) -> np.ndarray:
    """Products of two of them lie about the smallest normal number, so that some underflow."""
    half = FORMATS[w.dtype].smallest_normal // 2
    return w.spread(shape, half - 2, half + 3)


SCALES: Mapping[str, Draw] = {
    "ordinary": lambda w, shape: w.normal(shape),
    "small": lambda w, shape: w.normal(shape, 2.0**-4),
    "large": lambda w, shape: w.normal(shape, 8.0),
    "spread": lambda w, shape: w.spread(shape, -5, 6),
    "close": lambda w, shape: w.signed(shape, 1, 1.125),
    "shifted": lambda w, shape: w.uniform(shape, 60, 68),
    "integers": lambda w, shape: w.array(w.integers(shape, -4, 5)),
    "zeros": with_zeros,
    "tiny": tiny,
}


def badly_scaled(scales: list[str]) -> Draw:
    """Draw one tensor after the other, each in the next scale."""
    following = cycle(scales)
    return lambda w, shape: SCALES[next(following)](w, shape)


def stays_within(op: str, direction: str, dtype: str, examples: int) -> None:
    """Draw calls, formulations and ways to compute, and assert that none leaves the formulation's own bound."""

    @settings(max_examples=examples)
    @given(
        form=st.sampled_from(forms(op, direction)),
        formula=st.sampled_from(operation(op).formulations[direction]),
        key=st.integers(0, 2**32),
        scales=st.lists(st.sampled_from(list(SCALES)), min_size=1, max_size=4),
        flushes=st.booleans(),
        carelessness=st.sampled_from([0.0, 0.5, 1.0]),
    )
    def holds(
        form: Form, formula: Formulation, key: int, scales: list[str], flushes: bool, carelessness: float
    ) -> None:
        try:
            fractions = fractions_of_tolerance(form, formula, dtype, key, scales, flushes, carelessness)
        except (NotHeldError, UnboundedError, RangeError, UnsettledError):
            assume(False)
        assert all(fraction <= 1 for fraction in fractions)

    holds()


SOME = one_in(37, ((op, direction, dtype) for op, direction in directions() for dtype in DTYPES))


@pytest.mark.parametrize(("op", "direction", "dtype"), SOME)
def test_no_sound_implementation_leaves_the_tolerance(op: str, direction: str, dtype: str) -> None:
    stays_within(op, direction, dtype, EXAMPLES)


@pytest.mark.catalogue
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "direction"), directions())
def test_no_sound_implementation_of_many_leaves_the_tolerance(op: str, direction: str, dtype: str) -> None:
    stays_within(op, direction, dtype, MANY_EXAMPLES)


@pytest.mark.parametrize(("op", "direction", "dtype"), SOME)
def test_some_sound_implementation_comes_near_the_tolerance(op: str, direction: str, dtype: str) -> None:
    canonical, *_ = operation(op).formulations[direction]
    reached: list[float] = []
    for form, key in product(forms(op, direction)[::4], range(2)):
        with suppress(NotHeldError, UnsettledError):
            reached += fractions_of_tolerance(form, canonical, dtype, key, ["small"], False, 1.0)
    assert reached
    if any(reached):  # else nothing is ever rounded
        assert max(reached) > 0.05


def fractions_of_tolerance(
    form: Form, formula: Formulation, dtype: str, key: int, scales: list[str], flushes: bool, carelessness: float
) -> list[float]:
    """Draw a call, compute it by a formulation in every precision for which that has a bound, and measure its largest
    errors."""
    arguments = call(form, Words(str(key), dtype), badly_scaled(scales))
    precisions = PRECISIONS_OF[dtype]
    evaluation = evaluate((formula,), arguments, form.parameters, dtype, precisions, required=True, guard=True)
    fractions = []
    for precision, tolerances in evaluation.tolerance.items():
        random = np.random.Generator(np.random.Philox(key))
        style = Style(precision_model(dtype, precision), random, flushes, carelessness)
        for _ in range(RUNS):
            results = computed(formula, arguments, form, style)
            for got, expected, tolerance in zip(results, evaluation.expected, tolerances, strict=True):
                fractions.append(held_within(got, expected, tolerance, f"{formula.name} at {precision}"))
    return fractions


def computed(
    formula: Formulation, arguments: Mapping[str, np.ndarray], form: Form, style: Style
) -> tuple[np.ndarray, ...]:
    """Evaluate a formulation in real floating point, as float64."""
    flint.ctx.prec = 128
    with np.errstate(all="ignore"):
        results = as_tuple(formula.function(*(lifted(x, style) for x in arguments.values()), **form.parameters))
    return tuple(x.stored().data.astype(np.float64) for x in results)


def held_within(got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray, where: str) -> float:
    """Assert that a result is right; give the largest error as a fraction of its tolerance."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(got[~finite], expected[~finite], where)
    error = abs(got - np.where(finite, expected, 0))
    outside = finite & ~(error <= tolerance)
    assert not outside.any(), f"{where}: {got[outside]} for {expected[outside]}, tolerance {tolerance[outside]}"
    inexact = finite & (tolerance > 0)
    return float((error[inexact] / tolerance[inexact]).max(initial=0))


# Compensated sums, at so few bits that all there is can be tried ---------------------------------------------------


def in_bits(significand: int) -> Precision:
    """A precision of very few bits and of ample range."""
    fmt = Format(significand, -60, 60, -60)
    return Precision(fmt, fmt, fmt, fmt)


def numbers(significand: int, reach: int) -> np.ndarray:
    """Every number of so many bits from 2**-reach to 2**reach, positive, then negative."""
    whole = np.arange(1 << (significand - 1), 1 << significand) / 2.0 ** (significand - 1)
    positive = np.concatenate([whole * 2.0**exponent for exponent in range(-reach, reach)])
    return np.concatenate([positive, -positive])


def rows_of(*terms: np.ndarray) -> np.ndarray:
    """Every combination, a row each."""
    return np.stack([x.ravel() for x in np.meshgrid(*terms, indexing="ij")], axis=1)


def with_zeros_at(rows: np.ndarray, *places: int) -> np.ndarray:
    """The same rows with a 0 before each of these places."""
    return np.insert(rows, places, 0.0, axis=1)


def kahan(rows: np.ndarray, significand: int) -> np.ndarray:
    """Kahan's sum of each row, every step rounded to so many bits."""

    def rounded(x: np.ndarray) -> np.ndarray:
        fraction, exponent = np.frexp(x)
        return np.ldexp(np.rint(np.ldexp(fraction, significand)), exponent - significand)

    total = lost = np.zeros(len(rows))
    for term in rows.T:
        corrected = rounded(term - lost)
        following = rounded(total + corrected)
        lost, total = rounded(rounded(following - total) - corrected), following
    return total


def bound_of_sum(rows: np.ndarray, precision: Precision) -> np.ndarray:
    """The error that is allowed to the sum of each row."""
    flint.ctx.prec = 128
    return Rounding(rows, np.zeros(rows.shape), precision).sum(axis=1).error.astype(np.float64)


@pytest.mark.parametrize("places", [(), (0,), (1,), (2,), (2, 2), (1, 2)])
def test_a_compensated_sum_of_two_terms_keeps_to_its_bound_wherever_zeros_are(places: tuple[int, ...]) -> None:
    rows = rows_of(numbers(4, 1)[:16], numbers(4, 6))
    error = abs(kahan(with_zeros_at(rows, *places), 4) - rows.sum(axis=1))
    assert (error <= bound_of_sum(with_zeros_at(rows, *places), in_bits(4))).all()


def test_after_two_terms_a_zero_makes_a_compensated_sum_worse_than_any_other() -> None:
    rows = rows_of(numbers(4, 1)[:16], numbers(4, 6))
    error = abs(kahan(with_zeros_at(rows, 2), 4) - rows.sum(axis=1))
    assert (error > bound_of_sum(rows, in_bits(4))).any()


@pytest.mark.parametrize("places", [(), (2,), (3,), (2, 3)])
def test_a_compensated_sum_of_three_terms_keeps_to_the_bound_that_zeros_do_not_change(places: tuple[int, ...]) -> None:
    rows = rows_of(numbers(3, 1)[4:8], numbers(3, 4), numbers(3, 4))
    error = abs(kahan(with_zeros_at(rows, *places), 3) - rows.sum(axis=1))
    assert (error <= bound_of_sum(rows, in_bits(3))).all()
    magnitude = abs(rows).sum(axis=1)
    assert (error / magnitude).max() > 1.3 / 8
