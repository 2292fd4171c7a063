"""Operations on two tensors of the adapter in plain NumPy: the value at each element, and both gradients there."""

# ruff: noqa: D102, D103 - the names are the operations'

from collections.abc import Callable
from typing import Any

import numpy as np

from . import activations

Array = Any
"""np.ndarray, as Any for the type checker."""
Pair = tuple[Array, Array]


class TwoTensors:
    """A function of two tensors, given with what its gradients are before they are summed to the operands' shapes."""

    def __init__(
        self,
        value: Callable[..., Array],
        gradients: Callable[..., Pair],
        other: Array,
        **parameters: Any,
    ) -> None:
        self.value, self.gradients, self.other, self.parameters = value, gradients, other, parameters

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        self.outputs = self.value(inputs, self.other, **self.parameters)
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != self.outputs.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit outputs of shape {self.outputs.shape}")
        first, second = self.gradients(doutputs, self.inputs, self.other, **self.parameters)
        self.dinputs = _summed_to(self.inputs.shape, first)
        self.dweights = _summed_to(self.other.shape, second)
        return self.dinputs


class Gated(TwoTensors):
    """An activation of a gate, times a tensor of the same shape; made of the activation and its slope."""

    def __init__(self, value: Callable[..., Array], slope: Callable[..., Array], up: Array) -> None:
        def gradients(g: Array, gate: Array, up: Array) -> Pair:
            return g * up * slope(gate), g * value(gate)

        super().__init__(lambda gate, up: value(gate) * up, gradients, up)

    def forward(self, inputs: Array) -> Array:
        if inputs.shape != self.other.shape:
            raise ValueError(f"a gate of shape {inputs.shape} for a tensor of shape {self.other.shape}")
        return super().forward(inputs)


def swiglu(up: Array) -> Gated:
    return Gated(activations.silu, activations.silu_slope, up)


def geglu(up: Array, approximate: str = "none") -> Gated:
    if approximate == "tanh":
        return Gated(activations.gelu_tanh, activations.gelu_tanh_slope, up)
    return Gated(activations.gelu, activations.gelu_slope, up)


def add_gradients(g: Array, *_: Array) -> Pair:
    return g, g


def multiply_gradients(g: Array, a: Array, b: Array) -> Pair:
    return g * b, g * a


def divide_gradients(g: Array, a: Array, b: Array) -> Pair:
    return g / b, -g * (a / b / b)


def maximum_gradients(g: Array, a: Array, b: Array) -> Pair:
    """Where they tie, each gets half."""
    half = np.where(a == b, g / 2, 0)
    return np.where(a > b, g, half), np.where(b > a, g, half)


def power_gradients(g: Array, a: Array, b: Array) -> Pair:
    return g * (b * np.power(a, b - 1)), g * (np.power(a, b) * np.log(a))


def _summed_to(shape: tuple[int, ...], gradient: Array) -> Array:
    """The gradient of an operand of this shape, summed where broadcasting repeated it."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=repeated, keepdims=True)
