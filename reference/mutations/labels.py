"""Ways in which labels are read wrong, whatever the loss.

A change takes labels, indices (N,) or rows (N, C), and the number of classes, and gives labels that the formula reads.
"""

# ruff: noqa: ARG001, ARG005 (every change is given the number of classes)

from collections.abc import Callable, Mapping

import numpy as np

Labels = np.ndarray


def rows_of(labels: Labels, classes: int) -> Labels:
    """Labels as rows (N, C); an index out of range gives a row of zeros."""
    return labels if labels.ndim == 2 else (labels[:, None] == np.arange(classes)).astype(np.float64)


def _of_indices(change: Callable[[Labels, int], Labels]) -> Callable[[Labels, int], Labels]:
    return lambda labels, classes: change(labels, classes) if labels.ndim == 1 else labels


def _of_rows(change: Callable[[Labels, int], Labels]) -> Callable[[Labels, int], Labels]:
    return lambda labels, classes: change(labels, classes) if labels.ndim == 2 else labels


def _largest(labels: Labels, classes: int) -> Labels:
    rows = np.zeros(labels.shape, labels.dtype)
    if labels.size:
        rows[np.arange(len(labels)), labels.argmax(axis=1)] = 1
    return rows


def _smoothed(labels: Labels, classes: int) -> Labels:
    rows = rows_of(labels, classes)
    return 0.9 * rows + 0.1 / max(classes, 1)


def _by_column(labels: Labels, classes: int) -> Labels:
    if len(labels) != labels.shape[1]:
        return labels
    return labels.T


def _of_every_row(labels: Labels, classes: int) -> Labels:
    rows = rows_of(labels, classes)
    return np.broadcast_to(rows.max(axis=0, initial=0), rows.shape)


def _flat(labels: Labels, classes: int) -> Labels:
    rows = np.zeros((len(labels), classes))
    if rows.size:
        rows.reshape(-1)[labels] = 1
    return rows


LABELS: Mapping[str, tuple[str, Callable[[Labels, int], Labels]]] = {
    "counted_from_1": (
        "Index labels are taken as counted from 1; 0 is the last class.",
        _of_indices(lambda x, c: (x - 1) % c),
    ),
    "from_the_end": ("Negative labels count from the end.", _of_indices(lambda x, c: np.where(x < 0, x + c, x))),
    "clipped": ("Labels outside [0, C) are moved into it.", _of_indices(lambda x, c: np.clip(x, 0, c - 1))),
    "beyond_range_ignored": ("A label outside [0, C) is a row of zeros.", _of_indices(rows_of)),
    "class_0_ignored": (
        "Rows whose index label is 0 have no label.",
        _of_indices(lambda x, c: rows_of(x, c) * (x != 0)[:, None]),
    ),
    "as_flat_indices": ("Index labels are taken for positions in the flat array.", _of_indices(_flat)),
    "of_every_row": ("The labels of all rows count in every row.", _of_every_row),
    "largest_alone": ("Of soft labels the largest alone counts.", _of_rows(_largest)),
    "truncated": ("Soft labels are cut to integers.", _of_rows(lambda x, c: np.trunc(x).astype(x.dtype))),
    "as_a_mask": ("Every soft label over 0 counts as 1.", _of_rows(lambda x, c: (x > 0).astype(x.dtype))),
    "smoothed": ("Labels are smoothed by a tenth.", _smoothed),
    "by_column": ("A square matrix of labels is transposed.", _of_rows(_by_column)),
    "in_one_row": ("The labels of the first row serve all rows.", lambda x, c: np.broadcast_to(x[:1], x.shape)),
}
"""What is wrong, and the change, by name."""


def cure(said: str) -> str:
    """What to do about the change of such a name, one sentence."""
    return f"take labels as they are{', from 0' if said == 'counted_from_1' else ''}."
