"""A long short-term memory (LSTM) layer: the steps of `lstm_cell` over time, which is the inputs' first axis.

outputs[t]    = h[t+1]
next_hidden   = h[T]
next_cell     = c[T]

dL_dinputs[t] = that of inputs in step t
dL_dhidden    = p[0]
dL_dcell      = q[0]
dL_dweight_ih = sum_t that of weight_ih in step t
dL_dweight_hh = sum_t that of weight_hh in step t
dL_dbias_ih   = sum_t that of bias_ih in step t
dL_dbias_hh   = sum_t that of bias_hh in step t

where h[0], c[0] = hidden, cell and h[t+1], c[t+1] = lstm_cell(inputs[t], h[t], c[t]). Backward goes from the last step
to the first: p[T], q[T] = dL_dnext_hidden, dL_dnext_cell, and step t, of upstreams dL_doutputs[t] + p[t+1] and q[t+1],
gives the gradients p[t] of h[t] and q[t] of c[t].

See Werbos, "Backpropagation through time: what it does and how to do it" (1990). T is 1 or more.
"""

from typing import Any

import numpy as np

from ..model.formulations import Function, as_written, named, replacing, through
from ..model.functions import stored
from ..model.recurrence import SAVED_SIGMOIDS, SAVED_TANHS, SUMS, weight_gradients
from ..model.shapes import require_same_shape
from . import lstm_cell

Array = Any

BATCH_AXIS = {**lstm_cell.BATCH_AXIS, **dict.fromkeys(("inputs", "outputs", "dL_doutputs", "dL_dinputs"), 1)}


def forward(
    inputs: Array, hidden: Array, cell: Array, weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array
) -> tuple[Array, Array, Array]:
    """inputs (T, N, I), hidden, cell (N, H), weight_ih (4H, I), weight_hh (4H, H), bias_ih, bias_hh (4H,)
    -> outputs (T, N, H), next_hidden, next_cell (N, H).
    """
    hiddens, cells = steps(lstm_cell.forward, inputs, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh)
    return np.stack(hiddens[1:]), hiddens[-1], cells[-1]


def backward(
    dL_doutputs: Array,
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
    """dL_doutputs (T, N, H), dL_dnext_hidden, dL_dnext_cell (N, H) and forward's arguments -> dL_dinputs, dL_dhidden,
    dL_dcell, dL_dweight_ih, dL_dweight_hh, dL_dbias_ih, dL_dbias_hh, each of its argument's shape.
    """
    layer = weight_ih, weight_hh, bias_ih, bias_hh
    hiddens, cells = steps(lstm_cell.forward, inputs, hidden, cell, *layer)
    require_upstreams(dL_doutputs, dL_dnext_hidden, inputs, hidden)
    return through_time(lstm_cell.backward, dL_doutputs, dL_dnext_hidden, dL_dnext_cell, inputs, hiddens, cells, *layer)


def steps(step: Function, inputs: Array, hidden: Array, cell: Array, *layer: Array) -> tuple[list[Array], list[Array]]:
    """The hidden states before the first step and after each, and the cells: T + 1 of (N, H) each."""
    hiddens, cells = [hidden], [cell]
    for t in range(len(inputs)):
        h, c = step(inputs[t], hiddens[t], cells[t], *layer)
        hiddens.append(stored(h))
        cells.append(stored(c))
    return hiddens, cells


def require_upstreams(dL_doutputs: Array, dL_dnext_hidden: Array, inputs: Array, hidden: Array) -> None:
    """Raise ValueError where an upstream that is added to another would be broadcast; that of the cell is not."""
    require_same_shape(dL_dnext_hidden=dL_dnext_hidden, hidden=hidden)
    if dL_doutputs.shape != (len(inputs), *hidden.shape):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for {len(inputs)} steps of states {hidden.shape}")


def through_time(
    gradients: Function,
    dL_doutputs: Array,
    d_hidden: Array,
    d_cell: Array,
    inputs: Array,
    hiddens: list[Array],
    cells: list[Array],
    *layer: Array,
) -> tuple[Array, ...]:
    """The gradients by those of each step, the last step first."""
    of_inputs: list[Array] = []
    of_layer: list[Array] = []
    for t in reversed(range(len(inputs))):
        upstream = dL_doutputs[t] + d_hidden
        d_inputs, d_hidden, d_cell, *of_step = gradients(upstream, d_cell, inputs[t], hiddens[t], cells[t], *layer)
        d_hidden, d_cell = stored(d_hidden), stored(d_cell)
        of_inputs = [d_inputs, *of_inputs]
        of_layer = [stored(a + b) for a, b in zip(of_layer, of_step, strict=True)] if of_layer else of_step
    return np.stack(of_inputs), d_hidden, d_cell, *of_layer


def _weights_in_one_product(
    step: Function, gradients: Function, dL_doutputs: Array, d_hidden: Array, d_cell: Array, *arguments: Array
) -> tuple[Array, ...]:
    """The gradients of weights and biases from those of all steps' gates at once."""
    inputs, hidden, cell, *layer = arguments
    hiddens, cells = steps(step, inputs, hidden, cell, *layer)
    of_gates: list[Array] = []
    for t in reversed(range(len(inputs))):
        of_step, d_cell = gradients(dL_doutputs[t] + d_hidden, d_cell, inputs[t], hiddens[t], cells[t], *layer)
        d_hidden, d_cell = stored(of_step @ layer[1]), stored(d_cell)
        of_gates = [of_step, *of_gates]
    dL_dsums, before = np.concatenate(of_gates), np.concatenate(hiddens[:-1])
    (of_ih, of_bias), (of_hh, _) = (
        weight_gradients(dL_dsums, x) for x in (inputs.reshape(-1, inputs.shape[2]), before)
    )
    return (dL_dsums @ layer[0]).reshape(inputs.shape), d_hidden, d_cell, of_ih, of_hh, of_bias, of_bias


STEPS = (as_written(lstm_cell.forward), *lstm_cell.FORMULATIONS["forward"])
GRADIENTS = named(
    lstm_cell.FORMULATIONS["backward"],
    "saved gates, one product, s (1 - s), 1 - y^2",
    "saved gates, one product, s (1 - s), (1 + tanh(x/2)) / 2, 1 - y^2",
)
GATES = through(lstm_cell.gate_gradients, SUMS[1:], SAVED_SIGMOIDS[:2], SAVED_TANHS[:1])

FORMULATIONS = {
    "forward": through(replacing(forward, lstm_cell.forward), STEPS[1:]),
    "backward": (
        *through(replacing(backward, lstm_cell.backward), GRADIENTS),
        *through(_weights_in_one_product, STEPS[:1], GATES, name="weights in one product"),
    ),
}
