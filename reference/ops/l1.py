"""Absolute error: |prediction - target| of each element, and its mean over all elements.

    losses          = |predictions - targets|
    loss            = sum losses / n    (mean, over all n elements)
                      sum losses        (sum)
                      losses            (none)

    dL_dpredictions = g where predictions > targets, -g where predictions < targets, 0 where they are equal

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
    return over_elements(np.absolute(predictions - targets), reduction)


def backward(dL_dloss: Array, predictions: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the predictions' shape, and forward's arguments -> dL_dpredictions."""
    require_same_shape(targets=targets, predictions=predictions)
    return element_upstream(dL_dloss, predictions, reduction) * sign(predictions, targets)


def sign(predictions: Array, targets: Array) -> Array:
    """The sign of the difference: 0 where they are equal, NaN at NaN."""
    one = np.ones_like(predictions)
    return np.where(predictions > targets, one, np.where(predictions < targets, -one, 0 * predictions))


def one_at_equality(predictions: Array, targets: Array) -> Array:
    """The sign with 1 where they are equal."""
    return np.where(predictions >= targets, 1, -np.ones_like(predictions))


def _zero_at_nan(predictions: Array, targets: Array) -> Array:
    return np.where(predictions == predictions, sign(predictions, targets), 0)


def _left_at_nan(predictions: Array, targets: Array) -> Array:
    return np.where(predictions == predictions, sign(predictions, targets), -1)


FORMULATIONS = {"backward": by_any_slope([as_written(sign)])[1:]}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("abs_slope_at_zero", "1"): {"backward": through(by_slope, [Formulation(one_at_equality, "g at equality")])},
    ("loss_slope_at_nan", "0"): {"backward": through(by_slope, [Formulation(_zero_at_nan, "0 at NaN")])},
    ("loss_slope_at_nan", "-1"): {"backward": through(by_slope, [Formulation(_left_at_nan, "-g at NaN")])},
}
