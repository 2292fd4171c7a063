"""Wrong SELUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward

Array = Any


@forward("ml-explore/mlx, nn.selu of 0.32.4", "write both constants to all digits of the dtype.")
def constants_of_six_digits(inputs: Array) -> Any:
    """alpha and scale written as 1.67326 and 1.0507."""
    return 1.0507 * np.where(inputs > 0, inputs, 1.67326 * np.expm1(np.minimum(inputs, 0)))
