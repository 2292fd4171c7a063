"""Gradients of what was broadcast: summed over the axes along which it was repeated."""

import math
from typing import Any

import numpy as np

from .functions import over_batch

Array = Any
Shape = tuple[int, ...]


def repeated(shape: Shape, whole: Shape) -> Shape:
    """Number the axes of `whole` along which a tensor of `shape` is repeated to fill it."""
    added = len(whole) - len(shape)
    return tuple(k for k, size in enumerate(whole) if k < added or (shape[k - added] == 1 and size != 1))


def require_outputs_of(a: Array, b: Array, dL_doutputs: Array) -> None:
    """Raise ValueError unless two operands broadcast, to the shape of the upstream."""
    if dL_doutputs.shape != np.broadcast_shapes(a.shape, b.shape):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for a of shape {a.shape} and b of shape {b.shape}")


def undo_broadcast(gradient: Array, shape: Shape) -> Array:
    """Sum a gradient to the shape of an operand that was broadcast."""
    return over_batch(gradient, repeated(shape, gradient.shape), keepdims=True).reshape(shape)


def contracted_at_once(left: Array, right: Array, shape: Shape) -> Array:
    """Multiply stacks (..., P, N) and (..., N, Q), and sum to a `shape` (..., P, Q), all in one contraction."""
    stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    summed = repeated(shape[:-2], stack)
    inside = range(-1 - len(summed), -1)
    left = np.moveaxis(np.broadcast_to(left, stack + left.shape[-2:]), summed, inside)
    right = np.moveaxis(np.broadcast_to(right, stack + right.shape[-2:]), summed, [k - 1 for k in inside])
    kept, terms = left.shape[: len(stack) - len(summed)], math.prod(left.shape[k] for k in (*inside, -1))
    return (left.reshape(*kept, shape[-2], terms) @ right.reshape(*kept, terms, shape[-1])).reshape(shape)
