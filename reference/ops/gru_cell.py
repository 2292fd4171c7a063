"""One step of a gated recurrent unit (GRU), with gates r, z, n in the order of the weights' rows.

of_inputs    = inputs weight_ih^T + bias_ih
of_hidden    = hidden weight_hh^T + bias_hh
r, z         = sigmoid(of_inputs_r + of_hidden_r), sigmoid(of_inputs_z + of_hidden_z)
n            = tanh(of_inputs_n + r of_hidden_n)
next_hidden  = (1 - z) n + z hidden

d            = dL_dnext_hidden
a_n          = d (1 - z) tanh'(of_inputs_n + r of_hidden_n)
a_z          = d (hidden - n) sigmoid'(of_inputs_z + of_hidden_z)
a_r          = a_n of_hidden_n sigmoid'(of_inputs_r + of_hidden_r)
dL_dinputs   = [a_r, a_z, a_n] weight_ih
dL_dhidden   = d z + [a_r, a_z, r a_n] weight_hh
dL_dweight_ih = [a_r, a_z, a_n]^T inputs
dL_dweight_hh = [a_r, a_z, r a_n]^T hidden
dL_dbias_ih  = sum_n [a_r, a_z, a_n][n]
dL_dbias_hh  = sum_n [a_r, a_z, r a_n][n]

The reset gate multiplies what the state gives, bias included, as PyTorch and cuDNN have it, Keras with reset_after=True
and ONNX with linear_before_reset=1; in the paper it multiplies the state itself. See Cho et al., "Learning phrase
representations using RNN encoder-decoder" (2014), https://arxiv.org/abs/1406.1078.
"""

from typing import Any

import numpy as np

from ..model.formulations import Function, through
from ..model.functions import stored
from ..model.recurrence import (
    SAVED_SIGMOIDS,
    SAVED_TANHS,
    SIGMOIDS,
    SUMS,
    TANHS,
    block,
    gate_sums,
    require_cell,
    sigmoid_with_slope,
    tanh_with_slope,
    weight_gradients,
)
from ..model.shapes import require_same_shape
from . import sigmoid, tanh

Array = Any

BATCH_AXIS = dict.fromkeys(("inputs", "hidden", "next_hidden", "dL_dnext_hidden", "dL_dinputs", "dL_dhidden"), 0)


def forward(inputs: Array, hidden: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array) -> Array:
    """inputs (N, I), hidden (N, H), weight_ih (3H, I), weight_hh (3H, H), bias_ih, bias_hh (3H,)
    -> next_hidden (N, H).
    """
    require_cell(3, inputs, weight_ih, weight_hh, bias_ih, bias_hh, hidden)
    size = hidden.shape[1]
    sums = gate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
    r, z = sigmoid.forward(block(sums, 0, size)), sigmoid.forward(block(sums, 1, size))
    of_inputs, of_hidden = candidate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
    n = tanh.forward(of_inputs + r * of_hidden)
    return (1 - z) * n + z * hidden


def backward(
    dL_dnext_hidden: Array,
    inputs: Array,
    hidden: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
) -> tuple[Array, ...]:
    """dL_dnext_hidden (N, H) and forward's arguments -> dL_dinputs, dL_dhidden, dL_dweight_ih, dL_dweight_hh,
    dL_dbias_ih, dL_dbias_hh, each of its argument's shape.
    """
    require_cell(3, inputs, weight_ih, weight_hh, bias_ih, bias_hh, hidden)
    require_same_shape(dL_dnext_hidden=dL_dnext_hidden, hidden=hidden)
    size = hidden.shape[1]
    sums = gate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
    r, slope_r = sigmoid_with_slope(block(sums, 0, size))
    z, slope_z = sigmoid_with_slope(block(sums, 1, size))
    rest = sigmoid.forward(-block(sums, 1, size))  # 1 - z, with all its digits
    of_inputs, of_hidden = candidate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
    n, slope_n = tanh_with_slope(of_inputs + r * of_hidden)
    a_n = dL_dnext_hidden * rest * slope_n
    both = [a_n * of_hidden * slope_r, dL_dnext_hidden * (hidden - n) * slope_z]
    of_ih, of_hh = np.concatenate([*both, a_n], axis=1), np.concatenate([*both, a_n * r], axis=1)
    dL_dweight_ih, dL_dbias_ih = weight_gradients(of_ih, inputs)
    dL_dweight_hh, dL_dbias_hh = weight_gradients(of_hh, hidden)
    dL_dhidden = dL_dnext_hidden * z + of_hh @ weight_hh
    return of_ih @ weight_ih, dL_dhidden, dL_dweight_ih, dL_dweight_hh, dL_dbias_ih, dL_dbias_hh


def candidate_sums(
    inputs: Array, hidden: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array
) -> tuple[Array, Array]:
    """What inputs and state give for gate n, the third, each (N, H)."""
    start = 2 * hidden.shape[1]
    return inputs @ weight_ih[start:].T + bias_ih[start:], hidden @ weight_hh[start:].T + bias_hh[start:]


def _between(z: Array, n: Array, hidden: Array) -> Array:
    """n + z (hidden - n), as PyTorch has it."""
    return n + z * (hidden - n)


def _forward_by(summed: Function, gate: Function, bend: Function, inputs: Array, hidden: Array, *layer: Array) -> Array:
    sums, size = summed(inputs, hidden, *layer), hidden.shape[1]
    r, z = gate(block(sums, 0, size)), gate(block(sums, 1, size))
    of_inputs, of_hidden = candidate_sums(inputs, hidden, *layer)
    return _between(z, bend(of_inputs + r * of_hidden), hidden)


def _backward_saved(
    summed: Function, gate: Function, bend: Function, upstream: Array, inputs: Array, hidden: Array, *layer: Array
) -> tuple[Array, ...]:
    """From gates that were saved, with 1 - z computed of z."""
    sums, size = summed(inputs, hidden, *layer), hidden.shape[1]
    (r, slope_r), (z, slope_z) = gate(block(sums, 0, size)), gate(block(sums, 1, size))
    of_inputs, of_hidden = candidate_sums(inputs, hidden, *layer)
    n, slope_n = bend(of_inputs + r * of_hidden)
    a_n = upstream * (1 - z) * slope_n
    both = [a_n * of_hidden * slope_r, upstream * (hidden - n) * slope_z]
    of_ih, of_hh = (stored(np.concatenate([*both, x], axis=1)) for x in (a_n, a_n * r))
    (dw_ih, db_ih), (dw_hh, db_hh) = weight_gradients(of_ih, inputs), weight_gradients(of_hh, hidden)
    return of_ih @ layer[0], upstream * z + of_hh @ layer[1], dw_ih, dw_hh, db_ih, db_hh


FORMULATIONS = {
    "forward": (
        *through(_forward_by, SUMS, SIGMOIDS, TANHS[:1], name="n + z (h - n)"),
        *through(_forward_by, SUMS[1:], SIGMOIDS[:1], TANHS[1:], name="n + z (h - n)"),
    ),
    "backward": (
        *through(_backward_saved, SUMS, SAVED_SIGMOIDS, SAVED_TANHS[:1], name="saved gates"),
        *through(_backward_saved, SUMS[1:], SAVED_SIGMOIDS[:1], SAVED_TANHS[1:], name="saved gates"),
    ),
}
