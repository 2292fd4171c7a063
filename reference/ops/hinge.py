"""Hinge loss of targets -1 and 1: max(0, 1 - target prediction) of each element, and its mean over all elements.

    losses          = max(0, 1 - targets predictions)
    loss            = sum losses / n    (mean, over all n elements)
                      sum losses        (sum)
                      losses            (none)

    dL_dpredictions = -targets g where targets predictions < 1, else 0

where g is dL_dloss / n (mean), dL_dloss (sum) or each element's own dL_dloss (none).
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, as_written, through
from ..model.losses import by_any_slope, by_slope, element_upstream, empty_mean_is_zero, over_elements
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"predictions": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dpredictions": 0}


def forward(predictions: Array, targets: Array, *, reduction: str) -> Array:
    """predictions and targets of one shape -> loss, () or of that shape."""
    require_same_shape(targets=targets, predictions=predictions)
    margins = 1 - targets * predictions
    return over_elements(np.where(margins <= 0, 0, margins), reduction)  # a NaN stays a NaN


def backward(dL_dloss: Array, predictions: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the predictions' shape, and forward's arguments -> dL_dpredictions."""
    require_same_shape(targets=targets, predictions=predictions)
    g = element_upstream(dL_dloss, predictions, reduction)
    return np.where(targets * predictions < 1, -targets * g, 0)  # slope 0 at the margin and at NaN


def _slope(predictions: Array, targets: Array) -> Array:
    return np.where(targets * predictions < 1, -targets, 0)


def _passes_at_margin(predictions: Array, targets: Array) -> Array:
    return np.where(targets * predictions <= 1, -targets, 0)


def _half_passes_at_margin(predictions: Array, targets: Array) -> Array:
    return np.where(targets * predictions == 1, -targets / 2, _slope(predictions, targets))


def _passes_at_nan(predictions: Array, targets: Array) -> Array:
    return np.where(predictions == predictions, _slope(predictions, targets), -targets)


def _nan_at_nan(predictions: Array, targets: Array) -> Array:
    return np.where(predictions == predictions, _slope(predictions, targets), predictions)


def _zero_for_nan(predictions: Array, targets: Array, *, reduction: str) -> Array:
    margins = 1 - targets * predictions
    return over_elements(np.where(margins > 0, margins, 0), reduction)


def _by(slope: Any, name: str) -> dict[str, tuple[Formulation, ...]]:
    return {"backward": through(by_slope, [Formulation(slope, name)])}


FORMULATIONS = {"backward": by_any_slope([as_written(_slope)])[1:]}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("hinge_at_margin", "-1"): _by(_passes_at_margin, "-y g at the margin"),
    ("hinge_at_margin", "-1/2"): _by(_half_passes_at_margin, "-y g / 2 at the margin"),
    ("infinite_times_zero", "0"): {"backward": (as_written(backward),)},
    ("infinite_times_zero", "nan"): _by(_slope, "g times the slope"),
    ("relu_slope_at_nan", "1"): _by(_passes_at_nan, "-y g at NaN"),
    ("relu_slope_at_nan", "nan"): _by(_nan_at_nan, "NaN at NaN"),
    ("relu_of_nan", "0"): {"forward": (Formulation(_zero_for_nan, "0 at NaN"),)},
}
