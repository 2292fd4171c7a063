"""Labels of classes in their three forms."""

from collections.abc import Callable

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


def exact_soft_rows(w: Words, rows: int, classes: int) -> np.ndarray:
    """Draw soft labels (N, C) of full significands that add up to exactly 1, in any order: all are multiples of the
    dtype's roundoff. About every third row is hard, and a row of more than two classes has a small weight."""
    bits = FORMATS[w.dtype].significand
    cuts = w.integers((rows, classes - 1), 1, 1 << bits)
    if classes > 2:
        cuts[:, 0] = w.integers((rows,), 1, 17 if bits > 11 else 3)
    edges = np.concatenate([np.zeros((rows, 1), np.int64), np.sort(cuts, axis=1), np.full((rows, 1), 1 << bits)], 1)
    weights = np.ldexp(np.diff(edges, axis=1).astype(np.float64), -bits)
    hard = as_form(w.integers((rows,), 0, classes), "one-hot", classes, w.dtype).astype(np.float64)
    return w.array(np.where(w.integers((rows, 1), 0, 3) == 0, hard, weights))


def exact_labels(w: Words, _: str, scores: np.ndarray) -> np.ndarray:
    """Draw such rows for scores (N, C)."""
    return exact_soft_rows(w, *scores.shape)


def labels_drawn(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Draw labels of a form for scores (N, C): int64 indices (N,), or rows (N, C) of the dtype that sum to 1."""
    rows, classes = scores.shape
    if form == "soft":
        return soft_rows(w, rows, classes)
    return as_form(w.integers((rows,), 0, classes), form, classes, w.dtype)


def labels_apart(
    w: Words,
    form: str,
    probabilities: np.ndarray,
    draw: Callable[[Words, str, np.ndarray], np.ndarray] = labels_drawn,
) -> np.ndarray:
    """Draw labels as `draw` does, but with no y so close to its p that p - y would be all rounding error.

    Takes the probabilities (N, C) as float64. Nothing is redrawn for a single class, where p - y is exactly 0.
    """
    classes = probabilities.shape[1]
    margin = ROUNDINGS * 2.0 ** -FORMATS[w.dtype].significand
    drawn = []
    for p in probabilities:
        y = draw(w, form, p[None, :])
        while classes > 1 and (abs(p - _weights(y, classes)) <= margin * (p + _weights(y, classes))).any():
            y = draw(w, form, p[None, :])
        drawn.append(y)
    return np.concatenate(drawn)


def least_likely(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the class of each row whose score is the lowest."""
    return as_form(scores.astype(np.float64).argmin(axis=1), form, scores.shape[1], w.dtype)


def first_and_last(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the first and the last class in turn, starting with either."""
    (rows, classes), start = scores.shape, int(w.integers((), 0, 2))
    return as_form((start + np.arange(rows)) % 2 * (classes - 1), form, classes, w.dtype)


def unequal(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the likeliest class, and from the 33rd row on, or in the last third, of the least likely one."""
    rows, classes = scores.shape
    s, right = scores.astype(np.float64), np.arange(rows) < (32 if rows > 32 else rows - rows // 3)
    return as_form(np.where(right, s.argmax(axis=1), s.argmin(axis=1)), form, classes, w.dtype)


def last(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the last class."""
    rows, classes = scores.shape
    return as_form(np.full(rows, classes - 1), form, classes, w.dtype)


def largest_odd(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Give labels of the last class of odd index: past 256 bfloat16 does not hold it, past 2048 float16 does not."""
    rows, classes = scores.shape
    return as_form(np.full(rows, (classes - 2) | 1), form, classes, w.dtype)


def nearly_hard(w: Words, _: str, scores: np.ndarray) -> np.ndarray:
    """Draw soft labels (N, C) with a class of weight 15/16 and one of 1/16."""
    places = np.array([w.permutation(scores.shape[1]) for _ in scores])
    return w.array(np.where(places == 0, 0.9375, np.where(places == 1, 0.0625, 0)))


def mostly_one(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
    """Draw labels of one class for all rows but one."""
    rows, classes = scores.shape
    most, other, row = (int(w.integers((), 0, n)) for n in (classes, classes, rows))
    return as_form(np.where(np.arange(rows) == row, other, most), form, classes, w.dtype)


def _weights(labels: np.ndarray, classes: int) -> np.ndarray:
    rows = labels if labels.ndim == 2 else labels[:, None] == np.arange(classes)
    return rows.astype(np.float64)
