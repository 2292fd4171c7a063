"""Checks of arguments' shapes, and tensors of any rank as matrices."""

import math
from typing import Any


def require_same_shape(**tensors: Any) -> None:
    """Raise ValueError, naming both, unless the tensors, given by name, have the shape of the first."""
    (first, tensor), *others = tensors.items()
    for name, other in others:
        if other.shape != tensor.shape:
            raise ValueError(f"{first} of shape {tensor.shape} for {name} of shape {other.shape}")


def require_columns_of(**tensors: Any) -> None:
    """Raise ValueError, naming both, unless all tensors but the first have one element for each of its columns."""
    (first, tensor), *others = tensors.items()
    for name, other in others:
        if other.shape != tensor.shape[-1:]:
            raise ValueError(f"{name} of shape {other.shape} for {first} of shape {tensor.shape}")


def as_rows(x: Any) -> Any:
    """x of shape (..., D) as a matrix (N, D), N being the product of all sizes but the last."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
