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
from ..model.formulations import Formulation, Function, as_written, through
from ..model.loss_options import or_with_options, rules
from ..model.losses import divided_last, empty_mean_is_zero, one_hot, reduced, row_upstream, sums_of_others, weighted
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


def two_steps(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """The chain rule through the probabilities: cross-entropy's backward, then softmax's."""
    dL_doutputs = cross_entropy.backward(dL_dloss, outputs, labels, reduction=reduction)
    return softmax.centred(dL_doutputs, outputs)


def by_weights(counted: Function, dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """p sum_k c_k - c, where c are the labels as far as they count: all of y, or what clipping leaves of it."""
    c = counted(one_hot(labels, outputs), outputs)
    return (outputs * c.sum(axis=-1, keepdims=True) - c) * row_upstream(dL_dloss, len(outputs), reduction)


def all_labels(y: np.ndarray, outputs: Array) -> np.ndarray:
    """Labels that all count, so that the gradient is p sum(y) - y."""
    return y


def unclipped_labels(y: np.ndarray, outputs: Array) -> np.ndarray:
    """Labels without those of clipped probabilities; that one is above 1 - 1e-7 is seen by the sum of the others."""
    others = sums_of_others(outputs)
    return np.where((outputs > cross_entropy.SMALLEST) & (others > cross_entropy.SMALLEST), y, 0)


def labels_over_clipped(y: np.ndarray, outputs: Array) -> Array:
    """y p / p', where p' is the clipped probability."""
    return y * (outputs / cross_entropy.clipped(outputs))


def forward_by(log_softmax: Function, logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Forward with one formulation of the log-softmax."""
    return loss_of(log_softmax(logits), labels, reduction)


def forward_in_two_steps(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The logarithm of the softmax's own outputs. Loses all where a probability underflows."""
    return cross_entropy.forward(softmax.forward(logits), labels, reduction=reduction)


def forward_clipped(probabilities: Function, logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The loss of the clipped outputs."""
    return cross_entropy.forward_clipped(probabilities(logits), labels, reduction=reduction)


def forward_by_logsumexp(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """logsumexp(z) - sum_k y_k z_k: the same loss where the labels of a row sum to 1."""
    largest = logits.max(axis=-1, keepdims=True)
    logsumexp = largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    return reduced((logsumexp - weighted(one_hot(labels, logits), logits).sum(axis=-1, keepdims=True))[:, 0], reduction)


def forward_by_shifted_logsumexp(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """The same of the logits less their maximum, which is another number where the labels do not sum to 1."""
    return forward_by_logsumexp(logits - logits.max(axis=-1, keepdims=True), labels, reduction=reduction)


def backward_by(
    probabilities: Function, scaling: Function, dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """Backward with one formulation of the softmax and one of the scaling."""
    return scaling(dL_dloss, probabilities(logits), labels, reduction=reduction)


FORWARD = (
    *through(forward_by, softmax.LOG_SOFTMAX),
    Formulation(forward_in_two_steps, "in two steps", stable=False),
)
P_MINUS_Y = (
    as_written(scaled_first),
    *through(divided_last, [as_written(scaled_first)], name="divided by N last"),
    Formulation(scaled_apart, "p g - y g"),
)
SCALINGS = (
    *P_MINUS_Y,
    Formulation(two_steps, "in two steps", stable=False),  # where a probability underflows, -y / p has no bound
)
BACKWARD = through(backward_by, softmax.SOFTMAX, SCALINGS)

_SMOOTHED, _OVER_OTHERS = [as_written(smoothed)], [as_written(smoothed_over_others)]
_LOSSES = (
    *through(loss_options.loss, softmax.LOG_SOFTMAX, _SMOOTHED)[1:],
    Formulation(loss_options.loss_by_logsumexp, "logsumexp(s) - s", stable=False),
)
_GRADIENTS = (
    *through(loss_options.gradient, softmax.SOFTMAX, _SMOOTHED)[1:],
    *through(loss_options.gradient_in_parts, softmax.SOFTMAX[:1], name="p g - t g"),
)

FORMULATIONS = {"forward": rules(forward, FORWARD[1:], _LOSSES), "backward": rules(backward, BACKWARD[1:], _GRADIENTS)}


def _by_weights(counted: Function) -> tuple[Formulation, ...]:
    rule = through(by_weights, [as_written(counted)])
    return (*rule, *through(divided_last, rule, name="divided by N last"))


SCALINGS_BY_ANSWER = {
    ("probability_clipping", "zero-slope"): _by_weights(unclipped_labels),
    ("probability_clipping", "denominator"): _by_weights(labels_over_clipped),
    ("label_mass", "scaled"): _by_weights(all_labels),
    ("label_mass", "unscaled"): P_MINUS_Y,
}
"""Of the gradient from outputs, by answer."""
_CLIPPED = through(forward_clipped, softmax.SOFTMAX)
_BACKWARDS = {key: through(backward_by, softmax.SOFTMAX, rules) for key, rules in SCALINGS_BY_ANSWER.items()}
_FORWARDS = {"probability_clipping": _CLIPPED, "label_mass": FORWARD}

ALTERNATIVES = {
    **mean_of_nothing_is_zero(forward),
    **empty_mean_is_zero(forward),
    ("label_smoothing_spread", "others"): {
        "forward": through(loss_options.loss, softmax.LOG_SOFTMAX, _OVER_OTHERS),
        "backward": through(loss_options.gradient, softmax.SOFTMAX, _OVER_OTHERS),
    },
    **{key: {"forward": _FORWARDS[key[0]], "backward": rules} for key, rules in _BACKWARDS.items()},
    ("probability_clipping", "loss"): {"forward": _CLIPPED, "backward": BACKWARD},
    **{
        ("label_mass", answer): {"forward": (as_written(loss),), "backward": _BACKWARDS["label_mass", "unscaled"]}
        for answer, loss in (("logsumexp", forward_by_logsumexp), ("shifted", forward_by_shifted_logsumexp))
    },
}
