"""Indices along an axis: what they pick out of a tensor, and what is added up where they point."""

import math
from typing import Any

import numpy as np

from .functions import scatter_add

Array = Any


def require_indices(indices: np.ndarray, size: int) -> None:
    """Raise ValueError unless indices are integers in [0, size)."""
    if indices.dtype.kind != "i":
        raise ValueError(f"indices of dtype {indices.dtype}, where integers are due")
    if ((indices < 0) | (indices >= size)).any():
        raise ValueError(f"an index outside [0, {size})")


def require_places(indices: np.ndarray, inputs: Array, axis: int) -> None:
    """Raise ValueError unless indices have the rank of inputs, are no longer than they along the other axes, and lie in
    them along `axis`, which counts from the end."""
    shape = inputs.shape
    others = [n <= size for n, size in zip(indices.shape, shape, strict=False)]
    if indices.ndim != len(shape) or not all(others[:axis] + others[len(shape) + axis + 1 :]):
        raise ValueError(f"indices of shape {indices.shape} for inputs of shape {shape} along axis {axis}")
    require_indices(indices, shape[axis])


def picked(inputs: Array, indices: np.ndarray, axis: int) -> Array:
    """The element of inputs that each index names along an axis; of the shape of indices."""
    corner = [slice(n) for n in indices.shape]
    corner[axis] = slice(None)
    return np.take_along_axis(inputs[tuple(corner)], indices, axis=axis)


def places(indices: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Number the elements of a tensor of a shape, in C order, that indices name along an axis; (indices.size,)."""
    where = np.indices(indices.shape)
    where[axis] = indices
    steps = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
    flat: np.ndarray = np.tensordot(steps, where, 1).reshape(-1)
    return flat


def added_up(source: Array, indices: np.ndarray, shape: tuple[int, ...], axis: int) -> Array:
    """The sum of those elements of source, of the shape of indices, that name each element of a tensor of a shape."""
    return scatter_add(source.reshape(-1), places(indices, shape, axis), math.prod(shape)).reshape(shape)
