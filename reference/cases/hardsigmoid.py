"""Families of cases for the hard sigmoid."""

from collections.abc import Iterator
from dataclasses import replace

from ...vectors.dtypes import FORMATS
from ..kinds.activation import CASES, activation
from ..kinds.elementwise import Elementwise, off
from ..model.family import Draft
from .hardtanh import DEAD, OF_RELU6

FLAT_FROM = dict.fromkeys(("float64", "float32", "float16", "bfloat16"), 60)
"""By dtype, a magnitude well beyond the edges."""
BESIDE = 4
"""So many units beside an edge x + 3 and x / 6 + 1/2 are not rounded to it."""
HARDSIGMOID = Elementwise(
    kinks={-3.0: OF_RELU6, 3.0: OF_RELU6},
    beside=BESIDE,
    spread=(-60, 2),
    spread16=(-4, 1),
    cases=CASES,
    changes={
        "backward-nan": {"point": "slope_at_nan"},
        "backward-infinite-upstream": DEAD,
        "backward-nan-upstream": DEAD,
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(off_edges(HARDSIGMOID, dtype), dtype, FLAT_FROM)


def off_edges(kind: Elementwise, dtype: str) -> Elementwise:
    """Have inputs either on an edge or so far off that it shows once they are rounded."""
    return replace(kind, inside=off(-3, 3, within=BESIDE * 2.0 ** (2 - FORMATS[dtype].significand)))
