"""Reductions of the adapter in plain NumPy, each over an axis, several or all."""

# ruff: noqa: D102 - each class says its mathematics

from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


class Sum:
    """sum(x)."""

    def __init__(self, axis: int | tuple[int, ...] | None, keepdims: bool = False) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        self.outputs = np.asarray(self.value(inputs))
        return self.outputs if self.keepdims else self.outputs.squeeze(self.axis)

    def backward(self, doutputs: Array) -> Array:
        due = self.outputs.shape if self.keepdims else self.outputs.squeeze(self.axis).shape
        if doutputs.shape != due:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {due}")
        slope = self.slope(doutputs.reshape(self.outputs.shape))
        self.dinputs = np.array(np.broadcast_to(slope, self.inputs.shape))
        return self.dinputs

    def value(self, x: Array) -> Array:
        """The outputs, with axes of size 1 for those that are reduced."""
        return x.sum(axis=self.axis, keepdims=True)

    def slope(self, g: Array) -> Array:
        """The gradient, of the upstream with such axes."""
        return g

    @property
    def terms(self) -> int:
        """How many inputs one output is made of."""
        return int(self.inputs.size // max(self.outputs.size, 1))


class Mean(Sum):
    """sum(x) / n."""

    def value(self, x: Array) -> Array:
        return x.mean(axis=self.axis, keepdims=True)

    def slope(self, g: Array) -> Array:
        return g / np.asarray(max(self.terms, 1), g.dtype)


class Max(Sum):
    """max(x); inputs that tie share the gradient."""

    def value(self, x: Array) -> Array:
        return x.max(axis=self.axis, keepdims=True)

    def slope(self, g: Array) -> Array:
        largest = self.inputs == self.outputs
        count = largest.sum(axis=self.axis, keepdims=True).astype(g.dtype)
        return np.where(largest, g / np.maximum(count, 1), 0)


class LogSumExp(Sum):
    """log(sum(exp(x)))."""

    def value(self, x: Array) -> Array:
        largest = x.max(axis=self.axis, keepdims=True)
        shift = np.where(np.isinf(largest), 0, largest)
        self.powers = np.exp(x - shift)
        self.total = self.powers.sum(axis=self.axis, keepdims=True)
        return np.log(self.total) + shift

    def slope(self, g: Array) -> Array:
        return g * (self.powers / self.total)


class Variance(Sum):
    """sum((x - mean(x))^2) / (n - correction)."""

    def __init__(self, axis: int | tuple[int, ...] | None, keepdims: bool = False, correction: int = 0) -> None:
        super().__init__(axis, keepdims)
        self.correction = correction

    def value(self, x: Array) -> Array:
        return x.var(axis=self.axis, keepdims=True, ddof=self.correction)

    def slope(self, g: Array) -> Array:
        centred = self.inputs - self.inputs.mean(axis=self.axis, keepdims=True)
        return centred * (2 * g / np.asarray(self.terms - self.correction, g.dtype))
