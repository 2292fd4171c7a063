"""What each operation adds to an error: the theorem's amount where something is rounded, nothing where nothing is."""

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.exact import exact_array
from backproof.reference.arithmetic.precision import precision_model
from backproof.reference.arithmetic.protocol import RangeError, UnboundedError
from backproof.reference.arithmetic.rounding import LengthError, Rounding
from backproof.reference.model.functions import SQRT_HALF
from flint import arb

U = arb(2) ** -24
ETA = arb(2) ** -126
THIRD = 1 / 3
"""Its float32 neighbour is not it: products and sums of it are rounded."""
T = float(np.float32(THIRD))


@pytest.fixture(autouse=True)
def precision() -> None:
    """Work at 256 bits, so that the bounds of these examples are exact."""
    flint.ctx.prec = 256


def known(values: object, error: object = 0.0, precision: str = "float32", guard: bool = True) -> Rounding:
    """An array of float64 values, each known up to an error. A half dtype is followed by the precision's name."""
    x = np.asarray(values, dtype=np.float64)
    dtype, _, name = "float32 tf32".partition(" ") if precision == "tf32" else precision.partition(" ")
    errors = np.broadcast_to(exact_array(np.asarray(error, dtype=np.float64)), x.shape)
    return Rounding(x, errors, precision_model(dtype, name or dtype), guard)


def error_of(x: Rounding) -> arb:
    """The bound of the only element."""
    assert x.error.size == 1
    return x.error.ravel()[0]


def same(got: arb, want: arb) -> bool:
    """Say whether two bounds are the same to 60 digits."""
    return bool(abs(got - want) <= abs(want) * arb(10) ** -60)


# Roundings --------------------------------------------------------------------------------------------------------


def test_a_sum_is_rounded_once_and_may_be_flushed() -> None:
    x, y, e = arb(T), arb(3.0), arb(2) ** -10
    assert same(error_of(known(T) + known(3.0)), U * (x + y) + ETA)
    assert same(error_of(known(T, 2.0**-10) - known(-3.0)), e + U * (x + y + e) + ETA)


def test_a_product_is_rounded_once_and_may_underflow() -> None:
    x, ex, ey = arb(T), arb(2) ** -10, arb(2) ** -12
    before = 3 * ex + x * ey + ex * ey
    assert same(error_of(known(T, 2.0**-10) * known(3.0, 2.0**-12)), before + U * (3 * x + before) + ETA)


def test_a_quotient_is_rounded_twice_and_its_reciprocal_may_underflow() -> None:
    ex, ey = arb(2) ** -10, arb(2) ** -12
    v = arb(T) / 3
    before = (ex + v * ey) / (3 - ey)
    want = before + (2 * U + U * U) * (v + before) + (1 + arb(T) + ex) * ETA
    assert same(error_of(known(T, 2.0**-10) / known(3.0, 2.0**-12)), want)


def test_an_exponential_is_right_to_four_u_and_two_for_each_one_of_its_argument() -> None:
    e = arb(2) ** -10
    v = arb(-1.5).exp()
    before = v * e.expm1()
    assert same(error_of(np.exp(known(-1.5, 2.0**-10))), before + (4 + 3) * U * (v + before) + ETA)
    half, ulp = np.exp(known(-1.5, precision="bfloat16 stepwise")), arb(2) ** -8
    assert same(error_of(half), (4 * ulp + 3 * U) * v + ETA)


def test_an_exponential_less_one_is_right_to_eight_u_near_zero_and_to_four_beyond() -> None:
    assert same(error_of(np.expm1(known(0.5))), 8 * U * arb(0.5).expm1())
    assert same(error_of(np.expm1(known(-0.75))), -4 * U * arb(-0.75).expm1())
    v, reach = arb(0.75).expm1(), arb(0.75).exp() * arb(0.25).expm1()
    assert same(error_of(np.expm1(known(0.75, 0.25))), reach + 8 * U * (v + reach))


def test_a_masked_exponential_is_exactly_zero() -> None:
    assert error_of(np.exp(known(-np.inf))).is_zero()


