"""Reductions of the adapter in plain NumPy, each over an axis, several or all, and what divides by norms."""

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


class L2Normalize:
    """x / max(|x|, eps) along an axis."""

    def __init__(self, eps: float, axis: int = -1) -> None:
        self.eps = eps
        self.axis = axis

    def forward(self, inputs: Array) -> Array:
        self.norm = np.sqrt(np.square(inputs).sum(axis=self.axis, keepdims=True))
        self.divisor = np.maximum(self.norm, np.asarray(self.eps, inputs.dtype))
        self.outputs = inputs / self.divisor
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != self.outputs.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {self.outputs.shape}")
        along = (self.outputs * doutputs).sum(axis=self.axis, keepdims=True)
        self.dinputs = (doutputs - np.where(self.norm > self.eps, self.outputs * along, 0)) / self.divisor
        return self.dinputs


class CosineSimilarity:
    """The product of two vectors, each divided by its norm."""

    def __init__(self, other: Array, eps: float) -> None:
        self.other = other
        self.layers = L2Normalize(eps), L2Normalize(eps)

    def forward(self, inputs: Array) -> Array:
        if inputs.shape != self.other.shape:
            raise ValueError(f"vectors of shapes {inputs.shape} and {self.other.shape}")
        first, second = self.layers
        return np.asarray((first.forward(inputs) * second.forward(self.other)).sum(axis=-1))

    def backward(self, doutputs: Array) -> Array:
        first, second = self.layers
        if doutputs.shape != first.outputs.shape[:-1]:
            raise ValueError(f"gradient {doutputs.shape} does not fit vectors of shape {first.outputs.shape}")
        self.dweights = second.backward(first.outputs * doutputs[..., None])
        self.dinputs = first.backward(second.outputs * doutputs[..., None])
        return self.dinputs
