"""Checks of arguments' shapes."""

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
