"""Targets of cross-entropy of class indices: labels as rows, with weights of the classes and smoothing.

y are the labels as rows (N, C), 0 throughout a row that does not count; weights those of the classes, (C,), or 1.
"""

from typing import Any

import numpy as np

from .functions import number

Array = Any


def smoothed(y: np.ndarray, weights: Array, label_smoothing: float) -> Array:
    """Spread a share of each label over all classes, each with its weight."""
    if not label_smoothing:
        return y * weights
    everywhere = y.sum(axis=-1, keepdims=True) * weights / y.shape[-1]
    return (1 - number(label_smoothing)) * (y * weights) + number(label_smoothing) * everywhere


def smoothed_over_others(y: np.ndarray, weights: Array, label_smoothing: float) -> Array:
    """The same over all classes but the label."""
    others = (y.sum(axis=-1, keepdims=True) - y) * weights / max(y.shape[-1] - 1, 1)
    return (1 - number(label_smoothing)) * (y * weights) + number(label_smoothing) * others
