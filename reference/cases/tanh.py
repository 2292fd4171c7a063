"""Families of cases for the hyperbolic tangent."""

from collections.abc import Iterator

from ..kinds.activation import CASES, activation
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

NORMAL_UP_TO = {"float64": 350, "float32": 40, "float16": 1, "bfloat16": 40}
"""By dtype, the magnitude of an input up to which the slope is a normal number."""
TANH = Elementwise(
    scale=1.0,
    spread=(-60, 2),
    spread16=(-4, 1),
    cases=CASES,
    # 2 s(2x) - 1 loses all digits of small inputs
    changes={name: {"level": "robust"} for name in ("forward-spread", "forward-tiny")},
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(TANH, dtype, NORMAL_UP_TO)
