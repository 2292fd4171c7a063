"""Compare values with expected values and tolerances, a whole family at once.

An element is right where |got - expected| <= tolerance, both are NaN, or both are the same infinity; -0 equals 0.

The subtraction is made in float64, to which every dtype of a case converts exactly. Its one rounding does no harm:
rounding is monotone and the tolerance is itself a float64, so what is within the tolerance stays within it, and what
rounding pulls in was out by less than half a unit in the last place of the tolerance. A difference of 0 comes from
equal operands alone (underflow is gradual), and one that overflows is infinite, which no tolerance allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.records import Expectation

COPIED = 2**20
"""Bytes up to which two arrays are compared by copies of their bytes, which is faster for small ones."""


@dataclass(frozen=True)
class Comparison:
    """One result of a family compared with one answer."""

    right: np.ndarray
    """Element by element, bool, (count, *shape)."""
    all_right: bool
    """Whether every element of every case is."""
    score: np.ndarray
    """|got - expected| / tolerance, float64, (count, *shape): at most 1 where right, 0 where equal, infinite where one
    of the two is NaN or infinite and the other is not the same, or where the tolerance is 0 and they differ."""
    error: np.ndarray
    """|got - expected|, float64, (count, *shape): 0 for the same infinity and for NaN where it is expected, infinite
    where one of the two alone is NaN or infinite."""
    fraction: float | None
    """The largest score over the elements with a finite, positive tolerance; None where there is none."""
    ulps: float
    """The largest error in units in the last place, as `ulps` defines them; 0 where there is no element."""

    def passed(self) -> np.ndarray:
        """Whether every element of a case is right: bool, (count,)."""
        right: np.ndarray = np.all(self.right, axis=tuple(range(1, self.right.ndim)))
        return right

    def within(self, tolerance: np.ndarray) -> bool:
        """Whether every element would be right with other tolerances, (count, *shape)."""
        return is_true(np.asarray(self.error <= tolerance))

    def worst(self) -> tuple[int, ...]:
        """The case and index of the element with the largest score."""
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(self.score)), self.score.shape))


def tolerance_key(expectation: Expectation, precision: str, aliases: Mapping[str, str]) -> str | None:
    """The key under which the tolerances of a working precision are stored, None where none are given."""
    if precision in expectation.tolerance:
        return precision
    alias = aliases.get(precision)
    return alias if alias in expectation.tolerance else None


def is_true(truths: np.ndarray) -> bool:
    """Whether every element is True: what `all` does, at a fraction of its cost for small arrays."""
    return bool(np.count_nonzero(truths) == truths.size)


def agrees(got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Element by element, whether `got` is right; shapes must agree, `expected` and `tolerance` are float64.

    NumPy may warn of infinities; the caller silences it, once for many calls.
    """
    wide = got.astype(np.float64)
    right = np.asarray(np.abs(wide - expected) <= tolerance)
    if not is_true(right):
        right = np.asarray(right | _same_class(wide, expected))
    return right


def compare(got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray, dtype: str) -> Comparison:
    """Compare results of a whole family, (count, *shape) in the case's dtype, with expected values of that shape."""
    with np.errstate(all="ignore"):
        wide = got.astype(np.float64)
        error = np.asarray(np.abs(wide - expected))
        right = np.asarray(error <= tolerance)
        all_right = is_true(right)
        if not all_right:
            same = _same_class(wide, expected)
            right = np.asarray(right | same)
            all_right = is_true(right)
            error[same] = 0.0
            error[np.isnan(error)] = np.inf
        score = np.asarray(error / tolerance)
        fraction: float | None = float(np.max(score, initial=0.0))
        if not score.size or not fraction < np.inf:  # type: ignore[operator]
            score[error == 0] = 0.0
            judged = score[(tolerance > 0) & (tolerance < np.inf)]
            fraction = float(judged.max()) if judged.size else None
        largest = np.max(ulps(error, wide, expected, dtype), initial=0.0)
    return Comparison(right, all_right, score, error, fraction, float(largest))


def scored(values: np.ndarray, expected: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """|values - expected| in tolerances, float64, element by element: 0 where equal or both NaN, infinite where one
    alone is. NumPy may warn, as of `agrees`."""
    error = np.abs(values - expected)
    score = np.asarray(error / tolerance)
    if is_true(np.isfinite(score)):
        return score
    return np.where(_same_class(values, expected), 0.0, np.where(np.isnan(error), np.inf, score))


def _same_class(got: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Where both are NaN, the same infinity, or equal."""
    return np.asarray((got == expected) | (np.isnan(got) & np.isnan(expected)))


def ulps(error: np.ndarray, got: np.ndarray, expected: np.ndarray, dtype: str) -> np.ndarray:
    """Errors in units in the last place of `dtype`.

    The unit is that of the expected value, or of the value that came where 0 was expected (every digit of it is
    wrong then; the unit of 0 itself would count them in numbers beyond 1e300). Among subnormals it is their spacing.
    """
    if not np.count_nonzero(error):
        return error
    measure = expected if np.count_nonzero(expected) == expected.size else np.where(expected == 0, got, expected)
    exponent = np.maximum(
        np.frexp(measure)[1], FORMATS[dtype].smallest_normal + 1
    )  # of a significand in [1/2, 1), so 1 more than usual
    counted: np.ndarray = np.ldexp(error, FORMATS[dtype].significand - exponent)
    return counted


def bits_equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one shape and dtype hold the same bits."""
    return one.tobytes() == other.tobytes() if one.nbytes <= COPIED else np.array_equal(_raw(one), _raw(other))


def differing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Element by element, where two arrays of one shape and dtype differ in their bits; any NaN equals any other."""
    unlike: np.ndarray = _raw(one) != _raw(other)
    unlike = unlike.reshape(one.shape)
    if one.dtype.kind != "i" and unlike.any():
        unlike &= ~(_is_nan(one) & _is_nan(other))
    return unlike


def _raw(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).view(np.dtype(f"u{array.dtype.itemsize}"))


def _is_nan(array: np.ndarray) -> np.ndarray:
    nan: np.ndarray = np.asarray(array != array)
    return nan


def number_text(value: Any, dtype: np.dtype[Any]) -> str:
    """A number with as many digits as its dtype needs."""
    return str(dtype.type(value))
