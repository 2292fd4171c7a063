"""Losses of two classes by element: of logits or probabilities, and targets between 0 and 1."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, nearest_held
from ..generation.profiles import ladder
from ..model.family import Draft
from .activation import NORMAL_UP_TO, VANISHING
from .loss import Call, Loss, curated, drawn, invalid
from .targets import Kink, Pointwise, by_element

SOFT = [[0, 0.875, 0.25, 0.75], [1, 0.5, 0, 1], [1, 0.125, 0.5, 0]]


def soft_or_hard(w: Words, _: str, scores: np.ndarray) -> np.ndarray:
    """Draw targets of 0 and 1, and every fourth or so between them, a multiple of 1/16."""
    hard = w.integers(scores.shape, 0, 2)
    soft = w.integers(scores.shape, 1, 16) / 16
    return w.array(np.where(w.integers(scores.shape, 0, 4) == 0, soft, hard))


def hard(w: Words, _: str, scores: np.ndarray) -> np.ndarray:
    """Draw targets of 0 and 1."""
    return w.array(w.integers(scores.shape, 0, 2))


def logits_drawn(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped logits."""
    return w.normal(shape)


LOGITS = Loss("logits", logits_drawn, soft_or_hard, second="targets", by_element=True)


def of_logits(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give all families of a loss of logits at a dtype."""
    kind = Pointwise(
        loss,
        [[1.5, -2, 0.25, 3], [-0.5, 3, -1, 2], [2, 4, -3, 0.5]],
        SOFT,
        kinks={"at-zero": Kink([0, 0, 0, 0], [0, 1, 0.25, 0.5])},
        at_infinity="infinite_logit",
    )
    changes = {f"backward-infinity{end}": {"point": None} for end in ("", "-mean", "-sum")}
    yield from by_element(kind, dtype, saturated(loss, dtype), changes)
    yield from out_of_range(loss, dtype, "targets")


def out_of_range(loss: Loss, dtype: str, *arguments: str) -> Iterator[Draft]:
    """Calls to refuse: an element of an argument that is no probability."""
    for name, column, value in (("below", 0, -0.25), ("above", 1, 1.5)):
        for argument in arguments:
            tensors = {loss.scores: np.full((3, 4), 0.5), loss.second: np.eye(3, 4)}
            tensors[argument][2, column] = value
            for reduction, g in (("mean", 2.5), ("none", np.eye(3, 4))):
                id, comment = f"{argument}-{name}-{reduction}", f"One of the {argument} is {value:g}."
                call = *tensors.values(), g
                yield from invalid(loss, dtype, id, "label-range", comment, call, reduction=reduction)


def saturated(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Logits at each magnitude of the ladder, right and wrong; and all targets 0, or all 1."""
    rungs, g = ladder(dtype), nearest_held([2, -3, 5, 7, -1.5, 0.75], dtype)
    y, give = np.array([0, 1, 0, 1, 0.5, 0.25]), partial(curated, loss, dtype)

    def calls(magnitudes: list[float]) -> list[Call]:
        return [(nearest_held(np.array([1, -1, -1, 1, 0.9, -0.9]) * m, dtype), y, g) for m in magnitudes]

    comment, near = (
        "Logits of growing magnitude, sure and wrong, sure and right.",
        [m for m in rungs if m <= NORMAL_UP_TO[dtype]],
    )
    yield from give("saturated", "saturated confident-right confident-wrong", comment, *calls(near))
    scalar = ((z, y, 1.5) for z, y, _ in calls(near))
    yield from give("saturated-mean", "saturated", comment, *scalar, reduction="mean")
    more: dict[str, Any] = {"level": "robust", "overflows": True}
    comment = "Logits of every magnitude. The tolerance is that of formulas that keep the digits of both tails."
    yield from give("saturated-stable", "saturated subnormal", comment, *calls(rungs), **more)
    comment = "Logits so far from 0 that a loss is the logit or 0: neither an overflow on the way, nor NaN."
    far = [m for m in rungs if VANISHING[dtype] <= m <= FORMATS[dtype].largest / 4]
    yield from give("saturated-beyond", "saturated confident-wrong", comment, *calls(far), stable=True)
    for word, target in (("negative", 0.0), ("positive", 1.0)):

        def alike(w: Words, _: str, z: np.ndarray, target: float = target) -> np.ndarray:
            return w.array(np.full(z.shape, target))

        cells, comment = "mean-n3-c5 none-n4-c3", f"All targets are {target:g}."
        yield from drawn(loss, f"all-{word}", "random label-edge", comment, cells, labels=alike, count=2)
