"""Binary cross-entropy of logits: -y log sigmoid(x) - (1 - y) log sigmoid(-x) of each element, and its mean.

    losses     = max(x, 0) - x y + log(1 + exp(-|x|))
    loss       = sum losses / n    (mean, over all n elements)
                 sum losses        (sum)
                 losses            (none)

    dL_dlogits = ((1 - y) sigmoid(x) - y sigmoid(-x)) g

where x is the logits, y the targets, and g is dL_dloss / n (mean), dL_dloss (sum) or each element's own dL_dloss
(none). Most implementations compute the slope as sigmoid(x) - y: the same number, but of a prediction that is right and
sure no digits are left.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, Function, as_written, losing_digits, through
from ..model.losses import (
    by_any_slope,
    by_losses,
    element_upstream,
    empty_mean_is_zero,
    over_elements,
    require_probabilities,
)
from ..model.shapes import require_same_shape
from . import sigmoid
from .softplus import of_saved

Array = Any

LABELS = ("targets",)
BATCH_AXIS = {"logits": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dlogits": 0}


def forward(logits: Array, targets: Array, *, reduction: str) -> Array:
    """logits and targets of one shape -> loss, () or of that shape."""
    require_same_shape(targets=targets, logits=logits)
    require_probabilities(targets=targets)
    return over_elements(losses(logits, targets), reduction)


def backward(dL_dloss: Array, logits: Array, targets: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the logits' shape, and forward's arguments -> dL_dlogits."""
    require_same_shape(targets=targets, logits=logits)
    require_probabilities(targets=targets)
    return element_upstream(dL_dloss, logits, reduction) * slope(logits, targets)


def losses(logits: Array, targets: Array) -> Array:
    """The loss of each element."""
    return np.maximum(logits, 0) - logits * targets + log_of_sum(logits)


def slope(logits: Array, targets: Array) -> Array:
    """Its derivative."""
    return (1 - targets) * sigmoid.forward(logits) - targets * sigmoid.forward(-logits)


def log_of_sum(logits: Array) -> Array:
    """log(1 + exp(-|x|)), whose exponential does not overflow."""
    return np.log1p(np.exp(-np.absolute(logits)))


def softplus(x: Array) -> Array:
    """log(1 + exp x), which is -log sigmoid(-x)."""
    return np.maximum(x, 0) + log_of_sum(x)


def _two_logarithms(logits: Array, targets: Array) -> Array:
    return targets * softplus(-logits) + (1 - targets) * softplus(logits)


def _softplus_less_product(logits: Array, targets: Array) -> Array:
    return softplus(logits) - logits * targets


def _product_and_softplus(logits: Array, targets: Array) -> Array:
    return (1 - targets) * logits + softplus(-logits)


def _difference(function: Function, logits: Array, targets: Array) -> Array:
    return function(logits) - targets


def _by_parts(logits: Array, targets: Array) -> Array:
    """As reverse mode finds it in max(x, 0) - x y + log(1 + exp(-|x|))."""
    small = np.exp(-np.absolute(logits))
    rest = small / (1 + small)
    return np.where(logits >= 0, 1 - targets - rest, rest - targets)


def _less_complement(logits: Array, targets: Array) -> Array:
    return (1 - targets) - sigmoid.forward(-logits)


def _by_saved(logits: Array, targets: Array) -> Array:
    return (1 - targets) * of_saved(logits) - targets * of_saved(-logits)


LOSSES = (
    as_written(losses),
    Formulation(_two_logarithms, "y softplus(-x) + (1 - y) softplus(x)"),
    Formulation(_softplus_less_product, "softplus(x) - x y", stable=False),
    Formulation(_product_and_softplus, "(1 - y) x + softplus(-x)", stable=False),
)
SLOPES = (
    as_written(slope),
    Formulation(_by_parts, "step - y - sign s(-|x|)"),
    *losing_digits(through(_difference, sigmoid.FORWARD, name="s - y")),
    Formulation(_less_complement, "1 - y - s(-x)", stable=False),
    Formulation(_by_saved, "(1 - y) exp(x - softplus x) - y exp(-x - softplus(-x))", stable=False),
)

FORMULATIONS = {"forward": through(by_losses, LOSSES)[1:], "backward": by_any_slope(SLOPES)[1:]}


ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("infinite_logit", "infinite"): {"forward": through(by_losses, LOSSES[1:2])},
    ("infinite_logit", "difference"): {"forward": (as_written(forward),)},
    ("infinite_logit", "product"): {"forward": through(by_losses, [as_written(_product_and_softplus)])},
}
