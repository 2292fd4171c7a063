"""Families of cases for softsign."""

from collections.abc import Iterator

from ..kinds.activation import CASES, activation
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

NORMAL_UP_TO = {"float64": 1e5, "float32": 1e5, "float16": 104, "bfloat16": 1e5}
"""By dtype, the magnitude of an input up to which the slope is a normal number, and one of the ladder is larger."""
SOFTSIGN = Elementwise(
    scale=1.0,
    spread=(-60, 2),
    spread16=(-4, 1),
    cases=CASES,
    changes={
        "forward-infinity": {"point": "softsign_at_infinity"},
        "backward-saturated-beyond": {"level": "robust"},  # in float16 the slope is subnormal there
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SOFTSIGN, dtype, NORMAL_UP_TO)
