"""Wrong steps of a GRU that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import gru_cell, sigmoid

Array = Any


@forward("ml-explore/mlx PR 3252", "a state of 0 still has its bias: r bias_hh.")
def bias_skipped_for_no_state(inputs: Array, hidden: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Any:
    """Where the state is 0, as at a first step, its bias of gate n is left out."""
    kept = np.array(b_hh)
    if not hidden.any():
        kept[2 * hidden.shape[1] :] = 0
    return gru_cell.forward(inputs, hidden, w_ih, w_hh, b_ih, kept)


@forward("tracel-ai/burn#2701", "the reset gate multiplies what the state gives for gate n, its bias included.")
def reset_before_product(inputs: Array, hidden: Array, *layer: Array) -> Any:
    """The reset gate multiplies the state before its product with weight_hh, as in the paper and by default in ONNX."""
    _, z, n, *_ = _gates(inputs, hidden, *layer)
    return (1 - z) * n + z * hidden


@backward("tracel-ai/burn#2701", "the reset gate multiplies what the state gives for gate n, its bias included.")
def gradients_of_reset_before_product(dL_dnext_hidden: Array, inputs: Array, hidden: Array, *layer: Array) -> Any:
    """The gradients are those of a reset gate that multiplies the state before its product with weight_hh."""
    r, z, n, w_r_z, w_n = _gates(inputs, hidden, *layer)
    a_n = dL_dnext_hidden * (1 - z) * (1 - n * n)
    of_reset_state = a_n @ w_n
    a_r, a_z = of_reset_state * hidden * r * (1 - r), dL_dnext_hidden * (hidden - n) * z * (1 - z)
    a_r_z, sums = np.concatenate([a_r, a_z], axis=1), np.concatenate([a_r, a_z, a_n], axis=1)
    into_w_hh = np.concatenate([a_r_z.T @ hidden, a_n.T @ (r * hidden)])
    into_hidden = dL_dnext_hidden * z + a_r_z @ w_r_z + of_reset_state * r
    return sums @ layer[0], into_hidden, sums.T @ inputs, into_w_hh, sums.sum(axis=0), sums.sum(axis=0)


def _gates(inputs: Array, hidden: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> tuple[Array, ...]:
    """Gates r, z and n of a reset before the product, and the rows of weight_hh for r and z, and for n."""
    start, sums = 2 * hidden.shape[1], inputs @ w_ih.T + b_ih + b_hh
    gates = sigmoid.forward(sums[:, :start] + hidden @ w_hh[:start].T)
    r, z = np.split(gates, 2, axis=1)
    return r, z, np.tanh(sums[:, start:] + (r * hidden) @ w_hh[start:].T), w_hh[:start], w_hh[start:]
