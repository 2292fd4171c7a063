"""Ball arithmetic: formulas over certified enclosures of the exact result.

An element is a `flint.arb`, a midpoint with a proven radius. Bare object arrays of `arb` go wrong in silence: an
undecided comparison is False there, and the maximum of two overlapping balls is whichever came first. Here the
comparison raises, and the maximum is `arb.max`. See Johansson, "Arb: efficient arbitrary-precision midpoint-radius
interval arithmetic", IEEE Transactions on Computers 66 (2017).
"""

from functools import reduce
from typing import Any, Self

import numpy as np
from flint import arb, arb_mat

from .elementary import ELEMENTARY, ZERO
from .exact import exact_array
from .protocol import Axis, FormulaArray, UndecidedError, filled, over_elements, reduction_rows


def ball_quotient(x: arb, y: arb) -> arb:
    """x / y. Raises UndecidedError where y may be 0 but is not known to be."""
    result = x / y
    if not result.is_finite() and x.is_finite() and y.is_finite() and not y.is_zero():
        raise UndecidedError(f"the denominator {y.str(8)} may be 0")
    return result


def _exceeds(x: arb, y: arb) -> bool:
    """Say whether x > y; a NaN exceeds nothing, as IEEE 754 has it."""
    if x > y:
        return True
    if x <= y or x.is_nan() or y.is_nan():
        return False
    raise UndecidedError(f"{x.str(8)} > {y.str(8)} is undecided")


def _equals(x: arb, y: arb) -> bool:
    if x == y:
        return True
    if x != y or x.is_nan() or y.is_nan():
        return False
    raise UndecidedError(f"{x.str(8)} == {y.str(8)} is undecided")


def larger(x: arb, y: arb) -> arb:
    """The larger of two balls; NaN where either is."""
    if x.is_nan() or y.is_nan():
        return arb.nan()
    if x >= y:  # arb.max gives two infinities an infinite radius
        return x
    return y if y >= x else arb.max(x, y)


quotient = over_elements(ball_quotient, 2)
elementary = {name: over_elements(function.ball, 1) for name, function in ELEMENTARY.items()}
exceeds, equals = over_elements(_exceeds, 2), over_elements(_equals, 2)
largest = over_elements(larger, 2)


def matrix(balls: np.ndarray) -> arb_mat:
    """Give an object matrix as one of flint's."""
    rows, columns = balls.shape
    return arb_mat(rows, columns, balls.ravel().tolist())


def matrix_product(a: arb_mat, b: arb_mat) -> np.ndarray:
    """Multiply two matrices, (n, k) and (k, m), into an object matrix."""
    return filled((a * b).entries(), (a.nrows(), b.ncols()))


def total(rows: np.ndarray) -> list[arb]:
    """Sum each row of a matrix of balls."""
    return [sum(row, ZERO) for row in rows.tolist()]


class Ball(FormulaArray):
    """An array of enclosures. The working precision is `flint.ctx.prec`."""

    def __init__(self, data: Any) -> None:
        self.balls = exact_array(data)

    def __repr__(self) -> str:
        return f"Ball({self.balls!r})"

    def lift(self, other: Any) -> Self:
        """Give `other` as exact balls."""
        return other if isinstance(other, type(self)) else type(self)(other)

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the object array of balls."""
        return (self.balls,)

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Wrap an object array of balls."""
        return type(self)(parts[0])

    def add(self, other: Self) -> Self:
        """x + y."""
        return self.of_parts(self.balls + other.balls)

    def subtract(self, other: Self) -> Self:
        """x - y."""
        return self.of_parts(self.balls - other.balls)

    def multiply(self, other: Self) -> Self:
        """x * y."""
        return self.of_parts(self.balls * other.balls)

    def divide(self, other: Self) -> Self:
        """x / y. Raises UndecidedError where y may be 0 but is not known to be."""
        return self.of_parts(quotient(self.balls, other.balls))

    def negative(self) -> Self:
        """-x."""
        return self.of_parts(-self.balls)

    def absolute(self) -> Self:
        """|x|."""
        return self.of_parts(abs(self.balls))

    def elementary(self, name: str) -> Self:
        """Apply an elementary function. Raises UndecidedError where it may have no value but is not known to."""
        return self.of_parts(elementary[name](self.balls))

    def maximum(self, other: Self) -> Self:
        """The larger of x and y; NaN where either is."""
        return self.of_parts(largest(self.balls, other.balls))

    def greater(self, other: Self) -> np.ndarray:
        """x > y. Raises UndecidedError where the balls overlap."""
        return exceeds(self.balls, other.balls).astype(bool)

    def less(self, other: Self) -> np.ndarray:
        """x < y. Raises UndecidedError where the balls overlap."""
        return exceeds(other.balls, self.balls).astype(bool)

    def greater_equal(self, other: Self) -> np.ndarray:
        """x >= y. Raises UndecidedError where the balls overlap."""
        return np.asarray(self.greater(other) | self.equal(other))

    def less_equal(self, other: Self) -> np.ndarray:
        """x <= y. Raises UndecidedError where the balls overlap."""
        return np.asarray(self.less(other) | self.equal(other))

    def equal(self, other: Self) -> np.ndarray:
        """x == y. Raises UndecidedError where the balls overlap without being the same exact number."""
        return equals(self.balls, other.balls).astype(bool)

    def not_equal(self, other: Self) -> np.ndarray:
        """x != y. Raises UndecidedError where the balls overlap without being the same exact number."""
        return ~self.equal(other)

    def product(self, other: Self) -> Self:
        """x @ y of two matrices."""
        return self.of_parts(matrix_product(matrix(self.balls), matrix(other.balls)))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Sum along axes, or of all elements."""
        rows, shape = reduction_rows(self.balls, axis, keepdims)
        return self.of_parts(filled(total(rows), shape))

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The largest along axes, or of all elements; NaN where one is NaN."""
        rows, shape = reduction_rows(self.balls, axis, keepdims)
        return self.of_parts(filled([reduce(larger, row) for row in rows.tolist()], shape))
