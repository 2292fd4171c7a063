"""Wrong CELUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("ml-explore/mlx, nn.celu of 0.32.4", "take the slope at 0, where it does not jump, as 1.")
def neither_side_at_zero(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Any:
    """max(x, 0) and min(x, 0) differentiated apart, each with the slope 0 at 0."""
    return dL_doutputs * np.where(inputs == 0, 0, np.exp(np.minimum(inputs, 0) / alpha))


@backward("pytorch/pytorch, celu of 2.13.0", "divide by alpha in the dtype of the tensors.")
def inverse_of_alpha_in_float32(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Any:
    """1 / alpha rounded to float32, in float64 too."""
    return dL_doutputs * np.exp(np.minimum(inputs, 0) * float(np.float32(1 / alpha)))
