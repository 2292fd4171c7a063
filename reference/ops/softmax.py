"""Softmax over the last axis: p_i = exp(z_i) / sum_j exp(z_j).

    outputs[k]    = exp(logits[k]) / sum_j exp(logits[j])

    dL_dlogits[k] = outputs[k] (dL_doutputs[k] - sum_j outputs[j] dL_doutputs[j])

Shifting by the row's maximum changes no exact value and keeps exp in range; see Blanchard, Higham and Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..model.operation import Formulation

Array = Any
LARGEST_JACOBIAN = 32
FEW_CLASSES = 5
"""Over so many a running log-sum-exp, which rounds at the size of the logits once a class, is taken to be sound."""

# An axis counted from the end: a single row, of rank 1, has no batch.
BATCH_AXIS = {"logits": -2, "outputs": -2, "dL_doutputs": -2, "dL_dlogits": -2}


def forward(logits: Array) -> Array:
    """logits (..., C) -> outputs of the same shape, each row positive with sum 1."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_softmax(logits: Array) -> Array:
    """logits (..., C) -> the logarithms of the softmax."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def logits_minus_logsumexp(logits: Array) -> Array:
    """The log-softmax by the common idiom, whose error grows with a shift that all logits share."""
    largest = logits.max(axis=-1, keepdims=True)
    return logits - (largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True)))


def logits_minus_running_logsumexp(logits: Array) -> Array:
    """The same with a log-sum-exp that takes in one class after the other, as `np.logaddexp.reduce` does."""
    running = logits[..., :1]
    for k in range(1, logits.shape[-1]):
        one = logits[..., k : k + 1]
        larger, smaller = np.maximum(running, one), np.minimum(running, one)
        running = np.where(smaller == -np.inf, larger, larger + np.log(1 + np.exp(smaller - larger)))
    return logits - running


def exp_of_log_softmax(logits: Array) -> Array:
    """The softmax through its logarithm."""
    return np.exp(log_softmax(logits))


def exp_of_logits_minus_logsumexp(logits: Array) -> Array:
    """The softmax through the common idiom for its logarithm."""
    return np.exp(logits_minus_logsumexp(logits))


def backward(dL_doutputs: Array, logits: Array) -> Array:
    """dL_doutputs and logits (..., C) -> dL_dlogits of the same shape."""
    if dL_doutputs.shape != logits.shape:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for logits of shape {logits.shape}")
    return centred(dL_doutputs, forward(logits))


def centred(dL_doutputs: Array, outputs: Array) -> Array:
    """p (g - sum_j p_j g_j)."""
    return outputs * (dL_doutputs - (outputs * dL_doutputs).sum(axis=-1, keepdims=True))


def distributed(dL_doutputs: Array, outputs: Array) -> Array:
    """p g - p sum_j p_j g_j."""
    weighted = outputs * dL_doutputs
    return weighted - outputs * weighted.sum(axis=-1, keepdims=True)


def by_jacobian(dL_doutputs: Array, outputs: Array) -> Array:
    """The product with each row's Jacobian diag(p) - p p^T, written out."""
    rows, columns = np.expand_dims(outputs, -1), np.expand_dims(outputs, -2)
    jacobian = rows * np.eye(outputs.shape[-1]) - rows * columns
    return (jacobian * np.expand_dims(dL_doutputs, -2)).sum(axis=-1)


def exp_of_logits_minus_running_logsumexp(logits: Array) -> Array:
    """The softmax through that."""
    return np.exp(logits_minus_running_logsumexp(logits))


PROBABILITIES: tuple[tuple[Callable[[Array], Array], bool], ...] = (
    (forward, True),
    (exp_of_log_softmax, True),
    (exp_of_logits_minus_logsumexp, False),
    (exp_of_logits_minus_running_logsumexp, False),
)
"""The softmax in its formulations, and whether each is stable."""


def backward_through(
    probabilities: Callable[[Array], Array], rule: Callable[[Array, Array], Array], dL_doutputs: Array, logits: Array
) -> Array:
    """Backward with one formulation of the softmax and one of the product with its Jacobian."""
    return rule(dL_doutputs, probabilities(logits))


def few(logits: Array) -> bool:
    """Whether there are few classes."""
    return bool(logits.shape[-1] <= FEW_CLASSES)


def runs(function: Callable[..., Array]) -> bool:
    """Whether a formulation of the softmax takes in one class after the other."""
    return function is exp_of_logits_minus_running_logsumexp


def fits(function: Callable[[Array], Array], logits: Array) -> bool:
    """Whether a formulation of the softmax is one for so many classes."""
    return not runs(function) or few(logits)


def _both_fit(
    function: Callable[[Array], Array], rule: Callable[[Array, Array], Array], dL_doutputs: Array, logits: Array
) -> bool:
    return fits(function, logits) and (rule is not by_jacobian or bool(logits.shape[-1] <= LARGEST_JACOBIAN))


FORMULATIONS = {
    "forward": tuple(
        Formulation(function, stable, partial(fits, function), runs(function)) for function, stable in PROBABILITIES[1:]
    ),
    "backward": tuple(
        Formulation(
            partial(backward_through, function, rule), stable, partial(_both_fit, function, rule), runs(function)
        )
        for (function, stable), rule in product(PROBABILITIES, (centred, distributed, by_jacobian))
        if (function, rule) != (forward, centred)
    ),
}


def forward_zero_if_masked(function: Callable[[Array], Array], logits: Array) -> Array:
    """0 throughout a row whose logits are all -inf."""
    return np.where(logits.max(axis=-1, keepdims=True) == -np.inf, 0, function(logits))


def backward_zero_if_masked(rule: Callable[[Array, Array], Array], dL_doutputs: Array, logits: Array) -> Array:
    """0 throughout a row whose logits are all -inf."""
    return np.where(logits.max(axis=-1, keepdims=True) == -np.inf, 0, rule(dL_doutputs, logits))


ALTERNATIVES = {
    ("all_masked_row", "0"): {
        direction: tuple(
            replace(formulation, function=partial(wrap, formulation.function))
            for formulation in (Formulation(canonical), *FORMULATIONS[direction])
        )
        for direction, canonical, wrap in (
            ("forward", forward, forward_zero_if_masked),
            ("backward", backward, backward_zero_if_masked),
        )
    }
}
