"""Families of cases for hard tanh."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import nearest_held
from ..kinds.elementwise import REQUIRED, Elementwise, call, elementwise, off
from ..kinds.paired import families
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
AT_EDGES = ("random-n4-f5", "random-n33-f3", "zero", "kink", "near")
"""What edges of which inputs are equal are tested with, by the beginning of names without the direction."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from elementwise(HARDTANH, dtype, beside_edges(dtype))
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


def beside_edges(dtype: str) -> Iterator[Draft]:
    """Give families beside edges that float64 alone holds, and that are often stored in a lower precision."""
    edges = nearest_held([[-0.7], [1.3]], dtype).astype(np.float64)
    unit = np.spacing(edges) * 2.0 ** (53 - FORMATS[dtype].significand)
    near = call(HARDTANH, dtype, [[2, -3, 5, 7], [-5, 2, 3, -7]], edges + unit * [2, -2, 3, -3])
    comment = "Numbers close by on both sides of both edges: an edge that is stored in a lower precision shows."
    yield from families("near-edges", "near-kink", comment, (near,))
