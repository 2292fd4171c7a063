"""Losses of class indices of which one may be ignored: no rows of them, some and all."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.records import Parameter
from ..generation.draws import Words
from ..model.family import Draft
from ..model.losses import REDUCTIONS
from .loss import ROW_UPSTREAM, DrawLabels, Loss, Options, curated, drawn

Table = list[list[float]]
USUAL = -100
IGNORING: Options = {"ignore_index": USUAL}
NOTHING: dict[str, Any] = {"level": "robust", "point": "mean_of_nothing"}


def ignoring(loss: Loss, dtype: str, scores: Table) -> Iterator[Draft]:
    """Give the families of a loss with an ignored index; `scores` are three rows of three classes."""
    few = "indices-mean-n5-c3 indices-mean-n6-c3 indices-mean-n7-c4 indices-sum-n3-c4 indices-none-n4-c3"
    long = " indices-sum-n261-c2" if dtype == "float32" else ""
    many = f"indices-none-n37-c3 indices-mean-n65-c2 indices-mean-n3-c35{long}"
    for index, name, cells, count in (
        *((index, f"ignored{index}", few, loss.few) for index in (USUAL, 0, 255)),
        (USUAL, "ignored", many, 1),
    ):
        comment = f"About half of the rows are ignored, by the label {index}: they have no loss, and do not count."
        more: dict[str, Any] = {"labels": partly_ignored(loss, index), "options": {"ignore_index": index}}
        yield from drawn(loss, name, "random ignored", comment, cells, count=count, **more)
    comment = "No row has the label to ignore."
    yield from drawn(loss, "ignored-none", "random ignored", comment, few, count=2, options=IGNORING)
    for reduction in REDUCTIONS:
        g = ROW_UPSTREAM[:3] if reduction == "none" else ROW_UPSTREAM[0]
        give = partial(curated, loss, dtype, reduction=reduction, options=IGNORING)
        for name, labels, fields in (
            ("ignored-one", [1, USUAL, 2], {}),
            ("backward-ignored-all", [USUAL] * 3, {}),
            ("forward-ignored-all", [USUAL] * 3, NOTHING if reduction == "mean" else {}),
        ):
            comment = "Rows with the label to ignore have no loss and no gradient."
            yield from give(f"{name}-{reduction}", "ignored", comment, (scores, labels, g), **fields)
        comment = "The label to ignore is the number of classes: as an address it is the first place of the next row."
        name, call = f"backward-ignored-next-{reduction}", (scores, [3, 0, 2], g)
        yield from give(name, "ignored", comment, call, options={"ignore_index": 3})


def partly_ignored(loss: Loss, index: Parameter) -> DrawLabels:
    """Draw the loss's labels, of which about half are the one to ignore."""

    def draw(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
        labels = loss.labels(w, form, scores)
        return np.where(w.permutation(len(scores)) > np.asarray(len(scores) // 2), np.asarray(index), labels)

    return draw
