"""The rules of fast rounding arrays for elementwise steps: the error that each passes on, and what a rounding adds.

They take and give arrays of `fast.py`, and are those of `bounds.Rules`. What `fast.py` says of soundness holds of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .elementary import ELEMENTARY, WHOLE_RANGE
from .fast_bounds import Unit, exact_products, exact_quotients, exact_sums, fits, has_signs, magnitude_of, sampled

if TYPE_CHECKING:
    from .fast import Fast

NEAR_ZERO = 2.0**-10
"""A denominator that its error may bring below this part of it counts as one that may vanish; so much beyond an end of
what is near 0 counts as near."""


def rounded(
    value: np.ndarray,
    passed: np.ndarray | None,
    roundoff: float | np.ndarray,
    extra: float | np.ndarray,
    free: np.ndarray | None,
    *operands: "Fast",
    size: np.ndarray | None = None,
    zeros: bool = False,
    largest: float | None = None,
    born: Callable[[], Any] = lambda: False,
) -> "Fast":
    """Give `value` with the errors `passed` on and a rounding, which costs `roundoff` of the magnitude and `extra`.

    free: where nothing is rounded. size: |value|, where it is known. zeros: whether exact zeros are to be counted.
    largest: the end of the range, by default that of the format. born: where a result that is not finite has exact,
    finite operands.
    """
    units = operands[0].units
    kind = units.error
    size = magnitude_of(value, kind) if size is None else size
    u = roundoff if isinstance(roundoff, np.ndarray) else kind(roundoff)
    added = np.asarray(extra, kind)
    if passed is None or (passed.size < value.size and u.ndim == 0):
        error, most = np.asarray(size * u), size.max(initial=0)
        if passed is not None:
            most, added = most + passed.max(initial=0), added + passed * (1 + (1 + units.own) * u)
    else:
        error = np.asarray(size + passed)
        if units.own:
            error += passed
        most = error.max(initial=0)
        error *= u
        error += passed
    if added.ndim or added:
        error += added
    result = in_range(value, error, passed, free, operands, most, largest, zeros, born)
    return result if units.own else result.of_magnitude(size)


def in_range(
    value: np.ndarray,
    error: np.ndarray,
    passed: np.ndarray | None,
    free: np.ndarray | None,
    operands: tuple["Fast", ...],
    most: Any,
    largest: float | None = None,
    zeros: bool = False,
    born: Callable[[], Any] = lambda: False,
) -> "Fast":
    """Make an array of a result: with the errors passed on where it is free, and no bound where it may leave the range.

    most: no |v| + e is larger. A value that is not finite has no error if that comes from an operand, or is `born`.
    """
    like = operands[0]
    kind, largest = like.units.error, like.units.format.largest if largest is None else largest
    if free is not None:
        if passed is None and free.all():
            return like.made(value, None, zeros)
        np.copyto(error, kind(0) if passed is None else passed, where=free)
    if not most <= largest / 4:
        error[~(np.abs(value) + error <= largest)] = np.inf
        error[~np.isfinite(value) & (_given(operands) | born())] = 0
    return like.made(value, error, zeros, steps=1 + max(x.steps for x in operands))


def _given(operands: tuple["Fast", ...]) -> Any:
    """Say where an operand is infinite or NaN, and the errors of all operands are bounded."""
    infinite, bounded = np.asarray(False), np.asarray(True)
    for x in operands:
        infinite = infinite | ~np.isfinite(x.value)
        bounded = bounded & np.isfinite(x.errors())
    return infinite & bounded


def sum_of(x: "Fast", y: "Fast", subtract: bool = False) -> "Fast":
    """x + y, or x - y: one rounding, and eta where the format may flush."""
    second, unit = -y.value if subtract else y.value, x.units.format
    value = np.asarray(x.value + second)
    passed = either(x.error, y.error)
    if passed is None:
        free = exact_sums(x.value, second, value, unit.format)
    elif (free := _zeros_of(x, y)) is not None:
        free = np.broadcast_to(free, value.shape)
        if x.loose or y.loose:
            free = free & ((passed != 0) | fits(value, unit.format))
    zeros = passed is None or (x.zeros and y.zeros)
    return rounded(value, passed, unit.roundoff, unit.flushed, free, x, y, zeros=zeros)


def product_of(x: "Fast", y: "Fast") -> "Fast":
    """x * y: one rounding, and eta."""
    if x.error is not None and (y.error is None or y.value.size < x.value.size):
        x, y = y, x
    value, unit = np.asarray(x.value * y.value), x.units.format
    if y.error is not None:
        return _inexact_product_of(x, y, value, unit)
    free = exact_products(x.value, y.value, value, unit.format)
    return rounded(value, None, unit.roundoff, unit.threshold, free, x, y, zeros=x.zeros or y.zeros)


def _inexact_product_of(x: "Fast", y: "Fast", value: np.ndarray, unit: Unit) -> "Fast":
    """|x| ey + |y| ex + ex ey, then a rounding, gathered so that most of it is done on x, the smaller array."""
    kind = x.units.error
    u, beside = kind(unit.roundoff), kind(1 + unit.roundoff * (1 + x.units.own))
    weights = x.magnitude() * u
    if x.error is not None:
        weights += x.error * beside
    error = np.asarray(y.magnitude() * weights)
    error += x.reach() * beside * y.error
    most = error.max(initial=0) / u
    error += kind(unit.threshold + lost_to_underflow(y))
    free, passed = _zeros_of(x, y), np.asarray(kind(0))
    if x.error is None and has_signs(x.value):
        signs = np.abs(x.value) == 1
        if x.loose or y.loose:
            signs = signs & ((y.errors() != 0) | fits(value, unit.format))
        free, passed = signs if free is None else free | signs, np.where(signs, y.errors(), kind(0))
    if not np.isfinite(most):
        passed = passed + 0 * error  # what has no bound has none times 0 either
    return in_range(value, error, passed, free, (x, y), most, zeros=x.zeros or y.zeros)


def lost_to_underflow(y: "Fast") -> float:
    """Bound what is lost of |x| u |y| where |x| u underflows in the dtype of errors, before it is multiplied by |y|."""
    largest = float(np.nanmax(y.magnitude(), initial=0)) + float(np.nanmax(y.errors(), initial=0))
    return 2 * float(np.finfo(y.units.error).smallest_subnormal) * min(largest, y.units.format.largest)


def quotient_of(x: "Fast", y: "Fast") -> "Fast":
    """x / y: two roundings, and (1 + |x|) eta; no bound where y may be 0 but is not known to be."""
    value, unit = np.asarray(x.value / y.value), x.units.format
    largest = float(x.magnitude().max(initial=0)) + (0 if x.error is None else float(x.error.max(initial=0)))
    extra: Any = unit.threshold * (1 + largest)
    if not extra < 2.0**-100:
        extra = (1 + x.reach().astype(np.float64)) * unit.threshold
    roundoff = unit.roundoff * (2 + unit.roundoff)
    if x.error is not None or y.error is not None:
        return _inexact_quotient_of(x, y, value, roundoff, extra)
    free = exact_quotients(y.value, value, unit.format)
    if x.zeros:
        zeros = np.broadcast_to(x.exact_zeros(), value.shape)
        free = zeros if free is None else free | zeros
    return rounded(value, None, roundoff, extra, free, x, y, zeros=x.zeros, born=y.exact_zeros)


def _inexact_quotient_of(x: "Fast", y: "Fast", value: np.ndarray, roundoff: float, extra: Any) -> "Fast":
    """(ex + |v| ey) / (|y| - ey), then the roundings, gathered so that most of it is done on y."""
    kind = x.units.error
    u, beside = kind(roundoff), kind(1 + roundoff * (1 + x.units.own))
    below = magnitude_of(y.value, kind)
    gap = below - (1 + 2 * x.units.own) * y.errors()
    share = beside / np.where(gap > NEAR_ZERO * below, gap, np.nan)
    size = magnitude_of(value, kind)
    error = np.asarray(size * (share * y.errors() + u))
    if x.error is not None:
        error += x.error * share
    most = error.max(initial=0) / u
    error += np.asarray(extra, kind)
    free, passed = None, np.asarray(kind(0))
    if x.zeros:
        free = np.broadcast_to(x.exact_zeros(), value.shape)
    if y.error is None and has_signs(y.value) and not x.loose:
        signs = np.abs(y.value) == 1
        free, passed = signs if free is None else free | signs, np.where(signs, x.errors(), kind(0))
    if not np.isfinite(most):
        passed = passed + 0 * error  # what has no bound has none as a part of 0 either
    result = in_range(value, error, passed, free, (x, y), most, zeros=x.zeros, born=y.exact_zeros)
    return result if x.units.own else result.of_magnitude(size)


def larger_of(x: "Fast", y: "Fast") -> "Fast":
    """The larger of x and y: exact, and off by no more than the larger error."""
    value, error = np.maximum(x.value, y.value), None
    if x.error is not None or y.error is not None:
        of_x, of_y = x.errors(), y.errors()
        sure = np.abs(x.value - y.value) > (1 + x.units.own) * (of_x + of_y)
        error = np.where(sure, np.where(x.value > y.value, of_x, of_y), np.maximum(of_x, of_y))
    return x.made(value, error, True, x.loose or y.loose, 1 + max(x.steps, y.steps))


def elementary_of(name: str, x: "Fast") -> "Fast":
    """Apply an elementary function; no bound where the error reaches the end of where it is defined."""
    function, units, unit = ELEMENTARY[name], x.units, x.units.format
    value, passed, free = np.asarray(function.array(x.value)), None, None
    if x.error is not None:
        passed = function.array_gap(value, x.value, x.error)
        if units.own:
            twice = function.array_gap(value, x.value, 2 * x.error)
            passed = np.where(twice == WHOLE_RANGE, twice, twice - passed)
        passed = np.asarray(passed, units.error)
    roundoff: Any = function.cost * unit.roundoff
    if function.argument:
        roundoff = x.magnitude() * units.error(function.argument * units.reduction.roundoff)
        roundoff += units.error(function.cost * unit.roundoff)
    if function.near_zero:
        near = np.abs(x.value) - 2 * x.errors() <= 0.5 * (1 + NEAR_ZERO)
        roundoff = np.asarray(roundoff + near * (function.near_zero * unit.roundoff), units.error)
    extra: Any = function.coarse * unit.roundoff + (unit.threshold if function.underflows else 0)
    if not extra:  # a bound of what is next to 0 may underflow
        smallest = float(np.finfo(units.error).smallest_subnormal)
        low = (np.abs(value) < smallest * 2**49) & (value != 0)
        extra = np.where(low, smallest * 2**9, 0) if low.any() else 0
    if function.underflows and not x.magnitude().max(initial=0) < np.inf:
        free = np.isinf(x.value) & (value == 0) & (x.errors() == 0)
    overflows = name in ("exp", "expm1")  # which are infinite at no finite number
    zeros = free is not None or (x.zeros and float(function.array(np.zeros(1))[0]) == 0)
    return rounded(
        value, passed, roundoff, extra, free, x, zeros=zeros, born=lambda: (x.errors() == 0) & (not overflows)
    )


def read_as(unit: Unit, x: "Fast") -> "Fast":
    """Round to another format, but for exact numbers that it holds."""
    if unit.format is x.units.format.format:
        return x
    free = None
    if x.error is None or (sampled(x.error) == 0).any():
        free = (x.errors() == 0) & fits(x.value, unit.format)
    return rounded(x.value, x.error, unit.roundoff, unit.threshold, free, x, zeros=x.zeros, largest=unit.largest)


def either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    """Add two arrays of errors, of which either may not be there."""
    if a is None or b is None:
        return a if b is None else b
    return np.asarray(a + b)


def _zeros_of(x: "Fast", y: "Fast") -> np.ndarray | None:
    """Say where an operand is 0 and exact; None where that is not worth knowing."""
    if not x.zeros or not y.zeros:
        return x.exact_zeros() if x.zeros else y.exact_zeros() if y.zeros else None
    return np.asarray(x.exact_zeros() | y.exact_zeros())
