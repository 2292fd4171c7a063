"""Families of cases for SiLU."""

from collections.abc import Iterator

from ..kinds.activation import CASES, NORMAL_UP_TO, SHARE, activation
from ..kinds.elementwise import Elementwise
from ..model.family import Draft

SILU = Elementwise(scale=1.0, spread=(-60, 2), spread16=(-4, 1), cases=CASES, changes=SHARE)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SILU, dtype, NORMAL_UP_TO)
