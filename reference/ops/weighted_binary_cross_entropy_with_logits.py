"""Binary cross-entropy of logits with a weight for positive targets: of each element, and its mean.

    losses     = w y softplus(-x) + (1 - y) softplus(x),    softplus(x) = log(1 + exp x)
    loss       = sum losses / n    (mean, over all n elements: weights do not count)
                 sum losses        (sum)
                 losses            (none)

    dL_dlogits = ((1 - y) sigmoid(x) - w y sigmoid(-x)) g

where x is the logits (..., C), y the targets, w is pos_weight (C,), and g is dL_dloss / n (mean), dL_dloss (sum) or
each element's own dL_dloss (none).
"""

from typing import Any

from ..model.formulations import Formulation, Function, as_written, losing_digits, through
from ..model.losses import (
    by_any_slope,
    by_losses,
    element_upstream,
    empty_mean_is_zero,
    over_elements,
    require_probabilities,
)
from ..model.shapes import require_columns_of, require_same_shape
from . import sigmoid
from .binary_cross_entropy_with_logits import softplus
from .softplus import of_saved

Array = Any

LABELS = ("targets", "pos_weight")
BATCH_AXIS = {"logits": 0, "targets": 0, "loss": 0, "dL_dloss": 0, "dL_dlogits": 0}


def forward(logits: Array, targets: Array, pos_weight: Array, *, reduction: str) -> Array:
    """logits and targets (..., C), pos_weight (C,) -> loss, () or of the logits' shape."""
    require_same_shape(targets=targets, logits=logits)
    require_probabilities(targets=targets)
    require_columns_of(logits=logits, pos_weight=pos_weight)
    return over_elements(losses(logits, targets, pos_weight), reduction)


def backward(dL_dloss: Array, logits: Array, targets: Array, pos_weight: Array, *, reduction: str) -> Array:
    """dL_dloss () or of the logits' shape, and forward's arguments -> dL_dlogits."""
    require_same_shape(targets=targets, logits=logits)
    require_probabilities(targets=targets)
    require_columns_of(logits=logits, pos_weight=pos_weight)
    return element_upstream(dL_dloss, logits, reduction) * slope(logits, targets, pos_weight)


def losses(logits: Array, targets: Array, pos_weight: Array) -> Array:
    """The loss of each element."""
    return pos_weight * targets * softplus(-logits) + (1 - targets) * softplus(logits)


def slope(logits: Array, targets: Array, pos_weight: Array) -> Array:
    """Its derivative."""
    return (1 - targets) * sigmoid.forward(logits) - pos_weight * targets * sigmoid.forward(-logits)


def _by_share(logits: Array, targets: Array, pos_weight: Array) -> Array:
    return (1 - targets) * logits + (1 + (pos_weight - 1) * targets) * softplus(-logits)


def _by_sigmoid(function: Function, logits: Array, targets: Array, pos_weight: Array) -> Array:
    weighted = pos_weight * targets
    return (weighted + 1 - targets) * function(logits) - weighted


def _by_complement(logits: Array, targets: Array, pos_weight: Array) -> Array:
    return (1 - targets) - (1 + (pos_weight - 1) * targets) * sigmoid.forward(-logits)


def _by_saved(logits: Array, targets: Array, pos_weight: Array) -> Array:
    return (1 - targets) * of_saved(logits) - pos_weight * targets * of_saved(-logits)


LOSSES = (
    as_written(losses),
    Formulation(_by_share, "(1 - y) x + (1 + (w - 1) y) softplus(-x)", stable=False),
)
SLOPES = (
    as_written(slope),
    *losing_digits(through(_by_sigmoid, sigmoid.FORWARD, name="(w y + 1 - y) s - w y")),
    Formulation(_by_complement, "1 - y - (1 + (w - 1) y) s(-x)", stable=False),
    Formulation(_by_saved, "(1 - y) exp(x - softplus x) - w y exp(-x - softplus(-x))", stable=False),
)

FORMULATIONS = {"forward": through(by_losses, LOSSES)[1:], "backward": by_any_slope(SLOPES)[1:]}


ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("infinite_logit", "infinite"): {"forward": (as_written(forward),)},
    ("infinite_logit", "product"): {"forward": through(by_losses, [as_written(_by_share)])},
}
