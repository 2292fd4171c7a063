"""Families of cases for normalisation by the root mean square."""

from collections.abc import Iterator

from ..kinds.moments import normalised_rows
from ..kinds.normalization import Rows
from ..model.family import Draft

ZEROS = "An infinity makes NaN of itself and 0 of the rest of its row, and changes no other."
RMS_NORM = Rows(weights=("weight",), cases=2, changes={"forward-infinity": {"comment": ZEROS}})


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from normalised_rows(RMS_NORM, dtype)
