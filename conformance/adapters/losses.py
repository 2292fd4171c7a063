"""Losses by element of the adapter in plain NumPy: the loss of each element, its slope, and what reduces it."""

# ruff: noqa: D102, D103 - the names are the operations'

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


class ElementLoss:
    """A loss of predictions and targets of one shape, given with its slope, over all elements alike."""

    def __init__(
        self,
        value: Callable[..., Array],
        slope: Callable[..., Array],
        targets: Array,
        *weights: Array,
        reduction: str,
        **options: float,
    ) -> None:
        self.value, self.slope, self.others = value, slope, (targets, *weights)
        self.reduction, self.options = reduction, options

    def forward(self, predictions: Array) -> Array:
        if predictions.shape != self.others[0].shape:
            raise ValueError(f"targets {self.others[0].shape} do not fit predictions {predictions.shape}")
        self.predictions = predictions
        losses = self.value(predictions, *self.others, **self.options)
        return losses if self.reduction == "none" else losses.sum() if self.reduction == "sum" else losses.mean()

    def backward(self, dloss: Array) -> Array:
        if dloss.shape != (self.predictions.shape if self.reduction == "none" else ()):
            raise ValueError(f"gradient {dloss.shape} does not fit a loss with reduction {self.reduction!r}")
        slope = self.slope(self.predictions, *self.others, **self.options)
        share = max(self.predictions.size, 1) if self.reduction == "mean" else 1
        self.dinputs = slope * (dloss / np.asarray(share, dloss.dtype))
        return self.dinputs


def mse(x: Array, y: Array) -> Array:
    return np.square(x - y)


def mse_slope(x: Array, y: Array) -> Array:
    return 2 * (x - y)


def l1(x: Array, y: Array) -> Array:
    return np.abs(x - y)


def l1_slope(x: Array, y: Array) -> Array:
    return np.sign(x - y)


def huber(x: Array, y: Array, delta: float) -> Array:
    """The part of the error up to delta is squared, the rest is not."""
    error = np.abs(x - y)
    inside = np.minimum(error, delta)
    return inside * (error - inside / 2)


def huber_slope(x: Array, y: Array, delta: float) -> Array:
    return np.clip(x - y, -delta, delta)


def smooth_l1(x: Array, y: Array, beta: float) -> Array:
    return huber(x, y, beta) / beta if beta else l1(x, y)


def smooth_l1_slope(x: Array, y: Array, beta: float) -> Array:
    return huber_slope(x, y, beta) / beta if beta else l1_slope(x, y)


def hinge(x: Array, y: Array) -> Array:
    return np.maximum(1 - y * x, 0)


def hinge_slope(x: Array, y: Array) -> Array:
    return np.where(1 - y * x > 0, -y, np.zeros_like(x))