def test_a_square_root_is_right_to_two_u() -> None:
    e, x = arb(2) ** -10, arb(1.5)
    before = x.sqrt() - (x - e).sqrt()
    assert same(error_of(np.sqrt(known(1.5, 2.0**-10))), before + 2 * U * (x.sqrt() + before))
    with pytest.raises(UnboundedError, match="square root"):
        np.sqrt(known(0.25, 0.5))


def test_a_coarse_error_function_is_right_to_u_of_one() -> None:
    v = arb(2.0**-10).erf()
    assert same(error_of(known(2.0**-10).elementary("erf_absolute")), 4 * U * v + 8 * U)


def test_a_constant_that_no_decimal_states_costs_its_rounding() -> None:
    x = known(3.0) * SQRT_HALF
    v, e = 3 * arb(0.5).sqrt(), 3 * U * arb(0.5).sqrt()
    assert same(error_of(x), e + U * (v + e) + ETA)


def test_what_is_stored_is_rounded_to_the_tensors_own_format() -> None:
    third = known(1.0, precision="bfloat16 fused") / 3
    before, ulp = error_of(third), arb(2) ** -8
    assert before < arb(2) ** -24
    assert same(error_of(third.stored()), before + ulp * (arb(1) / 3 + before) + arb(2) ** -126)
    assert error_of(known(1.5, precision="bfloat16 fused").stored()).is_zero()
    assert error_of(known(2.0**-133, precision="bfloat16 fused").stored()).is_zero()
    assert error_of(known(2.0**-134, precision="bfloat16 fused").stored()) > 0
    assert same(error_of(known(1.0) / 3), error_of((known(1.0) / 3).stored()))


def test_a_logarithm_is_right_to_five_u() -> None:
    e = arb(2) ** -10
    v = arb(1.5).log()
    before = -(1 - e / arb(1.5)).log()
    assert same(error_of(np.log(known(1.5, 2.0**-10))), before + 5 * U * (v + before))


def test_a_logarithm_of_one_is_zero_and_exact() -> None:
    assert error_of(np.log(known(1.0))).is_zero()


def test_the_maximum_carries_the_winners_error_or_else_the_larger() -> None:
    assert error_of(np.maximum(known(1.0, 0.125), known(3.0, 0.25))) == arb(0.25)
    assert error_of(np.maximum(known(1.0, 0.5), known(3.0, 0.25))) == arb(0.25)
    assert error_of(np.maximum(known(2.75, 0.5), known(3.0, 0.25))) == arb(0.5)
    assert error_of(np.minimum(known(1.0, 0.125), known(3.0, 0.25))) == arb(0.125)
    assert error_of(known([1.0, 2.0, 0.5], [0.5, 0.25, 0.125]).max()) == arb(0.5)


def test_signs_and_magnitudes_are_exact() -> None:
    assert error_of(-known(T, 0.5)) == arb(0.5)
    assert error_of(abs(known(-T, 0.5))) == arb(0.5)


# Sums and contractions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [2, 3, 10])
def test_a_sum_of_n_terms_costs_n_minus_one_roundings_of_the_magnitudes(terms: int) -> None:
    x = np.array([T, -T] * terms)[:terms] * np.arange(1, terms + 1).astype(np.float32)
    x = x.astype(np.float32).astype(np.float64)
    x[0] = 2.0**-20 * T
    magnitude = sum((abs(arb(v)) for v in x.tolist()), arb(0))
    assert same(error_of(known(x).sum()), (terms - 1) * (U * magnitude + ETA))
    e = arb(2) ** -8
    assert same(error_of(known(x, 2.0**-8).sum()), terms * e + (terms - 1) * (U * (magnitude + terms * e) + ETA))


def test_a_contraction_of_length_n_costs_n_roundings_of_the_magnitudes() -> None:
    a, b = np.array([[T, -T * 2.0**9, 1.5]]), np.array([[T], [3.0], [T]])
    magnitude = sum((abs(arb(x) * arb(y)) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)), arb(0))
    assert same(error_of(known(a) @ known(b)), 3 * (U * magnitude + ETA) + 2 * ETA)


def test_the_operands_errors_enter_the_magnitudes() -> None:
    e = arb(2) ** -8
    got = error_of(known([[T]], 2.0**-8) @ known([[3.0]], 2.0**-8))
    magnitude = (arb(T) + e) * (3 + e)
    assert same(got, magnitude - 3 * arb(T) + U * magnitude + ETA)


