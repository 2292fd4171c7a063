"""Rounding arrays: formulas over values that carry the largest error a sound implementation may make.

Beside each exact value v stands a bound e on |computed - v|, both as balls, for every order of evaluation that the
rules allow. Each rule is a theorem, not a first-order estimate, so that the bounds hold at 8 bits too. With u the
unit roundoff and eta the underflow threshold of the format:

    rounding            u (|v| + e)
    product             |x| ey + |y| ex + ex ey, then a rounding and eta
    quotient            (ex + |v| ey) / (|y| - ey), then two roundings and (1 + |x|) eta, so that multiplying by the
                        reciprocal is as good
    sum of n terms      sum of ex, then (n - 1) u times the sum of magnitudes, in any order
    contraction, n      n u |A| |B|, in any order, and eta for every product (Jeannerod and Rump, "Improved error
                        bounds for inner products in floating-point arithmetic", SIAM J. Matrix Anal. Appl. 34 (2013):
                        no 1 - n u below the line)
    exp                 v expm1(ex), then 4 u and eta
    log                 -log1p(-ex / x), then 4 u

Nothing is added where nothing is rounded: by a product with an exact 0, 1 or -1, a sum with an exact 0, a selection,
and by sums and products of exact operands that fit the significand. Background: Higham, "Accuracy and Stability of
Numerical Algorithms" (2002), chapters 2 to 4.
"""

from functools import reduce
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


def _ratio(fraction: Any) -> arb:
    return arb(fmpq(fraction.numerator, fraction.denominator))


def _power(exponent: int) -> arb:
    return arb(2) ** exponent


def _growth(e: arb) -> arb:
    return ZERO if e.is_zero() else e.expm1()


def _shrinkage(e: arb, x: arb) -> arb:
    if e.is_zero():
        return ZERO
    if not e < x:
        raise UnboundedError(f"an error of {e} in {x} leaves its logarithm without a bound")
    return -((-e / x).log1p())


def _clearance(y: arb, e: arb) -> arb:
    gap = abs(y) - e
    if y.is_finite() and not y.is_zero() and not gap > 0:
        raise UnboundedError(f"an error of {e} in the denominator {y} leaves the quotient without a bound")
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
    raise UnboundedError(f"an error of {margin} can flip {x} > {y}")


def _larger_error(x: arb, ex: arb, y: arb, ey: arb) -> arb:
    margin = ex + ey
    if x > y + margin:
        return ex
    if y > x + margin:
        return ey
    return arb.max(ex, ey)


growth, shrinkage, clearance = elementwise(_growth, 1), elementwise(_shrinkage, 2), elementwise(_clearance, 2)
exceeds, larger_error = elementwise(_exceeds, 4), elementwise(_larger_error, 4)
is_zero = elementwise(arb.is_zero, 1)
is_sign = elementwise(lambda v, e: e.is_zero() and (v == ONE or v == -ONE), 2)
choose = elementwise(lambda condition, yes, no: yes if condition else no, 3)


