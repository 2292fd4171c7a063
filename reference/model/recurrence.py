"""What recurrent cells share: sums of their gates, activations with their slopes, and what flows back into weights."""

from typing import Any

import numpy as np

from ..ops import sigmoid, tanh
from .formulations import Formulation, Function, as_written, losing_digits, shared, through
from .functions import over_batch

Array = Any


def require_cell(
    blocks: int, inputs: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array, *states: Array
) -> None:
    """Raise ValueError unless the states are (..., N, H) for inputs (N, I), and weights and biases have blocks of H."""
    (n, i), h = inputs.shape, weight_hh.shape[-1]
    rows = blocks * h
    due = [(n, h)] * len(states) + [(rows, i), (rows, h), (rows,), (rows,)]
    given = [x.shape for x in (*states, weight_ih, weight_hh, bias_ih, bias_hh)]
    if given != due:
        raise ValueError(f"states, weights and biases of shapes {given}, where inputs {(n, i)} make {due} due")


@shared
def gate_sums(
    inputs: Array, hidden: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array
) -> Array:
    """inputs (N, I), hidden (N, H), weights (G, I) and (G, H), biases (G,) -> sums (N, G), one a gate."""
    return inputs @ weight_ih.T + bias_ih + (hidden @ weight_hh.T + bias_hh)


@shared
def _one_product(
    inputs: Array, hidden: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array
) -> Array:
    """Inputs and state side by side, the biases as two more columns: one product."""
    ones = np.ones((inputs.shape[0], 2))
    biases = [np.expand_dims(b, 1) for b in (bias_ih, bias_hh)]
    return np.concatenate([inputs, hidden, ones], axis=1) @ np.concatenate([weight_ih, weight_hh, *biases], axis=1).T


def block(x: Array, k: int, size: int) -> Array:
    """Column block k of x (N, G), of so many columns."""
    return x[:, k * size : (k + 1) * size]


def weight_gradients(dL_dsums: Array, x: Array) -> tuple[Array, Array]:
    """dL_dsums (N, G) and what the weights were multiplied by, (N, I) -> gradients of both, (G, I) and (G,)."""
    return dL_dsums.T @ x, over_batch(dL_dsums, axis=0)


@shared
def sigmoid_with_slope(x: Array) -> tuple[Array, Array]:
    """The sigmoid and its derivative."""
    return sigmoid.forward(x), sigmoid.slope(x)


@shared
def tanh_with_slope(x: Array) -> tuple[Array, Array]:
    """The hyperbolic tangent and its derivative."""
    return tanh.forward(x), tanh.slope(x)


def _saved_sigmoid(function: Function, x: Array) -> tuple[Array, Array]:
    outputs = function(x)
    return outputs, outputs * (1 - outputs)


def _saved_tanh(function: Function, x: Array) -> tuple[Array, Array]:
    outputs = function(x)
    return outputs, 1 - outputs * outputs


SUMS = (as_written(gate_sums), Formulation(_one_product, "one product"))
SIGMOIDS = sigmoid.FORWARD[:1] + sigmoid.FORWARD[2:]
TANHS = tanh.FORWARD[:1] + tanh.FORWARD[2:]
SAVED_SIGMOIDS = losing_digits(through(_saved_sigmoid, SIGMOIDS, name="s (1 - s)"))
SAVED_TANHS = losing_digits(through(_saved_tanh, TANHS, name="1 - y^2"))
