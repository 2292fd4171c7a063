"""Rounding arrays: formulas over values that carry the largest error a sound implementation may make.

Beside each exact value v stands a bound e on |computed - v|, both as balls, for every order of evaluation that the
rules allow. Each rule is a theorem, not a first-order estimate, so that the bounds hold at 8 bits too. With u the
unit roundoff and eta the underflow threshold of the format:

    rounding            u (|v| + e)
    sum of two          ex + ey, then a rounding, and eta where the format may flush
    product             |x| ey + |y| ex + ex ey, then a rounding and eta
    quotient            (ex + |v| ey) / (|y| - ey), then two roundings and (1 + |x|) eta, so that multiplying by the
                        reciprocal is as good
    sum of n terms      sum of ex, then (n - 1) u times the sum of magnitudes, in any order, and eta for every addition
                        where the format may flush
    contraction, n      n u |A| |B|, in any order, and eta for every product and, as above, every addition (Jeannerod
                        and Rump, "Improved error bounds for inner products in floating-point arithmetic", SIAM J.
                        Matrix Anal. Appl. 34 (2013): no 1 - n u below the line)
    exp                 v expm1(ex), then 4 u and eta
    log                 -log1p(-ex / x), then 4 u

Nothing is added where nothing is rounded: by a product with an exact 0, 1 or -1, a sum with an exact 0, a selection,
and by sums and products of exact operands that fit the significand; where the format may flush, a subnormal number
is not taken to survive any of these but the selection. Without flushing, a subnormal sum is exact. Background: Higham,
"Accuracy and Stability of Numerical Algorithms" (2002), chapters 2 to 4.
"""

from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, Self

import numpy as np
from flint import arb, fmpq

from .ball import ZERO, contraction, exponential, largest, logarithm, quotient, total
from .exact import exact, exact_array
from .precision import Format, Precision
from .protocol import FormulaArray, RangeError, UnboundedError, as_array, elementwise, filled, reduced

ONE = arb(1)


class LengthError(ArithmeticError):
    """A sum or contraction is longer than a native half precision gives tolerances for."""


def _fits(value: arb, fmt: Format) -> bool:
    """Say whether an exact ball is a number of the format, subnormals of a format that flushes apart."""
    if not value.is_exact() or not value.is_finite():
        return False
    man, exp = value.man_exp()
    if man == 0:
        return True
    bits = value.bits()
    lowest = min(fmt.smallest_normal, fmt.threshold + bits - 1)
    return bits <= fmt.significand and int(exp) + bits - 1 >= lowest


def _unit(value: arb) -> int | None:
    """Give the k for which an exact ball is an odd multiple of 2**k; None for 0."""
    man, exp = value.man_exp()
    return None if man == 0 else int(exp)


def _power(exponent: int) -> arb:
    return arb(2) ** exponent


@dataclass(frozen=True)
class Cost:
    """A format's constants as exact balls."""

    roundoff: arb
    """u."""
    threshold: arb
    """eta."""
    flushed: arb
    """What a subnormal sum may lose: all of it where the format may flush, else nothing."""
    smallest_normal: arb
    largest: arb


@cache
def cost_of(fmt: Format) -> Cost:
    """Give a format's constants, which are exact at any precision of the balls."""
    threshold = _power(fmt.threshold)
    return Cost(
        roundoff=arb(fmpq(1, fmt.unit_roundoff.denominator)),
        threshold=threshold,
        flushed=threshold if fmt.threshold == fmt.smallest_normal else ZERO,
        smallest_normal=_power(fmt.smallest_normal),
        largest=arb(fmpq(fmt.largest.numerator, fmt.largest.denominator)),
    )


def _after(v: arb, e: arb, free: Any, cost: arb, extra: arb, largest: arb | None) -> arb:
    """Give the error after a step that costs `cost` times the magnitude and `extra`, unless it is free of rounding.

    A value that is not finite has no error. `largest` is what the magnitude must not pass.
    """
    if not v.is_finite():
        return ZERO
    if not free:
        e = e + cost * (abs(v) + e) + extra
    if largest is not None and not abs(v) + e <= largest:
        raise RangeError(f"an intermediate of magnitude {(abs(v) + e).str(8)} may pass the largest finite number")
    return e


def _untouched(v: arb, e: arb, passed: Any, fmt: Format) -> bool:
    return _fits(v, fmt) if e.is_zero() else bool(passed)


def _read(v: arb, e: arb, fmt: Format, cost: Cost) -> arb:
    """Give the error once a value was rounded to a format that operands are read in."""
    if not v.is_finite() or (e.is_zero() and _fits(v, fmt)):
        return e
    return e + cost.roundoff * (abs(v) + e) + cost.threshold


