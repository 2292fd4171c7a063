"""Losses of classes made wrong, as several of them were seen: each takes a loss or its gradient, and its arguments.

The last of these are scores (N, C) and labels, of which those that are `ignore_index` do not count.
"""

from typing import Any

import numpy as np

from ..model.formulations import Function
from ..ops import softmax

Array = Any


def over_elements(function: Function, *tensors: Array, reduction: str, **options: Any) -> Array:
    """Divide what is due to a mean by the number of classes as well."""
    found = function(*tensors, reduction=reduction, **options)
    return found / tensors[-2].shape[1] if reduction == "mean" else found


def ignored_as_addresses(function: Function, *tensors: Array, **options: Any) -> Array:
    """Write 0 where the label to ignore, as an address in a row that has it, leads."""
    found, (scores, labels), index = function(*tensors, **options), tensors[-2:], options.get("ignore_index")
    if index is None:
        return found
    flat, places = np.array(found).reshape(-1), np.flatnonzero(labels == index) * scores.shape[1] + index
    flat[places[(places >= 0) & (places < flat.size)]] = 0
    return flat.reshape(found.shape)


def smoothing_ignored_rows(function: Function, logits: Array, labels: Array, *weights: Array, **options: Any) -> Array:
    """Add the share that smoothing spreads for ignored rows too; weights are those of the classes, if any."""
    loss, ignored = function(logits, labels, *weights, **options), labels == options.get("ignore_index")
    if not np.any(ignored):
        return loss
    (w,) = weights or (np.ones_like(logits[0]),)
    smoothed = -options.get("label_smoothing", 0.0) * (w * softmax.log_softmax(logits)).mean(axis=-1)
    spread = np.where(ignored, smoothed, 0)
    if options["reduction"] == "none":
        return loss + spread
    return loss + spread.sum() / (w[labels[~ignored]].sum() or 1 if options["reduction"] == "mean" else 1)
