"""Wrong SiLUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("trymirai/lalamo PR 328", "take the slope from a sigmoid that does not overflow: s + x s(x) s(-x).")
def quotient_rule(dL_doutputs: Array, inputs: Array) -> Any:
    """The quotient rule on x / (1 + exp(-x)), whose exponential overflows: NaN, though the output is finite."""
    exponential = np.exp(-inputs)
    return dL_doutputs * (1 + exponential + inputs * exponential) / (1 + exponential) ** 2
