"""Families of cases for the reciprocal."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..kinds.elementwise import Elementwise, elementwise
from ..model.family import Draft

AT_ZERO = {"level": "robust", "overflows": True}
RECIPROCAL = Elementwise(
    spread=(-20, 20),
    spread16=(-2, 2),
    cases=4,
    changes={
        "forward-zero": AT_ZERO,
        "backward-zero": AT_ZERO,
        "forward-subnormal": {"overflows": True},
        "backward-subnormal": {"overflows": True},
        "forward-one-product": None,
        "backward-one-product": None,
    },
)


def with_a_normal_slope(x: np.ndarray) -> np.ndarray:
    """Move numbers between 2^-14 and 1/2, for which the square of the reciprocal may leave float16, to [1/2, 1)."""
    return np.where((abs(x) >= 2.0**-14) & (abs(x) < 0.5), np.frexp(x)[0], x)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = replace(RECIPROCAL, inside=with_a_normal_slope) if dtype == "float16" else RECIPROCAL
    yield from elementwise(kind, dtype)
