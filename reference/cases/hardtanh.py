"""Families of cases for hard tanh."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.elementwise import REQUIRED, Elementwise, elementwise, off
from ..model.family import Draft

OF_RELU6 = "relu6_slope_at_edges"
DEAD = {"point": "infinite_times_zero"}
HARDTANH = Elementwise(
    parameters={"min_value": -0.7, "max_value": 1.3},
    cases=3,
    changes={
        "forward-largest": REQUIRED,
        "backward-largest": REQUIRED,
        "backward-nan": {"point": "slope_at_nan"},
        "backward-infinite-upstream": DEAD,
        "backward-nan-upstream": DEAD,
    },
)
EDGES = (
    ("unit", -1.0, 1.0, "clip_slope_at_edges"),
    ("relu6", 0.0, 6.0, OF_RELU6),
    ("far", -8.0, 20.0, "clip_slope_at_edges"),
)
"""Edges that every dtype holds, so that inputs lie on them: a suffix of names, both edges, the convention's point."""
AT_EDGES = ("random-n4-f5", "zero", "kink", "near")
"""What edges of which inputs are equal are tested with, by the beginning of names without the direction."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from elementwise(HARDTANH, dtype)
    for suffix, low, high, point in EDGES:
        kind = replace(
            HARDTANH,
            kinks={low: point, high: point},
            inside=off(*(edge for edge in (low, high) if edge)),
            parameters={"min_value": low, "max_value": high},
            suffix=f"-{suffix}",
        )
        for draft in elementwise(kind, dtype):
            if draft.name.partition("-")[2].startswith(AT_EDGES):
                yield draft
