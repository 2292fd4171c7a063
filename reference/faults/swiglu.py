"""Wrong SwiGLUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..ops import swiglu

Array = Any


@backward("ByteDance-Seed/Triton-distributed#180", "advance the pointers of outputs with those of inputs.")
def every_row_written_to_the_first(dL_doutputs: Array, gate: Array, up: Array) -> Any:
    """Each row's gradients are written to row 0: the last row's stay there, the others are never written."""

    def misplaced(rows: Array) -> Array:
        found = np.zeros_like(rows)
        found[:1] = rows[-1:]
        return found if rows.ndim else rows

    dL_dgate, dL_dup = swiglu.backward(dL_doutputs, gate, up)
    return misplaced(np.atleast_1d(dL_dgate)).reshape(gate.shape), misplaced(np.atleast_1d(dL_dup)).reshape(up.shape)
