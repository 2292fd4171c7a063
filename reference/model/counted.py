"""Losses of class indices over the rows that count: those whose label is not the one that is ignored."""

from typing import Any

import numpy as np

from .formulations import Alternatives, Function, as_written, through
from .losses import REDUCTIONS, one_hot

Array = Any


def rows_that_count(labels: np.ndarray, ignore_index: int | None) -> np.ndarray:
    """Say of each row whether its label counts. Raises ValueError unless labels are indices (N,)."""
    if labels.ndim != 1 or labels.dtype.kind != "i":
        raise ValueError(f"labels of shape {labels.shape} and dtype {labels.dtype}, where class indices (N,) are due")
    counted: np.ndarray = np.ones(labels.shape, dtype=bool) if ignore_index is None else labels != ignore_index
    return counted


def counted_one_hot(labels: np.ndarray, scores: Array, ignore_index: int | None) -> np.ndarray:
    """Give labels as rows of weights (N, C), those of rows that do not count all 0."""
    counted = rows_that_count(labels, ignore_index)
    rows: np.ndarray = one_hot(np.where(counted, labels, 0), scores) * counted[:, None]
    return rows


def number_counted(labels: np.ndarray, scores: Array, ignore_index: int | None) -> int:
    """Count the rows that count."""
    return len(scores) if ignore_index is None else int(rows_that_count(labels, ignore_index).sum())


def mean_of_counted(losses: Array, total: Array, reduction: str) -> Array:
    """Reduce losses (N,), 0 in rows that do not count, by "mean" to their sum over a total, the number of rows that
    count or the sum of their weights. Raises ValueError on a word that is no reduction."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")
    if reduction == "none":
        return losses
    return losses.sum() / total if reduction == "mean" else losses.sum()


def counted_upstream(dL_dloss: Array, y: Array, total: Array, reduction: str) -> Array:
    """Give the upstream gradient of each row's own loss, () or (N, 1), for labels as rows (N, C).

    Raises ValueError on shapes that do not fit.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")
    if dL_dloss.shape != (y.shape[:1] if reduction == "none" else ()):
        raise ValueError(f"dL_dloss of shape {dL_dloss.shape} for reduction={reduction!r} of {len(y)} rows")
    if reduction == "none":
        return dL_dloss[:, None]
    return dL_dloss / total if reduction == "mean" and y.any() else dL_dloss


def zero_of_nothing(
    forward: Function, *tensors: Array, reduction: str, ignore_index: int | None = None, **options: Any
) -> Array:
    """Compute forward, with 0 for the mean over no rows that count; labels as indices are the one tensor of integers,
    and labels as rows all count."""
    indices = [x for x in tensors if isinstance(x, np.ndarray) and x.dtype.kind == "i"]
    some = rows_that_count(indices[0], ignore_index).any() if indices else len(tensors[0])
    given = options if ignore_index is None else options | {"ignore_index": ignore_index}
    return forward(*tensors, reduction=reduction if some or reduction != "mean" else "sum", **given)


def mean_of_nothing_is_zero(forward: Function) -> Alternatives:
    """Give the answer 0 at the points `empty_mean` and `mean_of_nothing`, for the forward of any such loss."""
    zero = {"forward": through(zero_of_nothing, [as_written(forward)])}
    return {("empty_mean", "0"): zero, ("mean_of_nothing", "0"): zero}
