"""Labels of classes in their three forms."""

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Words, held

FORMS = ("indices", "one-hot", "soft")
PARTS = 16
"""Soft labels are multiples of 1 / PARTS, so that a row sums to exactly 1 in every dtype, in any order."""
ROUNDINGS = 48
"""Least distance of p from y, in unit roundoffs: in bfloat16 a softmax and what follows may cost 40."""


def as_form(indices: np.ndarray, form: str, classes: int, dtype: str) -> np.ndarray:
    """Give class indices (N,) as they are, int64, or as one-hot rows (N, C) of a dtype."""
    if form == "indices":
        return indices
    return held(indices[:, None] == np.arange(classes), dtype)


def soft_rows(w: Words, rows: int, classes: int) -> np.ndarray:
    """Draw soft labels (N, C): each of 16 parts falls to a class, so some classes may have none."""
    parts = w.integers((rows, PARTS), 0, classes)
    return w.array((parts[:, :, None] == np.arange(classes)).sum(axis=1) / PARTS)


def labels_drawn(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Draw labels of a form for scores (N, C): int64 indices (N,), or rows (N, C) of the dtype that sum to 1."""
    rows, classes = scores.shape
    if form == "soft":
        return soft_rows(w, rows, classes)
    return as_form(w.integers((rows,), 0, classes), form, classes, w.dtype)


def labels_apart(w: Words, form: str, probabilities: np.ndarray) -> np.ndarray:
    """Draw labels as `labels_drawn` does, but with no y so close to its p that p - y would be all rounding error.

    Takes the probabilities (N, C) as float64. Nothing is redrawn for a single class, where p - y is exactly 0.
    """
    classes = probabilities.shape[1]
    margin = ROUNDINGS * 2.0 ** -FORMATS[w.dtype].significand
    drawn = []
    for p in probabilities:
        y = labels_drawn(w, form, p[None, :])
        while classes > 1 and (abs(p - _weights(y, classes)) <= margin * (p + _weights(y, classes))).any():
            y = labels_drawn(w, form, p[None, :])
        drawn.append(y)
    return np.concatenate(drawn)


def least_likely(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the class of each row whose score is the lowest."""
    return as_form(scores.astype(np.float64).argmin(axis=1), form, scores.shape[1], w.dtype)


def first_and_last(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the first and the last class in turn, starting with either."""
    (rows, classes), start = scores.shape, int(w.integers((), 0, 2))
    return as_form((start + np.arange(rows)) % 2 * (classes - 1), form, classes, w.dtype)


def _weights(labels: np.ndarray, classes: int) -> np.ndarray:
    rows = labels if labels.ndim == 2 else labels[:, None] == np.arange(classes)
    return rows.astype(np.float64)
