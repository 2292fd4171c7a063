"""Huber loss: half the squared error up to delta, and from there on a straight line of slope delta.

    d               = predictions - targets
    losses          = d^2 / 2                   where |d| <= delta
                      delta (|d| - delta / 2)   elsewhere
    loss            = sum losses / n    (mean, over all n elements)
                      sum losses        (sum)
                      losses            (none)

    dL_dpredictions = d g               where |d| <= delta
                      sign(d) delta g   elsewhere

where g is dL_dloss / n (mean), dL_dloss (sum) or each element's own dL_dloss (none). It is delta times `smooth_l1`.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, as_written, through
from ..model.losses import by_any_slope, by_losses, by_slope, element_upstream, empty_mean_is_zero, over_elements
from ..model.shapes import require_same_shape
from . import l1

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"predictions": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dpredictions": 0}


def forward(predictions: Array, targets: Array, *, delta: float, reduction: str) -> Array:
    """predictions and targets of one shape, delta above 0 -> loss, () or of that shape."""
    require_same_shape(targets=targets, predictions=predictions)
    return over_elements(losses(predictions, targets, delta=delta), reduction)


def backward(dL_dloss: Array, predictions: Array, targets: Array, *, delta: float, reduction: str) -> Array:
    """dL_dloss () or of the predictions' shape, and forward's arguments -> dL_dpredictions."""
    require_same_shape(targets=targets, predictions=predictions)
    return element_upstream(dL_dloss, predictions, reduction) * slope(predictions, targets, delta=delta)


def losses(predictions: Array, targets: Array, *, delta: float) -> Array:
    """The loss of each element."""
    error = np.absolute(predictions - targets)
    return np.where(error <= delta, 0.5 * error * error, delta * (error - 0.5 * delta))


def slope(predictions: Array, targets: Array, *, delta: float) -> Array:
    """The difference, moved into [-delta, delta]."""
    d = predictions - targets
    return np.where(d > delta, delta, np.where(d < -delta, -delta, d))  # a NaN stays a NaN


def _by_weight(predictions: Array, targets: Array, *, delta: float) -> Array:
    """The difference times a weight, delta / max(|d|, delta), as in iteratively reweighted least squares."""
    d = predictions - targets
    return d * (delta / np.maximum(np.absolute(d), delta))


def _by_clipped(predictions: Array, targets: Array, *, delta: float) -> Array:
    error = np.absolute(predictions - targets)
    inside = np.where(error <= delta, error, delta)
    return 0.5 * inside * inside + delta * (error - inside)


def _by_one_product(predictions: Array, targets: Array, *, delta: float) -> Array:
    error = np.absolute(predictions - targets)
    inside = np.where(error <= delta, error, delta)
    return inside * (error - 0.5 * inside)


def _by_squares(predictions: Array, targets: Array, *, delta: float) -> Array:
    error = np.absolute(predictions - targets)
    return np.where(error <= delta, 0.5 * (error * error), delta * error - 0.5 * delta * delta)


def by_parts(dL_dloss: Array, predictions: Array, targets: Array, *, delta: float, reduction: str) -> Array:
    """As reverse mode finds it in c^2 / 2 + delta (|d| - c): delta g, and in the parabola c g - delta g to it."""
    g, error = element_upstream(dL_dloss, predictions, reduction), np.absolute(predictions - targets)
    straight = delta * g
    return l1.sign(predictions, targets) * (straight + np.where(error <= delta, error * g - straight, 0))


def _zero_at_nan(predictions: Array, targets: Array, *, delta: float) -> Array:
    difference = predictions - targets
    return np.where(difference == difference, slope(predictions, targets, delta=delta), 0)


LOSSES = (
    as_written(losses),
    Formulation(_by_squares, "delta |d| - delta^2 / 2"),
    Formulation(_by_one_product, "c (|d| - c / 2), c = min(|d|, delta)"),
    Formulation(_by_clipped, "c^2 / 2 + delta (|d| - c)"),
)

FORMULATIONS = {
    "forward": through(by_losses, LOSSES)[1:],
    "backward": (
        *by_any_slope([as_written(slope)])[1:],
        *through(by_slope, [Formulation(_by_weight, "d times delta / max(|d|, delta)", stable=False)]),
        Formulation(by_parts, "delta g + (c g - delta g), c = min(|d|, delta)", stable=False),
    ),
}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("loss_slope_at_nan", "0"): {"backward": through(by_slope, [Formulation(_zero_at_nan, "0 at NaN")])},
}
