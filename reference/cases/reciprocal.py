"""Families of cases for the reciprocal."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..generation.draws import held
from ..kinds.elementwise import Elementwise, elementwise
from ..kinds.paired import families
from ..model.family import Draft

FAR = {"float64": 600, "float32": 70, "float16": 9, "bfloat16": 70}
"""By dtype, a power of 2 of which the square is no normal number, and 1 over it is."""
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
    far = 2.0 ** FAR[dtype]
    case = {
        "dL_doutputs": held([[far, -far, 3, 1 / far]], dtype),
        "inputs": held([[far, far * 1.5, -3, 1.25 / far]], dtype),
    }
    comment = "Numbers whose square leaves the range, under upstreams that bring the gradient back into it."
    yield from families("backward-far", "spread", comment, (case,), level="robust")
