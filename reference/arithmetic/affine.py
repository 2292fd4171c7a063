"""Affine arithmetic: rounding arrays whose errors are remembered, so that shared ones cancel or add up once.

A rounding array counts the error of a mean, of 1 / sigma or of a recurrent state once for each use. Here each element
has, beside that bound, its error as a sum over variables, one for what each step adds to each element: its roundings,
and what the derivatives leave out (`linear_errors`). The error is at most the sum of the coefficients' magnitudes, or
the bound of rounding arrays where that is less; and what a step adds is at most the bound of its rule less the part of
it that the derivatives account for. See de Figueiredo and Stolfi, "Affine arithmetic: concepts and applications",
Numerical Algorithms 37 (2004), and Darulova and Kuncak, "Sound compilation of reals", POPL 2014.

One variable for a rounding means that all steps which read a number read the same one. Where a compiler may leave the
rounding out for one step and not for another, each has a variable of its own (`Reading`).
"""

from itertools import accumulate
from math import inf, prod
from typing import Any, Self

import numpy as np
from flint import arb

from ...vectors.dtypes import FORMATS, HALF
from . import bounds, linear_errors
from .elementary import ELEMENTARY
from .linear_errors import (
    TINY,
    Linear,
    LinearErrors,
    Operand,
    Reading,
    Use,
    Variables,
    elementwise,
    matrix_times,
    sums_over,
    times_matrix,
)
from .protocol import Axis, DirectArray, as_array, evaluated_once, filled, over_elements
from .rounding import Rounding

LARGEST_STACK = 16
"""Of as many products of matrices at most, the errors are passed on together."""
HALVES = [FORMATS[name] for name in HALF]
Derivatives = dict[str, Any]
"""The `slope` and the `off` of an operand."""


def _derivatives(balls: np.ndarray) -> Derivatives:
    """Give derivatives as float64, and how far off they may be if that is more than 2^-51 of them."""
    flat = balls.ravel().tolist()
    middle = np.array([*map(float, flat)]).reshape(balls.shape)
    radius = np.array([*map(float, map(arb.rad, flat))]).reshape(balls.shape)
    magnitude, finite = abs(middle), np.isfinite(middle)
    near = (radius <= magnitude * 2.0**-52) & ((magnitude > 2.0**-900) | (magnitude == 0)) & finite
    if np.count_nonzero(near) == near.size:
        return {"slope": middle, "off": None}
    off = magnitude * 2.0**-52 + np.nextafter(radius, inf) + TINY
    return {"slope": np.where(finite, middle, 0.0), "off": np.where(finite, off, inf)}


def _upper(balls: np.ndarray) -> np.ndarray:
    """Give float64 above balls >= 0, and 0 for 0, as (size,)."""
    flat = balls.ravel().tolist()
    nearest = np.array([*map(float, map(arb.abs_upper, flat))])
    upper: np.ndarray = np.nextafter(nearest, inf)
    if np.count_nonzero(nearest) < len(flat):
        upper[[*map(arb.is_zero, flat)]] = 0
    return upper


