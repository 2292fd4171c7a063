"""Wrong sigmoids that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("jeshraghian/snntorch#427", "take exp of -|x|, which is never above 1.")
def infinity_over_infinity(dL_doutputs: Array, inputs: Array) -> Any:
    """exp(-x) / (1 + exp(-x))^2, whose exponential overflows on the left: infinity over infinity."""
    exponential = np.exp(-inputs)
    return dL_doutputs * (exponential / (1 + exponential) ** 2)
