"""Families of cases for scatter_add: sums of elements where an index points along an axis."""

from collections.abc import Iterator

from ..kinds.indexing import Indexing, indexing
from ..model.family import Draft

SCATTER_ADD = Indexing(("inputs", "indices", "source"), "forward")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from indexing(SCATTER_ADD, dtype)