class Affine(DirectArray):
    """A rounding array, and the error of each element as a sum over variables.

    An error that is no number is given up, of which NumPy warns unless it is told not to, best once for all steps.
    """

    def __init__(self, rounding: Rounding, cells: np.ndarray, errors: LinearErrors) -> None:
        self.rounding = rounding
        self.cells = cells
        """The column of each element among the errors."""
        self.errors = errors

    @classmethod
    def exact(cls, rounding: Rounding, variables: Variables) -> Self:
        """Give a rounding array without errors as one of an evaluation's arrays."""
        none = LinearErrors(variables, linear_errors.NONE, np.zeros((4, 1)))
        return cls(rounding, np.zeros(rounding.shape, dtype=np.int64), none)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as NumPy gives it."""
        return self.rounding.value.shape

    @property
    def value(self) -> np.ndarray:
        """The exact values, as balls."""
        return self.rounding.value

    @property
    def error(self) -> np.ndarray:
        """The bounds on the errors, as balls."""
        return self.rounding.error

    def lift(self, other: Any) -> Self:
        """Give `other` as exact values; a constant that the format does not hold is rounded once."""
        return other if isinstance(other, type(self)) else self._after(self.rounding.lift(other))

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the values, the errors and the columns."""
        return (*self.rounding.parts(), self.cells)

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of the same errors."""
        *rounding, cells = parts
        return type(self)(self.rounding.of_parts(*rounding), np.asarray(cells), self.errors)

    # Steps --------------------------------------------------------------------------------------------------------

    def _after(
        self,
        result: Rounding,
        *operands: Operand,
        early: Reading = Reading.NOBODY,
        beyond: np.ndarray | None = None,
    ) -> Self:
        """Give a step's result from that of rounding arrays; see `linear_errors.after`."""
        if all(map(arb.is_zero, result.error.ravel().tolist())):
            return self.exact(result, self.errors.variables)
        if result.precision.format in HALVES:
            early = Reading.EVERYBODY
        errors = linear_errors.after(self.errors.variables, result.shape, _upper(result.error), operands, early, beyond)
        smaller = filled([*map(arb, errors.bounds.tolist())], result.shape)
        cells = np.arange(1, 1 + result.value.size).reshape(result.shape)
        return type(self)(result.of_parts(result.value, smaller), cells, errors)

    def _operand(self, result: Rounding, linear: Linear | None = None, **how: Any) -> Operand:
        """Give an operand of a step, elementwise if nothing else is said."""
        return Operand(self.errors, self.cells, linear or elementwise(result.ndim), **how)

    @evaluated_once
    def _factors(self) -> Derivatives:
        """The values as derivatives of a product."""
        return _derivatives(self.value)

    def add(self, other: Self) -> Self:
        """x + y."""
        result = self.rounding.add(other.rounding)
        return self._after(result, *(x._operand(result, use=Use.ADDED) for x in (self, other)))

    def subtract(self, other: Self) -> Self:
        """x - y."""
        return self.add(other.negative())

    def multiply(self, other: Self) -> Self:
        """x * y."""
        result = self.rounding.multiply(other.rounding)
        operands = self._operand(result, **other._factors), other._operand(result, **self._factors)
        return self._after(result, *operands, early=Reading.ADDITIONS)

    def divide(self, other: Self) -> Self:
        """x / y: the derivatives are 1 / y and -(x / y) / y."""
        result = self.rounding.divide(other.rounding)
        slopes = as_array(1 / other.value), as_array(-result.value / other.value)
        operands = (x._operand(result, **_derivatives(s)) for x, s in zip((self, other), slopes, strict=True))
        return self._after(result, *operands, early=Reading.ADDITIONS)

    def negative(self) -> Self:
        """-x."""
        return type(self)(self.rounding.negative(), self.cells, self.errors.negative())

    def absolute(self) -> Self:
        """|x|: where the error may change the sign, it is no more than it was."""
        result = self.rounding.absolute()
        sure = bounds.is_at_most(self.error, abs(self.value)).astype(bool)
        slope = np.where(sure, np.sign(self.value.astype(np.float64)), 0.0)
        return self._passed_on(result, self._operand(result, slope=slope))

    def elementary(self, name: str) -> Self:
        """Apply an elementary function."""
        function, result = ELEMENTARY[name], self.rounding.elementary(name)
        slopes = over_elements(function.slope, 2)(result.value, self.value)
        operand = self._operand(result, **_derivatives(slopes))
        if (curvature := function.curvature) is None:
            return self._after(result, operand)

        def beyond(v: arb, x: arb, e: arb, after: arb) -> arb:
            return after if e.is_zero() else after - function.gap(v, x, e) + curvature / 2 * e**2

        added = over_elements(beyond, 4)(result.value, self.value, self.error, result.error)
        return self._after(result, operand, beyond=_upper(added))

    def stored(self) -> Self:
        """Round to the tensors' own format."""
        result = self.rounding.stored()
        if result is self.rounding:
            return self
        return self._after(result, self._operand(result), early=Reading.EVERYBODY)

    def product(self, other: Self) -> Self:
        """x @ y of two matrices."""
        return self._multiplied(self.rounding.product(other.rounding), other)

    def stacked_product(self, other: Self) -> Self:
        """x @ y of two stacks of matrices, in one step if there are few."""
        if len(self) > LARGEST_STACK:
            return super().stacked_product(other)
        return self._multiplied(self.rounding.stacked_product(other.rounding), other)

    def _multiplied(self, result: Rounding, other: Self) -> Self:
        terms = other.shape[-2]
        left = self._operand(result, times_matrix, terms=terms, **other._factors)
        right = other._operand(result, matrix_times, terms=terms, **self._factors)
        return self._after(result, left, right, early=Reading.ADDITIONS)

    def running(self) -> Self:
        """The same, of whose sums every element is a term, and none is exact."""
        return type(self)(self.rounding.running(), self.cells, self.errors)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Sum along axes, or of all elements."""
        return self._summed(self.rounding.sum(axis, keepdims), axis, keepdims)

    def over_batch(self, axis: Axis, keepdims: bool = False) -> Self:
        """Sum along axes, perhaps in the tensors' own dtype."""
        return self._summed(self.rounding.over_batch(axis, keepdims), axis, keepdims)

    def _summed(self, result: Rounding, axis: Axis, keepdims: bool) -> Self:
        given = range(self.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = tuple(a % self.ndim for a in given)
        terms = prod(self.shape[a] for a in axes)
        operand = self._operand(result, sums_over(axes, keepdims), terms=terms, use=Use.ADDED)
        return self._after(result, operand, early=Reading.ADDITIONS)

    # Choices ------------------------------------------------------------------------------------------------------

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The largest along axes, or of all elements."""
        return self._after(self.rounding.max(axis, keepdims))

    def maximum(self, other: Self) -> Self:
        """The larger of x and y: one of them where that is certain."""
        margin, gap = self.error + other.error, self.value - other.value
        larger, less = (bounds.is_at_most(margin, x).astype(bool) for x in (gap, -gap))
        return self._either(self.rounding.maximum(other.rounding), larger, other, less)

    def select(self, condition: np.ndarray, other: Self) -> Self:
        """Take self where the condition holds, other elsewhere."""
        return self._either(self.rounding.select(condition, other.rounding), condition, other, ~condition)

    def _either(self, result: Rounding, here: np.ndarray, other: Self, there: np.ndarray) -> Self:
        return self._passed_on(result, self._operand(result, slope=here), other._operand(result, slope=there))

    def joined(self, arrays: list[Self], axis: int = 0) -> Self:
        """Concatenate arrays along an axis."""
        result = self.rounding.joined([x.rounding for x in arrays], axis)
        ends, before = list(accumulate(x.shape[axis] for x in arrays)), (slice(None),) * (axis % result.ndim)
        places = [(*before, slice(end - x.shape[axis], end)) for x, end in zip(arrays, ends, strict=True)]
        return self._passed_on(result, *(x._operand(result, at=at) for x, at in zip(arrays, places, strict=True)))

    def pad(self, width: Any, mode: str = "constant", constant_values: float = 0) -> Self:
        """Put exact constants around."""
        return self.of_parts(*self.rounding.pad(width, mode, constant_values).parts(), np.pad(self.cells, width))

    def _passed_on(self, result: Rounding, *operands: Operand) -> Self:
        """Give a result that rounds nothing, and that may be read as early as the operands."""
        early = max(x.errors.early for x in operands)
        return self._after(result, *(x._replace(use=Use.PASSED_ON) for x in operands), early=early)

    # Comparisons: decided, or refused -----------------------------------------------------------------------------

    def greater(self, other: Self) -> np.ndarray:
        """x > y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.greater(other.rounding)

    def less(self, other: Self) -> np.ndarray:
        """x < y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.less(other.rounding)

    def greater_equal(self, other: Self) -> np.ndarray:
        """x >= y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.greater_equal(other.rounding)

    def less_equal(self, other: Self) -> np.ndarray:
        """x <= y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.less_equal(other.rounding)

    def equal(self, other: Self) -> np.ndarray:
        """x == y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.equal(other.rounding)

    def not_equal(self, other: Self) -> np.ndarray:
        """x != y. Raises UnboundedError where the errors could flip it."""
        return self.rounding.not_equal(other.rounding)
