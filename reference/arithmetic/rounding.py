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
                        where the format may flush; two terms amid zeros count as three
    contraction, n      n u |A| |B|, in any order, and eta for every product and, as above, every addition (Jeannerod
                        and Rump, "Improved error bounds for inner products in floating-point arithmetic", SIAM J.
                        Matrix Anal. Appl. 34 (2013): no 1 - n u below the line); two products amid zeros count as
                        three, but for their own eta
    elementary f        a bound on |f(y) - f(x)| where |y - x| <= ex, then what `elementary.py` says that f costs
    stored or returned  a rounding to the tensors' own format, where that is another, and its eta

Nothing is added where nothing is rounded: by a product with an exact 0, 1 or -1, a sum with an exact 0, a selection,
and by sums and products of exact operands that fit the significand; where the format may flush, a subnormal number
survives none of these but the selection. Without flushing, a subnormal sum is exact. Background: Higham,
"Accuracy and Stability of Numerical Algorithms" (2002), chapters 2 to 4.

An exact 0 is no term, as adding it rounds nothing; only a compensated sum (Kahan's) adds what it has put aside then.
That is the rounding error of x + y, found by a subtraction that rounds where |x| < |y|, by no more than u ufp(y), ufp
being the power of two below; the 0 brings it in, and rounds by no more than u ufp(x + y). Together that is at most
2 u (|x| + |y|), where any other order keeps to one u; further zeros change nothing. From three terms on n - 1 are
enough: such a sum errs by less than 2 u of three (by exhaustion at 3 to 5 bits) and 2.2 u of more (by search).
"""

from collections.abc import Callable
from functools import reduce
from typing import Any, Self

import numpy as np
from flint import arb, arb_mat

from . import bounds
from .ball import larger, largest, matrix, matrix_product, total
from .bounds import Cost, Rules, cost_of, fits, rules_of
from .elementary import ZERO
from .exact import exact, exact_array
from .precision import Precision
from .protocol import Axis, Constant, DirectArray, as_array, evaluated_once, filled, memory, reduction_rows, remembered


class LengthError(ArithmeticError):
    """A sum or contraction is longer than a native half precision gives tolerances for."""


class Rounding(DirectArray):
    """An array of exact values, each with a bound on the error that a sound implementation may have made so far.

    `guard`: whether an intermediate that may leave the format's range raises RangeError; False for cases that are to
    overflow. `reductions` collects which of "sum" and "contraction" a formula uses: some precisions differ in those
    alone.
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
        return f"Rounding({self.value!r}, {self.error!r}, {self.precision!r})"

    def lift(self, other: Any) -> Self:
        """Give `other` as exact values.

        A constant that the format does not hold carries u |c|, a subnormal one half its spacing.
        """
        if isinstance(other, type(self)):
            return other
        if isinstance(other, np.ndarray):
            return self.of_parts(exact_array(other), np.full(other.shape, ZERO, dtype=object))
        return self._named(other) if isinstance(other, Constant) else self._rounded(other)

    @remembered
    def _named(self, constant: Constant) -> Self:
        return self._rounded(constant)

    def _rounded(self, other: Any) -> Self:
        constant = exact(other)
        held = not constant.is_finite() or fits(constant, self.precision.format)
        magnitude = arb.max(abs(constant), self._cost.smallest_normal)
        return self.of_parts(as_array(constant), as_array(ZERO if held else self._cost.roundoff * magnitude))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as NumPy gives it."""
        return self.value.shape

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the values and the errors."""
        return self.value, self.error

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of the same precision."""
        made = object.__new__(type(self))  # the parts are object arrays already
        made.value, made.error = parts
        made.known = memory()
        made.precision, made.guard, made.reductions = self.precision, self.guard, self.reductions
        return made

    # What rounding costs ------------------------------------------------------------------------------------------

    @property
    def _cost(self) -> Cost:
        return cost_of(self.precision.format)

    @property
    def _rules(self) -> Rules:
        return rules_of(self.precision.format, self.guard)

    def _by(self, rule: Callable[..., tuple[Any, Any]], *arguments: Any) -> Self:
        """Apply a rule that gives value and error of each element."""
        return self.of_parts(*map(as_array, rule(*arguments)))

    @evaluated_once
    def _terms(self) -> np.ndarray:
        """0 for each exact 0, which is no term of a sum, and 1 for all else."""
        pairs = zip(self.value.ravel().tolist(), self.error.ravel().tolist(), strict=True)
        terms = [0 if e.is_zero() and v.is_zero() else 1 for v, e in pairs]
        return np.array(terms, dtype=np.int64).reshape(self.value.shape)

    @evaluated_once
    def _is_full(self) -> bool:
        """Whether no element is an exact 0."""
        return not any(map(arb.is_zero, self.value.ravel().tolist())) or bool(self._terms.all())

    # Arithmetic ---------------------------------------------------------------------------------------------------

    @remembered
    def add(self, other: Self) -> Self:
        """x + y: one rounding, and eta where the format may flush."""
        return self._by(self._rules.add, *self.parts(), *other.parts())

    def subtract(self, other: Self) -> Self:
        """x - y, as the sum of x and -y."""
        return self.add(other.negative())

    @remembered
    def multiply(self, other: Self) -> Self:
        """x * y: one rounding, and eta."""
        return self._by(self._rules.multiply, *self.parts(), *other.parts())

    @remembered
    def divide(self, other: Self) -> Self:
        """x / y: two roundings, and (1 + |x|) eta. Raises UnboundedError where y may be 0 but is not known to be."""
        return self._by(self._rules.divide, *self.parts(), *other.parts())

    @remembered
    def negative(self) -> Self:
        """-x, exact."""
        return self.of_parts(as_array(-self.value), self.error)

    @remembered
    def absolute(self) -> Self:
        """|x|, exact."""
        return self.of_parts(as_array(abs(self.value)), self.error)

    @remembered
    def elementary(self, name: str) -> Self:
        """Apply an elementary function. Raises UnboundedError where the error reaches beyond where it is defined."""
        return self._by(self._rules.elementary(name, self.precision.reduction), *self.parts())

    @remembered
    def stored(self) -> Self:
        """Round to the tensors' own format: the error of an inexact value, even of one that was stored before."""
        own = self.precision.result
        if own is self.precision.format:
            return self
        return self._by(rules_of(own, self.guard).stored, *self.parts())

    @remembered
    def running(self) -> Self:
        """The same, of whose sums every element is a term, and none is exact."""
        result = self.of_parts(*self.parts())
        result._terms, result._is_exact = np.ones(self.shape, dtype=np.int64), False
        return result

    @remembered
    def maximum(self, other: Self) -> Self:
        """The larger of x and y: exact, and off by no more than the larger error."""
        return self.of_parts(
            largest(self.value, other.value), bounds.larger_error(self.value, self.error, other.value, other.error)
        )

    # Comparisons: decided, or refused -----------------------------------------------------------------------------

    @remembered
    def greater(self, other: Self) -> np.ndarray:
        """x > y. Raises UnboundedError where the errors could flip it."""
        return bounds.surely_exceeds(self.value, self.error, other.value, other.error).astype(bool)

    @remembered
    def less(self, other: Self) -> np.ndarray:
        """x < y. Raises UnboundedError where the errors could flip it."""
        return bounds.surely_exceeds(other.value, other.error, self.value, self.error).astype(bool)

    def greater_equal(self, other: Self) -> np.ndarray:
        """x >= y. Raises UnboundedError where the errors could flip it."""
        return np.asarray(self.greater(other) | self.equal(other))

    def less_equal(self, other: Self) -> np.ndarray:
        """x <= y. Raises UnboundedError where the errors could flip it."""
        return np.asarray(self.less(other) | self.equal(other))

    @remembered
    def equal(self, other: Self) -> np.ndarray:
        """x == y. Raises UnboundedError where the errors could flip it."""
        same = bounds.is_same(self.value, other.value)
        return np.asarray(~self.greater(other) & ~self.less(other) & same.astype(bool))

    def not_equal(self, other: Self) -> np.ndarray:
        """x != y. Raises UnboundedError where the errors could flip it."""
        return ~self.equal(other)

    # Reductions ---------------------------------------------------------------------------------------------------

    def _length(self, terms: int | np.ndarray) -> None:
        longest = self.precision.longest
        if longest is not None and (most := int(np.max(terms, initial=0))) > longest:
            raise LengthError(f"{most} terms: a native half precision gives tolerances up to {longest}")

    @remembered
    def product(self, other: Self) -> Self:
        """x @ y of two matrices: n u |x| |y| and eta for every product, in the accumulator's precision."""
        self.reductions.add("contraction")
        a, b = self._operand(), other._operand()
        terms = a.shape[1] if a._is_full and b._is_full else a._terms @ b._terms
        self._length(terms)
        value = matrix_product(a._values, b._values)
        magnitude = matrix_product(a._magnitudes, b._magnitudes)
        passed, none = as_array(ZERO), terms == 0
        free = none
        if not (a._is_exact and b._is_exact):
            plain, magnitude = magnitude, matrix_product(a._reaches, b._reaches)
            passed = magnitude - plain
        elif a._finest is not None and b._finest is not None:
            free = self._sums_exactly(magnitude, a._finest + b._finest)
        rules = rules_of(self.precision.accumulator, self.guard)
        costs = rules.products(terms, a.shape[1])
        return self._by(rules.into(self._rules), value, magnitude, passed, free, *costs, none)

    @remembered
    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Sum along axes or of all elements: (n - 1) u times the sum of magnitudes, exact zeros not counted."""
        self.reductions.add("sum")
        values, shape = reduction_rows(self.value, axis, keepdims)
        errors, _ = reduction_rows(self.error, axis, keepdims)
        count, length = values.shape
        terms = length if self._is_full else reduction_rows(self._terms, axis, keepdims)[0].sum(axis=-1)
        self._length(terms)
        value, magnitude, error = (filled(total(rows), (count,)) for rows in (values, abs(values), errors))
        magnitude = as_array(magnitude + error)
        free = single = terms <= 1
        if self._is_exact and self._finest is not None:
            free = free | self._sums_exactly(magnitude, self._finest)
        rules = rules_of(self.precision.accumulator, self.guard)
        costs = rules.additions(terms, length)
        result = self._by(rules.into(self._rules), value, magnitude, error, free, *costs, single)
        return result if shape == (count,) else result.reshape(shape)

    @remembered
    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The largest along axes, or of all elements: exact, and off by no more than the largest error."""
        values, shape = reduction_rows(self.value, axis, keepdims)
        errors, _ = reduction_rows(self.error, axis, keepdims)
        value = filled([reduce(larger, row) for row in values.tolist()], shape)
        return self.of_parts(value, filled([reduce(arb.max, row) for row in errors.tolist()], shape))

    @remembered
    def _operand(self) -> Self:
        """Round to the format in which a contraction reads its operands."""
        fmt = self.precision.operand
        if fmt is self.precision.format:
            return self
        return self._by(rules_of(fmt, self.guard).read, *self.parts())

    @evaluated_once
    def _values(self) -> arb_mat:
        return matrix(self.value)

    @evaluated_once
    def _magnitudes(self) -> arb_mat:
        return matrix(abs(self.value))

    @evaluated_once
    def _reaches(self) -> arb_mat:
        """What the magnitudes may come to."""
        return matrix(abs(self.value) + self.error)

    @evaluated_once
    def _is_exact(self) -> bool:
        values, errors = self.value.ravel().tolist(), self.error.ravel().tolist()
        return all(map(arb.is_zero, errors)) and all(map(arb.is_exact, values)) and all(map(arb.is_finite, values))

    @evaluated_once
    def _finest(self) -> int | None:
        """The largest k for which all values, which must be exact, are multiples of 2**k; None if all are 0."""
        units = [unit for v in self.value.ravel().tolist() if (unit := bounds.unit_of(v)) is not None]
        return min(units, default=None)

    def _sums_exactly(self, magnitude: np.ndarray, unit: int) -> np.ndarray:
        """Say where multiples of 2**unit add up without rounding in the accumulator, in any order."""
        accumulator = self.precision.accumulator
        if unit < accumulator.smallest_normal:
            return np.zeros(magnitude.shape, dtype=bool)
        bound = bounds.power_of_two(unit + accumulator.significand)
        return bounds.is_at_most(magnitude, bound).astype(bool)


for _name in (
    *("reshape", "swapaxes", "transpose", "moveaxis", "expand_dims", "squeeze", "broadcast_to", "repeat", "pad"),
    *("__getitem__", "take", "take_along_axis", "select", "joined", "matmul", "scatter_add"),
):  # formulations differ in a step or two: all before it is the very same, if what moves elements is, too
    setattr(Rounding, _name, remembered(getattr(Rounding, _name)))
