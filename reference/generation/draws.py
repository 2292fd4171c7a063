"""Random inputs that never change: made from the raw words of Philox by integer arithmetic alone.

NumPy keeps a bit generator's words stable across versions, but not its distributions; so a family's inputs are drawn
from words keyed by its id, and adding a family changes no other.
"""

import hashlib
import math
from dataclasses import dataclass, field

import numpy as np

from ...vectors.dtypes import FORMATS, numpy_dtype

Shape = tuple[int, ...]
_COIN_BITS = 60
_COIN = np.uint64((1 << _COIN_BITS) - 1)


class NotHeldError(ValueError):
    """A dtype does not hold a number exactly."""


def round_to_significand(n: int, bits: int) -> int:
    """Round an integer to a multiple of a power of two, so that `bits` significant bits remain; ties to even."""
    excess = n.bit_length() - bits
    if excess <= 0:
        return n
    half, sign, n = 1 << (excess - 1), (1 if n >= 0 else -1), abs(n)
    quotient, rest = n >> excess, n & ((1 << excess) - 1)
    if rest > half or (rest == half and quotient & 1):
        quotient += 1
    return sign * (quotient << excess)


@dataclass
class Words:
    """A stream of random numbers of one dtype, keyed by a string."""

    key: str
    dtype: str
    _bits: np.random.Philox = field(init=False, repr=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.key.encode()).digest()
        self._bits = np.random.Philox(key=int.from_bytes(digest[:16], "little"))

    def integers(self, shape: Shape, low: int, high: int) -> np.ndarray:
        """Draw int64 in [low, high). The bias of the remainder is below 2**-50 for any range used here."""
        return low + (self._raw(math.prod(shape)) % np.uint64(high - low)).astype(np.int64).reshape(shape)

    def signs(self, shape: Shape) -> np.ndarray:
        """Draw -1 or 1, int64."""
        return 2 * self.integers(shape, 0, 2) - 1

    def permutation(self, n: int) -> list[int]:
        """Draw an order of range(n)."""
        return [int(i) for i in np.argsort(self._raw(n), kind="stable")]

    def normal(self, shape: Shape, scale: float = 1.0) -> np.ndarray:
        """Draw bell-shaped numbers of variance scale**2, `scale` a power of two, with full significands.

        A sum of twelve uniform integers (variance 1 after scaling), rounded to the dtype's significand.
        """
        sums = (self._raw(12 * math.prod(shape)) & _COIN).reshape(-1, 12).sum(axis=1)
        return self._numbers(sums.view(np.int64) - (6 << _COIN_BITS), math.log2(scale) - _COIN_BITS, shape)

    def uniform(self, shape: Shape, low: float, high: float) -> np.ndarray:
        """Draw between two dyadic numbers with full significands; rounding may give the upper one."""
        a, b = (x.as_integer_ratio() for x in (float(low), float(high - low)))
        scale = max(a[1], b[1])
        words = (self._raw(math.prod(shape)) & _COIN) | np.uint64(1)
        numerators = ((a[0] * (scale // a[1])) << _COIN_BITS) + b[0] * (scale // b[1]) * words.astype(object)
        return self._numbers(numerators, -_COIN_BITS - math.log2(scale), shape)

    def signed(self, shape: Shape, low: float, high: float) -> np.ndarray:
        """Draw magnitudes between two dyadic numbers, with random signs."""
        return self.array(self.uniform(shape, low, high).astype(np.float64) * self.signs(shape))

    def spread(self, shape: Shape, low: int, high: int) -> np.ndarray:
        """Draw numbers whose magnitudes are spread evenly over the powers of two from 2**low to 2**high, signed."""
        exponents = self.integers(shape, low, high)
        return self.around(shape, exponents)

    def around(self, shape: Shape, exponents: int | np.ndarray) -> np.ndarray:
        """Draw magnitudes between 2**exponent and twice that, with random signs."""
        return self.scaled(self.signed(shape, 1, 2), exponents)

    def scaled(self, values: np.ndarray, exponents: int | np.ndarray) -> np.ndarray:
        """Multiply by powers of two. Raises NotHeldError where the dtype does not hold a product."""
        return self.array(np.ldexp(values.astype(np.float64), exponents))

    def array(self, values: object) -> np.ndarray:
        """Give values as an array of the dtype. Raises NotHeldError where the dtype does not hold one."""
        return held(values, self.dtype)

    def _raw(self, n: int) -> np.ndarray:
        """Draw 64-bit words."""
        return self._bits.random_raw(n) if n else np.zeros(0, dtype=np.uint64)

    def _numbers(self, numerators: np.ndarray, exponent: float, shape: Shape) -> np.ndarray:
        bits = FORMATS[self.dtype].significand
        values = [math.ldexp(float(round_to_significand(n, bits)), int(exponent)) for n in numerators.tolist()]
        return self.array(np.array(values, dtype=np.float64).reshape(shape))


def held(values: object, dtype: str) -> np.ndarray:
    """Give values as a C-contiguous array of a dtype. Raises NotHeldError where the dtype does not hold one exactly."""
    wide = np.asarray(values, dtype=np.float64)
    array = np.ascontiguousarray(wide.astype(numpy_dtype(dtype))).reshape(wide.shape)
    back = array.astype(np.float64)
    if back.tobytes() != wide.tobytes() and not np.array_equal(back, wide, equal_nan=True):
        raise NotHeldError(f"{dtype} does not hold {wide[back != wide].ravel()[0]!r}")
    return array


def nearest_held(values: object, dtype: str) -> np.ndarray:
    """Round decimal values, such as figures of a publication, to the dtype."""
    bits = FORMATS[dtype].significand
    wide = np.asarray(values, dtype=np.float64)
    rounded = []
    for value in wide.ravel().tolist():
        man, power = math.frexp(value) if math.isfinite(value) else (value, 0)
        whole = int(math.ldexp(man, 53)) if math.isfinite(value) else 0
        exact = math.ldexp(round_to_significand(whole, bits), power - 53) if math.isfinite(value) else value
        rounded.append(exact)
    return held(np.array(rounded, dtype=np.float64).reshape(wide.shape), dtype)
