"""Smooth absolute error: |d| - beta / 2, and below beta a parabola that meets it.

    d               = predictions - targets
    losses          = d^2 / (2 beta)    where |d| < beta
                      |d| - beta / 2    elsewhere
    loss            = sum losses / n    (mean, over all n elements)
                      sum losses        (sum)
                      losses            (none)

    dL_dpredictions = d / beta g        where |d| < beta
                      sign(d) g         elsewhere

where g is dL_dloss / n (mean), dL_dloss (sum) or each element's own dL_dloss (none). It is `huber` over beta; with beta
0 it is `l1`.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, as_written, through
from ..model.losses import by_any_slope, by_losses, by_slope, element_upstream, empty_mean_is_zero, over_elements
from ..model.shapes import require_same_shape
from . import huber, l1

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"predictions": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dpredictions": 0}


def forward(predictions: Array, targets: Array, *, beta: float, reduction: str) -> Array:
    """predictions and targets of one shape, beta 0 or above -> loss, () or of that shape."""
    require_same_shape(targets=targets, predictions=predictions)
    return over_elements(losses(predictions, targets, beta=beta), reduction)


def backward(dL_dloss: Array, predictions: Array, targets: Array, *, beta: float, reduction: str) -> Array:
    """dL_dloss () or of the predictions' shape, and forward's arguments -> dL_dpredictions."""
    require_same_shape(targets=targets, predictions=predictions)
    return element_upstream(dL_dloss, predictions, reduction) * slope(predictions, targets, beta=beta)


def losses(predictions: Array, targets: Array, *, beta: float) -> Array:
    """The loss of each element."""
    error = np.absolute(predictions - targets)
    return np.where(error < beta, 0.5 * error * error / beta, error - 0.5 * beta)


def slope(predictions: Array, targets: Array, *, beta: float) -> Array:
    """Its derivative."""
    difference = predictions - targets
    return np.where(np.absolute(difference) < beta, difference / beta, l1.sign(predictions, targets))


def _by_quotient(predictions: Array, targets: Array, *, beta: float) -> Array:
    error = np.absolute(predictions - targets)
    return np.where(error < beta, 0.5 * error * (error / beta), error - 0.5 * beta) if beta else error


def _huber_over_beta(predictions: Array, targets: Array, *, beta: float) -> Array:
    return huber.losses(predictions, targets, delta=beta) / beta if beta else np.absolute(predictions - targets)


def _clipped(predictions: Array, targets: Array, *, beta: float) -> Array:
    return huber.slope(predictions, targets, delta=beta) / beta if beta else l1.sign(predictions, targets)


def _huber_by_parts(dL_dloss: Array, predictions: Array, targets: Array, *, beta: float, reduction: str) -> Array:
    if not beta:
        return backward(dL_dloss, predictions, targets, beta=beta, reduction=reduction)
    return huber.by_parts(dL_dloss / beta, predictions, targets, delta=beta, reduction=reduction)


def _one_at_equality(predictions: Array, targets: Array, *, beta: float) -> Array:
    return slope(predictions, targets, beta=beta) if beta else l1.one_at_equality(predictions, targets)


def _zero_at_nan(predictions: Array, targets: Array, *, beta: float) -> Array:
    return np.where(predictions == predictions, slope(predictions, targets, beta=beta), 0)


LOSSES = (
    as_written(losses),
    Formulation(_by_quotient, "|d| (|d| / beta) / 2"),
    Formulation(_huber_over_beta, "huber over beta"),
)

FORMULATIONS = {
    "forward": through(by_losses, LOSSES)[1:],
    "backward": (
        *by_any_slope([as_written(slope), Formulation(_clipped, "min(max(d, -beta), beta) / beta")])[1:],
        Formulation(_huber_by_parts, "huber's parts, of g / beta", stable=False),
    ),
}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("abs_slope_at_zero", "1"): {"backward": through(by_slope, [Formulation(_one_at_equality, "g at equality")])},
    ("loss_slope_at_nan", "0"): {"backward": through(by_slope, [Formulation(_zero_at_nan, "0 at NaN")])},
}
