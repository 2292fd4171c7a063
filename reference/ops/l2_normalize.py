"""Division of each row, or of what lies along another axis, by its Euclidean norm, which counts as eps at least.

norm       = sqrt(sum of inputs^2)
outputs    = inputs / max(norm, eps)

dL_dinputs = (dL_doutputs - outputs sum of (outputs dL_doutputs)) / norm    where norm > eps
             dL_doutputs / eps                                             else
"""

from typing import Any

import numpy as np

from ..model.formulations import Alternatives, Formulation
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": -2, "outputs": -2, "dL_doutputs": -2, "dL_dinputs": -2}


def forward(inputs: Array, *, axis: int = -1, eps: float) -> Array:
    """inputs of any shape, an axis and eps -> outputs of that shape, of norm 1 along the axis where norm > eps."""
    return inputs / np.maximum(norms(inputs, axis), eps)


def backward(dL_doutputs: Array, inputs: Array, *, axis: int = -1, eps: float) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    norm = norms(inputs, axis)
    divisor = np.maximum(norm, eps)
    return (dL_doutputs - np.where(norm > eps, projected(dL_doutputs, inputs / divisor, axis), 0)) / divisor


def norms(inputs: Array, axis: int) -> Array:
    """The norm along an axis, which stays with size 1."""
    return np.sqrt((inputs * inputs).sum(axis=axis, keepdims=True))


def projected(dL_doutputs: Array, outputs: Array, axis: int) -> Array:
    """The part of the upstream along the outputs."""
    return outputs * (outputs * dL_doutputs).sum(axis=axis, keepdims=True)


def _by_reciprocal(inputs: Array, *, axis: int = -1, eps: float) -> Array:
    return inputs * (1 / np.maximum(norms(inputs, axis), eps))


def _reverse_mode(dL_doutputs: Array, inputs: Array, *, axis: int = -1, eps: float) -> Array:
    """g / n - x (g x) / n^3."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    norm = norms(inputs, axis)
    divisor = np.maximum(norm, eps)
    along = (dL_doutputs * inputs).sum(axis=axis, keepdims=True) / (divisor * divisor) / divisor
    return dL_doutputs / divisor - inputs * np.where(norm > eps, along, 0)


FORMULATIONS = {
    "forward": (Formulation(_by_reciprocal, "x (1 / norm)"),),
    "backward": (Formulation(_reverse_mode, "g / n - x (g x) / n^3"),),
}


def _squared(inputs: Array, *, axis: int = -1, eps: float) -> Array:
    """x / sqrt(max(sum of squares, eps))."""
    return inputs / np.sqrt(np.maximum((inputs * inputs).sum(axis=axis, keepdims=True), eps))


def _squared_backward(dL_doutputs: Array, inputs: Array, *, axis: int = -1, eps: float) -> Array:
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    squares = (inputs * inputs).sum(axis=axis, keepdims=True)
    divisor = np.sqrt(np.maximum(squares, eps))
    return (dL_doutputs - np.where(squares > eps, projected(dL_doutputs, inputs / divisor, axis), 0)) / divisor


def _added(inputs: Array, *, axis: int = -1, eps: float) -> Array:
    """x / (norm + eps)."""
    return inputs / (norms(inputs, axis) + eps)


def _added_backward(dL_doutputs: Array, inputs: Array, *, axis: int = -1, eps: float) -> Array:
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    norm = norms(inputs, axis)
    along = (dL_doutputs * inputs).sum(axis=axis, keepdims=True) / (norm * (norm + eps))
    return (dL_doutputs - inputs * along) / (norm + eps)


def _nan_at_zero(dL_doutputs: Array, inputs: Array, *, axis: int = -1, eps: float) -> Array:
    zero = norms(inputs, axis) == 0
    return np.where(zero, np.nan, backward(dL_doutputs, inputs, axis=axis, eps=eps))


ALTERNATIVES: Alternatives = {
    ("normalize_epsilon", "square"): {
        "forward": (Formulation(_squared, "max(sum of squares, eps)"),),
        "backward": (Formulation(_squared_backward, "max(sum of squares, eps)"),),
    },
    ("normalize_epsilon", "sum"): {
        "forward": (Formulation(_added, "norm + eps"),),
        "backward": (Formulation(_added_backward, "norm + eps"),),
    },
    ("norm_at_zero", "nan"): {"backward": (Formulation(_nan_at_zero, "NaN at a row of zeros"),)},
}
