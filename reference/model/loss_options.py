"""What a loss of logits may be asked for besides: a label to ignore, smoothed labels, a penalty, and capped logits.

s               = softcap tanh(logits / softcap), or the logits where softcap is None
p[n,k]          = exp(s[n,k]) / sum_j exp(s[n,j])
t[n,k]          = (1 - label_smoothing) y[n,k] + label_smoothing / C
losses[n]       = -sum_k t[n,k] log p[n,k] + z_loss logsumexp(s[n])^2, and 0 where labels[n] is ignore_index
loss            = sum_n losses[n] / M    (mean, over the M rows that count)

dL_ds[n,k]      = (p[n,k] (1 + 2 z_loss logsumexp(s[n])) - t[n,k]) g[n], and 0 where labels[n] is ignore_index
dL_dlogits      = dL_ds (1 - tanh(logits / softcap)^2), or dL_ds where softcap is None
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..ops import softmax
from .class_targets import smoothed
from .counted import counted_one_hot, counted_upstream, mean_of_counted, number_counted, rows_that_count
from .formulations import Formulation, Function, as_written, shared, through
from .functions import number
from .logarithms import logsumexp as logsumexp
from .losses import one_hot, weighted

Array = Any


def or_with_options(further: Function) -> Callable[[Function], Function]:
    """Make a loss, or its gradient, compute by `further` where a keyword besides the reduction is given."""

    def decorate(plain: Function) -> Function:
        @wraps(plain)
        def call(*tensors: Array, reduction: str, **options: Any) -> Array:
            return (further if options else plain)(*tensors, reduction=reduction, **options)

        call.__dict__["__signature__"] = inspect.signature(further)
        return call

    return decorate


def rules(own: Function, plain: tuple[Formulation, ...], further: tuple[Formulation, ...]) -> tuple[Formulation, ...]:
    """Give the formulations of a function without options, and those with options; elsewhere each is the function."""
    by = shared(own)

    def without(function: Function, *tensors: Array, reduction: str, **options: Any) -> Array:
        return (by if options else function)(*tensors, reduction=reduction, **options)

    def with_any(function: Function, *tensors: Array, reduction: str, **options: Any) -> Array:
        return (function if options else by)(*tensors, reduction=reduction, **options)

    return (*through(without, plain), *through(with_any, further, name="with options"))


def loss(
    log_softmax: Function,
    targets: Function,
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """The loss by a log-softmax and a way to smooth; labels (N,), or (N, C) where none is ignored."""
    y, counted = rows_of(labels, logits, ignore_index)
    s = capped(logits, softcap)
    losses = -weighted(targets(y, np.ones_like(s), label_smoothing), log_softmax(s)).sum(axis=-1)
    if z_loss:
        losses = losses + number(z_loss) * weighted(counted, np.square(logsumexp(s)[:, 0]))
    return mean_of_counted(losses, number_counted(labels, logits, ignore_index), reduction)


def gradient(
    probabilities: Function,
    targets: Function,
    dL_dloss: Array,
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """The gradient by a softmax and a way to smooth."""
    y, counted = rows_of(labels, logits, ignore_index)
    s = capped(logits, softcap)
    p = probabilities(s) * counted[:, None]
    dL_ds = p - targets(y, np.ones_like(s), label_smoothing)
    if z_loss:
        dL_ds = dL_ds + number(z_loss) * (2 * logsumexp(s)) * p
    if softcap:
        dL_ds = dL_ds * (1 - np.square(np.tanh(logits / softcap)))
    return dL_ds * counted_upstream(dL_dloss, y, number_counted(labels, logits, ignore_index), reduction)


def loss_by_logsumexp(
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """(1 - label_smoothing) (logsumexp(s) - s_y) + label_smoothing (logsumexp(s) - mean of s), as fused kernels do."""
    y, counted = rows_of(labels, logits, ignore_index)
    s = capped(logits, softcap)
    total, share = logsumexp(s)[:, 0], number(label_smoothing) * np.ones_like(s)[:, 0]
    own, all_alike = total - weighted(y, s).sum(axis=-1), total - s.sum(axis=-1) / s.shape[-1]
    losses = own if not label_smoothing else (1 - share) * own + share * all_alike
    if z_loss:
        losses = losses + number(z_loss) * np.square(total)
    return mean_of_counted(weighted(counted, losses), number_counted(labels, logits, ignore_index), reduction)


def gradient_in_parts(
    probabilities: Function,
    dL_dloss: Array,
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """p (1 + 2 z lse) g - t g, and the slope of the cap as 1 - (s / softcap)^2."""
    y, counted = rows_of(labels, logits, ignore_index)
    g = counted_upstream(dL_dloss, y, number_counted(labels, logits, ignore_index), reduction)
    s = capped(logits, softcap)
    factor = 1 + number(z_loss) * (2 * logsumexp(s)) if z_loss else 1
    dL_ds = probabilities(s) * (factor * counted[:, None] * g) - smoothed(y, np.ones_like(s), label_smoothing) * g
    return dL_ds * (1 - np.square(s / softcap)) if softcap else dL_ds


def rows_of(labels: np.ndarray, scores: Array, ignore_index: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Give labels as rows (N, C), and say of each row whether it counts. Raises ValueError where rows of labels come
    with an index to ignore."""
    if labels.ndim == 2 and ignore_index is None:
        return one_hot(labels, scores), np.ones(len(labels), dtype=bool)
    return counted_one_hot(labels, scores, ignore_index), rows_that_count(labels, ignore_index)


def capped(logits: Array, softcap: float | None) -> Array:
    """Logits kept between -softcap and softcap."""
    return softcap * np.tanh(logits / softcap) if softcap else logits


def by_spread(spread: Function) -> dict[str, tuple[Formulation, ...]]:
    """Give the loss and the gradient with a way to smooth, by each log-softmax and softmax."""
    own = [as_written(spread)]
    return {"forward": through(loss, softmax.LOG_SOFTMAX, own), "backward": through(gradient, softmax.SOFTMAX, own)}


BY_SPREAD = by_spread(smoothed)
OTHERS = {
    "forward": (*BY_SPREAD["forward"][1:], Formulation(loss_by_logsumexp, "logsumexp(s) - s", stable=False)),
    "backward": (
        *BY_SPREAD["backward"][1:],
        *through(gradient_in_parts, softmax.SOFTMAX[:1], name="p g - t g"),
    ),
}
"""By direction, all ways but the first."""
