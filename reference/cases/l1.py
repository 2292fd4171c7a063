"""Families of cases for the absolute error."""

from collections.abc import Iterator

from ..kinds.targets import DIFFERENCE, EQUAL, NAN, Kink, Pointwise, by_element
from ..model.family import Draft

L1 = Pointwise(DIFFERENCE, kinks={"equal": Kink(EQUAL, EQUAL, "abs_slope_at_zero")}, slope_at_nan=NAN)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(L1, dtype)
