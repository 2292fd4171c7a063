"""Families of cases for the maximum over axes."""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, held
from ..kinds.paired import families
from ..kinds.reductions import PLAIN, UPSTREAM, Over, Reduction, reduction
from ..model.family import Draft

NOTHING = ("0x3-over-2", "3x0-over-1", "0-over-all")
DEAD = {"point": "infinite_times_zero"}
REFUSED = {"result": "invalid", "comment": "The largest of no numbers, which is none."}
CHANGES = {
    "backward-nan": {"point": "max_at_nan"},
    "backward-nan-upstream": DEAD,
    "backward-infinite-upstream": DEAD,
    "forward-zeros": None,
    "backward-zeros": None,
    **{f"{direction}-nothing-{name}": REFUSED for direction in ("forward", "backward") for name in NOTHING},
}
CLOSE = {"backward-offset": {"point": "max_tie"}}
"""Changes in bfloat16: of numbers near a common one, which has few digits left for them, two are the largest."""
COUNTED = {"float16": 2051, "bfloat16": 259}
"""More numbers than a half precision counts."""
TIED = (Over((3, 4), -1), Over((4, 3), -2), Over((2, 3, 2), (-3, -1)), Over((2, 3, 2), None), Over((3, 4), -1, True))
"""Several axes in their own order: of axes listed in another, the first of what ties is one thing to who moves them as
they are listed, and another to who keeps them as they lie."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Reduction(apart, ("heavy", "offset"), changes={**CHANGES, **(CLOSE if dtype == "bfloat16" else {})})
    yield from reduction(kind, dtype, chain(ties(kind, dtype), below(kind, dtype)))


def apart(w: Words, shape: Shape) -> np.ndarray:
    """Draw inputs none of which tie: bell-shaped, and in the half precisions whole numbers."""
    n = math.prod(shape)
    return w.array(np.reshape(w.permutation(n), shape) - n // 2) if w.dtype in HALF else w.normal(shape)


def below(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """Rows that lie below what a search for the largest may start from: -1e4, -1e9, the lowest of a half precision."""
    far = 1 if dtype == "float16" else 2.0**100
    cases = (kind.call(dtype, UPSTREAM, np.array([[-3, -2, -2.5], [-2, -3.5, -3]]) * 2**14 * size) for size in (1, far))
    comment = "Rows all of which lie far below 0."
    yield from families("far-below-zero", "spread upstream-signed", comment, tuple(cases), parameters=PLAIN.parameters)


def ties(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """Inputs of which several, or all, are the largest; and inputs that nearly are."""
    for over in TIED:
        upstream = np.resize([3, -5, 1.5, 7], over.outputs)
        some, every = np.resize([2, -1, 2, 0.5, 2], over.shape), np.full(over.shape, -1.5)
        both = tuple(kind.call(dtype, upstream, x) for x in (some, every, np.zeros(over.shape) * some))
        comment = "Inputs of which several are the largest, or all; 0 and -0 among them."
        fields: dict[str, Any] = {"parameters": over.parameters}
        yield from families(f"forward-tie-{over.name}", "equal-logits", comment, both, **fields)
        yield from families(f"backward-tie-{over.name}", "equal-logits", comment, both, point="max_tie", **fields)
    throughout = "A long row of which many tie: the last, short part of a loop does as the others do."
    counted = "As many tie as a half precision does not count one by one, nor holds."
    for name, tie, comment in (
        ("throughout", np.resize([2, -1, 2], 67), throughout),
        *((("counted", np.full(COUNTED[dtype], -1.5), counted),) if dtype in COUNTED else ()),
    ):
        case = kind.call(dtype, 3, tie)
        fields = {"point": "max_tie", "parameters": {"axis": -1}}
        yield from families(f"backward-tie-{name}", "equal-logits", comment, (case,), **fields)
    beside = 2 * (1 - 2.0 ** -FORMATS[dtype].significand)
    cases = tuple(
        kind.call(dtype, [3, -5], held(x, dtype)) for x in ([[2, beside, 1]] * 2, [[1, beside, 2], [beside, 2, 1]])
    )
    comment = "The nearest number below the largest is not the largest."
    yield from families("near-tie", "near-kink", comment, cases, parameters={"axis": -1})
