"""Families of cases for the logarithm of the sigmoid."""

from collections.abc import Iterator

from ..kinds.activation import NORMAL_UP_TO, activation
from ..model.family import Draft
from .sigmoid import SIGMOID


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from activation(SIGMOID, dtype, NORMAL_UP_TO)