def _growth(v: arb, x: arb, e: arb) -> arb:
    """Bound |exp(y) - v| for |y - x| <= e, v being exp(x): by v expm1(e), or by exp(x + e) if e is huge."""
    if e.is_zero():
        return ZERO
    factor = e.expm1()
    return v * factor if factor.is_finite() else (x + e).exp()


def _shrinkage(e: arb, x: arb) -> arb:
    if e.is_zero():
        return ZERO
    if not e < x:
        raise UnboundedError(f"an error of {e.str(8)} in {x.str(8)} leaves its logarithm without a bound")
    return -((-e / x).log1p())


def _clearance(y: arb, e: arb) -> arb:
    gap = abs(y) - e
    if y.is_finite() and not y.is_zero() and not gap > 0:
        raise UnboundedError(f"an error of {e.str(8)} in the denominator {y.str(8)} leaves a quotient without a bound")
    return gap


def _exceeds(x: arb, ex: arb, y: arb, ey: arb) -> bool:
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


growth, shrinkage, clearance = elementwise(_growth, 3), elementwise(_shrinkage, 2), elementwise(_clearance, 2)
exceeds, larger_error = elementwise(_exceeds, 4), elementwise(_larger_error, 4)
is_zero = elementwise(arb.is_zero, 1)
is_exact_zero = elementwise(lambda v, e: v.is_zero() and e.is_zero(), 2)
is_same = elementwise(lambda x, y: not (x.is_nan() or y.is_nan()) and x == y, 2)
is_power = elementwise(lambda y, e, fmt: e.is_zero() and y.is_exact() and y.bits() == 1 and _fits(1 / y, fmt), 3)
at_most = elementwise(lambda m, bound: bool(m <= bound), 2)
after, untouched, read = elementwise(_after, 6), elementwise(_untouched, 4), elementwise(_read, 4)
is_sign = elementwise(lambda v, e: e.is_zero() and (v == ONE or v == -ONE), 2)
choose = elementwise(lambda condition, yes, no: yes if condition else no, 3)


