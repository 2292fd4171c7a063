"""Families of cases for the variance over axes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words
from ..kinds.paired import families
from ..kinds.reductions import COUNTED, RANKS, UPSTREAM, Over, Reduction, reduction
from ..model.family import Draft

NOTHING = ("0x3-over-2", "3x0-over-1", "0-over-all")
CHANGES = {f"{direction}-nothing-{name}": None for direction in ("forward", "backward") for name in NOTHING}
CHANGES["backward-infinity"] = (
    None  # NaN for a row in reverse mode, infinities beside it by the formula: both are right
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Reduction(profiles=("heavy", "integers"), changes=CHANGES, large=COUNTED)
    yield from reduction(kind, dtype, offsets(kind, dtype))
    for over in (*RANKS[1:5], *RANKS[7:10], Over((2, 35), -1)):
        comment = f"Divided by one less than the number of terms, over axis {over.axis}."
        fields: dict[str, Any] = {"parameters": {**over.parameters, "correction": 1}, "counts": 2}
        draw, flags = partial(kind.drawn, over, kind.draw), "random rank upstream-signed"
        yield from families(f"random-{over.name}-correction-1", flags, comment, draw=draw, **fields)
    over = Over((3, 4), -1)
    comment, parameters = "Divided by two less than the number of terms.", {**over.parameters, "correction": 2}
    draw, flags = partial(kind.drawn, over, kind.draw), "random rank upstream-signed"
    yield from families("random-3x4-over-1-correction-2", flags, comment, draw=draw, counts=2, parameters=parameters)
    case = kind.call(dtype, [3, -5], [[2], [-1]])
    comment, parameters = "One term and a correction of 1: 0 / 0.", {"axis": -1, "correction": 1}
    yield from families("no-freedom", "smallest", comment, (case,), level="robust", parameters=parameters)


def offsets(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """What all terms share, which a variance takes off."""

    def around(offset: float, w: Words, shape: Shape) -> np.ndarray:
        width = max(2.0, 2.0 ** (3 + int(np.log2(offset)) - FORMATS[dtype].significand))
        values = w.uniform(shape, offset - width, offset + width).astype(np.float64)
        return w.array(values * w.signs((shape[0], 1)))

    over = Over((3, 5), -1)
    for offset in (4.0, 60.0, 10000.0):
        draw, comment = partial(kind.drawn, over, partial(around, offset)), f"Rows around {offset:g} or -{offset:g}."
        fields: dict[str, Any] = {"draw": draw, "counts": 2, "parameters": over.parameters}
        if offset < 100:
            yield from families(f"offset-{offset:g}", "random offset upstream-signed", comment, **fields)
        comment += " The tolerance is that of formulas that take off the mean first."
        yield from families(f"offset-{offset:g}-stable", "offset", comment, level="robust", **fields)
    cases = tuple(kind.call(dtype, UPSTREAM, [[c] * 4, [1, -0.5, 2, 0.25]]) for c in (3, -7.5, 0.625))
    comment = "A row of equal elements: variance and gradient are 0."
    yield from families("constant", "offset", comment, cases, level="robust", parameters={"axis": -1})
