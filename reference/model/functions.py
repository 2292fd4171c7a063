"""What formulas call beside NumPy: functions that NumPy lacks, constants that no decimal states, and marks.

Each works on NumPy's arrays and on those of every arithmetic. The mark `stored` says where a value passes through
memory, `over_batch` which sums undo broadcasting, and `running` which means may be updated term by term; they change no
value.
"""

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis, Constant, FormulaArray

Array = Any


def stored(x: Array) -> Array:
    """x after it has passed through memory in the tensors' dtype, as outputs saved for the backward pass do."""
    return x.stored() if isinstance(x, FormulaArray) else x


def running(x: Array) -> Array:
    """x to be averaged by a mean that is kept up to date, m + (x - m) / k for the k-th x: see `FormulaArray.running`.

    Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4 (1962). The k-th
    mean's rounding counts k / n in the last, u |sum of the first k| / n, so all together are at most the n u mean |x|
    of a sum in any order; but an x of 0, or sums that fit, save none of them.
    """
    return x.running() if isinstance(x, FormulaArray) else x


def over_batch(x: Array, axis: Axis, keepdims: bool = False) -> Array:
    """The gradient of something broadcast: a sum along axes, over the batch, which chunks of a batch share."""
    if isinstance(x, FormulaArray):
        return x.over_batch(axis, keepdims)
    return x.sum(axis=axis, keepdims=keepdims)


def number(value: float | Constant) -> Constant:
    """A parameter as the float64 that it is, not the decimal that it is written as; a constant as it is.

    1 - number(x) is computed once, as Python does; 1 - number(x) * np.ones_like(y) in the tensors' precision.
    """
    return value if isinstance(value, Constant) else _number(value, math.copysign(1, value))


@lru_cache(256, typed=True)
def _number(value: float, _sign: float) -> Constant:
    """The very same for the same number, so that what is computed with it is, too; -0.0 is another than 0.0."""
    return Constant(value, lambda: _arb()(value))


def scatter_add(rows: Array, index: np.ndarray, size: int) -> Array:
    """rows (N, ...) and index (N,) -> (size, ...): at each place the sum of the rows with its index."""
    if isinstance(rows, FormulaArray):
        return rows.scatter_add(index, size)
    sums = np.zeros((size, *rows.shape[1:]), rows.dtype)
    np.add.at(sums, index, rows)
    return sums


def erf(x: Array) -> Array:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return _elementary("erf", math.erf, x)


def erfc(x: Array) -> Array:
    """1 - erf(x), which keeps the digits of its tail."""
    return _elementary("erfc", math.erfc, x)


def erf_absolute(x: Array) -> Array:
    """erf as one polynomial over the whole range has it: right to u of 1, not of itself."""
    return _elementary("erf_absolute", math.erf, x)


def _elementary(name: str, function: Callable[[float], float], x: Array) -> Array:
    if isinstance(x, FormulaArray):
        return x.elementary(name)
    return np.vectorize(function, otypes=[np.float64])(x).astype(x.dtype)


def _arb() -> Any:
    from flint import arb  # the other uses of a formula need no flint

    return arb


SQRT_HALF = Constant(math.sqrt(0.5), lambda: _arb()(0.5).sqrt())
INV_SQRT_2PI = Constant(1 / math.sqrt(2 * math.pi), lambda: 1 / (2 * _arb().pi()).sqrt())
SQRT_2_OVER_PI = Constant(math.sqrt(2 / math.pi), lambda: (2 / _arb().pi()).sqrt())


@cache
def inverse_sqrt(n: int) -> Constant:
    """1 / sqrt(n)."""
    return Constant(1 / math.sqrt(n), lambda: 1 / _arb()(n).sqrt())
