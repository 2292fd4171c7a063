"""Wrong steps of an LSTM that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward, forward
from ..model.recurrence import block, gate_sums
from ..ops import lstm_cell, sigmoid

Array = Any


@forward("nicodjimenez/lstm#47", "next_hidden is o tanh(next_cell).")
def cell_not_bent(inputs: Array, hidden: Array, cell: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Any:
    """The new cell is not bent by tanh before the output gate."""
    size = hidden.shape[1]
    _, next_cell = lstm_cell.forward(inputs, hidden, cell, w_ih, w_hh, b_ih, b_hh)
    sums = gate_sums(inputs, hidden, w_ih, w_hh, b_ih, b_hh)
    return sigmoid.forward(block(sums, 3, size)) * next_cell, next_cell


@backward("deeplearning4j/deeplearning4j#8838, PaddlePaddle/Paddle#6970", "add dL_dnext_cell to what comes through it.")
def upstream_of_cell_ignored(dL_dnext_hidden: Array, dL_dnext_cell: Array, *arguments: Array) -> Any:
    """The upstream of the new cell is taken for 0."""
    return lstm_cell.backward(dL_dnext_hidden, 0 * dL_dnext_cell, *arguments)
