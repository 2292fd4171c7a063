"""Linear layer, softmax and cross-entropy of class indices in one step, which returns no logits.

    logits      = inputs @ weight.T
    s           = softcap tanh(logits / softcap), or the logits where softcap is None
    p[n,v]      = exp(s[n,v]) / sum_j exp(s[n,j])
    t[n,v]      = (1 - label_smoothing) y[n,v] + label_smoothing / V
    losses[n]   = -sum_v t[n,v] log p[n,v] + z_loss logsumexp(s[n])^2, and 0 where labels[n] is ignore_index
    loss        = sum_n losses[n] / M    (mean, over the M rows that count)
                  sum_n losses[n]        (sum)
                  losses                 (none)

    dL_ds[n,v]  = (p[n,v] (1 + 2 z_loss logsumexp(s[n])) - t[n,v]) g[n], and 0 where labels[n] is ignore_index
    dL_dlogits  = dL_ds (1 - tanh(logits / softcap)^2), or dL_ds where softcap is None
    dL_dinputs  = dL_dlogits @ weight
    dL_dweight  = dL_dlogits.T @ inputs

where y is the labels as rows, and g[n] is dL_dloss / M (mean), dL_dloss (sum) or dL_dloss[n] (none).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..model import loss_options
from ..model.class_targets import smoothed_over_others
from ..model.counted import mean_of_nothing_is_zero, rows_that_count
from ..model.formulations import Formulation, Function, named, through
from ..model.functions import stored
from . import softmax_cross_entropy

Array = Any

BATCH_AXIS = {"inputs": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dinputs": 0}


def forward(
    inputs: Array,
    weight: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """inputs (N, D), weight (V, D), labels (N,) -> loss, () or (N,)."""
    options: dict[str, Any] = {"label_smoothing": label_smoothing, "z_loss": z_loss, "softcap": softcap}
    logits = logits_of(inputs, weight, labels)
    return WHOLE_LOSS(logits, labels, reduction=reduction, ignore_index=ignore_index, **options)


def backward(
    dL_dloss: Array,
    inputs: Array,
    weight: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> tuple[Array, Array]:
    """dL_dloss () or (N,) and forward's arguments -> dL_dinputs (N, D), dL_dweight (V, D)."""
    options: dict[str, Any] = {"label_smoothing": label_smoothing, "z_loss": z_loss, "softcap": softcap}
    logits = logits_of(inputs, weight, labels)
    gradient = WHOLE_GRADIENT(dL_dloss, logits, labels, reduction=reduction, ignore_index=ignore_index, **options)
    dL_dlogits = stored(gradient)
    return dL_dlogits @ weight, dL_dlogits.T @ inputs


def logits_of(inputs: Array, weight: Array, labels: np.ndarray) -> Array:
    """The logits (N, V). Raises ValueError unless inputs and weight are matrices that fit, and labels indices."""
    if inputs.ndim != 2 or weight.ndim != 2 or inputs.shape[1] != weight.shape[1]:
        raise ValueError(f"inputs of shape {inputs.shape} for a weight of shape {weight.shape}")
    rows_that_count(labels, None)
    return stored(inputs @ weight.T)


def _forward_by(loss: Function, inputs: Array, weight: Array, labels: np.ndarray, **given: Any) -> Array:
    return loss(logits_of(inputs, weight, labels), labels, **given)


def _backward_by(gradient: Function, g: Array, inputs: Array, weight: Array, labels: np.ndarray, **given: Any) -> Any:
    dL_dlogits = stored(gradient(g, logits_of(inputs, weight, labels), labels, **given))
    return dL_dlogits @ weight, dL_dlogits.T @ inputs


def _in_chunks(gradient: Function, g: Array, inputs: Array, weight: Array, labels: np.ndarray, **given: Any) -> Any:
    """The first half of the rows and then the others, where the gradient of the weight is added up."""
    half = (len(inputs) + 1) // 2
    dL_dlogits = stored(gradient(g, logits_of(inputs, weight, labels), labels, **given))
    first = stored(dL_dlogits[:half].T @ inputs[:half])
    return dL_dlogits @ weight, first + dL_dlogits[half:].T @ inputs[half:]


def _upstream_last(gradient: Function, g: Array, *tensors: Array, reduction: str, **given: Any) -> Any:
    """Gradients that forward has computed for an upstream of 1, multiplied by the upstream when it comes."""
    if reduction == "none":
        return _backward_by(gradient, g, *tensors, reduction=reduction, **given)
    dL_dinputs, dL_dweight = _backward_by(gradient, np.ones_like(g), *tensors, reduction=reduction, **given)
    return stored(dL_dinputs) * g, stored(dL_dweight) * g


def _through_layer(parts: Mapping[str, Iterable[Formulation]]) -> dict[str, tuple[Formulation, ...]]:
    """Put the loss and its gradient together with the product, but for those that are evaluated for few classes alone:
    the last axis of none of the arguments tells how many there are."""
    outer: dict[str, Function] = {"forward": _forward_by, "backward": _backward_by}
    return {way: through(outer[way], [part for part in some if not part.longest]) for way, some in parts.items()}


GRADIENT = loss_options.BY_SPREAD["backward"][:1]
WHOLE_LOSS, WHOLE_GRADIENT = loss_options.BY_SPREAD["forward"][0].function, GRADIENT[0].function
_IN_TWO_STEPS = {way: named(rules, "in two steps") for way, rules in softmax_cross_entropy.FORMULATIONS.items()}
_FURTHER = _through_layer({way: (*rules, *_IN_TWO_STEPS[way]) for way, rules in loss_options.OTHERS.items()})
FORMULATIONS = {
    "forward": _FURTHER["forward"],
    "backward": (
        *_FURTHER["backward"],
        *through(_in_chunks, GRADIENT, name="in chunks of rows"),
        *through(_upstream_last, GRADIENT, name="upstream last"),
    ),
}

ALTERNATIVES = {
    **mean_of_nothing_is_zero(forward),
    ("label_smoothing_spread", "others"): _through_layer(loss_options.by_spread(smoothed_over_others)),
}
