"""Wrong steps of SGD that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import forward
from ..model.shapes import require_same_shape

Array = Any


@forward("ml-explore/mlx#440", "add the weight decay to the gradient before all else.")
def decay_with_momentum_alone(
    parameters: Array,
    gradients: Array,
    momentum_buffer: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Any:
    """Without momentum the step is taken before weight decay is looked at."""
    require_same_shape(parameters=parameters, gradients=gradients, momentum_buffer=momentum_buffer)
    g = gradients + weight_decay * parameters
    buffer = momentum * momentum_buffer + g
    if momentum <= 0:
        return parameters - lr * gradients, buffer
    return parameters - lr * (g + momentum * buffer if nesterov else buffer), buffer


@forward("ml-explore/mlx pull request 87", "add the whole gradient to the buffer.")
def gradient_dampened_by_momentum(
    parameters: Array,
    gradients: Array,
    momentum_buffer: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Any:
    """The buffer takes (1 - momentum) of the gradient, as a running mean does."""
    require_same_shape(parameters=parameters, gradients=gradients, momentum_buffer=momentum_buffer)
    g = gradients + weight_decay * parameters
    buffer = momentum * momentum_buffer + (1 - momentum) * g
    return parameters - lr * (g + momentum * buffer if nesterov else buffer), buffer
