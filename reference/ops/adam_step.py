"""One step of Adam. Forward alone; the step counts from 1 and includes this one.

    next_first_moment  = beta1 first_moment + (1 - beta1) gradients
    next_second_moment = beta2 second_moment + (1 - beta2) gradients^2
    next_parameters    = parameters - lr m / (sqrt(v) + eps)

where m and v are the moments corrected for their start at 0: m = next_first_moment / (1 - beta1^step), and
v = next_second_moment / (1 - beta2^step). TensorFlow and Keras add eps to the root of the moment before it is
corrected, as the paper's "epsilon hat"; MLX corrects neither unless it is asked to.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, through
from ..model.functions import number, stored
from ..model.optimizers import BY_PYTHON, IN_WORKING_PRECISION, running_mean
from ..model.shapes import require_same_shape

Array = Any

TENSORS = ("parameters", "gradients", "first_moment", "second_moment")
BATCH_AXIS = dict.fromkeys((*TENSORS, "next_parameters", "next_first_moment", "next_second_moment"), 0)
RESULTS = {"forward": ("next_parameters", "next_first_moment", "next_second_moment")}


def forward(
    parameters: Array,
    gradients: Array,
    first_moment: Array,
    second_moment: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
) -> tuple[Array, Array, Array]:
    """parameters, gradients, first_moment, second_moment -> next_parameters, next_first_moment, next_second_moment.

    All are of one shape.
    """
    require_same_shape(
        parameters=parameters, gradients=gradients, first_moment=first_moment, second_moment=second_moment
    )
    next_first_moment = running_mean(beta1, first_moment, gradients)
    next_second_moment = running_mean(beta2, second_moment, gradients * gradients)
    m = stored(next_first_moment) / (1 - number(beta1) ** step)
    v = stored(next_second_moment) / (1 - number(beta2) ** step)
    return parameters - lr * (m / (np.sqrt(v) + eps)), next_first_moment, next_second_moment


def moments_corrected(lr: float, m: Array, v: Array, c1: Array, c2: Array, root: Array, eps: float) -> Array:
    """What the parameters lose, both moments corrected first."""
    return lr * (m / c1) / (np.sqrt(v / c2) + eps)


def step_corrected(lr: float, m: Array, v: Array, c1: Array, c2: Array, root: Array, eps: float) -> Array:
    """The same with the first correction in the step size and the root of the second, as PyTorch has it."""
    return lr * (m / c1) / (np.sqrt(v) / root + eps)


def epsilon_hat(lr: float, m: Array, v: Array, c1: Array, c2: Array, root: Array, eps: float) -> Array:
    """The same with both corrections in the step size, and eps beside the root of the moment that is kept."""
    return lr * ((m / c1) * root) / (np.sqrt(v) + eps)


def uncorrected(lr: float, m: Array, v: Array, c1: Array, c2: Array, root: Array, eps: float) -> Array:
    """What the parameters lose by the moments as they are kept."""
    return lr * (m / (np.sqrt(v) + eps))


def kept(parameters: Array, **_: float) -> Array:
    """Parameters without weight decay."""
    return parameters


def by_parts(
    mean: Function,
    correct: Function,
    loss: Function,
    decayed: Function,
    parameters: Array,
    gradients: Array,
    first_moment: Array,
    second_moment: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
    **decay: float,
) -> tuple[Array, Array, Array]:
    """A step from its parts: a running mean, what corrects it, what the parameters lose, and their weight decay."""
    m = mean(beta1, first_moment, gradients)
    v = mean(beta2, second_moment, gradients * gradients)
    corrected = correct(beta1, beta2, step, parameters)
    return decayed(parameters, lr=lr, **decay) - loss(lr, stored(m), stored(v), *corrected, eps), m, v


def formulations(*losses: Formulation, decays: Iterable[Formulation] = (as_written(kept),)) -> tuple[Formulation, ...]:
    """Give a step with what its parameters may lose; what is computed in working precision is so throughout."""
    return tuple(f for ways in (BY_PYTHON, IN_WORKING_PRECISION) for f in through(by_parts, *ways, losses, decays))


CORRECTED = (Formulation(moments_corrected, "lr m / (...)"), Formulation(step_corrected, "step size corrected"))
HAT = Formulation(epsilon_hat, "epsilon hat")
UNCORRECTED = Formulation(uncorrected, "moments not corrected")
FORMULATIONS = {"forward": formulations(*CORRECTED)}

ALTERNATIVES = {
    ("adam_epsilon", "hat"): {"forward": formulations(HAT)},
    ("adam_epsilon", "uncorrected"): {"forward": formulations(UNCORRECTED)},
}
