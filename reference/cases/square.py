"""Families of cases for the square."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..kinds.elementwise import Elementwise, elementwise
from ..model.family import Draft


def with_a_normal_square(x: np.ndarray) -> np.ndarray:
    """Move normal numbers whose square is subnormal in float16 to [2**-7, 1), by a power of two."""
    return np.where((abs(x) >= 2.0**-14) & (abs(x) < 2.0**-7), x * 2.0**7, x)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Elementwise(cases=4)  # each element is on its own, and has but one product
    yield from elementwise(replace(kind, inside=with_a_normal_square) if dtype == "float16" else kind, dtype)