def test_terms_that_are_exactly_zero_do_not_count() -> None:
    x = [T, 0.0, -T * 2.0**-9, T, 0.0]
    assert same(error_of(known(x).sum()), error_of(known([T, -T * 2.0**-9, T]).sum()))
    got = error_of(known([x]) @ known([[3.0], [T], [T], [5.0], [0.0]]))
    want = error_of(known([[T, -T * 2.0**-9, T]]) @ known([[3.0], [T], [5.0]]))
    assert same(got, want)
    assert not same(error_of(known(x, [0.0, 0.5, 0.0, 0.0, 0.0]).sum()), 0.5 + error_of(known(x).sum()))


def test_two_terms_amid_zeros_count_as_three() -> None:
    x, y = arb(T), arb(T) / 2**9
    assert same(error_of(known([T, 0.0, -T * 2.0**-9]).sum()), 2 * (U * (x + y) + ETA))
    assert same(error_of(known([T, -T * 2.0**-9]).sum()), U * (x + y) + ETA)
    products = known([[T, -T * 2.0**-9, 0.0]]) @ known([[3.0], [5.0], [T]])
    assert same(error_of(products), 3 * U * (3 * x + 5 * y) + 2 * ETA + 2 * ETA)
    assert error_of(known([1.5, 0.0, 2.25]).sum()).is_zero()


def test_half_precisions_accumulate_in_float32_and_round_once() -> None:
    u16, eta16, h = arb(2) ** -11, arb(2) ** -24, float(np.float16(THIRD))
    a, b = [[h, h, 2.0**-10 * h]], [[h], [h], [h]]
    v = (2 + arb(2) ** -10) * arb(h) ** 2
    before = 3 * (U * v + ETA) + 2 * ETA
    stepwise = known(a, precision="float16 stepwise") @ known(b, precision="float16 stepwise")
    assert same(error_of(stepwise), before + u16 * (v + before) + eta16)
    native = known(a, precision="float16 native") @ known(b, precision="float16 native")
    assert same(error_of(native), 3 * (u16 * v + eta16))


def test_tf32_rounds_operands_to_eleven_bits_first() -> None:
    u, x = arb(2) ** -11, arb(T)
    e = u * x + ETA
    before = (x + e) * 3 - 3 * x
    want = before + U * (3 * x + before) + ETA
    assert same(error_of(known([[T]], precision="tf32") @ known([[3.0]], precision="tf32")), want)
    assert error_of(known([[1.5]], precision="tf32") @ known([[3.0]], precision="tf32")).is_zero()


# Nothing is added where nothing is rounded ------------------------------------------------------------------------

E = 2.0**-10
FREE = {
    "a product with an exact 0": (lambda: known(T, E) * known(0.0), 0.0),
    "a product with 1": (lambda: known(T, E) * known(1.0), E),
    "a product with -1": (lambda: known(-1.0) * known(T, E), E),
    "a quotient by -1": (lambda: known(T, E) / known(-1.0), E),
    "an exact 0 divided": (lambda: known(0.0) / known(3.0, E), 0.0),
    "a sum with an exact 0": (lambda: known(T, E) + known(0.0), E),
    "0 minus something": (lambda: known(0.0) - known(T, E), E),
    "an exact sum that fits": (lambda: known(1.5) + known(2.25), 0.0),
    "an exact difference that cancels": (lambda: known(T) - known(T), 0.0),
    "an exact product that fits": (lambda: known(1.5) * known(2.25), 0.0),
    "an exact quotient by a power of two": (lambda: known(T) / known(4.0), 0.0),
    "a selection": (lambda: np.where(np.array(True), known(T, E), known(5.0, 1.0)), E),
    "a sum of integers": (lambda: known([3.0, -5.0, 2.0**20]).sum(), 0.0),
    "a sum of one term": (lambda: known([0.0, T, 0.0], [0.0, E, 0.0]).sum(), E),
    "a sum of nothing": (lambda: known(np.zeros((0,))).sum(), 0.0),
    "a contraction of integers": (lambda: known([[3.0, -5.0]]) @ known([[7.0], [2.0**18]]), 0.0),
    "a contraction of zeros": (lambda: known([[0.0, T]]) @ known([[T], [0.0]]), 0.0),
    "an integer sum beyond float16": (lambda: known([1.5, 2.0, 2.0**9], precision="float16 stepwise").sum(), 0.0),
    "exp of -inf": (lambda: np.exp(known(-np.inf)), 0.0),
    "what is not finite": (lambda: known(np.inf, 0.0) * known(T, E), 0.0),
}


