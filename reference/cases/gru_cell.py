"""Families of cases for one step of a GRU."""

from collections.abc import Iterator

from ..kinds.recurrence import Cell, recurrent
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from recurrent(Cell(blocks=3, bent=2, states=("hidden",)), dtype)
