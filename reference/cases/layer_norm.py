"""Families of cases for layer normalisation."""

from collections.abc import Iterator

from ..kinds.moments import normalised_rows, offsets
from ..kinds.normalization import Rows
from ..model.family import Draft

LARGE_EPSILON = {"parameters": {"eps": 0.125}}
"""Of two elements a row is normalised to 1 and -1, and its gradient is eps / variance times that: 0 next to nothing
with a small eps."""
OF_TWO = ("random-n2-h2-w2-c2", "random-n5-c2", "random-n131-c2")
LAYER_NORM = Rows(
    weights=("weight", "bias"),
    cases=2,
    changes={f"{direction}-{name}": LARGE_EPSILON for direction in ("forward", "backward") for name in OF_TWO},
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from normalised_rows(LAYER_NORM, dtype, offsets(LAYER_NORM, dtype))
