"""One step of a long short-term memory (LSTM), with gates i, f, g, o in the order of the weights' rows.

sums         = inputs weight_ih^T + bias_ih + hidden weight_hh^T + bias_hh
i, f, o      = sigmoid(sums_i), sigmoid(sums_f), sigmoid(sums_o)
g            = tanh(sums_g)
next_cell    = f cell + i g
next_hidden  = o tanh(next_cell)

d            = dL_dnext_cell + dL_dnext_hidden o tanh'(next_cell)
dL_dsums_i   = d g sigmoid'(sums_i)
dL_dsums_f   = d cell sigmoid'(sums_f)
dL_dsums_g   = d i tanh'(sums_g)
dL_dsums_o   = dL_dnext_hidden tanh(next_cell) sigmoid'(sums_o)
dL_dinputs   = dL_dsums weight_ih
dL_dhidden   = dL_dsums weight_hh
dL_dcell     = d f
dL_dweight_ih = dL_dsums^T inputs
dL_dweight_hh = dL_dsums^T hidden
dL_dbias_ih  = sum_n dL_dsums[n]
dL_dbias_hh  = sum_n dL_dsums[n]

See Hochreiter and Schmidhuber, "Long short-term memory" (1997), and Gers, Schmidhuber and Cummins, "Learning to
forget" (2000). PyTorch, Keras and JAX's flax have the gates in this order, ONNX has i o f g.
"""

from typing import Any

import numpy as np

from ..model.formulations import Function, replacing, through
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

BATCH_AXIS = dict.fromkeys(
    (
        *("inputs", "hidden", "cell", "next_hidden", "next_cell", "dL_dnext_hidden", "dL_dnext_cell"),
        *("dL_dinputs", "dL_dhidden", "dL_dcell"),
    ),
    0,
)


def forward(
    inputs: Array, hidden: Array, cell: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array
) -> tuple[Array, Array]:
    """inputs (N, I), hidden, cell (N, H), weight_ih (4H, I), weight_hh (4H, H), bias_ih, bias_hh (4H,)
    -> next_hidden, next_cell (N, H).
    """
    require_cell(4, inputs, weight_ih, weight_hh, bias_ih, bias_hh, hidden, cell)
    sums, size = gate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh), hidden.shape[1]
    i, f, o = (sigmoid.forward(block(sums, k, size)) for k in (0, 1, 3))
    new_cell = f * cell + i * tanh.forward(block(sums, 2, size))
    return o * tanh.forward(new_cell), new_cell


def backward(
    dL_dnext_hidden: Array,
    dL_dnext_cell: Array,
    inputs: Array,
    hidden: Array,
    cell: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
) -> tuple[Array, ...]:
    """dL_dnext_hidden, dL_dnext_cell (N, H) and forward's arguments -> dL_dinputs, dL_dhidden, dL_dcell,
    dL_dweight_ih, dL_dweight_hh, dL_dbias_ih, dL_dbias_hh, each of its argument's shape.
    """
    require_cell(4, inputs, weight_ih, weight_hh, bias_ih, bias_hh, hidden, cell)
    require_same_shape(dL_dnext_hidden=dL_dnext_hidden, hidden=hidden, dL_dnext_cell=dL_dnext_cell)
    sums, size = gate_sums(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh), hidden.shape[1]
    (i, slope_i), (f, slope_f), (o, slope_o) = (sigmoid_with_slope(block(sums, k, size)) for k in (0, 1, 3))
    g, slope_g = tanh_with_slope(block(sums, 2, size))
    bent, slope = tanh_with_slope(f * cell + i * g)
    d = dL_dnext_cell + dL_dnext_hidden * (o * slope)
    of_gates = [d * g * slope_i, d * cell * slope_f, d * i * slope_g, dL_dnext_hidden * bent * slope_o]
    dL_dsums = np.concatenate(of_gates, axis=1)
    dL_dweight_ih, dL_dbias_ih = weight_gradients(dL_dsums, inputs)
    dL_dweight_hh, dL_dbias_hh = weight_gradients(dL_dsums, hidden)
    return dL_dsums @ weight_ih, dL_dsums @ weight_hh, d * f, dL_dweight_ih, dL_dweight_hh, dL_dbias_ih, dL_dbias_hh


def gate_gradients(
    summed: Function,
    gate: Function,
    bend: Function,
    dL_dnext_hidden: Array,
    dL_dnext_cell: Array,
    inputs: Array,
    hidden: Array,
    cell: Array,
    *layer: Array,
) -> tuple[Array, Array]:
    """dL_dsums (N, 4H) and dL_dcell, from gates that were saved, and from the new cell as it was returned; the slopes
    last or first.
    """
    sums, size = summed(inputs, hidden, *layer), hidden.shape[1]
    (i, slope_i), (f, slope_f), (o, slope_o) = (gate(block(sums, k, size)) for k in (0, 1, 3))
    g, slope_g = bend(block(sums, 2, size))
    bent, slope = bend(stored(f * cell + i * g))
    d = dL_dnext_cell + dL_dnext_hidden * o * slope
    of_gates = [d * g * slope_i, d * cell * slope_f, d * i * slope_g, dL_dnext_hidden * bent * slope_o]
    return stored(np.concatenate(of_gates, axis=1)), d * f


def _backward_saved(summed: Function, gate: Function, bend: Function, *arguments: Array) -> tuple[Array, ...]:
    _, _, inputs, hidden, _, weight_ih, weight_hh, _, _ = arguments
    dL_dsums, dL_dcell = gate_gradients(summed, gate, bend, *arguments)
    (of_ih, of_bias), (of_hh, _) = (weight_gradients(dL_dsums, x) for x in (inputs, hidden))
    return dL_dsums @ weight_ih, dL_dsums @ weight_hh, dL_dcell, of_ih, of_hh, of_bias, of_bias


_FORWARD = replacing(forward, gate_sums, sigmoid.forward, tanh.forward)
FORMULATIONS = {
    "forward": through(_FORWARD, SUMS, SIGMOIDS, TANHS[:1])[1:] + through(_FORWARD, SUMS[1:], SIGMOIDS[:1], TANHS[1:]),
    "backward": (
        *through(_backward_saved, SUMS, SAVED_SIGMOIDS, SAVED_TANHS[:1], name="saved gates"),
        *through(_backward_saved, SUMS[1:], SAVED_SIGMOIDS[:1], SAVED_TANHS[1:], name="saved gates"),
    ),
}
