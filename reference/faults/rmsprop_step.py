"""Wrong steps of RMSProp that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward
from ..model.shapes import require_same_shape

Array = Any


@forward("yizt/numpy_neural_network#6", "square the gradients.")
def squares_of_the_parameters(
    parameters: Array, gradients: Array, square_average: Array, *, lr: float, alpha: float, eps: float
) -> Any:
    """The mean is of the squares of the parameters."""
    require_same_shape(parameters=parameters, gradients=gradients, square_average=square_average)
    average = alpha * square_average + (1 - alpha) * parameters**2
    return parameters - lr * gradients / (np.sqrt(average) + eps), average
