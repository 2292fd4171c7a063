"""The ends of a dtype's range."""

import math
from dataclasses import dataclass

from ...vectors.dtypes import FORMATS


@dataclass(frozen=True)
class Ends:
    """Numbers at the ends of a dtype's range, all above 0."""

    smallest: float
    """The smallest number: subnormal."""
    subnormal: float
    """Half the smallest normal number."""
    normal: float
    """The smallest normal number."""
    top: float
    """The largest power of two."""
    largest: float
    """The largest finite number."""


def ends(dtype: str) -> Ends:
    """Give the ends of a dtype's range."""
    fmt = FORMATS[dtype]
    normal = math.ldexp(1.0, fmt.smallest_normal)
    return Ends(
        smallest=math.ldexp(normal, 1 - fmt.significand),
        subnormal=normal / 2,
        normal=normal,
        top=math.ldexp(1.0, int(fmt.largest).bit_length() - 1),
        largest=float(fmt.largest),
    )
