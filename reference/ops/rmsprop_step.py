"""One step of RMSProp. Forward alone.

    next_square_average = alpha square_average + (1 - alpha) gradients^2
    next_parameters     = parameters - lr gradients / (sqrt(next_square_average) + eps)

PyTorch and MLX add eps to the root, TensorFlow, Keras and optax to what the root is taken of.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, through
from ..model.functions import stored
from ..model.optimizers import MEANS, running_mean
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = dict.fromkeys(("parameters", "gradients", "square_average", "next_parameters", "next_square_average"), 0)
RESULTS = {"forward": ("next_parameters", "next_square_average")}


def forward(
    parameters: Array, gradients: Array, square_average: Array, *, lr: float, alpha: float, eps: float
) -> tuple[Array, Array]:
    """parameters, gradients and square_average of one shape -> next_parameters and next_square_average of the same."""
    require_same_shape(parameters=parameters, gradients=gradients, square_average=square_average)
    next_square_average = running_mean(alpha, square_average, gradients * gradients)
    return parameters - lr * direction(gradients, stored(next_square_average), eps), next_square_average


def direction(gradients: Array, square_average: Array, eps: float) -> Array:
    """The gradients over the root of their squares' mean; eps outside the root."""
    return gradients / (np.sqrt(square_average) + eps)


def _inside(gradients: Array, square_average: Array, eps: float) -> Array:
    return gradients / np.sqrt(square_average + eps)


def _by(
    mean: Function, towards: Function, p: Array, g: Array, v: Array, *, lr: float, alpha: float, eps: float
) -> tuple[Array, Array]:
    v = mean(alpha, v, g * g)
    return p - towards(lr * g, stored(v), eps), v


FORMULATIONS = {"forward": through(_by, MEANS, [as_written(direction)], name="gradient scaled first")}

ALTERNATIVES = {
    ("rmsprop_epsilon", "inside"): {"forward": through(_by, MEANS, [Formulation(_inside, "eps inside the root")])},
}
