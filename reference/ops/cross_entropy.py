"""Categorical cross-entropy of probabilities: L = -sum_k y_k log p_k.

    losses[n]              = -sum_k y[n,k] log probabilities[n,k]
    loss                   = sum_n losses[n] / N    (mean)
                             sum_n losses[n]        (sum)
                             losses                 (none)

    dL_dprobabilities[n,k] = -y[n,k] / probabilities[n,k] g[n]

where y is the labels as rows, and g[n] is dL_dloss / N (mean), dL_dloss (sum) or dL_dloss[n] (none). A class without
weight adds nothing to a loss, even where its probability is 0.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, through
from ..model.losses import divided_last, empty_mean_is_zero, one_hot, reduced, row_upstream, weighted

Array = Any

BATCH_AXIS = {"probabilities": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dprobabilities": 0}
SMALLEST, LARGEST = 1e-7, 1 - 1e-7
"""Where implementations that clip probabilities clip them."""


def forward(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """probabilities (N, C), labels (N,) or (N, C) -> loss, () or (N,)."""
    y = one_hot(labels, probabilities)
    return reduced(-weighted(y, np.log(probabilities)).sum(axis=-1), reduction)


def backward(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """dL_dloss () or (N,) and forward's arguments -> dL_dprobabilities (N, C)."""
    y = one_hot(labels, probabilities)
    return row_upstream(dL_dloss, len(probabilities), reduction) * slope(y, probabilities)


def slope(y: np.ndarray, probabilities: Array) -> Array:
    """-y / p, and 0 for a class without weight even where p is 0."""
    return np.where(y == 0, 0, -y / probabilities)


def backward_upstream_first(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The upstream inside the numerator: (-y g) / p."""
    y = one_hot(labels, probabilities)
    upstream = row_upstream(dL_dloss, len(probabilities), reduction)
    return np.where(y == 0, 0, (-y * upstream) / probabilities)


def clipped(probabilities: Array) -> Array:
    """Probabilities moved into [1e-7, 1 - 1e-7]."""
    return np.minimum(np.maximum(probabilities, SMALLEST), LARGEST)


def of_clipped(function: Function, *tensors: Array, reduction: str) -> Array:
    """The loss of the clipped probabilities, or its gradient by them, as if clipping had slope 1."""
    *upstream, probabilities, labels = tensors
    return function(*upstream, clipped(probabilities), labels, reduction=reduction)


def zero_slope(rule: Function, dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The derivative of the clipped loss: nothing passes where the probability was clipped."""
    inside = (probabilities > SMALLEST) & (probabilities < LARGEST)
    return np.where(inside, rule(dL_dloss, probabilities, labels, reduction=reduction), 0)


BACKWARD = (
    as_written(backward),
    *through(divided_last, [as_written(backward)], name="divided by N last"),
    Formulation(backward_upstream_first, "(-y g) / p"),
)
CLIPPED = through(of_clipped, [as_written(forward)], name="p clipped")

FORMULATIONS = {"backward": BACKWARD[1:]}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("probability_clipping", "zero-slope"): {"forward": CLIPPED, "backward": through(zero_slope, BACKWARD)},
    ("probability_clipping", "denominator"): {"forward": CLIPPED, "backward": through(of_clipped, BACKWARD)},
}
