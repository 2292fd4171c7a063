"""What reductions share: their axes, and the upstream spread over what was reduced."""

import math
from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis

Array = Any
Shape = tuple[int, ...]


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """Give the shape of a reduction that keeps its axes, with size 1. Raises ValueError for axes that are none."""
    rank = len(shape)
    axes = tuple(range(rank)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not all(-rank <= k < rank for k in axes) or len({k % rank for k in axes}) < len(axes):
        raise ValueError(f"axis={axis} of a tensor of shape {shape}")
    reduced = {k % rank for k in axes}
    return tuple(1 if k in reduced else size for k, size in enumerate(shape))


def terms(shape: Shape, axis: Axis) -> int:
    """Count the elements that one element of a reduction is made of."""
    return math.prod(size for size, kept in zip(shape, kept_shape(shape, axis), strict=True) if kept == 1)


def in_a_row(tensor: Array, axis: Axis) -> Array:
    """The axes of a reduction, as they lie or are listed, as one, the last."""
    axes = range(tensor.ndim) if axis is None else np.atleast_1d(axis).tolist()
    moved = np.moveaxis(tensor, axes, range(-len(axes), 0))
    return moved.reshape(*moved.shape[: tensor.ndim - len(axes)], terms(tensor.shape, axis))


def kept(dL_doutputs: Array, inputs: Array, axis: Axis, keepdims: bool) -> Array:
    """The upstream with the axes that were reduced, of size 1. Raises ValueError where its shape is another."""
    shape = kept_shape(inputs.shape, axis)
    if keepdims:
        due = shape
    else:
        reduced = range(inputs.ndim) if axis is None else np.atleast_1d(axis) % inputs.ndim
        due = tuple(size for k, size in enumerate(inputs.shape) if k not in reduced)
    if dL_doutputs.shape != due:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} where {due} is due")
    return dL_doutputs.reshape(shape)
