"""Error bounds of single elements: what a rounding adds, and how a step passes errors on.

The rules for arrays are made of these functions. Each takes exact values with bounds on their errors, and gives the
value and the bound after the step, or decides a comparison that the errors cannot change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from flint import arb, fmpq

from ...vectors.dtypes import Format
from .ball import ball_quotient
from .elementary import ELEMENTARY, HALF, ONE, ZERO
from .protocol import RangeError, UnboundedError, UndecidedError, over_elements

SIGNS = (ONE, -ONE)


def fits(value: arb, fmt: Format) -> bool:
    """Say whether a format holds an exact ball; a format that may flush is taken to hold no subnormal number."""
    return _has_digits_for(value, fmt, fmt.threshold)


def holds(value: arb, fmt: Format) -> bool:
    """Say whether a format holds an exact ball, as a subnormal number if need be."""
    return _has_digits_for(value, fmt, fmt.smallest_normal - fmt.significand + 1)


def _has_digits_for(value: arb, fmt: Format, lowest: int) -> bool:
    """Say whether an exact ball has no more bits than a format, whose last one is not below 2**lowest."""
    bits = value.bits()
    if bits > fmt.significand or not value.is_exact() or not value.is_finite():
        return False
    if bits == 0 or abs(value) >= cost_of(fmt).smallest_normal:
        return True
    return int(value.man_exp()[1]) >= lowest


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
    overflow: arb
    """The least magnitude that rounds to infinity: half a unit in the last place beyond the largest number."""


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
        overflow=power_of_two(fmt.largest_exponent + 1) - power_of_two(fmt.largest_exponent - fmt.significand),
    )


def _is_power(v: arb, fmt: Format) -> bool:
    """Say whether a value is a power of two whose reciprocal the format holds."""
    return bool(v.is_exact() and v.bits() == 1 and fits(1 / v, fmt))


def _beyond(most: arb) -> RangeError:
    return RangeError(f"an intermediate of magnitude {most.str(8)} may pass the largest finite number")


Bounded = tuple[arb, arb]
"""An exact value, and the bound on its error."""
Rule = Callable[..., Bounded]


class Rules:
    """The rules of a format: each takes values with their errors, object arrays or scalars, and gives both anew.

    guard: whether a result that may leave the format's range raises RangeError.

    They are evaluated for every element of every step, so that each deals itself with what nearly all elements are: a
    result with an error, of no more than `safe`, which no rounding brings out of the range.
    """

    def __init__(self, fmt: Format, guard: bool) -> None:
        self.format, self.guard = fmt, guard
        cost = cost_of(fmt)
        self.roundoff, self.largest, self.overflow = cost.roundoff, cost.largest, cost.overflow
        self.threshold, self.flushed = cost.threshold, cost.flushed
        self.safe = cost.largest / 4
        self.products = np.frompyfunc(cache(self._products), 2, 2)
        self.additions = np.frompyfunc(cache(self._additions), 2, 2)
        self.add = np.frompyfunc(self._add(), 4, 2)
        self.multiply = np.frompyfunc(self._multiply(), 4, 2)
        self.divide = np.frompyfunc(self._divide(), 4, 2)
        self.elementary = cache(self._elementary)
        self.stored = np.frompyfunc(self._passing(holds), 2, 2)
        self.read = np.frompyfunc(self._passing(fits), 2, 2)
        self.into = cache(self._into)

    def _rounded(self, v: arb, e: arb, passed: bool, cost: arb, extra: arb) -> Bounded:
        """Add `cost` times the magnitude, and `extra`, where something is rounded.

        Nothing is where an exact result fits the format, or an inexact operand was `passed` on unchanged. A value that
        is not finite has no error.
        """
        if e.is_zero():
            if v.is_zero():
                return v, ZERO
            passed = fits(v, self.format)
        return self._finished(v, e, passed, cost, extra)

    def _finished(self, v: arb, e: arb, free: bool, cost: arb, extra: arb, nearest: bool = True) -> Bounded:
        before = most = abs(v) if e is ZERO else abs(v) + e
        if not free:
            added = cost * most if extra is ZERO else cost * most + extra
            e, most = added if e is ZERO else e + added, most + added
        if most <= self.largest or (not self.guard and v.is_finite()):
            return v, e
        if not v.is_finite():
            return v, ZERO
        if not e.is_zero() and (free or (nearest and self._is_held(before, cost, extra))):
            return v, e
        raise _beyond(most)

    def _is_held(self, magnitude: arb, cost: arb, extra: arb) -> bool:
        """Say whether the last of the roundings, to nearest, surely gives a finite number, as do those before."""
        return bool(magnitude + arb.max(cost - self.roundoff, ZERO) * magnitude + extra < self.overflow)

    def _passing(self, holds: Callable[[arb, Format], bool]) -> Rule:
        """Give the rule of a rounding to the format of what was computed in another.

        An exact value that it `holds` stays: where it is stored, a subnormal one too, as no step computed it.
        """
        fmt, safe, roundoff, threshold, finished = self.format, self.safe, self.roundoff, self.threshold, self._finished

        def rule(v: arb, e: arb) -> Bounded:
            if e.is_zero():
                return finished(v, e, holds(v, fmt), roundoff, threshold)
            most = abs(v) + e
            if most <= safe:
                return v, e + (roundoff * most + threshold)
            return finished(v, e, False, roundoff, threshold)

        return rule

    def _products(self, terms: int, length: int) -> tuple[arb, arb]:
        """Give what a contraction of so many terms that are not 0, amid `length`, costs in parts of the magnitude, and
        beside it."""
        extra = terms == 2 < length  # a compensated sum goes on after them
        return (terms + extra) * self.roundoff, terms * self.threshold + (max(terms - 1, 0) + extra) * self.flushed

    def _additions(self, terms: int, length: int) -> tuple[arb, arb]:
        """Give the same of a sum."""
        additions = max(terms - 1, 0) + (terms == 2 < length)
        return additions * self.roundoff, additions * self.flushed

    def _into(self, own: "Rules") -> np.ufunc:
        """Give the rule of what is added up in this format, and rounded to another, `own`, unless they are the same.

        It takes the exact value, the sum of magnitudes, the errors of the terms, whether their sum is exact, what it
        costs in parts of the magnitude and beside it, and whether there is at most one term.
        """
        guard, same, safe, own_safe = self.guard, own is self, self.safe, own.safe
        roundoff, threshold = (ZERO, self.flushed) if same else (own.roundoff, own.threshold)

        def rule(v: arb, magnitude: arb, e: arb, free: bool, cost: arb, extra: arb, passed: bool) -> Bounded:
            added = ZERO if free else cost * magnitude + extra
            far = guard and not magnitude <= safe and magnitude.is_finite()
            if far and not self._is_held(magnitude, ZERO if free else cost, extra):
                raise _beyond(magnitude + added)
            e += added
            passed = same or passed
            if not e.is_zero():
                most = abs(v) + e
                if most <= own_safe:
                    return v, e if passed else e + (roundoff * most + threshold)
            return own._rounded(v, e, passed, roundoff, threshold)

        return np.frompyfunc(rule, 7, 2)

    def _add(self) -> Rule:
        """Give the rule of x + y."""
        safe, roundoff, flushed = self.safe, self.roundoff, self.flushed
        rounded, flushes = self._rounded, flushed is not ZERO

        def rule(x: arb, ex: arb, y: arb, ey: arb) -> Bounded:
            if ex.is_zero():
                if ey.is_zero():
                    return rounded(x + y, ZERO, False, roundoff, flushed)
                if x.is_zero():
                    return y, ey
            elif y.is_zero() and ey.is_zero():
                return x, ex
            v, e = x + y, ex + ey
            most = abs(v) + e
            if most <= safe:
                added = roundoff * most
                return v, e + (added + flushed if flushes else added)
            return rounded(v, e, False, roundoff, flushed)

        return rule

    def _multiply(self) -> Rule:
        """Give the rule of x * y."""
        safe, roundoff, threshold = self.safe, self.roundoff, self.threshold
        rounded, finished = self._rounded, self._finished

        def rule(x: arb, ex: arb, y: arb, ey: arb) -> Bounded:
            passed = False
            if ex.is_zero():
                if ey.is_zero() or x.is_zero():
                    return rounded(x * y, ZERO, True, roundoff, threshold)
                e, passed = abs(x) * ey, x in SIGNS
            elif ey.is_zero():
                if y.is_zero():
                    return rounded(x * y, ZERO, True, roundoff, threshold)
                e, passed = ex * abs(y), y in SIGNS
            else:
                e = abs(x) * ey + ex * (abs(y) + ey)
            v = x * y
            most = abs(v) + e
            if most <= safe:
                return v, e if passed else e + (roundoff * most + threshold)
            return finished(v, e, passed, roundoff, threshold)

        return rule

    def _divide(self) -> Rule:
        """Give the rule of x / y."""
        fmt, safe, threshold, finished = self.format, self.safe, self.threshold, self._finished
        two_roundoffs = 2 * self.roundoff + self.roundoff**2

        def rule(x: arb, ex: arb, y: arb, ey: arb) -> Bounded:
            gap = abs(y) - ey
            if not gap > ZERO and y.is_finite() and not y.is_zero():
                raise UnboundedError(
                    f"an error of {ey.str(8)} in the denominator {y.str(8)} leaves a quotient without a bound"
                )
            v = ball_quotient(x, y)
            exact_x, exact_y = ex.is_zero(), ey.is_zero()
            extra = (ONE + abs(x) + ex) * threshold
            passed = (exact_x and x.is_zero()) or (exact_y and y in SIGNS)
            if exact_x and exact_y:
                free = (passed or _is_power(y, fmt)) and fits(v, fmt)
                return finished(v, ZERO, free, two_roundoffs, extra)
            magnitude = abs(v)
            e = (ex + magnitude * ey) / gap
            most = magnitude + e
            if most <= safe and not passed:
                return v, e + (two_roundoffs * most + extra)
            return finished(v, e, passed and (not e.is_zero() or fits(v, fmt)), two_roundoffs, extra)

        return rule

    def _elementary(self, name: str, reduction: Format) -> np.ufunc:
        """Give the rule of an elementary function that reduces its argument in a format."""
        function, u = ELEMENTARY[name], self.roundoff
        constant, argument = function.cost * u, function.argument * cost_of(reduction).roundoff
        extra = function.coarse * u + (self.threshold if function.underflows else ZERO)

        def rule(x: arb, ex: arb) -> Bounded:
            v = function.ball(x)
            if not v.is_finite() and x.is_finite() and x.rad() > ONE:
                raise (UnboundedError if ex > x.rad() else UndecidedError)(
                    f"{name} of {x.str(8)}, give or take {ex.str(8)}"
                )
            e = ZERO if ex.is_zero() else function.gap(v, x, ex)
            if v.is_zero() and not function.coarse:
                return self._finished(v, e, True, ZERO, ZERO)
            cost = constant + argument * abs(x) if function.argument else constant
            if function.near_zero and not abs(x) - ex > HALF:
                cost += function.near_zero * u
            return self._finished(v, e, False, cost, extra, nearest=False)

        return np.frompyfunc(rule, 2, 2)


rules_of = cache(Rules)
"""The rules of a format, with the guard or without."""


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


surely_exceeds, larger_error = over_elements(_surely_exceeds, 4), over_elements(_larger_error, 4)
is_same = over_elements(lambda x, y: not (x.is_nan() or y.is_nan()) and x == y, 2)
is_at_most = over_elements(lambda m, bound: bool(m <= bound), 2)
