"""Wrong GELUs that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward
from ..ops import gelu, sigmoid

Array = Any


@forward("huggingface/candle PR 1160", "write sqrt(2 / pi) to all digits of the dtype.")
def constant_of_six_digits(inputs: Array, *, approximate: str = "none") -> Any:
    """sqrt(2 / pi) written as 0.797885 in the form with tanh."""
    if approximate == "none":
        return gelu.forward(inputs)
    return 0.5 * inputs * (1 + np.tanh(0.797885 * (inputs + 0.044715 * inputs * inputs * inputs)))


@forward("ml-explore/mlx, nn.gelu_fast_approx", "compute x Phi(x): by erf, or by tanh if that is asked for.")
def sigmoid_of_1_702_x(inputs: Array, *, approximate: str = "none") -> Any:
    """x sigmoid(1.702 x), a third function that goes by the same name."""
    return inputs * sigmoid.forward(1.702 * inputs)
