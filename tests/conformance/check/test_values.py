"""The verdict on values, against exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from backproof.conformance.check.values import agrees, compare, differing, number_text, tolerance_key
from backproof.vectors.dtypes import numpy_dtype
from backproof.vectors.records import Expectation
from hypothesis import example, given
from hypothesis import strategies as st

finite = st.floats(allow_nan=False, allow_infinity=False)
tolerances = st.floats(min_value=0.0, allow_infinity=False, allow_nan=False)


def one(got, expected, tolerance, dtype="float64"):
    return compare(
        np.array([got], numpy_dtype(dtype)), np.array([expected], np.float64), np.array([tolerance], np.float64), dtype
    )


@given(got=finite, expected=finite, tolerance=tolerances)
@example(got=1.7e308, expected=-1.7e308, tolerance=1.7e308)
@example(got=5e-324, expected=0.0, tolerance=0.0)
@example(got=1.0, expected=1.0 + 2**-52, tolerance=2**-52)
def test_what_is_within_the_tolerance_exactly_is_right(got, expected, tolerance):
    if abs(Fraction(got) - Fraction(expected)) <= Fraction(tolerance):
        assert one(got, expected, tolerance).all_right


@given(got=finite, expected=finite, tolerance=tolerances)
@example(got=2.0**-53, expected=-1.0, tolerance=1.0)
@example(got=1.7e308, expected=-1.7e308, tolerance=1.7e308)
def test_what_is_out_by_half_a_unit_of_the_tolerance_is_wrong(got, expected, tolerance):
    if abs(Fraction(got) - Fraction(expected)) > Fraction(tolerance) + Fraction(math.ulp(tolerance)) / 2:
        assert not one(got, expected, tolerance).all_right


@given(expected=finite, tolerance=tolerances, steps=st.integers(-3, 3))
def test_it_is_exact_next_to_the_edge_of_the_tolerance_when_nothing_is_lost_to_rounding(expected, tolerance, steps):
    got = expected + tolerance
    for _ in range(abs(steps)):
        got = math.nextafter(got, math.copysign(math.inf, steps))
    error = Fraction(got) - Fraction(expected) if math.isfinite(got) else None
    if error is not None and Fraction(got - expected) == error:
        assert one(got, expected, tolerance).all_right == (abs(error) <= Fraction(tolerance))


@given(expected=finite, other=finite)
def test_a_tolerance_of_zero_asks_for_the_exact_value(expected, other):
    assert one(expected, expected, 0.0).all_right
    assert one(other, expected, 0.0).all_right == (Fraction(other) == Fraction(expected))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_minus_zero_equals_zero(dtype):
    assert one(-0.0, 0.0, 0.0, dtype).all_right


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize("due", [math.nan, math.inf, -math.inf])
def test_only_the_same_class_will_do_where_no_number_is_due(due, dtype):
    assert one(due, due, 0.0, dtype).all_right
    for other in {math.nan, math.inf, -math.inf, 0.0, 1.0}:
        if not (other == due or (math.isnan(other) and math.isnan(due))):
            comparison = one(other, due, 0.0, dtype)
            assert not comparison.all_right
            assert comparison.ulps == math.inf


@pytest.mark.parametrize("came", [math.nan, math.inf, -math.inf])
def test_nothing_that_is_not_finite_is_within_a_tolerance(came):
    comparison = one(came, 1.0, 1e300)
    assert not comparison.all_right
    assert comparison.fraction == math.inf


def test_nan_beside_a_wrong_number_is_not_what_is_reported_as_wrong():
    comparison = compare(np.array([[np.nan, 2.0]]), np.array([[np.nan, 1.0]]), np.array([[0.0, 0.5]]), "float64")
    assert comparison.right.tolist() == [[True, False]]
    assert comparison.worst() == (0, 1)
    assert comparison.fraction == 2.0


def test_a_whole_family_is_judged_case_by_case():
    got = np.array([[1.0, 2.0], [1.0, 2.5], [np.nan, 2.0]])
    comparison = compare(got, np.tile([1.0, 2.0], (3, 1)), np.full((3, 2), 0.25), "float64")
    assert comparison.passed().tolist() == [True, False, False]
    assert comparison.worst() == (2, 0)


def test_scalars_and_empty_tensors_have_cases_too():
    assert compare(np.ones(3), np.ones(3), np.zeros(3), "float64").passed().tolist() == [True] * 3
    empty = compare(np.ones((2, 0, 4)), np.ones((2, 0, 4)), np.zeros((2, 0, 4)), "float64")
    assert empty.passed().tolist() == [True, True]
    assert (empty.fraction, empty.ulps) == (None, 0.0)


def test_the_fraction_is_of_elements_with_a_tolerance_alone():
    comparison = compare(np.array([[1.5, 3.0]]), np.array([[1.0, 2.0]]), np.array([[2.0, 0.0]]), "float64")
    assert comparison.fraction == 0.25
    assert not comparison.all_right
    assert one(1.0, 2.0, 0.0).fraction is None


@pytest.mark.parametrize(
    ("dtype", "digits"), [("float64", 53), ("float32", 24), ("float16", 11), ("bfloat16", 8)], ids=lambda x: str(x)
)
@pytest.mark.parametrize("expected", [1.0, 1.5, 2.0, -0.25])
def test_a_neighbour_is_one_unit_in_the_last_place_away(dtype, digits, expected):
    unit = 2.0 ** (math.frexp(expected)[1] - digits)
    assert one(expected + unit, expected, 1.0, dtype).ulps == 1.0
    assert one(expected, expected, 1.0, dtype).ulps == 0.0


@pytest.mark.parametrize(
    ("dtype", "spacing"),
    [("float64", 2.0**-1074), ("float32", 2.0**-149), ("float16", 2.0**-24), ("bfloat16", 2.0**-133)],
)
def test_subnormals_are_one_unit_apart_and_so_is_the_first_from_zero(dtype, spacing):
    assert one(spacing, 0.0, 1.0, dtype).ulps == 1.0
    assert one(2 * spacing, 5 * spacing, 1.0, dtype).ulps == 3.0


def test_errors_where_zero_is_due_are_counted_in_units_of_what_came():
    assert one(1.0, 0.0, 2.0).ulps == 2.0**52


def test_a_precision_that_is_stored_under_another_name_is_found():
    given_at = Expectation({}, {"float32": {}})
    assert tolerance_key(given_at, "float32", {}) == "float32"
    assert tolerance_key(given_at, "tf32", {"tf32": "float32"}) == "float32"
    assert tolerance_key(given_at, "tf32", {}) is None
    assert tolerance_key(given_at, "tf32", {"tf32": "float64"}) is None


def test_agreement_of_single_arrays_is_the_same_rule():
    got = np.array([1.0, np.nan, np.inf, 1.0], np.float32)
    expected = np.array([1.1, np.nan, np.inf, np.nan])
    with np.errstate(invalid="ignore"):
        assert agrees(got, expected, np.full(4, 0.2)).tolist() == [True, True, True, False]


def test_bits_differ_where_a_sign_of_zero_does_but_one_nan_is_as_good_as_another():
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)[0]
    one_array, other = np.array([0.0, np.nan, 1.0]), np.array([-0.0, other_nan, 1.0])
    assert differing(one_array, other).tolist() == [True, False, False]


def test_numbers_are_printed_with_the_digits_of_their_dtype():
    assert number_text(np.float32(0.1), np.dtype("float32")) == "0.1"
    assert number_text(0.1, np.dtype("float32")) == "0.1"
    assert number_text(0.1, np.dtype("float16")) == "0.1"
    assert number_text(1 / 3, np.dtype("float64")) == "0.3333333333333333"
