"""The dtypes of cases, their formats, and the precisions that an implementation may compute in."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np


@dataclass(frozen=True, eq=False)  # compared and hashed by identity, which is fast
class Format:
    """A binary floating-point format, or one that a tensor core reads its operands in."""

    significand: int
    """Bits of the significand, the hidden one included."""
    smallest_normal: int
    """Exponent of the smallest normal number, 2**smallest_normal."""
    largest_exponent: int
    """Exponent of the largest finite number, which is a little below 2**(largest_exponent + 1)."""
    threshold: int
    """Exponent of eta, the most that an underflow can cost: the smallest normal number, since some implementations
    flush subnormal results to 0; for float16 the smallest subnormal."""

    @property
    def unit_roundoff(self) -> Fraction:
        """Half the distance from 1 to the next number: 2**-significand."""
        return Fraction(1, 1 << self.significand)

    @property
    def largest(self) -> Fraction:
        """The largest finite number."""
        return (2 - Fraction(1, 1 << (self.significand - 1))) * (1 << self.largest_exponent)


FLOAT64 = Format(53, -1022, 1023, -1022)
FLOAT32 = Format(24, -126, 127, -126)
FLOAT16 = Format(11, -14, 15, -24)
BFLOAT16 = Format(8, -126, 127, -126)
TF32 = Format(11, -126, 127, -126)

FORMATS = {"float64": FLOAT64, "float32": FLOAT32, "float16": FLOAT16, "bfloat16": BFLOAT16}
"""The format of each dtype that a case may have, widest first."""

DTYPES = tuple(FORMATS)
"""The dtypes that a case may have, widest first."""

HALF = ("float16", "bfloat16")
"""The 16-bit dtypes."""

PRECISIONS_OF = {
    "float64": ("float64",),
    "float32": ("float32", "tf32"),
    "float16": ("fused", "stepwise", "native"),
    "bfloat16": ("fused", "stepwise", "native"),
}
"""The working precisions of each dtype, strictest first: that one applies where an implementation declares none. A name
belongs to its dtype: `fused` of float16 is another precision than `fused` of bfloat16."""

ALL_PRECISIONS = frozenset(name for names in PRECISIONS_OF.values() for name in names)


def share_a_dtype(one: str, other: str) -> bool:
    """Say whether some dtype has both precisions."""
    return any(one in names and other in names for names in PRECISIONS_OF.values())


@cache
def numpy_dtype(name: str) -> np.dtype:
    """Return the NumPy dtype of a name; bfloat16 is the one that `ml_dtypes` defines."""
    if name != "bfloat16":
        return np.dtype(name)
    from ml_dtypes import bfloat16  # imported only by runs with bfloat16 cases

    dtype: np.dtype = np.dtype(bfloat16)
    return dtype
