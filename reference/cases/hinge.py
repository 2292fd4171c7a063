"""Families of cases for the hinge loss."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..generation.draws import Shape, Words
from ..kinds.loss import Loss, curated
from ..kinds.targets import Kink, Pointwise, by_element, numbers
from ..model.family import Draft


def signs(w: Words, _: str, predictions: np.ndarray) -> np.ndarray:
    """Draw targets of -1 and 1."""
    return w.array(w.signs(predictions.shape))


def off_the_margin(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped predictions, none of them at the margin."""
    drawn = numbers(w, shape).astype(np.float64)
    return w.array(np.where(abs(drawn) == 1, drawn * 0.75, drawn))


MARGIN = [1.0, -1.0, 1.0, -1.0]
HINGE = Pointwise(
    Loss("predictions", off_the_margin, signs, second="targets", by_element=True),
    [[0.5, -2, 0.25, 3], [-0.5, 0.75, -1, 2], [-2, 4, -8, 0.5]],
    [[1, 1, 1, -1], [-1, 1, 1, -1], [1, -1, 1, 1]],
    kinks={"at-the-margin": Kink(MARGIN, MARGIN, "hinge_at_margin")},
    slope_at_nan="relu_slope_at_nan",
    of_nan="relu_of_nan",
    still=1.0,
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    give, right, y = partial(curated, HINGE.loss, dtype), [[2, -3, 1.5], [-4, 1.25, -7]], [[1, -1, 1], [-1, 1, -1]]
    g = [[1.5, -2, 3], [-0.75, 4, 0.5]]
    yield from give("dead", "dead", "All beyond the margin: no loss and no gradient.", (right, y, g))
    yield from give("backward-dead-mean", "dead", "The same under a mean.", (right, y, 1.5), reduction="mean")
    infinite = [[np.inf, -2, 3], [-0.75, -np.inf, 0.5]]
    comment, flags = "An infinite upstream beyond the margin.", "infinite-upstream dead"
    more: dict[str, Any] = {"level": "robust", "point": "infinite_times_zero"}
    yield from give("backward-infinite-upstream-dead", flags, comment, (right, y, infinite), **more)
    yield from by_element(HINGE, dtype)
