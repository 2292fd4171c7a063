"""Wrong softpluses that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward

Array = Any


@forward("tracel-ai/burn#5373", "write max(x, 0) + log1p(exp(-|beta x|)) / beta.")
def logarithm_of_infinity(inputs: Array, *, beta: float = 1.0) -> Any:
    """log(exp(beta x) + 1) / beta, infinite where beta x is so large that exp overflows."""
    return np.log(np.exp(beta * inputs) + 1) / beta


@backward("tracel-ai/burn#5373", "take the sigmoid of beta x, by exp of -|beta x|.")
def infinity_over_infinity(dL_doutputs: Array, inputs: Array, *, beta: float = 1.0) -> Any:
    """exp(beta x) / (exp(beta x) + 1), NaN where beta x is so large that exp overflows."""
    exponential = np.exp(beta * inputs)
    return dL_doutputs * exponential / (exponential + 1)
