"""Families of cases for the sigmoid."""

from collections.abc import Iterator

from ..kinds.activation import CASES, activation
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

NORMAL_UP_TO = {"float64": 700, "float32": 80, "float16": 5, "bfloat16": 80}
"""By dtype, the magnitude of an input up to which the exponential of its negative is a normal number."""
SIGMOID = Elementwise(scale=1.0, spread=(-60, 2), spread16=(-4, 1), cases=CASES)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SIGMOID, dtype, NORMAL_UP_TO)
