"""Dense layer: Y = X W + b.

outputs[n,o]     = sum_i inputs[n,i] weights[i,o] + biases[0,o]

dL_dinputs[n,i]  = sum_o dL_doutputs[n,o] weights[i,o]
dL_dweights[i,o] = sum_n inputs[n,i] dL_doutputs[n,o]
dL_dbiases[0,o]  = sum_n dL_doutputs[n,o]
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.functions import over_batch

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, weights: Array, biases: Array) -> Array:
    """inputs (N, I), weights (I, O), biases (1, O) -> outputs (N, O)."""
    return inputs @ weights + biases


def forward_bias_inside(inputs: Array, weights: Array, biases: Array) -> Array:
    """The bias as one more term of the contraction, as a matrix product with an accumulator computes it."""
    ones = np.ones_like(inputs[:, :1])
    return np.concatenate([inputs, ones], axis=1) @ np.concatenate([weights, biases], axis=0)


def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> tuple[Array, Array, Array]:
    """dL_doutputs (N, O) and forward's arguments -> dL_dinputs (N, I), dL_dweights (I, O), dL_dbiases (1, O)."""
    if inputs.shape[1] != weights.shape[0]:
        raise ValueError(f"inputs of shape {inputs.shape} for weights of shape {weights.shape}")
    if dL_doutputs.shape != (inputs.shape[0], weights.shape[1]) or biases.shape != (1, weights.shape[1]):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for outputs of another")
    dL_dinputs = dL_doutputs @ weights.T
    dL_dweights = inputs.T @ dL_doutputs
    dL_dbiases = over_batch(dL_doutputs, axis=0, keepdims=True)
    return dL_dinputs, dL_dweights, dL_dbiases


FORMULATIONS = {"forward": (Formulation(forward_bias_inside, "bias inside the product"),)}
