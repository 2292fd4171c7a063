"""Families of cases for the mean over axes."""

from collections.abc import Iterator

from ..kinds.reductions import COUNTED, Reduction, reduction
from ..model.family import Draft

NOTHING = ("0x3-over-2", "3x0-over-1", "0-over-all")
EMPTY = {f"forward-nothing-{name}": {"point": "empty_mean"} for name in NOTHING}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from reduction(Reduction(changes=EMPTY, large=COUNTED), dtype)
