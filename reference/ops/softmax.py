"""Softmax along an axis, by default the last: p_i = exp(z_i) / sum_j exp(z_j).

    outputs[k]    = exp(logits[k]) / sum_j exp(logits[j])

    dL_dlogits[k] = outputs[k] (dL_doutputs[k] - sum_j outputs[j] dL_doutputs[j])

Shifting by the row's maximum changes no exact value and keeps exp in range; see Blanchard, Higham and Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, through
from ..model.functions import stored
from ..model.logarithms import logsumexp, running_logsumexp
from ..model.shapes import require_same_shape

Array = Any

# An axis counted from the end: a single row, of rank 1, has no batch.
BATCH_AXIS = {"logits": -2, "outputs": -2, "dL_doutputs": -2, "dL_dlogits": -2}


def forward(logits: Array, *, axis: int = -1) -> Array:
    """logits of rank 1 or more -> outputs of the same shape, positive and with sum 1 along the axis."""
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def backward(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """dL_doutputs and logits of one shape -> dL_dlogits of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, logits=logits)
    return centred(dL_doutputs, stored(forward(logits, axis=axis)), axis)


def centred(dL_doutputs: Array, outputs: Array, axis: int = -1) -> Array:
    """p (g - sum_j p_j g_j)."""
    return outputs * (dL_doutputs - (outputs * dL_doutputs).sum(axis=axis, keepdims=True))


def distributed(dL_doutputs: Array, outputs: Array) -> Array:
    """p g - p sum_j p_j g_j."""
    weighted = outputs * dL_doutputs
    return weighted - outputs * weighted.sum(axis=-1, keepdims=True)


def by_jacobian(dL_doutputs: Array, outputs: Array) -> Array:
    """The product with each row's Jacobian diag(p) - p p^T, written out."""
    rows, columns = np.expand_dims(outputs, -1), np.expand_dims(outputs, -2)
    jacobian = rows * np.eye(outputs.shape[-1]) - rows * columns
    return (jacobian * np.expand_dims(dL_doutputs, -2)).sum(axis=-1)


def log_softmax(logits: Array) -> Array:
    """logits (..., C) -> the logarithms of the softmax."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def logits_minus_logsumexp(logits: Array) -> Array:
    """The log-softmax by the common idiom, whose error grows with a shift that all logits share."""
    return logits - logsumexp(logits)


def logits_minus_running_logsumexp(logits: Array) -> Array:
    """The log-softmax with a log-sum-exp that takes in one class after the other."""
    return logits - running_logsumexp(logits)


def exp_of(log_probabilities: Function, logits: Array) -> Array:
    """The softmax through its logarithm."""
    return np.exp(log_probabilities(logits))


def backward_by(probabilities: Function, rule: Function, dL_doutputs: Array, logits: Array) -> Array:
    """Backward with one formulation of the softmax and one of the product with its Jacobian."""
    return rule(dL_doutputs, stored(probabilities(logits)))


def along(function: Function, *tensors: Array, axis: int = -1) -> Array:
    """A function of the last axis, along another."""
    if axis == -1:
        return function(*tensors)
    return np.moveaxis(function(*(np.moveaxis(tensor, axis, -1) for tensor in tensors)), -1, axis)


def zero_if_masked(function: Function, *tensors: Array, axis: int = -1) -> Array:
    """0 throughout a row along the axis whose logits, the last argument, are all -inf."""
    return np.where(tensors[-1].max(axis=axis, keepdims=True) == -np.inf, 0, function(*tensors, axis=axis))


LOG_SOFTMAX = (
    as_written(log_softmax),
    Formulation(logits_minus_logsumexp, "z - logsumexp(z)", stable=False),
    Formulation(  # rounds at the magnitude of the logits once a class: sound over few classes alone
        logits_minus_running_logsumexp, "z - running logsumexp(z)", False, accumulates=True, longest={"logits": 5}
    ),
)
SOFTMAX = (as_written(forward), *through(exp_of, LOG_SOFTMAX, name="exp of log-softmax"))
PRODUCTS = (
    as_written(centred),
    Formulation(distributed, "p g - p sum(p g)"),
    Formulation(by_jacobian, "Jacobian written out", longest={"logits": 32}),
)
FORWARD = through(along, SOFTMAX)
BACKWARD = through(along, through(backward_by, SOFTMAX, PRODUCTS))

FORMULATIONS = {"forward": FORWARD[1:], "backward": BACKWARD[1:]}

ALTERNATIVES = {
    ("all_masked_row", "0"): {
        "forward": through(zero_if_masked, FORWARD),
        "backward": through(zero_if_masked, BACKWARD),
    }
}
