"""Formulas over arrays of numbers that are neither balls nor bounds: a dtype's, computed in some way, or mpmath's."""

import operator
from collections.abc import Callable
from typing import Any, Self

import flint
import mpmath
import numpy as np
from backproof.reference.arithmetic.protocol import (
    Constant,
    FormulaArray,
    as_array,
    filled,
    over_elements,
    reduction_rows,
)

OPERATORS: dict[str, Callable[..., Any]] = {
    **{"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv},
    **{"negative": operator.neg, "absolute": abs, "maximum": max},
}
COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}


class NumberArray(FormulaArray):
    """An array of numbers. A subclass says how elementwise functions, sums and matrix products are computed."""

    data: np.ndarray

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the array of numbers."""
        return (self.data,)

    def computed(self, name: str, *operands: np.ndarray) -> np.ndarray:
        """Compute NumPy's elementwise function of this name, comparisons apart."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Give the method that stands for NumPy's function of this name."""
        if name in COMPARISONS:
            return lambda other: np.asarray(getattr(np, name)(self.data, other.data), dtype=bool)
        if name in self.UFUNCS:
            return lambda *others: self.of_parts(self.computed(name, self.data, *(x.data for x in others)))
        raise AttributeError(name)

    def elementary(self, name: str) -> Self:
        """Compute an elementary function."""
        return self.of_parts(self.computed(name, self.data))

    def any(self) -> bool:
        """Whether an element is not 0."""
        return bool((self.data != 0).any())

    def max(self, axis: Any = None, keepdims: bool = False) -> Self:
        """The largest along axes, or of all elements."""
        return self.of_parts(as_array(self.data.max(axis=axis, keepdims=keepdims)))


class MpmathArray(NumberArray):
    """An array of mpmath's numbers, at mpmath's working precision."""

    def __init__(self, data: Any) -> None:
        self.data = data if isinstance(data, np.ndarray) and data.dtype == object else _of_mpmath(data)

    def lift(self, other: Any) -> Self:
        """Give an array of exact numbers; a float in a formula's text is the decimal that was written."""
        return other if isinstance(other, MpmathArray) else type(self)(other)

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Wrap an object array."""
        return type(self)(parts[0])

    def computed(self, name: str, *operands: np.ndarray) -> np.ndarray:
        """Compute by Python's operators, or else by mpmath's function of this name."""
        function = OPERATORS.get(name) or getattr(mpmath, name.removesuffix("_absolute"))
        return over_elements(function, len(operands))(*operands)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Self:
        """Sum along axes, or of all elements."""
        rows, shape = reduction_rows(self.data, axis, keepdims)
        return self.of_parts(filled([mpmath.fsum(row) for row in rows], shape))

    def product(self, other: Self) -> Self:
        """x @ y of two matrices."""
        entries = [mpmath.fdot(zip(row, column, strict=True)) for row in self.data for column in other.data.T]
        return self.of_parts(filled(entries, (self.shape[0], other.shape[1])))


def _of_mpmath(x: Any) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return filled([mpmath.mpf(v) for v in x.astype(np.float64).ravel().tolist()], x.shape)
    if isinstance(x, Constant):
        with flint.ctx.workprec(mpmath.mp.prec):
            man, exp = x.ball().mid().man_exp()
        return as_array(mpmath.ldexp(int(man), int(exp)))
    return as_array(mpmath.mpf(repr(x) if type(x) is float else float(x)))
