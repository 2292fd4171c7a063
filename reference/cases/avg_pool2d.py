"""Families of cases for the mean over windows of images."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..kinds.paired import families
from ..kinds.pooling import SETTINGS, Pooling, pool, pooling
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
COUNTED = pool((1, 2, 7, 37), (7, 37), 1, "Windows of 259 elements, a number that bfloat16 does not hold.", "odd-sizes")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    more = (COUNTED,) if dtype == "bfloat16" else ()
    yield from pooling(replace(AVG_POOL2D, settings=(*AVG_POOL2D.settings, *more)), dtype)
    comment = "Inputs of 0, as a ReLU leaves them: they count, as what lies outside does not."
    for setting in INSIDE:
        case = AVG_POOL2D.plain(dtype, setting, inputs=np.resize([0, 2, -1, 0, 0, 3, 0.5], setting.inputs))
        yield from families(f"zeros-{setting.name}", "dead", comment, (case,), parameters=setting.parameters)
