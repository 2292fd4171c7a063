"""Negative log-likelihood of class indices: -log p of each row's own class, and its mean over the rows that count.

    losses[n]                = -log_probabilities[n, labels[n]], and 0 where labels[n] is ignore_index
    loss                     = sum_n losses[n] / M    (mean, over the M rows that count)
                               sum_n losses[n]        (sum)
                               losses                 (none)

    dL_dlog_probabilities[n] = -g[n] at labels[n], else 0, and 0 where labels[n] is ignore_index

where g[n] is dL_dloss / M (mean), dL_dloss (sum) or dL_dloss[n] (none).
"""

from typing import Any

import numpy as np

from ..model.counted import counted_one_hot, counted_upstream, mean_of_counted, mean_of_nothing_is_zero, number_counted
from ..model.formulations import Formulation, as_written
from ..model.losses import weighted

Array = Any

BATCH_AXIS = {"log_probabilities": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dlog_probabilities": 0}


def forward(log_probabilities: Array, labels: np.ndarray, *, reduction: str, ignore_index: int | None = None) -> Array:
    """log_probabilities (N, C), labels (N,) -> loss, () or (N,)."""
    y = counted_one_hot(labels, log_probabilities, ignore_index)
    total = number_counted(labels, log_probabilities, ignore_index)
    return mean_of_counted(-weighted(y, log_probabilities).sum(axis=-1), total, reduction)


def backward(
    dL_dloss: Array, log_probabilities: Array, labels: np.ndarray, *, reduction: str, ignore_index: int | None = None
) -> Array:
    """dL_dloss () or (N,) and forward's arguments -> dL_dlog_probabilities (N, C)."""
    y = counted_one_hot(labels, log_probabilities, ignore_index)
    total = number_counted(labels, log_probabilities, ignore_index)
    return np.where(y == 0, 0, -counted_upstream(dL_dloss, y, total, reduction))


def _product(
    dL_dloss: Array, log_probabilities: Array, labels: np.ndarray, *, reduction: str, ignore_index: int | None = None
) -> Array:
    y = counted_one_hot(labels, log_probabilities, ignore_index)
    total = number_counted(labels, log_probabilities, ignore_index)
    return -y * counted_upstream(dL_dloss, y, total, reduction)


ALTERNATIVES = {
    **mean_of_nothing_is_zero(forward),
    ("infinite_times_zero", "0"): {"backward": (as_written(backward),)},
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_product, "-y g"),)},
}