@pytest.mark.parametrize("what", FREE)
def test_nothing_is_rounded_by(what: str) -> None:
    make, error = FREE[what]
    got = error_of(make())
    assert got == arb(error)
    assert got.is_exact()


COSTLY = {
    "an exact sum that does not fit": lambda: known(1.0) + known(2.0**-24),
    "an exact product that does not fit": lambda: known(T) * known(T),
    "an exact quotient that may go through a reciprocal": lambda: known(6.0) / known(3.0),
    "a quotient by a power of two whose reciprocal is subnormal": lambda: known(2.0**10) / known(2.0**127),
    "a sum of integers that grows past the significand": lambda: known([2.0**24, 1.0, -1.0]).sum(),
    "a contraction that grows past the significand": lambda: known([[2.0**12, 1.0]]) @ known([[2.0**12], [1.0]]),
    "a sum that fits float32, not float16": lambda: known([2.0**11, 1.0], precision="float16 stepwise").sum(),
    "a subnormal product": lambda: known(2.0**-70) * known(2.0**-70),
    "a subnormal sum": lambda: known(1.5 * 2.0**-126) - known(2.0**-126),
    "a subnormal number times 1": lambda: known(2.0**-130) * known(1.0),
    "a subnormal number plus 0": lambda: known(2.0**-130) + known(0.0),
    "a sum of one subnormal number": lambda: known([2.0**-130, 0.0]).sum(),
    "a constant that the format does not hold": lambda: known(0.0) + 1e-7,
    "exp of 0": lambda: np.exp(known(0.0)),
}


@pytest.mark.parametrize("what", COSTLY)
def test_something_is_rounded_by(what: str) -> None:
    assert error_of(COSTLY[what]()) > 0


def test_float16_keeps_its_subnormal_numbers() -> None:
    least, one = known(2.0**-14, precision="float16 stepwise"), known(1.0, precision="float16 stepwise")
    assert error_of(least * 1.5 - least).is_zero()
    assert error_of(least / 1024 * one).is_zero()
    assert same(
        error_of(known(2.0**-20, precision="float16 stepwise") * known(2.0**-20, precision="float16 stepwise")),
        arb(2) ** -24 + arb(2) ** -51,
    )


def test_a_constant_carries_its_own_rounding() -> None:
    lifted = known(1.0).lift(1e-7)
    assert same(error_of(lifted), U / 10**7)
    assert error_of(known(1.0).lift(0.5)).is_zero()
    assert error_of(known(1.0).lift(-np.inf)).is_zero()
    assert error_of(known(1.0, precision="bfloat16 stepwise").lift(257)) > 0
    assert error_of(known(1.0, precision="bfloat16 stepwise").lift(256)).is_zero()


# Refusals ---------------------------------------------------------------------------------------------------------

BEYOND = {
    "a sum": lambda guard: known(2.0**127, guard=guard) + known(2.0**127, guard=guard),
    "a product": lambda guard: known(2.0**100, guard=guard) * known(2.0**28, guard=guard),
    "a quotient": lambda guard: known(2.0**100, guard=guard) / known(2.0**-30, guard=guard),
    "an exponential": lambda guard: np.exp(known(89.0, guard=guard)),
    "a sum that would come back": lambda guard: known([2.0**127, 2.0**127, -(2.0**127)], guard=guard).sum(),
    "a contraction that would come back": lambda guard: (
        known([[2.0**100, -(2.0**100)]], guard=guard) @ known([[2.0**28], [2.0**28]], guard=guard)
    ),
    "an error": lambda guard: known(0.0, 2.0**127, guard=guard) + known(0.0, 2.0**127, guard=guard),
}


