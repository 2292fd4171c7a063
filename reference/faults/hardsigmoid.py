"""Wrong hard sigmoids that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("pytorch/pytorch, hardsigmoid_backward of 2.13.0", "divide by 6 in the dtype of the tensors.")
def a_sixth_in_float32(dL_doutputs: Array, inputs: Array) -> Any:
    """1 / 6 rounded to float32, in float64 too."""
    return np.where((inputs > -3) & (inputs < 3), dL_doutputs * float(np.float32(1 / 6)), 0)
