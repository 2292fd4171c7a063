"""Wrong logarithms of the sigmoid that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward

Array = Any


@forward("tracel-ai/burn#1139", "write min(x, 0) - log1p(exp(-|x|)).")
def logarithm_of_infinity(inputs: Array) -> Any:
    """-log(1 + exp(-x)), infinite where exp overflows."""
    return -np.log1p(np.exp(-inputs))


@backward("tracel-ai/burn#1139", "take sigmoid(-x), by exp of -|x|.")
def infinity_over_infinity(dL_doutputs: Array, inputs: Array) -> Any:
    """exp(-x) / (1 + exp(-x)), NaN where exp overflows."""
    power = np.exp(-inputs)
    return dL_doutputs * power / (1 + power)
