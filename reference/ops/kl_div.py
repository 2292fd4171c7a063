"""Kullback-Leibler divergence of targets from log-probabilities: y (log y - log p) of each element.

    losses                = targets (log(targets) - log_probabilities), and 0 where a target is 0
    loss                  = sum losses / n    (mean, over all n elements)
                            sum losses / N    (batchmean, over the N rows)
                            sum losses        (sum)
                            losses            (none)

    dL_dlog_probabilities = -targets g

where g is dL_dloss / n (mean), dL_dloss / N (batchmean), dL_dloss (sum) or each element's own dL_dloss (none).
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.losses import (
    element_upstream,
    elements,
    empty_mean_is_zero,
    over_elements,
    weighted,
)
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"log_probabilities": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dlog_probabilities": 0}


def forward(log_probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """log_probabilities and targets of one shape -> loss, () or of that shape."""
    require_same_shape(targets=targets, log_probabilities=log_probabilities)
    return divergence(losses(log_probabilities, targets), reduction)


def backward(dL_dloss: Array, log_probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the log-probabilities' shape, and forward's arguments -> dL_dlog_probabilities."""
    require_same_shape(targets=targets, log_probabilities=log_probabilities)
    return -targets * upstream(dL_dloss, log_probabilities, reduction)


def losses(log_probabilities: Array, targets: Array) -> Array:
    """The divergence of each element."""
    return weighted(targets, np.log(targets) - log_probabilities)


def divergence(losses: Array, reduction: str) -> Array:
    """Reduce the losses."""
    if reduction == "batchmean":
        return losses.sum() / len(losses)
    return over_elements(losses, reduction)


def upstream(dL_dloss: Array, log_probabilities: Array, reduction: str) -> Array:
    """The upstream gradient of each element's own loss."""
    if reduction == "batchmean":
        return element_upstream(dL_dloss, log_probabilities, "sum") / len(log_probabilities)
    return element_upstream(dL_dloss, log_probabilities, reduction)


def _apart(log_probabilities: Array, targets: Array, *, reduction: str) -> Array:
    return divergence(weighted(targets, np.log(targets)) - targets * log_probabilities, reduction)


def _nan_at_zero(log_probabilities: Array, targets: Array, *, reduction: str) -> Array:
    return divergence(targets * (np.log(targets) - log_probabilities), reduction)


def _divided_last(dL_dloss: Array, log_probabilities: Array, targets: Array, *, reduction: str) -> Array:
    unscaled = -targets * element_upstream(dL_dloss, log_probabilities, "none" if reduction == "none" else "sum")
    if reduction == "batchmean":
        return unscaled / len(log_probabilities)
    return unscaled / elements(log_probabilities) if reduction == "mean" and elements(log_probabilities) else unscaled


FORMULATIONS = {
    "forward": (Formulation(_apart, "y log y - y log p"),),
    "backward": (Formulation(_divided_last, "divided last"),),
}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("kl_at_zero_target", "nan"): {"forward": (Formulation(_nan_at_zero, "0 log 0"),)},
}
