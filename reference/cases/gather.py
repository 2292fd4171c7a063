"""Families of cases for gather: elements of a tensor by index along an axis."""

from collections.abc import Iterator

from ..kinds.indexing import Indexing, indexing
from ..model.family import Draft

GATHER = Indexing(("inputs", "indices"), "backward")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from indexing(GATHER, dtype)
