"""Families of cases for the maximum over windows of images."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words
from ..kinds.paired import families
from ..kinds.pooling import SETTINGS, Pooling, pool, pooling
from ..model.family import Draft
from ..ops import max_pool2d

GAPS = (
    pool((2, 2, 5, 6), 2, 1, "Windows with gaps.", dilation=2),
    pool((1, 2, 6, 7), (2, 3), 2, "Windows with gaps.", dilation=(3, 2), padding=1),
    pool((2, 2, 7, 4), (3, 2), (1, 3), "Windows with gaps.", dilation=(2, 1)),
    pool((1, 1, 4, 35), (2, 3), 2, "Windows with gaps, in long rows.", "odd-sizes", dilation=2, padding=1),
    pool((1, 2, 5, 8), (3, 2), (2, 1), "Windows with gaps, wider than high.", dilation=(1, 3), padding=(1, 0)),
)
TIED = (pool((1, 2, 4, 4), 2, 2), pool((1, 1, 5, 4), 3, 1), pool((1, 1, 4, 5), 2, 1, padding=1))
PROFILES = ("heavy", "offset", "spread")
TIES = {f"{direction}-{name}": None for direction in ("forward", "backward") for name in PROFILES}
"""Of numbers of few digits many tie."""


def apart(w: Words, shape: Shape) -> np.ndarray:
    """Draw inputs none of which tie: bell-shaped, and in the half precisions whole numbers."""
    n = math.prod(shape)
    return w.array(np.reshape(w.permutation(n), shape) - n // 2) if w.dtype in HALF else w.normal(shape)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    changes = {"backward-nan-upstream": {"point": "infinite_times_zero"}, **(TIES if dtype in HALF else {})}
    kind = Pooling(max_pool2d.forward, apart, (*SETTINGS, *GAPS), changes)
    yield from pooling(kind, dtype, ties(kind, dtype))


def ties(kind: Pooling, dtype: str) -> Iterator[Draft]:
    """Inputs of which several, or all, are the largest; all below 0; and inputs that nearly are."""
    beside = 2 * (1 - 2.0 ** -FORMATS[dtype].significand)
    for setting in TIED:
        few, every = np.resize([2, -1, 2, 0.5, 2], setting.inputs), np.full(setting.inputs, -1.5)
        cases = tuple(kind.plain(dtype, setting, inputs=x) for x in (few, every, 0 * few))
        given: dict[str, Any] = {"parameters": setting.parameters}
        comment = "Inputs of which several are the largest, or all."
        yield from families(f"forward-tie-{setting.name}", "equal-logits", comment, cases, **given)
        yield from families(
            f"backward-tie-{setting.name}", "equal-logits", comment, cases, point="max_pool_tie", **given
        )
        negative = -1 - np.arange(math.prod(setting.inputs)).reshape(setting.inputs)
        comment = "All inputs are below 0: what lies outside is no 0."
        cases = (kind.plain(dtype, setting, inputs=negative),)
        yield from families(f"negative-{setting.name}", "strides", comment, cases, **given)
        comment = "All inputs are far below 0: what lies outside is less than any number, and no -1e4 or -1e9."
        cases = (kind.plain(dtype, setting, inputs=np.ldexp(negative, 10 if dtype == "float16" else 100)),)
        yield from families(f"far-negative-{setting.name}", "strides near-overflow", comment, cases, **given)
    near = np.resize([2, beside, 1, beside, 0.5], TIED[0].inputs)
    comment = "The nearest number below the largest is not the largest."
    cases = (kind.plain(dtype, TIED[0], inputs=near),)
    for direction, point in (("forward", None), ("backward", "max_pool_tie")):  # in some windows 2 is there twice
        name, given = f"{direction}-near-tie", {"parameters": TIED[0].parameters}
        yield from families(name, "near-kink", comment, cases, point=point, **given)
