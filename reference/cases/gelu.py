"""Families of cases for GELU."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.activation import CASES, SHARE, activation, activation_again
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

NORMAL_UP_TO = {"float64": 20, "float32": 10, "float16": 1, "bfloat16": 10}
"""By dtype, the magnitude of an input up to which exp(-x^2 / 2) is a normal number."""
GELU = Elementwise(scale=1.0, spread=(-60, 2), spread16=(-4, 1), cases=CASES, changes=SHARE)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(GELU, dtype, NORMAL_UP_TO)
    by_tanh = replace(GELU, parameters={"approximate": "tanh"}, suffix="-tanh")
    yield from activation_again(by_tanh, dtype, NORMAL_UP_TO)
