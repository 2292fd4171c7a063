"""Families of cases for the sum over axes."""

from collections.abc import Iterator

from ..kinds.reductions import Reduction, reduction
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from reduction(Reduction(), dtype)
