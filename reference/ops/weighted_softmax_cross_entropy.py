"""Softmax and cross-entropy in one step, of class indices with a weight for each class: L = -sum_k t_k log p_k.

    p[n,k]          = exp(logits[n,k]) / sum_j exp(logits[n,j])
    t[n,k]          = ((1 - label_smoothing) y[n,k] + label_smoothing / C) class_weights[k]
    losses[n]       = -sum_k t[n,k] log p[n,k], and 0 where labels[n] is ignore_index
    loss            = sum_n losses[n] / W    (mean, W being the sum of the labels' weights in rows that count)
                      sum_n losses[n]        (sum)
                      losses                 (none)

    dL_dlogits[n,k] = (p[n,k] sum_j t[n,j] - t[n,k]) g[n]

where y is the labels as rows, and g[n] is dL_dloss / W (mean), dL_dloss (sum) or dL_dloss[n] (none).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from ..model.class_targets import smoothed, smoothed_over_others
from ..model.counted import counted_one_hot, counted_upstream, mean_of_counted, mean_of_nothing_is_zero
from ..model.formulations import Formulation, Function, as_written, replacing, through
from ..model.losses import weighted
from ..model.shapes import require_columns_of
from . import softmax

Array = Any

LABELS = ("labels", "class_weights")
BATCH_AXIS = {"logits": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dlogits": 0}


def forward(
    logits: Array,
    labels: np.ndarray,
    class_weights: Array,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    """logits (N, C), labels (N,), class_weights (C,) -> loss, () or (N,)."""
    require_columns_of(logits=logits, class_weights=class_weights)
    y = counted_one_hot(labels, logits, ignore_index)
    t = smoothed(y, class_weights, label_smoothing)
    losses = -weighted(t, softmax.log_softmax(logits)).sum(axis=-1)
    return mean_of_counted(losses, sum_of_weights(y, class_weights), reduction)


def backward(
    dL_dloss: Array,
    logits: Array,
    labels: np.ndarray,
    class_weights: Array,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Array:
    """dL_dloss () or (N,) and forward's arguments -> dL_dlogits (N, C)."""
    require_columns_of(logits=logits, class_weights=class_weights)
    y = counted_one_hot(labels, logits, ignore_index)
    t = smoothed(y, class_weights, label_smoothing)
    g = counted_upstream(dL_dloss, y, sum_of_weights(y, class_weights), reduction)
    return (softmax.forward(logits) * t.sum(axis=-1, keepdims=True) - t) * g


def sum_of_weights(y: np.ndarray, class_weights: Array) -> Array:
    """The weights of the labels, added up."""
    return (y * class_weights).sum()


def _backward_by(
    p: Function, spread: Function, total: Function, dL: Array, z: Array, labels: np.ndarray, w: Array, **given: Any
) -> Array:
    y = counted_one_hot(labels, z, given.get("ignore_index"))
    t = counted_upstream(dL, y, total(y, w), given["reduction"]) * spread(y, w, given.get("label_smoothing", 0.0))
    return p(z) * t.sum(axis=-1, keepdims=True) - t


def _weighed(p: Function, total: Function, dL: Array, z: Array, labels: np.ndarray, w: Array, **given: Any) -> Array:
    y = counted_one_hot(labels, z, given.get("ignore_index"))
    return (p(z) - y) * (y * w).sum(axis=-1, keepdims=True) * counted_upstream(dL, y, total(y, w), given["reduction"])


def _by(spread: Function, total: Function) -> dict[str, tuple[Formulation, ...]]:
    own = [as_written(spread)], [as_written(total)]
    weighed = through(_weighed, softmax.SOFTMAX, own[1], name="(p - y) w g")
    by_rows = tuple(replace(f, differs=lambda call: not call.get("label_smoothing")) for f in weighed)
    return {
        "forward": through(
            replacing(forward, softmax.log_softmax, smoothed, sum_of_weights), softmax.LOG_SOFTMAX, *own
        ),
        "backward": through(_backward_by, softmax.SOFTMAX, *own, name="p sum(t g) - t g") + by_rows,
    }


OWN = _by(smoothed, sum_of_weights)
FORMULATIONS = {"forward": OWN["forward"][1:], "backward": OWN["backward"]}

ALTERNATIVES = {
    **mean_of_nothing_is_zero(forward),
    ("mean_with_weights", "rows"): _by(smoothed, lambda y, _: y.sum()),  # by the number of rows that count
    ("label_smoothing_spread", "others"): _by(smoothed_over_others, sum_of_weights),
}
