"""Families of cases for the Kullback-Leibler divergence."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..generation.draws import Words
from ..kinds.loss import Loss, curated, drawn, invalid
from ..kinds.targets import Pointwise, by_element
from ..model.family import Draft
from ..model.losses import REDUCTIONS


def probable(w: Words, _: str, scores: np.ndarray) -> np.ndarray:
    """Draw targets between 0 and 1, none of them 0."""
    return w.uniform(scores.shape, 0.03125, 1)


KL = Pointwise(
    Loss(
        "log_probabilities",
        lambda w, shape: w.uniform(shape, -6, -0.0625),
        probable,
        second="targets",
        by_element=True,
    ),
    [[-1.5, -2, -0.25, -3], [-0.5, -4, -1, -2.5], [-2, -6, -8, -0.75]],
    [[0.5, 0.25, 0.125, 0.75], [0.375, 0.0625, 0.625, 0.5], [0.25, 0.75, 0.125, 0.5]],
    still=0.5,
)
BATCHMEAN = "batchmean-n5-c3 batchmean-n3-c4-h2 batchmean-n7 batchmean-n1-c4 batchmean-n35-c2"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(KL, dtype)
    comment = "The sum over all elements, divided by the number of rows alone."
    yield from drawn(KL.loss, "random", "random reduction upstream-signed", comment, BATCHMEAN, count=3)
    wrong = partial(invalid, KL.loss, dtype, reduction="batchmean")
    for word, shape in {"rows": (3,), "elements": (3, 4)}.items():
        comment, call = "An upstream of another shape than the loss.", (KL.scores, KL.targets, np.full(shape, 2.0))
        yield from wrong(f"backward-upstream-{word}-batchmean", "size-mismatch", comment, call)
    if dtype != "float16":
        tiny, comment = np.array(KL.targets) / 2**30, "Tiny targets: a small loss is not 0."
        yield from curated(KL.loss, dtype, "small-targets", "small-values", comment, (KL.scores, tiny, KL.scores))
    zeros = [[0, 0.25, 0.75, 0], [1, 0, 0, 0], [0.5, 0, 0.375, 0.125]]
    for reduction in (*REDUCTIONS, "batchmean"):
        g = np.array([[1.5, -2, 3, -0.75]] * 3) if reduction == "none" else 1.5
        give = partial(curated, KL.loss, dtype, reduction=reduction)
        name, comment = f"zero-targets-{reduction}", "A target of 0 adds nothing: 0 log 0 is 0."
        point: dict[str, Any] = {"point": "kl_at_zero_target", "level": "robust"}
        yield from give(f"forward-{name}", "probability-zero", comment, (KL.scores, zeros, g), **point)
        yield from give(f"backward-{name}", "probability-zero", "No target, no gradient.", (KL.scores, zeros, g))
