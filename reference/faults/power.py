"""Wrong powers that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.broadcasting import undo_broadcast
from ..model.fault import backward
from ..ops import power

Array = Any


@backward("roystgnr/MetaPhysicL PR 49", "take the power of b - 1, not the quotient of the output and a.")
def output_over_base(dL_doutputs: Array, a: Array, b: Array) -> Any:
    """b y / a in place of b a^(b - 1): 0 / 0 at a base of 0."""
    outputs = power.forward(a, b)
    dL_da, dL_db = dL_doutputs * (b * outputs / a), dL_doutputs * outputs * np.log(a)
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)
