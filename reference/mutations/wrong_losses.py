"""Losses of classes made wrong, as several of them were seen: each takes a loss or its gradient, and its arguments.

The last of these are scores (N, C) and labels, of which those that are `ignore_index` do not count.
"""

from typing import Any

import numpy as np

from ..model.fault import of_any
from ..model.formulations import Function
from ..ops import softmax

Array = Any


def _over_elements(function: Function, *tensors: Array, reduction: str, **options: Any) -> Array:
    found = function(*tensors, reduction=reduction, **options)
    return found / tensors[-2].shape[1] if reduction == "mean" else found


@of_any("forward", "victorlempitsky/Mate#2", "divide by the number of rows.")
def mean_over_elements(function: Function, *tensors: Array, **options: Any) -> Array:
    """The mean is taken over N C elements."""
    return _over_elements(function, *tensors, **options)


@of_any("backward", "victorlempitsky/Mate#2", "divide by the number of rows.")
def divided_by_elements(function: Function, *tensors: Array, **options: Any) -> Array:
    """The gradient of a mean is divided by N C."""
    return _over_elements(function, *tensors, **options)


@of_any("backward", "flagos-ai/FlagGems#5025", "write nothing for a row that is ignored.")
def ignored_label_as_an_address(function: Function, *tensors: Array, **options: Any) -> Array:
    """The label of an ignored row is an address all the same, and what is there becomes 0."""
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
