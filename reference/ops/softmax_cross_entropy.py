"""Softmax and categorical cross-entropy in one step: L = -sum_k y_k log softmax(z)_k, dL/dz = p - y.

    p[n,k]          = exp(logits[n,k]) / sum_j exp(logits[n,j])
    losses[n]       = -sum_k y[n,k] log p[n,k]
    loss            = sum_n losses[n] / N    (mean)
                      sum_n losses[n]        (sum)
                      losses                 (none)

    dL_dlogits[n,k] = (p[n,k] - y[n,k]) g[n]

where y is the labels as rows, and g[n] is dL_dloss / N (mean), dL_dloss (sum) or dL_dloss[n] (none). The gradient takes
the labels of a row to sum to 1.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..model.losses import one_hot, reduced, row_upstream, weighted
from ..model.operation import Formulation
from . import cross_entropy, softmax

Array = Any

BATCH_AXIS = {"logits": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dlogits": 0}


def forward(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """logits (N, C), labels (N,) or (N, C) -> loss, () or (N,)."""
    return loss_of(softmax.log_softmax(logits), labels, reduction)


def loss_of(log_probabilities: Array, labels: np.ndarray, reduction: str) -> Array:
    """The loss from the logarithms of the softmax."""
    y = one_hot(labels, log_probabilities)
    return reduced(-weighted(y, log_probabilities).sum(axis=-1), reduction)


def forward_through_idiom(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """From log-probabilities by the common idiom."""
    return loss_of(softmax.logits_minus_logsumexp(logits), labels, reduction)


def forward_through_running(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The same with a running log-sum-exp."""
    return loss_of(softmax.logits_minus_running_logsumexp(logits), labels, reduction)


def forward_from_probabilities(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Two steps: the logarithm of the softmax's own outputs. Loses all where a probability underflows."""
    return cross_entropy.forward(softmax.forward(logits), labels, reduction=reduction)


def forward_empty_zero(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The mean over no rows as 0."""
    return forward(logits, labels, reduction="sum") / max(len(logits), 1)


def backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """dL_dloss () or (N,) and forward's arguments -> dL_dlogits (N, C)."""
    return scaled_first(dL_dloss, softmax.forward(logits), labels, reduction)


def scaled_first(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """(p - y) (g / N)."""
    return (outputs - one_hot(labels, outputs)) * row_upstream(dL_dloss, len(outputs), reduction)


def scaled_last(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """((p - y) g) / N."""
    unscaled = scaled_first(dL_dloss, outputs, labels, "none" if reduction == "none" else "sum")
    return unscaled / len(outputs) if reduction == "mean" and len(outputs) else unscaled


def scaled_apart(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """p (g / N) - y (g / N)."""
    upstream = row_upstream(dL_dloss, len(outputs), reduction)
    return outputs * upstream - one_hot(labels, outputs) * upstream


def two_steps(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """The chain rule through the probabilities: cross-entropy's backward, then softmax's."""
    dL_doutputs = cross_entropy.backward(dL_dloss, outputs, labels, reduction=reduction)
    return softmax.centred(dL_doutputs, outputs)


SCALINGS: tuple[tuple[Callable[[Array, Array, np.ndarray, str], Array], bool], ...] = (
    (scaled_first, True),
    (scaled_last, True),
    (scaled_apart, True),
    (two_steps, False),  # where a probability underflows, -y / p has no bound
)
"""How p - y and the upstream are put together, and whether each is stable."""


def backward_through(
    probabilities: Callable[[Array], Array],
    scaling: Callable[[Array, Array, np.ndarray, str], Array],
    dL_dloss: Array,
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Array:
    """Backward with one formulation of the softmax and one of the scaling."""
    return scaling(dL_dloss, probabilities(logits), labels, reduction)


def _few_classes(logits: Array, labels: np.ndarray, *, reduction: str) -> bool:
    return softmax.few(logits)


def _fits(function: Callable[[Array], Array], dL_dloss: Array, logits: Array, labels: Any, *, reduction: str) -> bool:
    return softmax.fits(function, logits)


FORMULATIONS = {
    "forward": (
        Formulation(forward_through_idiom, stable=False),
        Formulation(forward_through_running, stable=False, applies=_few_classes, accumulates=True),
        Formulation(forward_from_probabilities, stable=False),
    ),
    "backward": tuple(
        Formulation(
            partial(backward_through, function, scaling),
            stable and steady,
            partial(_fits, function),
            softmax.runs(function),
        )
        for (function, stable), (scaling, steady) in product(softmax.PROBABILITIES, SCALINGS)
        if (function, scaling) != (softmax.forward, scaled_first)
    ),
}

ALTERNATIVES = {("empty_mean", "0"): {"forward": (Formulation(forward_empty_zero),)}}
