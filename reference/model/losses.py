"""Functions that losses share: read labels, and reduce a loss over the batch or over all elements."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .formulations import Alternatives, Formulation, Function, as_written, through

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


def sums_of_others(x: Array) -> Array:
    """For each element of (..., C) the sum of all others of its row: in memory linear in C, and nothing is subtracted.

    The others are the one beside it and the other pairs, whose sums are found in the same way.
    """
    classes = x.shape[-1]
    if classes < 2:
        return np.zeros_like(x)
    paired = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, classes % 2)])
    even, odd = paired[..., ::2], paired[..., 1::2]
    pairs = sums_of_others(even + odd)
    return np.stack([pairs + odd, pairs + even], axis=-1).reshape(paired.shape)[..., :classes]


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


def divided_last(backward: Function, dL_dloss: Array, scores: Array, labels: np.ndarray, reduction: str) -> Array:
    """Compute the gradient of the mean as that of the sum, divided by N at the end."""
    unscaled = backward(dL_dloss, scores, labels, reduction="none" if reduction == "none" else "sum")
    return unscaled / len(scores) if reduction == "mean" and len(scores) else unscaled


def zero_if_empty(forward: Function, scores: Array, *others: Array, reduction: str, **options: Any) -> Array:
    """Compute forward, with 0 for the mean over no rows."""
    nothing = reduction == "mean" and not len(scores)
    return forward(scores, *others, reduction="sum" if nothing else reduction, **options)


def empty_mean_is_zero(forward: Function) -> Alternatives:
    """Give the answer 0 at the point `empty_mean`, for the forward of any loss."""
    return {("empty_mean", "0"): {"forward": through(zero_if_empty, [as_written(forward)])}}


# Losses by element ----------------------------------------------------------------------------------------------------


def require_probabilities(**tensors: Array) -> None:
    """Raise ValueError, naming it, where a tensor has an element outside [0, 1]."""
    for name, tensor in tensors.items():
        if ((tensor < 0) | (tensor > 1)).any():
            raise ValueError(f"{name} outside [0, 1]")


def elements(x: Array) -> int:
    """Count the elements of a tensor."""
    return len(x) * math.prod(x.shape[1:]) if x.ndim else 1


def over_elements(losses: Array, reduction: str) -> Array:
    """Reduce losses of any shape over all elements to (), or not by "none". Raises ValueError on another word."""
    if reduction == "none":
        return losses
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")
    total = losses.sum()
    return total / elements(losses) if reduction == "mean" else total


def element_upstream(dL_dloss: Array, scores: Array, reduction: str) -> Array:
    """Give the upstream gradient of each element's own loss, () or the shape of the scores. Raises ValueError on shapes
    that do not fit."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is none of {', '.join(REDUCTIONS)}")
    if dL_dloss.shape != (scores.shape if reduction == "none" else ()):
        raise ValueError(f"dL_dloss of shape {dL_dloss.shape} for {reduction!r} over a shape of {scores.shape}")
    return dL_dloss / elements(scores) if reduction == "mean" and elements(scores) else dL_dloss


def by_losses(losses: Function, *tensors: Array, reduction: str, **options: Any) -> Array:
    """Compute forward from the loss of each element."""
    return over_elements(losses(*tensors, **options), reduction)


def by_slope(slope: Function, dL_dloss: Array, scores: Array, *others: Array, reduction: str, **options: Any) -> Array:
    """Compute backward from the derivative at each element."""
    return element_upstream(dL_dloss, scores, reduction) * slope(scores, *others, **options)


def by_share(slope: Function, dL_dloss: Array, scores: Array, *others: Array, reduction: str, **options: Any) -> Array:
    """Compute the gradient of the mean from the derivative at each element divided by their number."""
    each = slope(scores, *others, **options)
    return (each / elements(scores) if reduction == "mean" and elements(scores) else each) * dL_dloss


def by_quotient(
    slope: Function, dL_dloss: Array, scores: Array, *others: Array, reduction: str, **options: Any
) -> Array:
    """Compute the gradient of the mean as that of the sum, divided by the number of elements at the end."""
    unscaled = dL_dloss * slope(scores, *others, **options)
    return unscaled / elements(scores) if reduction == "mean" and elements(scores) else unscaled


def by_any_slope(slopes: Iterable[Formulation]) -> tuple[Formulation, ...]:
    """Give backward by each derivative; by the first, the division by the number of elements in every place."""
    first, *others = slopes
    return (
        *through(by_slope, [first]),
        *through(by_quotient, [first], name="divided last"),
        *through(by_share, [first], name="slope divided first"),
        *through(by_slope, others),
    )