class Rounding(FormulaArray):
    """An array of exact values, each with a bound on the error that a sound implementation may have made so far.

    `guard` says whether an intermediate that may leave the format's range raises RangeError: it does, but for cases
    that mean to overflow.
    """

    def __init__(self, value: Any, error: Any, precision: Precision, guard: bool = True) -> None:
        self.value = exact_array(value)
        self.error = exact_array(error)
        self.precision = precision
        self.guard = guard

    def __repr__(self) -> str:
        return f"Rounding({self.value!r}, {self.error!r}, {self.precision.name})"

    def lift(self, other: Any) -> Self:
        """Give `other` as exact values; a constant that the format does not hold carries u |c|."""
        if isinstance(other, type(self)):
            return other
        value = exact_array(other)
        if isinstance(other, np.ndarray):
            return self.of_parts(value, np.full(value.shape, ZERO, dtype=object))
        constant = exact(other)
        held = _fits(constant, self.precision.format)
        return self.of_parts(value, as_array(ZERO if held else self._u() * abs(constant)))

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the values and the errors."""
        return self.value, self.error

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of the same precision."""
        return type(self)(parts[0], parts[1], self.precision, self.guard)

    # What rounding costs ------------------------------------------------------------------------------------------

    def _u(self) -> arb:
        return _ratio(self.precision.format.unit_roundoff)

    def _eta(self) -> arb:
        return _power(self.precision.format.threshold)

    def _within(self, magnitude: np.ndarray, fmt: Format) -> None:
        if self.guard:
            bound = _ratio(fmt.largest)
            for m in magnitude.ravel().tolist():
                if m.is_finite() and not m <= bound:
                    raise RangeError(f"an intermediate of magnitude {m} may leave the range of {self.precision.name}")

    def _finish(self, value: Any, error: Any, free: Any, cost: arb, extra: Any) -> Self:
        """Add `cost` times the magnitude, and `extra`, to each error but those that are `free` of rounding.

        Values that are not finite have no error.
        """
        value, error = as_array(value), as_array(error)
        self._within(as_array(abs(value) + error), self.precision.format)
        after = choose(free, error, error + cost * (abs(value) + error) + extra)
        return self.of_parts(value, elementwise(lambda v, e: e if v.is_finite() else ZERO, 2)(value, after))

    def _exact_and_fits(self, value: Any, error: Any) -> np.ndarray:
        fmt = self.precision.format
        return elementwise(lambda v, e: e.is_zero() and _fits(v, fmt), 2)(value, error)

    def _zeros(self) -> np.ndarray:
        return elementwise(lambda v, e: v.is_zero() and e.is_zero(), 2)(self.value, self.error)

    def _signs(self) -> np.ndarray:
        return is_sign(self.value, self.error)

    # Arithmetic ---------------------------------------------------------------------------------------------------

    def add(self, other: Self) -> Self:
        """x + y: one rounding."""
        value, error = self.value + other.value, self.error + other.error
        free = self._zeros() | other._zeros() | self._exact_and_fits(value, error)
        return self._finish(value, error, free, self._u(), ZERO)

    def subtract(self, other: Self) -> Self:
        """x - y: one rounding."""
        return self.add(other.negative())

    def multiply(self, other: Self) -> Self:
        """x * y: one rounding, and eta."""
        value = self.value * other.value
        error = abs(self.value) * other.error + self.error * abs(other.value) + self.error * other.error
        zero = self._zeros() | other._zeros()
        free = zero | self._signs() | other._signs() | self._exact_and_fits(value, error)
        return self._finish(value, choose(zero, ZERO, error), free, self._u(), self._eta())

    def divide(self, other: Self) -> Self:
        """x / y: two roundings, and (1 + |x|) eta. Raises UnboundedError where y may be 0 but is not known to be."""
        gap = clearance(other.value, other.error)
        value = quotient(self.value, other.value)
        error = (self.error + abs(value) * other.error) / gap
        powers = elementwise(lambda y, e: e.is_zero() and y.is_exact() and y.bits() == 1, 2)(other.value, other.error)
        error = choose(is_zero(self.error) & is_zero(other.error), ZERO, error)
        free = self._zeros() | other._signs() | (powers & self._exact_and_fits(value, error))
        u, eta = self._u(), self._eta()
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
        return self._finish(value, value * growth(self.error), False, 4 * self._u(), self._eta())

    def log(self) -> Self:
        """The natural logarithm, right to 4 u. Raises UnboundedError where the error reaches the argument."""
        value = logarithm(self.value)
        return self._finish(value, shrinkage(self.error, self.value), False, 4 * self._u(), ZERO)

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
        return self.greater(other) | self.equal(other)

    def less_equal(self, other: Self) -> np.ndarray:
        """x <= y. Raises UnboundedError where the errors could flip it."""
        return self.less(other) | self.equal(other)

    def equal(self, other: Self) -> np.ndarray:
        """x == y. Raises UnboundedError where the errors could flip it."""
        same = elementwise(lambda x, y: not (x.is_nan() or y.is_nan()) and x == y, 2)(self.value, other.value)
        return ~self.greater(other) & ~self.less(other) & same.astype(bool)

    def not_equal(self, other: Self) -> np.ndarray:
        """x != y. Raises UnboundedError where the errors could flip it."""
        return ~self.equal(other)

    # Reductions ---------------------------------------------------------------------------------------------------

    def _length(self, n: int) -> None:
        if self.precision.longest is not None and n > self.precision.longest:
            raise LengthError(f"{n} terms: {self.precision.name} gives tolerances up to {self.precision.longest}")

    def _accumulated(self, value: Any, error: Any, free: Any) -> Self:
        """Round what was accumulated in a wider format to the format itself."""
        if self.precision.accumulator == self.precision.format:
            return self._finish(value, error, True, ZERO, ZERO)
        return self._finish(value, error, free | self._exact_and_fits(value, error), self._u(), self._eta())

    def matmul(self, other: Self) -> Self:
        """x @ y, matrices alone: n u |x| |y| and eta for every product, in the accumulator's precision."""
        a, b = self._operand(), other._operand()
        accumulator = self.precision.accumulator
        here, there = ~a._zeros().astype(bool), ~b._zeros().astype(bool)
        terms = here.astype(np.int64) @ there.astype(np.int64)
        self._length(int(terms.max(initial=0)))
        value = contraction(a.value, b.value)
        plain = contraction(as_array(abs(a.value)), as_array(abs(b.value)))
        exact_operands = a._is_exact() and b._is_exact()
        magnitude = plain if exact_operands else contraction(abs(a.value) + a.error, abs(b.value) + b.error)
        self._within(magnitude, accumulator)
        if exact_operands and a._finest() is not None and b._finest() is not None:
            unit = (a._finest() or 0) + (b._finest() or 0)
            free = self._sums_exactly(magnitude, unit)
        else:
            free = terms == 0
        n = exact_array(terms)
        cost = n * _ratio(accumulator.unit_roundoff) * magnitude + n * _power(accumulator.threshold)
        error = (magnitude - plain if not exact_operands else np.full(value.shape, ZERO, dtype=object)) + choose(
            free.astype(object), ZERO, cost
        )
        return self._accumulated(value, error, (terms == 0).astype(object))

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Self:
        """Sum along an axis or of all elements: (n - 1) u times the sum of magnitudes, exact zeros not counted."""
        values, shape = reduced(self.value, axis, keepdims)
        errors, _ = reduced(self.error, axis, keepdims)
        zeros, _ = reduced(self._zeros().astype(bool), axis, keepdims)
        terms = (~zeros).sum(axis=-1)
        self._length(int(terms.max(initial=0)))
        value, error = filled(total(values), terms.shape), filled(total(errors), terms.shape)
        magnitude = filled(total(abs(values) + errors), terms.shape)
        accumulator = self.precision.accumulator
        self._within(magnitude, accumulator)
        unit = self._finest() if self._is_exact() else None
        free = (terms <= 1) if unit is None else (terms <= 1) | self._sums_exactly(magnitude, unit)
        cost = exact_array(np.maximum(terms - 1, 0)) * _ratio(accumulator.unit_roundoff) * magnitude
        error = error + choose(free.astype(object), ZERO, cost)
        return self._accumulated(value.reshape(shape), error.reshape(shape), (terms <= 1).astype(object).reshape(shape))

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
        u = _ratio(fmt.unit_roundoff)
        rounding = elementwise(
            lambda v, e: e if not v.is_finite() or (e.is_zero() and _fits(v, fmt)) else e + u * (abs(v) + e), 2
        )
        return self.of_parts(self.value, rounding(self.value, self.error))

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
        return elementwise(lambda m: bool(m <= bound), 1)(magnitude).astype(bool)
