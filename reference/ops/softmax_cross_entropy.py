"""Softmax and categorical cross-entropy in one step: L = -sum_k y_k log softmax(z)_k, dL/dz = p - y.

    p[n,k]          = exp(logits[n,k]) / sum_j exp(logits[n,j])
    losses[n]       = -sum_k y[n,k] log p[n,k]
    loss            = sum_n losses[n] / N    (mean)
                      sum_n losses[n]        (sum)
                      losses                 (none)

    dL_dlogits[n,k] = (p[n,k] - y[n,k]) g[n]

where y is the labels as rows, and g[n] is dL_dloss / N (mean), dL_dloss (sum) or dL_dloss[n] (none). The gradient takes
the labels of a row to sum to 1; where they do not, it is p sum(y) - y to some and p - y to others.

With `label_smoothing`, `z_loss` and `softcap` the loss and its gradient are as the last lines of the table say. A row
whose label is `ignore_index` has no loss and no gradient, and does not count in N.

    s               = softcap tanh(logits / softcap)
    losses[n]       = -sum_k t[n,k] log softmax(s)[n,k] + z_loss logsumexp(s[n])^2
    t[n,k]          = (1 - label_smoothing) y[n,k] + label_smoothing / C

    dL_dlogits[n,k] = (p[n,k] (1 + 2 z_loss logsumexp(s[n])) - t[n,k]) g[n] (1 - tanh(logits[n,k] / softcap)^2)
"""

from functools import partial
from typing import Any

import numpy as np

from ..model import loss_options
from ..model.class_targets import smoothed, smoothed_over_others
from ..model.counted import mean_of_nothing_is_zero
from ..model.formulations import Function, as_written, losing_digits, replacing, through
from ..model.logarithms import logsumexp
from ..model.loss_options import or_with_options, rules
from ..model.losses import empty_mean_is_zero, one_hot, reduced, row_upstream, weighted
from ..model.saved_outputs import scalings, scalings_by_answer
from . import cross_entropy, softmax

Array = Any

BATCH_AXIS = {"logits": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dlogits": 0}


@or_with_options(partial(loss_options.loss, softmax.log_softmax, smoothed))
def forward(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """logits (N, C), labels (N,) or (N, C) -> loss, () or (N,)."""
    return loss_of(softmax.log_softmax(logits), labels, reduction)


def loss_of(log_probabilities: Array, labels: np.ndarray, reduction: str) -> Array:
    """The loss from the logarithms of the softmax."""
    y = one_hot(labels, log_probabilities)
    return reduced(-weighted(y, log_probabilities).sum(axis=-1), reduction)


@or_with_options(partial(loss_options.gradient, softmax.forward, smoothed))
def backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """dL_dloss () or (N,) and forward's arguments -> dL_dlogits (N, C)."""
    return scaled_first(dL_dloss, softmax.forward(logits), labels, reduction)


def scaled_first(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """(p - y) (g / N)."""
    return (outputs - one_hot(labels, outputs)) * row_upstream(dL_dloss, len(outputs), reduction)


def scaled_apart(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """p (g / N) - y (g / N)."""
    upstream = row_upstream(dL_dloss, len(outputs), reduction)
    return outputs * upstream - one_hot(labels, outputs) * upstream


def in_two_steps(
    loss: Function, probabilities: Function, logits: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """The loss of the softmax's own outputs, whose logarithm loses all where a probability underflows."""
    return loss(probabilities(logits), labels, reduction=reduction)


def forward_by_logsumexp(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """logsumexp(z) - sum_k y_k z_k: the same loss where the labels of a row sum to 1."""
    losses = logsumexp(logits) - weighted(one_hot(labels, logits), logits).sum(axis=-1, keepdims=True)
    return reduced(losses[:, 0], reduction)


def forward_by_shifted_logsumexp(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The same of the logits less their maximum, which is another number where the labels do not sum to 1."""
    return forward_by_logsumexp(logits - logits.max(axis=-1, keepdims=True), labels, reduction=reduction)


FORWARD = (
    *through(replacing(forward, softmax.log_softmax), softmax.LOG_SOFTMAX),
    *losing_digits(
        through(in_two_steps, [as_written(cross_entropy.forward)], softmax.SOFTMAX[:1], name="in two steps")
    ),
)
P_MINUS_Y = scaled_first, scaled_apart
SCALINGS, SCALINGS_BY_ANSWER = scalings(*P_MINUS_Y), scalings_by_answer(*P_MINUS_Y)
_SCALED = replacing(backward, softmax.forward, scaled_first)
BACKWARD = through(_SCALED, softmax.SOFTMAX, SCALINGS)

_OWN = {"forward": (forward, FORWARD), "backward": (backward, BACKWARD)}
FORMULATIONS = {way: rules(own, plain[1:], loss_options.OTHERS[way]) for way, (own, plain) in _OWN.items()}

_CLIPPED = through(in_two_steps, [as_written(cross_entropy.CLIPPED[0].function)], softmax.SOFTMAX)
_BACKWARDS = {key: through(_SCALED, softmax.SOFTMAX, rules) for key, rules in SCALINGS_BY_ANSWER.items()}
_FORWARDS = {"probability_clipping": _CLIPPED, "label_mass": FORWARD}

ALTERNATIVES = {
    **mean_of_nothing_is_zero(forward),
    **empty_mean_is_zero(forward),
    ("label_smoothing_spread", "others"): loss_options.by_spread(smoothed_over_others),
    **{key: {"forward": _FORWARDS[key[0]], "backward": rules} for key, rules in _BACKWARDS.items()},
    ("probability_clipping", "loss"): {"forward": _CLIPPED, "backward": BACKWARD},
    **{
        ("label_mass", answer): {"forward": (as_written(loss),), "backward": _BACKWARDS["label_mass", "unscaled"]}
        for answer, loss in (("logsumexp", forward_by_logsumexp), ("shifted", forward_by_shifted_logsumexp))
    },
}
