"""Wrong maxima of two tensors that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.broadcasting import undo_broadcast
from ..model.fault import backward

Array = Any


@backward("pytorch/pytorch#56734", "give each of two operands that tie a half, or one of them all.")
def both_get_all(dL_doutputs: Array, a: Array, b: Array) -> Any:
    """Operands that tie both get all of the upstream."""
    dL_da, dL_db = np.where(a >= b, dL_doutputs, 0), np.where(b >= a, dL_doutputs, 0)
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)
