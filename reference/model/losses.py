"""Functions that losses share: read labels, and reduce a loss over the batch."""

from typing import Any

import numpy as np

from .formulations import Alternatives, Function, as_written, through

Array = Any
REDUCTIONS = ("mean", "sum", "none")


def one_hot(labels: np.ndarray, scores: Array) -> np.ndarray:
    """Give labels as one row of weights a sample.

    labels: class indices (N,) of an integer dtype, or rows (N, C); scores: (N, C). Returns (N, C).
    Raises ValueError where there are no classes, the labels do not fit the scores, or an index is not in [0, C).
    """
    n, classes = scores.shape
    if not classes:
        raise ValueError(f"scores of shape {scores.shape}, which have no classes")
    if labels.ndim == 2:
        if labels.shape != (n, classes):
            raise ValueError(f"labels of shape {labels.shape} for scores of shape {(n, classes)}")
        return labels
    if labels.shape != (n,):
        raise ValueError(f"labels of shape {labels.shape} for {n} rows")
    if ((labels < 0) | (labels >= classes)).any():
        raise ValueError(f"a label outside [0, {classes})")
    rows: np.ndarray = (labels[:, None] == np.arange(classes)).astype(np.float64)
    return rows


def weighted(weights: np.ndarray, values: Array) -> Array:
    """Multiply, with 0 times anything 0: a class without weight adds nothing to a loss, even where log p is -inf."""
    return np.where(weights == 0, 0, weights * values)


def reduced(losses: Array, reduction: str) -> Array:
    """Reduce losses (N,) to () by "mean" or "sum", or not at all by "none". Raises ValueError on another word."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.sum() / len(losses)
    raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")


def row_upstream(dL_dloss: Array, rows: int, reduction: str) -> Array:
    """Give the upstream gradient of each row's own loss, () or (N, 1). Raises ValueError on shapes that do not fit."""
    if reduction == "none":
        if dL_dloss.shape != (rows,):
            raise ValueError(f"dL_dloss of shape {dL_dloss.shape} for {rows} rows")
        return dL_dloss[:, None]
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")
    if dL_dloss.shape != ():
        raise ValueError(f"dL_dloss of shape {dL_dloss.shape} for reduction={reduction!r}, which takes a scalar")
    if reduction == "sum" or rows == 0:
        return dL_dloss
    return dL_dloss / rows


def divided_last(backward: Function, dL_dloss: Array, scores: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Compute the gradient of the mean as that of the sum, divided by N at the end."""
    unscaled = backward(dL_dloss, scores, labels, reduction="none" if reduction == "none" else "sum")
    return unscaled / len(scores) if reduction == "mean" and len(scores) else unscaled


def zero_if_empty(forward: Function, scores: Array, *others: Array, reduction: str) -> Array:
    """Compute forward, with 0 for the mean over no rows."""
    return forward(scores, *others, reduction="sum" if reduction == "mean" and not len(scores) else reduction)


def empty_mean_is_zero(forward: Function) -> Alternatives:
    """Give the answer 0 at the point `empty_mean`, for the forward of any loss."""
    return {("empty_mean", "0"): {"forward": through(zero_if_empty, [as_written(forward)])}}
