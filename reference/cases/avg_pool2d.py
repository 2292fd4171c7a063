"""Families of cases for the mean over windows of images."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.pooling import SETTINGS, Pooling, pooling
from ..model.family import Draft
from ..ops import avg_pool2d

INSIDE = tuple(
    replace(
        setting,
        parameters={**setting.parameters, "count_include_pad": False},
        comment="What lies outside does not count: windows at the border are divided by less.",
    )
    for setting in SETTINGS
    if "padding" in setting.parameters
)
AVG_POOL2D = Pooling(avg_pool2d.forward, settings=(*SETTINGS, *INSIDE))


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from pooling(AVG_POOL2D, dtype)
