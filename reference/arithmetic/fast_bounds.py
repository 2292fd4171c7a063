"""Error bounds of whole NumPy arrays: a precision's costs as plain numbers, and what is exact in floating point.

`fast.py` is made of these, as `rounding.py` is of the rules for single elements in `bounds.py`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ...vectors.dtypes import FLOAT16, FLOAT32, FLOAT64, Format
from .precision import Precision
from .protocol import Axis, Constant

SPLITTER = 2.0**27 + 1
"""Veltkamp's constant, which splits a float64 into two halves of 26 bits."""
BLOCK = 2**15
"""The most bounds that are added up in float32 at a stretch: that loses 2^-9 of the sum at most, in any order. Large
arrays are looked at in parts of so many elements."""
COMMON = 1 / 2
"""Exact elements are looked for where they are so many of a sample."""
RARE = 1 / 64
"""Zeros are counted where there are more of them, in arrays that are not small."""
SAMPLE = 512
"""About so many elements are looked at before a mask of the whole array is computed."""


@dataclass(frozen=True)
class Unit:
    """A format's constants, those that cost something larger than they are by the inflation."""

    format: Format
    roundoff: float
    threshold: float
    flushed: float
    """The most that a subnormal sum may lose: the threshold where the format may flush, else 0."""
    largest: float


@dataclass(frozen=True)
class Units:
    """What a precision costs, and how its bounds are held."""

    precision: Precision
    error: type[np.floating[Any]]
    """The dtype of bounds: float32, and float64 where float64 itself is bounded."""
    own: int
    """How many times its bound a value may be off itself: 0 where the inflation pays for it, 1 for float64."""
    format: Unit
    accumulator: Unit
    operand: Unit
    result: Unit
    reduction: Unit
    independent: bool = False
    """Whether n roundings of a sum are taken to be independent, and to come to sqrt(n) of one, not n. That is no bound:
    Higham and Mary, "A new approach to probabilistic rounding error analysis", SIAM J. Sci. Comput. 41 (2019)."""

    def roundings(self, count: Any) -> Any:
        """Give what so many roundings of a sum come to, in one."""
        return np.sqrt(count) if self.independent else count

    def grown(self, terms: int) -> float:
        """Give the factor that makes up for adding up so many bounds in their own dtype, in blocks at most."""
        count = min(terms, BLOCK) + terms // BLOCK + 2
        return 1 / (1 - count * float(np.finfo(self.error).eps) / 2)


@cache
def units_of(precision: Precision, *, independent: bool = False) -> Units:
    """Give the costs of a precision: u and eta larger by 2^-12, or by 2^-30 where bounds are float64."""
    wide = precision.format is FLOAT64
    inflation = 1 + (2.0**-30 if wide else 2.0**-12)

    def unit(fmt: Format) -> Unit:
        threshold = 2.0**fmt.threshold * inflation
        flushed = threshold if fmt.threshold == fmt.smallest_normal else 0.0
        return Unit(fmt, float(fmt.unit_roundoff) * inflation, threshold, flushed, float(fmt.largest))

    return Units(
        precision,
        np.float64 if wide else np.float32,
        int(wide),
        unit(precision.format),
        unit(precision.accumulator),
        unit(precision.operand),
        unit(precision.result),
        unit(precision.reduction),
        independent,
    )


