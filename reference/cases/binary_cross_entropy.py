"""Families of cases for binary cross-entropy of probabilities."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..generation.draws import Shape, Words
from ..kinds.binary import hard, out_of_range, soft_or_hard
from ..kinds.loss import Loss, curated, drawn
from ..kinds.probabilities import CLIPPING, EDGES_HELD, small_probabilities
from ..kinds.targets import Pointwise, by_element
from ..model.family import Draft


def probabilities(w: Words, shape: Shape) -> np.ndarray:
    """Draw probabilities, none of them near 0 or 1."""
    return w.uniform(shape, 0.015625, 0.984375)


LOSS = Loss("probabilities", probabilities, soft_or_hard, second="targets", by_element=True)
BINARY = Pointwise(
    LOSS,
    [[0.5, 0.25, 0.75, 0.375], [0.125, 0.875, 0.5, 0.25], [0.75, 0.0625, 0.3125, 0.5]],
    [[0.25, 0.5, 0.125, 0.875], [0, 1, 0.75, 1], [1, 0, 0.5, 0.25]],
    finite=True,
    tiny=CLIPPING,
)
G = [2, -3, 5, 7]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(BINARY, dtype)

    def near_one(w: Words, shape: Shape) -> np.ndarray:
        return w.array(1 - np.ldexp(w.integers(shape, 1, 8).astype(np.float64), -8))

    comment, cells = (
        "Small probabilities: 1e-7 added in the logarithm or below y shows.",
        "mean-n3-c5 none-n4-c3 none-n7",
    )
    yield from drawn(LOSS, "small", "small-values", comment, cells, scores=small_probabilities, labels=hard, count=2)
    comment = "Probabilities near 1."
    yield from drawn(LOSS, "near-one", "random", comment, cells, scores=near_one, labels=hard, count=2)
    give, more = partial(curated, LOSS, dtype), dict[str, Any](level="robust", point=CLIPPING, overflows=True)
    ends = [("zero", 0.0, [1, 1, 0.5, 0.25])] + [("one", 1.0, [0, 0, 0.5, 0.25])] * (dtype in EDGES_HELD)
    for name, p, wrong in ends:
        comment = f"p = {p:g} with weight on the other side: infinite, or what clipping makes of it."
        yield from give(f"{name}-wrong", f"probability-{name}", comment, ([p] * 4, wrong, G), **more)
        comment, right = f"p = {p:g} and right: neither 0 log 0 nor 0 / 0 may be NaN.", [p] * 4
        yield from give(f"{name}-right", f"probability-{name}", comment, ([p, p, 0.5, 0.25], right, G), **more)
        for reduction in ("mean", "sum"):
            call = [p, 0.5, 0.25, p], [p, 1, 0, p], 1.5
            yield from give(
                f"{name}-right-{reduction}", f"probability-{name}", comment, call, reduction=reduction, **more
            )
    yield from out_of_range(LOSS, dtype, "probabilities", "targets")
