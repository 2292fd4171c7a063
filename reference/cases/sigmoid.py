"""Families of cases for the sigmoid."""

from collections.abc import Iterator

from ..kinds.activation import CASES, NORMAL_UP_TO, activation
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

SIGMOID = Elementwise(scale=1.0, spread=(-60, 2), spread16=(-4, 1), cases=CASES)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SIGMOID, dtype, NORMAL_UP_TO)