def sampled(x: np.ndarray) -> np.ndarray:
    """Give a view of a few hundred elements spread over an array, or the array itself if it is small."""
    if x.size <= 8 * SAMPLE:
        return x
    each = max(int(SAMPLE ** (1 / x.ndim)), 2)
    return x[tuple(slice(None, None, -(-size // each)) for size in x.shape)]


def fits(x: np.ndarray, fmt: Format) -> np.ndarray:
    """Say which numbers a format holds; one that may flush is taken to hold no subnormal number."""
    magnitude = np.abs(x)
    lowest = 2.0 ** (fmt.threshold if fmt is FLOAT16 else fmt.smallest_normal)
    held = (magnitude == 0) | ((magnitude >= lowest) & (magnitude <= float(fmt.largest)))
    if fmt is FLOAT64:
        return np.asarray(held)
    if fmt in (FLOAT16, FLOAT32):
        return np.asarray(held & (x.astype(np.float16 if fmt is FLOAT16 else np.float32) == x))
    scaled = np.ldexp(np.frexp(x)[0], fmt.significand)
    return np.asarray(held & (scaled == np.rint(scaled)))


def by_parts(says: Callable[..., np.ndarray], *numbers: np.ndarray) -> np.ndarray:
    """Say of each element of the last array, with the numbers of others that broadcast to it, whether something holds.

    A large array is looked at part by part, so that numbers on the way stay in a processor's cache."""
    whole = numbers[-1]
    if whole.size <= 2 * BLOCK:
        return np.asarray(says(*numbers))
    axis = next(axis for axis, size in enumerate(whole.shape) if size > 1) - whole.ndim
    rows = max(BLOCK * whole.shape[axis] // whole.size, 1)
    found = np.empty(whole.shape, bool)
    for start in range(0, whole.shape[axis], rows):
        taken: Any = (..., slice(start, start + rows), *[slice(None)] * (-axis - 1))
        found[taken] = says(*(x if x.ndim < -axis or x.shape[axis] == 1 else x[taken] for x in numbers))
    return found


def exact_sums(x: np.ndarray, y: np.ndarray, total: np.ndarray, fmt: Format) -> np.ndarray | None:
    """Say where x + y, rounded to `total`, is exact and fits a format; None if a sample shows that to be rare."""
    few = sampled(total)
    if fmt is not FLOAT64 and few is not total and fits(few, fmt).mean() < COMMON:
        return None

    def exactly(x: np.ndarray, y: np.ndarray, total: np.ndarray) -> np.ndarray:
        part = total - x
        rest = (x - (total - part)) + (y - part)  # Knuth's error-free sum
        return np.asarray((rest == 0) & fits(total, fmt))

    return by_parts(exactly, x, y, total)


def exact_products(x: np.ndarray, y: np.ndarray, product: np.ndarray, fmt: Format) -> np.ndarray | None:
    """Say where x y, rounded to `product`, is exact and fits a format; None if a sample shows that to be rare."""
    if sampled(product) is not product:
        few = [sampled(np.broadcast_to(a, product.shape)) for a in (x, y, product)]
        if (_whole_product(*few) & fits(few[2], fmt)).mean() < COMMON:
            return None
    return by_parts(lambda x, y, product: _whole_product(x, y, product) & fits(product, fmt), x, y, product)


def _whole_product(x: np.ndarray, y: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Dekker's error-free product; where it may overflow or underflow, "not exact"."""
    high_x, high_y = x * SPLITTER, y * SPLITTER
    high_x, high_y = high_x - (high_x - x), high_y - (high_y - y)
    low_x, low_y = x - high_x, y - high_y
    rest = low_x * low_y - (((product - high_x * high_y) - low_x * high_y) - high_x * low_y)
    return np.asarray((rest == 0) & ((np.abs(product) > 2.0**-960) | (x == 0) | (y == 0)))


def exact_quotients(y: np.ndarray, quotient: np.ndarray, fmt: Format) -> np.ndarray | None:
    """Say where division by y only moves the exponent, to a result that fits; None if that is nowhere seen."""
    with np.errstate(all="ignore"):

        def powers(x: np.ndarray) -> np.ndarray:
            return np.asarray((np.abs(np.frexp(x)[0]) == 0.5) & fits(1 / x, fmt))

        if powers(sampled(y)).mean() < COMMON:
            return None
        return np.asarray(powers(y) & fits(quotient, fmt))


def finest_unit(x: np.ndarray) -> int | None:
    """Give the largest k for which all numbers are multiples of 2**k; None if all are 0 or one is not finite."""
    few = sampled(x)
    if few is not x:
        unit = finest_unit(few)
        if unit is not None and -1022 <= unit <= 0 and _are_multiples(x, unit):
            return unit
    numbers = x[x != 0]
    if not numbers.size or not np.isfinite(numbers).all():
        return None
    fractions, exponents = np.frexp(numbers)
    digits = np.ldexp(fractions, 53).astype(np.int64)
    trailing = np.frexp((digits & -digits).astype(np.float64))[1] - 1
    return int((exponents - 53 + trailing).min())


def _are_multiples(x: np.ndarray, unit: int) -> bool:
    """Say whether all numbers are finite and multiples of 2**unit, which is 1 or less, so that nothing underflows."""

    def are_whole(x: np.ndarray) -> np.ndarray:
        scaled = x * 2.0**-unit
        return np.asarray((scaled == np.rint(scaled)) & np.isfinite(scaled))

    return bool(by_parts(are_whole, x).all())


def summed(x: np.ndarray, axis: Axis, keepdims: bool) -> np.ndarray:
    """Sum bounds, right to the factor that `Units.grown` gives."""
    length = length_along(x.shape, axis)
    along: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    if length > BLOCK:
        return np.asarray(x.sum(**along, dtype=np.float64), x.dtype)
    if x.ndim > 1 and axis in (-1, x.ndim - 1):  # a matrix product adds up faster
        total = np.asarray(x @ np.ones(length, x.dtype))
        return total[..., None] if keepdims else total
    return np.asarray(x.sum(**along))


def length_along(shape: tuple[int, ...], axis: Axis) -> int:
    """Count the elements that a reduction along axes puts into one."""
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod(shape[a] for a in axes)


def product_of_bounds(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multiply two matrices of bounds, or stacks of them, right to the factor that `Units.grown` gives."""
    length = x.shape[-1]
    if length <= BLOCK:
        return np.asarray(x @ y)
    total = x[..., :BLOCK] @ y[..., :BLOCK, :]
    for start in range(BLOCK, length, BLOCK):
        total += x[..., start : start + BLOCK] @ y[..., start : start + BLOCK, :]
    return np.asarray(total)


def has_signs(x: np.ndarray) -> bool:
    """Say whether 1 or -1 is among numbers, as far as a sample shows."""
    return bool((np.abs(sampled(x)) == 1).any())


def signs_only(x: np.ndarray) -> bool:
    """Say whether all numbers are 0, 1 or -1."""
    return all(by_parts(lambda x: (x == 0) | (np.abs(x) == 1), numbers).all() for numbers in (sampled(x), x))


@lru_cache(maxsize=1024, typed=True)
def is_held(x: Any, fmt: Format) -> bool:
    """Say whether a format holds a constant exactly; a float is the decimal that was written."""
    if isinstance(x, Constant):
        return False
    if not math.isfinite(x):
        return True
    number = (
        Fraction(repr(x)) if type(x) is float else Fraction(int(x) if isinstance(x, int | np.integer) else float(x))
    )
    near = float(number)
    return Fraction(near) == number and bool(fits(np.asarray(near), fmt))


def magnitude_of(x: np.ndarray, dtype: type[np.floating[Any]]) -> np.ndarray:
    """Give |x| in another dtype, in a new array."""
    size = np.asarray(x).astype(dtype)
    return np.abs(size, out=size) if size.ndim else np.asarray(np.abs(size))


def zeros_and_misfits(x: np.ndarray, fmt: Format) -> tuple[bool, bool]:
    """Say whether zeros are common among numbers, and whether some are not held by a format."""
    numbers = x.astype(np.float32) if x.dtype.itemsize <= 2 else x
    if numbers.dtype != {FLOAT32: np.float32, FLOAT64: np.float64}.get(fmt):
        held = signs_only(numbers) or bool(by_parts(lambda x: fits(x.astype(np.float64), fmt), numbers).all())
        return _are_common(numbers == 0), not held
    low = np.abs(numbers) < 2.0**fmt.smallest_normal
    if not low.any():
        return False, False
    zeros = numbers == 0
    return _are_common(zeros), bool((low & ~zeros).any())


def _are_common(mask: np.ndarray) -> bool:
    """Say whether a mask holds often enough for it to be worth counting where."""
    return bool(np.count_nonzero(mask) > (mask.size * RARE if mask.size > 8 * SAMPLE else 0))
