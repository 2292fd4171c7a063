"""Softmax over the last axis: p_i = exp(z_i) / sum_j exp(z_j).

Shifting by the row's maximum changes no exact value and keeps exp in range; see Blanchard, Higham and Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..operation import Formulation

Array = Any
LARGEST_JACOBIAN = 32

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


PROBABILITIES: tuple[tuple[Callable[[Array], Array], bool], ...] = (
    (forward, True),
    (exp_of_log_softmax, True),
    (exp_of_logits_minus_logsumexp, False),
)
"""The softmax in its formulations, and whether each is stable."""


def backward_through(
    probabilities: Callable[[Array], Array], rule: Callable[[Array, Array], Array], dL_doutputs: Array, logits: Array
) -> Array:
    """Backward with one formulation of the softmax and one of the product with its Jacobian."""
    return rule(dL_doutputs, probabilities(logits))


def _small(dL_doutputs: Array, logits: Array) -> bool:
    return bool(dL_doutputs.shape[-1] <= LARGEST_JACOBIAN)


def _always(dL_doutputs: Array, logits: Array) -> bool:
    return True


FORMULATIONS = {
    "forward": tuple(Formulation(function, stable) for function, stable in PROBABILITIES[1:]),
    "backward": tuple(
        Formulation(partial(backward_through, function, rule), stable, _small if rule is by_jacobian else _always)
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
            Formulation(partial(wrap, formulation.function), formulation.stable, formulation.applies)
            for formulation in (Formulation(canonical), *FORMULATIONS[direction])
        )
        for direction, canonical, wrap in (
            ("forward", forward, forward_zero_if_masked),
            ("backward", backward, backward_zero_if_masked),
        )
    }
}
