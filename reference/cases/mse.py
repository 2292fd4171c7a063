"""Families of cases for the squared error."""

from collections.abc import Iterator

from ..kinds.targets import DIFFERENCE, EQUAL, Kink, Pointwise, by_element
from ..model.family import Draft

MSE = Pointwise(DIFFERENCE, kinks={"equal": Kink(EQUAL, EQUAL)})


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(MSE, dtype)
