"""Wrong ELUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("tinygrad/tinygrad PR 17852", "take exp of min(x, 0), so that it never overflows.")
def infinity_times_zero(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Any:
    """The exponential of every input times a mask: infinity times 0, which is NaN, where exp overflows."""
    return dL_doutputs * (np.where(inputs > 0, 1, 0) + np.where(inputs > 0, 0, alpha) * np.exp(inputs))


@backward("tinygrad/tinygrad, Tensor.elu of 0.14.0", "pass the slope of one side at 0.")
def neither_side_at_zero(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Any:
    """relu(x) - alpha relu(1 - exp x), whose two slopes at 0 are both taken as 0."""
    return dL_doutputs * (np.where(inputs > 0, 1, 0) + np.where(inputs < 0, alpha, 0) * np.exp(np.minimum(inputs, 0)))
