"""One step of stochastic gradient descent with momentum. Forward alone.

    g                    = gradients + weight_decay parameters
    next_momentum_buffer = momentum momentum_buffer + g
    next_parameters      = parameters - lr next_momentum_buffer
                           parameters - lr (g + momentum next_momentum_buffer)    (nesterov)

The buffer that is given counts at the first step too. Keras keeps the velocity, -lr times this buffer.
"""

from typing import Any

from ..model.formulations import Formulation
from ..model.functions import number, stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = dict.fromkeys(("parameters", "gradients", "momentum_buffer", "next_parameters", "next_momentum_buffer"), 0)
RESULTS = {"forward": ("next_parameters", "next_momentum_buffer")}


def forward(
    parameters: Array,
    gradients: Array,
    momentum_buffer: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    """parameters, gradients, momentum_buffer of one shape -> next_parameters and next_momentum_buffer of the same."""
    require_same_shape(parameters=parameters, gradients=gradients, momentum_buffer=momentum_buffer)
    g = gradients + number(weight_decay) * parameters if weight_decay else gradients
    next_momentum_buffer = number(momentum) * momentum_buffer + g
    buffer = stored(next_momentum_buffer)
    return parameters - number(lr) * (g + number(momentum) * buffer if nesterov else buffer), next_momentum_buffer


def by_velocity(
    parameters: Array,
    gradients: Array,
    momentum_buffer: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    in_turn: bool = False,
) -> tuple[Array, Array]:
    """Through the velocity, momentum velocity - lr g, which the parameters move by."""
    if not lr:
        return forward(parameters, gradients, momentum_buffer, lr=lr, momentum=momentum, weight_decay=weight_decay)
    g = gradients + number(weight_decay) * parameters if weight_decay else gradients
    velocity = number(momentum) * -(number(lr) * momentum_buffer) - number(lr) * g
    kept, step = stored(velocity), number(lr) * g
    if not nesterov:
        following = parameters + kept
    elif in_turn:
        following = parameters + number(momentum) * kept - step
    else:
        following = parameters + (number(momentum) * kept - step)
    return following, -velocity / number(lr)


def by_velocity_in_turn(
    parameters: Array, gradients: Array, momentum_buffer: Array, *, lr: float, **settings: Any
) -> tuple[Array, Array]:
    """The same, as Keras had it up to 2.10: parameters + momentum velocity - lr g, from left to right."""
    return by_velocity(parameters, gradients, momentum_buffer, lr=lr, in_turn=True, **settings)


FORMULATIONS = {
    "forward": (
        Formulation(by_velocity, "through the velocity"),
        Formulation(by_velocity_in_turn, "through the velocity, from left to right"),
    )
}
