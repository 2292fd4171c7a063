"""Families of cases for softmax with cross-entropy of weighted classes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..kinds.ignoring import IGNORING, USUAL, ignoring
from ..kinds.labelled import common, far_upstreams, remembered, special
from ..kinds.loss import Loss, curated, drawn, invalid
from ..kinds.paired import changed
from ..kinds.special_values import ends
from ..model.family import Draft

WEIGHTED = Loss("logits", lambda w, shape: w.normal(shape), forms=("indices",), weights="class_weights")
POINT = "label_smoothing_spread"
ROWS = [[0.5, -1, 0.25], [1, 0.125, -0.5], [-0.25, 2, 1]]
CELLS = "indices-sum-n3-c4 indices-none-n4-c3"
MANY = ("smoothed-many", 0.1, "indices-none-n33-c2 indices-sum-n1-c131", 1)
SHORTER = {"backward-many-classes-indices-mean-n2-c1000": None}
"""What costs more bytes than it shows beside softmax_cross_entropy."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    two, spoilt = ROWS[:2], [ROWS[0], [1, math.nan, -0.5], ROWS[2]]
    given = changed(chain(common(WEIGHTED, dtype), ignoring(WEIGHTED, dtype, ROWS)), SHORTER, cases=3)
    extremes = special(WEIGHTED, dtype, two, ROWS, spoilt), far_upstreams(WEIGHTED, dtype, two)
    yield from at_means(chain(given, *extremes))
    yield from remembered(WEIGHTED, dtype, two, [[1, -0.5, 0.25], [-1, 0.5, 0]])
    cells, comment = "indices-mean-n5-c3 indices-mean-n3-c4", "Weights of 1: the mean is over the rows."
    alike = replace(WEIGHTED, weigh=lambda w, shape: w.array(np.ones(shape)))
    yield from drawn(alike, "unit-weights", "random reduction", comment, cells, count=3)
    yield from smoothing(dtype)
    give, g, tiny = partial(curated, WEIGHTED, dtype), [1.5, -2, 3], ends(dtype).subnormal
    comment = "A class of weight 0: no loss and no gradient of its rows, though it has logits."
    yield from give("zero-weight", "labels-indices", comment, (ROWS, [0, 1, 2], g, [0.5, 0, 2]))
    comment = "Logits that are subnormal: all classes are equally likely."
    yield from give("forward-subnormal", "subnormal", comment, ([[tiny, -tiny, 0]] * 3, [0, 1, 2], g), level="robust")
    for name, weights in {"short": [2, 3], "one": [2], "scalar": 2, "rows": [[2] * 3] * 3, "fewer": [2, 3, 1]}.items():
        comment = "Weights that are not one for each class, to be broadcast by none; or fewer than there are labels."
        call = ROWS, [0, 2, 1, 1] if name == "fewer" else [0, 2, 1], 2.5, weights
        yield from invalid(WEIGHTED, dtype, f"weights-{name}", "size-mismatch", comment, call)


def at_means(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Make families of means those of a convention: some divide by the number of rows."""
    for draft in drafts:
        mean = draft.parameters["reduction"] == "mean" and draft.result == "valid"
        yield replace(draft, point="mean_with_weights", result="convention") if mean else draft


def smoothing(dtype: str) -> Iterator[Draft]:
    """Smoothed labels, with rows that are ignored too."""
    for name, share, cells, count in (("smoothed", 0.1, CELLS, 3), ("smoothed-half", 0.5, CELLS, 3), MANY):
        comment = "Smoothed labels: a share goes to all classes, each with its weight."
        more: dict[str, Any] = {"count": count, "options": {"label_smoothing": share}, "point": POINT}
        yield from drawn(WEIGHTED, name, "random smoothing", comment, cells, **more)
    give, given = partial(curated, WEIGHTED, dtype, point=POINT), {"label_smoothing": 0.25}
    for reduction, g in (("sum", 1.5), ("none", [1.5, -2, 3]), ("mean", 1.5)):
        level = "robust" if reduction == "mean" else "required"  # where a mean may be over rows besides
        said, call = "Smoothed labels, and a row that is ignored.", (ROWS, [1, USUAL, 2], g)
        more = {"reduction": reduction, "level": level, "options": {**given, **IGNORING}}
        yield from give(f"smoothed-ignored-{reduction}", "smoothing ignored", said, call, **more)
    said = "Smoothed labels whose weights are 1 on average: a mean over rows is the same, one over all shares is not."
    alike = ROWS, [0, 1, 0], 1.5, [0.5, 2, 4]
    yield from give("smoothed-mean", "smoothing", said, alike, reduction="mean", options=given)
