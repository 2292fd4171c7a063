"""Families of cases for the convolution of images."""

from collections.abc import Iterator

from ..kinds.convolution import Convolution, convolution
from ..model.family import Draft
from ..ops import conv2d


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from convolution(Convolution(conv2d.forward), dtype)
