"""Families of cases for the transposed convolution of images."""

from collections.abc import Iterator

from ..kinds.convolution import Convolution, convolution
from ..kinds.convolution_settings import turned_round
from ..model.family import Draft
from ..ops import conv_transpose2d


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from convolution(Convolution(conv_transpose2d.forward, turned_round, transposed=True), dtype)
