"""Families of cases for hard tanh."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.elementwise import REQUIRED, Elementwise, again, elementwise, off
from ..model.family import Draft

EDGES, OF_RELU6 = "clip_slope_at_edges", "relu6_slope_at_edges"
DEAD = {"point": "infinite_times_zero"}
HARDTANH = Elementwise(
    kinks={-1.0: EDGES, 1.0: EDGES},
    inside=off(-1, 1),
    parameters={"min_value": -1.0, "max_value": 1.0},
    cases=4,
    changes={
        "forward-largest": REQUIRED,
        "backward-largest": REQUIRED,
        "backward-nan": {"point": "slope_at_nan"},
        "backward-infinite-upstream": DEAD,
        "backward-nan-upstream": DEAD,
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from elementwise(HARDTANH, dtype)
    relu6 = replace(
        HARDTANH,
        kinks={0.0: OF_RELU6, 6.0: OF_RELU6},
        inside=off(6),
        parameters={"min_value": 0.0, "max_value": 6.0},
        suffix="-relu6",
    )
    yield from again(relu6, elementwise(relu6, dtype))
