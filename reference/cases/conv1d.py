"""Families of cases for the convolution of signals."""

from collections.abc import Iterator

from ..kinds.convolution import Convolution, convolution
from ..kinds.convolution_settings import along_the_last_axis
from ..model.family import Draft
from ..ops import conv1d


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from convolution(Convolution(conv1d.forward, along_the_last_axis), dtype)
