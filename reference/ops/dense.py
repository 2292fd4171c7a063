"""Dense layer: Y = X W + b.

outputs[n,o]     = sum_i inputs[n,i] weights[i,o] + biases[0,o]

dL_dinputs[n,i]  = sum_o dL_doutputs[n,o] weights[i,o]
dL_dweights[i,o] = sum_n inputs[n,i] dL_doutputs[n,o]
dL_dbiases[0,o]  = sum_n dL_doutputs[n,o]

n stands for all axes of the inputs but the last, and the biases may be a vector: inputs (..., I), biases (O,).
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, shared
from ..model.functions import over_batch
from ..model.shapes import as_rows

Array = Any

BATCH_AXIS = {"inputs": -2, "outputs": -2, "dL_doutputs": -2, "dL_dinputs": -2}


def forward(inputs: Array, weights: Array, biases: Array) -> Array:
    """inputs (N, I), weights (I, O), biases (1, O) -> outputs (N, O)."""
    require_biases(weights.shape, biases.shape)
    return inputs @ weights + biases


def forward_bias_inside(inputs: Array, weights: Array, biases: Array) -> Array:
    """The bias as one more term of the contraction, as a matrix product with an accumulator computes it."""
    ones = np.ones((*inputs.shape[:-1], 1))
    return np.concatenate([inputs, ones], axis=-1) @ np.concatenate([weights, biases.reshape(1, -1)], axis=0)


@shared
def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> tuple[Array, Array, Array]:
    """dL_doutputs (N, O) and forward's arguments -> dL_dinputs (N, I), dL_dweights (I, O), dL_dbiases (1, O)."""
    require_biases(weights.shape, biases.shape)
    if inputs.shape[-1] != weights.shape[0] or dL_doutputs.shape != inputs.shape[:-1] + weights.shape[1:]:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for inputs and weights of other shapes")
    dL_dinputs = dL_doutputs @ weights.T
    dL_doutputs, inputs = as_rows(dL_doutputs), as_rows(inputs)
    dL_dweights = inputs.T @ dL_doutputs
    dL_dbiases = over_batch(dL_doutputs, axis=0, keepdims=biases.ndim > 1)
    return dL_dinputs, dL_dweights, dL_dbiases


def require_biases(weights: tuple[int, ...], biases: tuple[int, ...]) -> None:
    """Raise ValueError unless these are the shapes of weights and of one bias for each column, in a row or a vector."""
    if biases not in ((1, weights[1]), weights[1:]):
        raise ValueError(f"biases of shape {biases} for weights of shape {weights}")


def _matrix_by_matrix(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> tuple[Array, Array, Array]:
    """The gradient of the weights for each matrix of a stack by itself, and their sum."""
    dL_dinputs, dL_dweights, dL_dbiases = backward(dL_doutputs, inputs, weights, biases)
    if inputs.ndim > 2:
        dL_dweights = over_batch(np.swapaxes(inputs, -1, -2) @ dL_doutputs, tuple(range(inputs.ndim - 2)))
    return dL_dinputs, dL_dweights, dL_dbiases


FORMULATIONS = {
    "forward": (Formulation(forward_bias_inside, "bias inside the product"),),
    "backward": (Formulation(_matrix_by_matrix, "a stack matrix by matrix"),),
}
