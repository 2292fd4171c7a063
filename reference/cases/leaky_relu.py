"""Families of cases for leaky ReLU."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.elementwise import REQUIRED, Elementwise, again, below_zero, elementwise
from ..model.family import Draft

LEAKY = Elementwise(
    kinks={0.0: "leaky_relu_slope_at_zero"},
    spread=(-60, 60),
    parameters={"negative_slope": 0.01},
    cases=4,
    changes={
        "forward-largest": REQUIRED,
        "backward-largest": REQUIRED,
        "backward-nan": {"point": "slope_at_nan"},
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from elementwise(LEAKY, dtype)
    steep = replace(LEAKY, parameters={"negative_slope": 0.2}, suffix="-0.2")
    yield from again(steep, elementwise(steep, dtype))
    folded = replace(LEAKY, parameters={"negative_slope": -0.5}, suffix="-below-zero")
    yield from below_zero(folded, elementwise(folded, dtype))
