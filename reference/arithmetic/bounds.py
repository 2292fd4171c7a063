"""Error bounds of single elements: what a rounding adds, and how a step passes errors on.

The rules for arrays are made of these functions. Each takes exact values with bounds on their errors, and gives the
bound after the step, or decides a comparison that the errors cannot change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from flint import arb, fmpq

from ...vectors.dtypes import Format
from .elementary import ELEMENTARY, ONE, ZERO
from .protocol import RangeError, UnboundedError, over_elements


def fits(value: arb, fmt: Format) -> bool:
    """Say whether a format holds an exact ball; a format that may flush is taken to hold no subnormal number."""
    if not value.is_exact() or not value.is_finite():
        return False
    man, exp = value.man_exp()
    if man == 0:
        return True
    bits = value.bits()
    lowest = min(fmt.smallest_normal, fmt.threshold + bits - 1)
    return bits <= fmt.significand and int(exp) + bits - 1 >= lowest


def unit_of(value: arb) -> int | None:
    """Give the k for which an exact ball is an odd multiple of 2**k; None for 0."""
    man, exp = value.man_exp()
    return None if man == 0 else int(exp)


def power_of_two(exponent: int) -> arb:
    """Give 2**exponent, which is exact at any precision of the balls."""
    return arb(2) ** exponent


@dataclass(frozen=True)
class Cost:
    """A format's constants as exact balls."""

    roundoff: arb
    """u."""
    threshold: arb
    """eta."""
    flushed: arb
    """The most that a subnormal sum may lose: eta where the format may flush, else 0."""
    smallest_normal: arb
    largest: arb


@cache
def cost_of(fmt: Format) -> Cost:
    """Give a format's constants, which are exact at any precision of the balls."""
    threshold = power_of_two(fmt.threshold)
    return Cost(
        roundoff=arb(fmpq(1, fmt.unit_roundoff.denominator)),
        threshold=threshold,
        flushed=threshold if fmt.threshold == fmt.smallest_normal else ZERO,
        smallest_normal=power_of_two(fmt.smallest_normal),
        largest=arb(fmpq(fmt.largest.numerator, fmt.largest.denominator)),
    )


def _after(v: arb, e: arb, free: Any, cost: arb, extra: arb, largest: arb | None) -> arb:
    """Give the error after a step that costs `cost` times the magnitude and `extra`, unless it is free of rounding.

    A value that is not finite has no error. Raises RangeError past `largest`.
    """
    if not v.is_finite():
        return ZERO
    if not free:
        e = e + cost * (abs(v) + e) + extra
    if largest is not None and not abs(v) + e <= largest:
        raise RangeError(f"an intermediate of magnitude {(abs(v) + e).str(8)} may pass the largest finite number")
    return e


def _untouched(v: arb, e: arb, passed: Any, fmt: Format) -> bool:
    return fits(v, fmt) if e.is_zero() else bool(passed)


def _after_reading(v: arb, e: arb, fmt: Format, cost: Cost) -> arb:
    """Give the error after rounding a value to the format in which operands are read."""
    if not v.is_finite() or (e.is_zero() and fits(v, fmt)):
        return e
    return e + cost.roundoff * (abs(v) + e) + cost.threshold


def _zero_if_exact(gap: Callable[[arb, arb, arb], arb]) -> Callable[[arb, arb, arb], arb]:
    return lambda v, x, e: ZERO if e.is_zero() else gap(v, x, e)


def _clearance(y: arb, e: arb) -> arb:
    gap = abs(y) - e
    if y.is_finite() and not y.is_zero() and not gap > 0:
        raise UnboundedError(f"an error of {e.str(8)} in the denominator {y.str(8)} leaves a quotient without a bound")
    return gap


def _surely_exceeds(x: arb, ex: arb, y: arb, ey: arb) -> bool:
    margin = ex + ey
    gap = x - y
    if x.is_nan() or y.is_nan():
        return False
    if x == y and margin.is_zero():
        return False
    if gap > margin:
        return True
    if gap < -margin or (margin.is_zero() and gap <= 0):
        return False
    raise UnboundedError(f"an error of {margin.str(8)} can flip {x.str(8)} > {y.str(8)}")


def _larger_error(x: arb, ex: arb, y: arb, ey: arb) -> arb:
    margin = ex + ey
    if x > y + margin:
        return ex
    if y > x + margin:
        return ey
    return arb.max(ex, ey)


gap = {name: over_elements(_zero_if_exact(function.gap), 3) for name, function in ELEMENTARY.items()}
clearance = over_elements(_clearance, 2)
surely_exceeds, larger_error = over_elements(_surely_exceeds, 4), over_elements(_larger_error, 4)
is_zero = over_elements(arb.is_zero, 1)
is_exact_zero = over_elements(lambda v, e: v.is_zero() and e.is_zero(), 2)
is_same = over_elements(lambda x, y: not (x.is_nan() or y.is_nan()) and x == y, 2)
is_power = over_elements(lambda y, e, fmt: e.is_zero() and y.is_exact() and y.bits() == 1 and fits(1 / y, fmt), 3)
is_at_most = over_elements(lambda m, bound: bool(m <= bound), 2)
after, untouched, after_reading = (
    over_elements(_after, 6),
    over_elements(_untouched, 4),
    over_elements(_after_reading, 4),
)
is_sign = over_elements(lambda v, e: e.is_zero() and (v == ONE or v == -ONE), 2)
choose = over_elements(lambda condition, yes, no: yes if condition else no, 3)