@pytest.mark.parametrize("what", BEYOND)
def test_an_intermediate_beyond_the_range_is_refused_unless_it_is_meant(what: str) -> None:
    with pytest.raises(RangeError, match="may pass the largest finite number"):
        BEYOND[what](True)
    BEYOND[what](False)


def test_the_largest_number_itself_is_in_range() -> None:
    largest = float(np.finfo(np.float32).max)
    assert error_of(known(largest) * known(1.0)).is_zero()
    with pytest.raises(RangeError):
        known([[largest]], precision="tf32") @ known([[1.0]], precision="tf32")


def test_a_sum_or_product_overflows_half_a_unit_beyond_the_largest_number() -> None:
    largest, unit = float(np.finfo(np.float32).max), 2.0**104
    for near in (known(largest) + known(unit / 4), known([largest, unit / 4]).sum()):
        assert same(error_of(near), U * near.value.ravel()[0])
        assert same((near - known(largest)).value.ravel()[0], arb(unit / 4))
    assert error_of(known(largest, unit / 4) + known(1.0)) > unit / 4
    with pytest.raises(RangeError):
        known(largest) + known(unit / 2)
    with pytest.raises(RangeError):
        known(largest, unit / 2) + known(1.0)


def test_an_exponential_of_what_has_lost_all_digits_is_refused() -> None:
    flint.ctx.prec = 64
    largest = float(np.finfo(np.float64).max)
    shifted = known(largest, precision="float64") + known(1.0, precision="float64")
    with pytest.raises(UnboundedError):
        np.exp(shifted - known(largest, precision="float64"))


def test_half_precisions_have_the_accumulators_range_on_the_way_and_their_own_at_the_end() -> None:
    back = known([60000.0, 60000.0, -60000.0], precision="float16 stepwise").sum()
    assert back.value.ravel()[0] == 60000
    with pytest.raises(RangeError):
        known([60000.0, 60000.0], precision="float16 stepwise").sum()
    with pytest.raises(RangeError):
        known([60000.0, 60000.0, -60000.0], precision="float16 native").sum()


COMPARISONS = [np.greater, np.less, np.greater_equal, np.less_equal, np.equal, np.not_equal]


@pytest.mark.parametrize("compare", COMPARISONS)
def test_a_comparison_that_the_errors_could_flip_is_refused(compare: np.ufunc) -> None:
    with pytest.raises(UnboundedError):
        compare(known(1.0, 0.25), known(1.25, 0.25))
    with pytest.raises(UnboundedError):
        compare(known(0.0, 0.25), 0)
    np.testing.assert_array_equal(compare(known(1.0, 0.25), known(1.75, 0.25)), compare(1.0, 1.75))


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("x", [-1.0, 0.0, np.inf, -np.inf, np.nan])
def test_exact_numbers_compare_as_numpy_compares_them(compare: np.ufunc, x: float) -> None:
    others = np.array([-1.0, 0.0, 2.0, np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(compare(known(np.full(6, x)), known(others)), compare(np.full(6, x), others))


def test_a_denominator_and_a_logarithm_that_may_vanish_are_refused() -> None:
    with pytest.raises(UnboundedError, match="denominator"):
        known(1.0) / known(0.25, 0.25)
    with pytest.raises(UnboundedError, match="logarithm"):
        np.log(known(0.25, 0.25))
    with pytest.raises(UnboundedError, match="logarithm"):
        np.log(known(0.0, 0.25))


def test_native_half_precisions_take_sums_of_sixteen_terms_and_no_more() -> None:
    ones = np.ones(17)
    known(ones[:16], precision="bfloat16 native").sum()
    known(np.concatenate([ones[:16], [0.0]]), precision="bfloat16 native").over_batch(0)
    with pytest.raises(LengthError, match="17 terms"):
        known(ones, precision="bfloat16 native").over_batch(0)
    with pytest.raises(LengthError, match="17 terms"):
        known(ones[None], precision="float16 native") @ known(ones[:, None], precision="float16 native")
    known(ones, precision="bfloat16 stepwise").sum()


def test_balls_and_rounding_arrays_do_not_mix() -> None:
    from backproof.reference.arithmetic.ball import Ball

    with pytest.raises(TypeError):
        known(1.0) + Ball(np.ones(()))
