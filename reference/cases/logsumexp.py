"""Families of cases for the logarithm of a sum of exponentials over axes."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words
from ..kinds.logits import HELD_SHIFTS, ladder_rows, rungs
from ..kinds.paired import families
from ..kinds.reductions import UPSTREAM, Reduction, reduction
from ..kinds.special_values import ends
from ..model.family import Draft

AXIS: dict[str, Any] = {"parameters": {"axis": -1}}
NOTHING = ("0x3-over-2", "3x0-over-1", "0-over-all")
CHANGES = {
    "backward-infinity": None,
    "backward-largest": {"level": "robust"},
    **{f"{direction}-nothing-{name}": None for direction in ("forward", "backward") for name in NOTHING},
}
"""Changes: at an infinity the weights are NaN in its place, and NaN or 0 beside it."""
OF_MANY = {f"backward-random-{name}": None for name in ("3x19x2-over-2-1", "19x3x2-over-1-3", "35x2x3-over-3")}
"""Families whose weights are small beside their tolerances in the half precisions."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Reduction(logits, ("integers",), changes={**CHANGES, **OF_MANY} if dtype in HALF else CHANGES)
    yield from reduction(kind, dtype, far(kind, dtype))


def logits(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped logits, closer together in the half precisions."""
    return w.normal(shape, 0.5 if w.dtype in HALF else 2.0)


def far(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """Rows far from 0, far apart, and masked."""
    near, beyond = rungs(dtype)
    comment = "A whole row at a threshold of either sign, all the same or one a little lower."
    for name, sizes in (("ladder", near), ("ladder-beyond", beyond)):
        held = (size for size in sizes if size < ends(dtype).top)
        cases = tuple(kind.call(dtype, UPSTREAM, ladder_rows(size, dtype)) for size in held)
        for direction in ("forward", "backward") if name == "ladder" else ("forward",):
            yield from families(f"{direction}-{name}", "far-logits saturated", comment, cases, **AXIS)
        yield from families(f"{name}-stable", "far-logits saturated", comment, cases, level="robust", **AXIS)
    for shift in HELD_SHIFTS[dtype]:
        cases = (kind.call(dtype, UPSTREAM, np.array([[1, 0, 0.5], [0.25, 1, 0.75]]) * 2 + [[shift], [-shift]]),)
        comment = f"Rows around {shift} or -{shift}."
        yield from families(f"shifted-{shift}", "shifted-logits", comment, cases, **AXIS)
    tied = [[2, 2, 2], [-1, 1.5, 1.5]]
    yield from families(
        "tied", "equal-logits", "Inputs that are the same.", (kind.call(dtype, UPSTREAM, tied),), **AXIS
    )
    inf = math.inf
    masked = [[-inf, 2, 0.5], [-inf, -inf, 1]]
    comment = "Inputs of -inf, as a mask, add nothing."
    case = kind.call(dtype, UPSTREAM, masked)
    yield from families("masked", "masked-logits", comment, (case,), level="robust", **AXIS)
    case, comment = kind.call(dtype, UPSTREAM, [[-inf] * 3, [1, 2, 0.5]]), "A row of which all is masked."
    yield from families("forward-all-masked", "masked-logits", comment, (case,), level="robust", **AXIS)
    fields: dict[str, Any] = {"level": "robust", "point": "all_masked_row", **AXIS}
    yield from families("backward-all-masked", "masked-logits", comment, (case,), **fields)
