"""Steps of optimizers of the adapter in plain NumPy: what parameters and the optimizer's state are after one."""

# ruff: noqa: D103 - the names are the optimizers'

from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


def require_one_shape(*tensors: Array) -> None:
    """Raise ValueError where tensors differ in shape: NumPy and frameworks would broadcast some of them."""
    if len({tuple(tensor.shape) for tensor in tensors}) > 1:
        raise ValueError(f"shapes differ: {', '.join(str(tuple(tensor.shape)) for tensor in tensors)}")


def sgd(
    parameters: Array,
    gradients: Array,
    buffer: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    require_one_shape(parameters, gradients, buffer)
    due = gradients + parameters * weight_decay if weight_decay else gradients
    buffer = buffer * momentum + due
    return parameters - (due + buffer * momentum if nesterov else buffer) * lr, buffer


def rmsprop(
    parameters: Array, gradients: Array, average: Array, *, lr: float, alpha: float, eps: float
) -> tuple[Array, Array]:
    require_one_shape(parameters, gradients, average)
    average = average + (1 - alpha) * (np.square(gradients) - average)
    return parameters - lr * gradients / (np.sqrt(average) + eps), average


def adam(
    parameters: Array,
    gradients: Array,
    mean: Array,
    square: Array,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    step: int,
) -> tuple[Array, Array, Array]:
    require_one_shape(parameters, gradients, mean, square)
    mean = mean + (1 - beta1) * (gradients - mean)
    square = square + (1 - beta2) * (np.square(gradients) - square)
    root = np.sqrt(square / (1 - beta2**step))
    return parameters - lr / (1 - beta1**step) * mean / (root + eps), mean, square


def adamw(
    parameters: Array, *others: Array, lr: float, weight_decay: float, **rates: Any
) -> tuple[Array, Array, Array]:
    require_one_shape(parameters, *others)
    return adam(parameters * (1 - lr * weight_decay), *others, lr=lr, **rates)
