"""Binary cross-entropy of probabilities: -y log p - (1 - y) log(1 - p) of each element, and its mean.

    losses            = -y log p - (1 - y) log(1 - p)
    loss              = sum losses / n    (mean, over all n elements)
                        sum losses        (sum)
                        losses            (none)

    dL_dprobabilities = ((1 - y) / (1 - p) - y / p) g

where p is the probabilities, y the targets, both in [0, 1], and g is dL_dloss / n (mean), dL_dloss (sum) or each
element's own dL_dloss (none). What has no weight adds nothing, even where its probability is 0.
"""

from functools import partial
from typing import Any

import numpy as np

from ..model.formulations import Formulation, as_written, through
from ..model.losses import (
    by_any_slope,
    by_losses,
    by_slope,
    element_upstream,
    empty_mean_is_zero,
    over_elements,
    require_probabilities,
    weighted,
)
from ..model.shapes import require_same_shape
from .cross_entropy import LARGEST, SMALLEST, clipped

Array = Any

LABELS = ("targets",)
CLAMPED = 1e-12
"""PyTorch's least denominator."""
BATCH_AXIS = {"probabilities": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dprobabilities": 0}


def forward(probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """probabilities and targets of one shape -> loss, () or of that shape."""
    require_same_shape(targets=targets, probabilities=probabilities)
    require_probabilities(probabilities=probabilities, targets=targets)
    return over_elements(losses(probabilities, targets), reduction)


def backward(dL_dloss: Array, probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the probabilities' shape, and forward's arguments -> dL_dprobabilities."""
    require_same_shape(targets=targets, probabilities=probabilities)
    require_probabilities(probabilities=probabilities, targets=targets)
    return element_upstream(dL_dloss, probabilities, reduction) * slope(probabilities, targets)


def losses(probabilities: Array, targets: Array) -> Array:
    """The loss of each element."""
    return -weighted(targets, np.log(probabilities)) - weighted(1 - targets, np.log1p(-probabilities))


def slope(probabilities: Array, targets: Array) -> Array:
    """Its derivative."""
    return weighted(1 - targets, 1 / (1 - probabilities)) - weighted(targets, 1 / probabilities)


def _by_logarithms(probabilities: Array, targets: Array) -> Array:
    return -weighted(targets, np.log(probabilities)) - weighted(1 - targets, np.log(1 - probabilities))


def _quotients(probabilities: Array, targets: Array) -> Array:
    right, wrong = targets / probabilities, (1 - targets) / (1 - probabilities)
    return np.where(targets == 1, 0, wrong) - np.where(targets == 0, 0, right)


def _one_quotient(probabilities: Array, targets: Array) -> Array:
    return (probabilities - targets) / (probabilities * (1 - probabilities))


def _clipped_losses(probabilities: Array, targets: Array) -> Array:
    return _by_logarithms(clipped(probabilities), targets)


def _clipped_slope(probabilities: Array, targets: Array) -> Array:
    inside = (probabilities > SMALLEST) & (probabilities < LARGEST)
    return np.where(inside, slope(probabilities, targets), 0)


def _losses_of_clamped(probabilities: Array, targets: Array) -> Array:
    right, wrong = np.log(probabilities), np.log1p(-probabilities)
    return -targets * np.where(right > -100, right, -100) - (1 - targets) * np.where(wrong > -100, wrong, -100)


def _clamped_quotient(probabilities: Array, targets: Array) -> Array:
    return (probabilities - targets) / np.maximum(probabilities * (1 - probabilities), CLAMPED)


def _divided_last(least: float, dL_dloss: Array, probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """By a denominator of `least` at least, as PyTorch's kernels have it: g (p - y) underflows where g is small."""
    products = element_upstream(dL_dloss, probabilities, reduction) * (probabilities - targets)
    return products / np.maximum(probabilities * (1 - probabilities), least)


LOSSES = (as_written(losses), Formulation(_by_logarithms, "log(1 - p)", stable=False))
SLOPES = (
    as_written(slope),
    Formulation(_quotients, "(1 - y) / (1 - p) - y / p"),
    Formulation(_one_quotient, "(p - y) / (p (1 - p))", stable=False),  # whose denominator underflows
)

FORMULATIONS = {
    "forward": through(by_losses, LOSSES)[1:],
    "backward": (
        *by_any_slope(SLOPES)[1:],
        Formulation(partial(_divided_last, 0), "g (p - y) / (p (1 - p))", stable=False),
    ),
}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("probability_clipping", "none"): {"forward": (as_written(forward),), "backward": (as_written(backward),)},
    ("probability_clipping", "zero-slope"): {
        "forward": through(by_losses, [Formulation(_clipped_losses, "p clipped")]),
        "backward": through(by_slope, [Formulation(_clipped_slope, "0 where clipped")]),
    },
    ("probability_clipping", "logarithm"): {
        "forward": through(by_losses, [Formulation(_losses_of_clamped, "logarithms clamped")]),
        "backward": (
            *through(by_slope, [Formulation(_clamped_quotient, "p (1 - p) clamped")]),
            Formulation(partial(_divided_last, CLAMPED), "g (p - y) over p (1 - p) clamped"),
        ),
    },
}
