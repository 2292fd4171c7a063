"""Layers with indices, and of positions, of the adapter in plain NumPy."""

# ruff: noqa: D102 - each class says what it picks

from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


class Embedding:
    """The rows of a table that indices name; the padding row is never trained."""

    def __init__(self, weight: Array, padding_idx: int | None = None) -> None:
        self.weight, self.padding = weight, padding_idx
        if padding_idx is not None and not -len(weight) <= padding_idx < len(weight):
            raise ValueError(f"row {padding_idx} of {len(weight)}")

    def forward(self, indices: Array) -> Array:
        _within(indices, len(self.weight))
        self.indices = indices
        return self.weight[indices]

    def backward(self, doutputs: Array) -> None:
        if doutputs.shape != self.indices.shape + self.weight.shape[1:]:
            raise ValueError(f"gradient {doutputs.shape} does not fit indices {self.indices.shape}")
        self.dweights = np.zeros_like(self.weight)
        np.add.at(self.dweights, self.indices, doutputs)
        if self.padding is not None:
            self.dweights[self.padding] = 0


class Gather:
    """The element along an axis that each index names."""

    def __init__(self, indices: Array, axis: int) -> None:
        self.indices, self.axis = indices, axis

    def forward(self, inputs: Array) -> Array:
        self.shape, self.where = inputs.shape, _where(self.indices, inputs.shape, self.axis)
        return inputs[self.where]

    def backward(self, doutputs: Array) -> None:
        if doutputs.shape != self.indices.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit indices {self.indices.shape}")
        self.dinputs = np.zeros_like(doutputs, shape=self.shape)
        np.add.at(self.dinputs, self.where, doutputs)


class ScatterAdd:
    """Inputs, and at each element of them what a source adds where its indices name it."""

    def __init__(self, indices: Array, source: Array, axis: int) -> None:
        self.indices, self.source, self.axis = indices, source, axis

    def forward(self, inputs: Array) -> Array:
        if self.source.shape != self.indices.shape:
            raise ValueError(f"a source of shape {self.source.shape} for indices {self.indices.shape}")
        self.shape, self.where = inputs.shape, _where(self.indices, inputs.shape, self.axis)
        outputs = inputs.copy()
        np.add.at(outputs, self.where, self.source)
        return outputs

    def backward(self, doutputs: Array) -> None:
        if doutputs.shape != self.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit inputs of shape {self.shape}")
        self.dinputs, self.dweights = doutputs.copy(), doutputs[self.where]


class Rotary:
    """Pairs of features as complex numbers, times cos + i sin of their position."""

    def __init__(self, cos: Array, sin: Array, layout: str = "half") -> None:
        self.cos, self.sin, self.layout = cos, sin, layout

    def forward(self, inputs: Array) -> Array:
        self.shape = inputs.shape
        return self._turned(inputs, self.sin)

    def backward(self, doutputs: Array) -> None:
        if doutputs.shape != self.shape:
            raise ValueError(f"gradient {doutputs.shape} does not fit inputs of shape {self.shape}")
        self.dinputs = self._turned(doutputs, -self.sin)

    def _turned(self, x: Array, sin: Array) -> Array:
        if x.shape[-1] % 2 or any(table.shape != (x.shape[-2], x.shape[-1] // 2) for table in (self.cos, sin)):
            raise ValueError(f"tables {self.cos.shape} and {sin.shape} do not fit {x.shape}")
        places = {
            "half": np.arange(x.shape[-1]).reshape(2, x.shape[-1] // 2),
            "interleaved": np.arange(x.shape[-1]).reshape(x.shape[-1] // 2, 2).T,
        }
        real, imaginary = places[self.layout]
        turned = np.empty_like(x)
        turned[..., real] = x[..., real] * self.cos - x[..., imaginary] * sin
        turned[..., imaginary] = x[..., real] * sin + x[..., imaginary] * self.cos
        return turned


def _within(indices: Array, size: int) -> None:
    if ((indices < 0) | (indices >= size)).any():
        raise IndexError(f"an index is none of {size}")


def _where(indices: Array, shape: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """The place in a tensor of a shape that each index names, as one array an axis."""
    if indices.ndim != len(shape):
        raise ValueError(f"indices of shape {indices.shape} for a tensor of shape {shape}")
    where = list(np.indices(indices.shape))
    where[axis] = indices
    for places, size in zip(where, shape, strict=True):
        _within(places, size)
    return tuple(where)