class Rounding(FormulaArray):
    """An array of exact values, each with a bound on the error that a sound implementation may have made so far.

    `guard` says whether an intermediate that may leave the format's range raises RangeError: it does, but for cases
    that mean to overflow. `reductions` gathers which of "sum" and "contraction" a formula has used: without them, some
    precisions are the same.
    """

    def __init__(
        self, value: Any, error: Any, precision: Precision, guard: bool = True, reductions: set[str] | None = None
    ) -> None:
        self.value = exact_array(value)
        self.error = exact_array(error)
        self.precision = precision
        self.guard = guard
        self.reductions = set() if reductions is None else reductions

    def __repr__(self) -> str:
        return f"Rounding({self.value!r}, {self.error!r}, {self.precision.name})"

    def lift(self, other: Any) -> Self:
        """Give `other` as exact values.

        A constant that the format does not hold carries u |c|, a subnormal one half its spacing.
        """
        if isinstance(other, type(self)):
            return other
        value = exact_array(other)
        if isinstance(other, np.ndarray):
            return self.of_parts(value, np.full(value.shape, ZERO, dtype=object))
        constant = exact(other)
        held = not constant.is_finite() or _fits(constant, self.precision.format)
        magnitude = arb.max(abs(constant), self._cost.smallest_normal)
        return self.of_parts(value, as_array(ZERO if held else self._cost.roundoff * magnitude))

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the values and the errors."""
        return self.value, self.error

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of the same precision."""
        return type(self)(parts[0], parts[1], self.precision, self.guard, self.reductions)

    # What rounding costs ------------------------------------------------------------------------------------------

    @property
    def _cost(self) -> Cost:
        return cost_of(self.precision.format)

    def _within(self, magnitude: np.ndarray, fmt: Format) -> None:
        if self.guard:
            largest = cost_of(fmt).largest
            for m in magnitude.ravel().tolist():
                if m.is_finite() and not m <= largest:
                    raise RangeError(f"an intermediate of magnitude {m.str(8)} may pass the largest finite number")

    def _finish(self, value: Any, error: Any, free: Any, cost: arb, extra: Any) -> Self:
        """Add `cost` times the magnitude, and `extra`, to each error but those that are `free` of rounding."""
        largest = self._cost.largest if self.guard else None
        return self.of_parts(as_array(value), after(value, error, free, cost, extra, largest))

    def _free(self, value: Any, error: Any, passed: Any) -> np.ndarray:
        """Say where nothing is rounded: exact results that fit the format, inexact operands that are `passed` on."""
        return untouched(value, error, passed, self.precision.format)

    def _zeros(self) -> np.ndarray:
        return is_exact_zero(self.value, self.error)

    def _signs(self) -> np.ndarray:
        return is_sign(self.value, self.error)

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def add(self, other: Self) -> Self:
        """x + y: one rounding, and eta where the format may flush."""
        value, error = self.value + other.value, self.error + other.error
        free = self._free(value, error, self._zeros() | other._zeros())
        return self._finish(value, error, free, self._cost.roundoff, self._cost.flushed)

    def subtract(self, other: Self) -> Self:
        """x - y, as the sum of x and -y."""
        return self.add(other.negative())

    def multiply(self, other: Self) -> Self:
        """x * y: one rounding, and eta."""
        value = self.value * other.value
        error = abs(self.value) * other.error + self.error * abs(other.value) + self.error * other.error
        error = choose(self._zeros() | other._zeros(), ZERO, error)
        free = self._free(value, error, self._signs() | other._signs())
        return self._finish(value, error, free, self._cost.roundoff, self._cost.threshold)

    def divide(self, other: Self) -> Self:
        """x / y: two roundings, and (1 + |x|) eta. Raises UnboundedError where y may be 0 but is not known to be."""
        gap = clearance(other.value, other.error)
        value = quotient(self.value, other.value)
        error = (self.error + abs(value) * other.error) / gap
        error = choose(is_zero(self.error) & is_zero(other.error), ZERO, error)
        powers = is_power(other.value, other.error, self.precision.format)
        exactly = self._zeros() | other._signs() | powers
        free = exactly & self._free(value, error, self._zeros() | other._signs())
        u, eta = self._cost.roundoff, self._cost.threshold
        extra = (1 + abs(self.value) + self.error) * eta
        return self._finish(value, error, free, 2 * u + u * u, extra)

    def negative(self) -> Self:
        """-x, exact."""
        return self.of_parts(as_array(-self.value), self.error)

    def absolute(self) -> Self:
        """|x|, exact."""
        return self.of_parts(as_array(abs(self.value)), self.error)

    def exp(self) -> Self:
        """e**x, right to 4 u, and eta."""
        value = exponential(self.value)
        error, u, eta = growth(value, self.value, self.error), self._cost.roundoff, self._cost.threshold
        return self._finish(value, error, is_zero(value), 4 * u, eta)

    def log(self) -> Self:
        """The natural logarithm, right to 4 u. Raises UnboundedError where the error reaches the argument."""
        value = logarithm(self.value)
        return self._finish(value, shrinkage(self.error, self.value), False, 4 * self._cost.roundoff, ZERO)

    def maximum(self, other: Self) -> Self:
        """The larger of x and y: exact, and off by no more than the larger error."""
        return self.of_parts(
            largest(self.value, other.value), larger_error(self.value, self.error, other.value, other.error)
        )

    # Comparisons: decided, or refused -----------------------------------------------------------------------------

    def greater(self, other: Self) -> np.ndarray:
        """x > y. Raises UnboundedError where the errors could flip it."""
        return exceeds(self.value, self.error, other.value, other.error).astype(bool)

    def less(self, other: Self) -> np.ndarray:
        """x < y. Raises UnboundedError where the errors could flip it."""
        return exceeds(other.value, other.error, self.value, self.error).astype(bool)

    def greater_equal(self, other: Self) -> np.ndarray:
        """x >= y. Raises UnboundedError where the errors could flip it."""
        return np.asarray(self.greater(other) | self.equal(other))

    def less_equal(self, other: Self) -> np.ndarray:
        """x <= y. Raises UnboundedError where the errors could flip it."""
        return np.asarray(self.less(other) | self.equal(other))

    def equal(self, other: Self) -> np.ndarray:
        """x == y. Raises UnboundedError where the errors could flip it."""
        same = is_same(self.value, other.value)
        return np.asarray(~self.greater(other) & ~self.less(other) & same.astype(bool))

    def not_equal(self, other: Self) -> np.ndarray:
        """x != y. Raises UnboundedError where the errors could flip it."""
        return ~self.equal(other)

    # Reductions ---------------------------------------------------------------------------------------------------

    def _length(self, n: int) -> None:
        if self.precision.longest is not None and n > self.precision.longest:
            raise LengthError(f"{n} terms: {self.precision.name} gives tolerances up to {self.precision.longest}")

    def _accumulated(self, value: Any, error: Any, passed: Any) -> Self:
        """Round what was accumulated in a wider format to the format itself."""
        fmt = self.precision.format
        if self.precision.accumulator == fmt:
            return self._finish(value, error, self._free(value, error, True), ZERO, self._cost.flushed)
        return self._finish(value, error, self._free(value, error, passed), self._cost.roundoff, self._cost.threshold)

    def matmul(self, other: Self) -> Self:
        """x @ y, matrices alone: n u |x| |y| and eta for every product, in the accumulator's precision."""
        self.reductions.add("contraction")
        a, b = self._operand(), other._operand()
        accumulator = self.precision.accumulator
        here, there = ~a._zeros().astype(bool), ~b._zeros().astype(bool)
        terms = here.astype(np.int64) @ there.astype(np.int64)
        self._length(int(terms.max(initial=0)))
        value = contraction(a.value, b.value)
        plain = contraction(as_array(abs(a.value)), as_array(abs(b.value)))
        exact_operands = a._is_exact() and b._is_exact()
        magnitude = plain if exact_operands else contraction(abs(a.value) + a.error, abs(b.value) + b.error)
        free = terms == 0
        if exact_operands and (fine := a._finest()) is not None and (finer := b._finest()) is not None:
            free = self._sums_exactly(magnitude, fine + finer)
        n, additions, unit = exact_array(terms), exact_array(np.maximum(terms - 1, 0)), cost_of(accumulator)
        cost = n * (unit.roundoff * magnitude + unit.threshold)
        cost = choose(free.astype(object), ZERO, cost + additions * unit.flushed)
        self._within(magnitude + cost, accumulator)
        error = cost if exact_operands else magnitude - plain + cost
        return self._accumulated(value, error, (terms == 0).astype(object))

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """Sum along an axis or of all elements: (n - 1) u times the sum of magnitudes, exact zeros not counted."""
        self.reductions.add("sum")
        values, shape = reduced(self.value, axis, keepdims)
        errors, _ = reduced(self.error, axis, keepdims)
        zeros, _ = reduced(self._zeros().astype(bool), axis, keepdims)
        terms = (~zeros).sum(axis=-1)
        self._length(int(terms.max(initial=0)))
        value, error = filled(total(values), terms.shape), filled(total(errors), terms.shape)
        magnitude = filled(total(abs(values) + errors), terms.shape)
        accumulator = self.precision.accumulator
        finest = self._finest() if self._is_exact() else None
        free = (terms <= 1) if finest is None else (terms <= 1) | self._sums_exactly(magnitude, finest)
        additions, unit = exact_array(np.maximum(terms - 1, 0)), cost_of(accumulator)
        cost = additions * (unit.roundoff * magnitude + unit.flushed)
        cost = choose(free.astype(object), ZERO, cost)
        self._within(magnitude + cost, accumulator)
        passed = (terms <= 1).astype(object).reshape(shape)
        return self._accumulated(value.reshape(shape), (error + cost).reshape(shape), passed)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """The largest along an axis, or of all elements: exact, and off by no more than the largest error."""
        values, shape = reduced(self.value, axis, keepdims)
        errors, _ = reduced(self.error, axis, keepdims)
        value = filled([reduce(lambda x, y: largest(x, y)[()], row) for row in values.tolist()], shape)
        return self.of_parts(value, filled([reduce(arb.max, row) for row in errors.tolist()], shape))

    def _operand(self) -> Self:
        """Round to what a contraction reads its operands in."""
        fmt = self.precision.operand
        if fmt == self.precision.format:
            return self
        error = read(self.value, self.error, fmt, cost_of(fmt))
        self._within(as_array(abs(self.value) + error), fmt)
        return self.of_parts(self.value, error)

    def _is_exact(self) -> bool:
        return all(e.is_zero() for e in self.error.ravel().tolist()) and all(
            v.is_exact() and v.is_finite() for v in self.value.ravel().tolist()
        )

    def _finest(self) -> int | None:
        """Give the largest k for which all values, which must be exact, are multiples of 2**k; None if all are 0."""
        units = [unit for v in self.value.ravel().tolist() if (unit := _unit(v)) is not None]
        return min(units, default=None)

    def _sums_exactly(self, magnitude: np.ndarray, unit: int) -> np.ndarray:
        """Say where multiples of 2**unit add up without rounding in the accumulator, in any order."""
        accumulator = self.precision.accumulator
        if unit < accumulator.smallest_normal:
            return np.zeros(magnitude.shape, dtype=bool)
        bound = _power(unit + accumulator.significand)
        return at_most(magnitude, bound).astype(bool)
