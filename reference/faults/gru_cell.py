"""Wrong steps of a GRU that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward
from ..ops import gru_cell

Array = Any


@forward("ml-explore/mlx PR 3252", "a state of 0 still has its bias: r bias_hh.")
def bias_skipped_for_no_state(inputs: Array, hidden: Array, w_ih: Array, w_hh: Array, b_ih: Array, b_hh: Array) -> Any:
    """Where the state is 0, as at a first step, its bias of gate n is left out."""
    kept = np.array(b_hh)
    if not hidden.any():
        kept[2 * hidden.shape[1] :] = 0
    return gru_cell.forward(inputs, hidden, w_ih, w_hh, b_ih, kept)
