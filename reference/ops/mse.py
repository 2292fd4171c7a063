"""Squared error: (prediction - target)^2 of each element, and its mean over all elements.

    losses          = (predictions - targets)^2
    loss            = sum losses / n    (mean, over all n elements)
                      sum losses        (sum)
                      losses            (none)

    dL_dpredictions = 2 (predictions - targets) g

where g is dL_dloss / n (mean), dL_dloss (sum) or each element's own dL_dloss (none).
"""

from typing import Any

from ..model.formulations import as_written
from ..model.losses import by_any_slope, element_upstream, empty_mean_is_zero, over_elements
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"predictions": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dpredictions": 0}


def forward(predictions: Array, targets: Array, *, reduction: str) -> Array:
    """predictions and targets of one shape -> loss, () or of that shape."""
    require_same_shape(targets=targets, predictions=predictions)
    return over_elements(losses(predictions, targets), reduction)


def backward(dL_dloss: Array, predictions: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the predictions' shape, and forward's arguments -> dL_dpredictions."""
    require_same_shape(targets=targets, predictions=predictions)
    return element_upstream(dL_dloss, predictions, reduction) * slope(predictions, targets)


def losses(predictions: Array, targets: Array) -> Array:
    """The square of each difference."""
    difference = predictions - targets
    return difference * difference


def slope(predictions: Array, targets: Array) -> Array:
    """Its derivative."""
    return 2 * (predictions - targets)


FORMULATIONS = {"backward": by_any_slope([as_written(slope)])[1:]}

ALTERNATIVES = empty_mean_is_zero(forward)
