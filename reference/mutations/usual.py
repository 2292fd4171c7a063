"""Formulas as people write them, where the operations' own are written otherwise: mistakes are made in these as well.

A function is named for its operation and direction; "_apart" tells a second one, and further ones.
"""

from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis
from ..model import attention, loss_options
from ..model.broadcasting import undo_broadcast
from ..model.counted import counted_upstream, mean_of_counted, number_counted
from ..model.functions import INV_SQRT_2PI, SQRT_2_OVER_PI, SQRT_HALF, erf
from ..model.losses import element_upstream, one_hot, over_elements, reduced, row_upstream, weighted
from ..model.recurrence import gate_sums, sigmoid_with_slope, tanh_with_slope
from ..model.reductions import kept
from ..ops import (
    cross_entropy,
    log_softmax,
    logsumexp,
    lstm,
    lstm_cell,
    sigmoid,
    softmax,
    softmax_cross_entropy,
    softplus,
    tanh,
)

Array = Any


def sigmoid_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the outputs."""
    outputs = sigmoid.forward(inputs)
    return dL_doutputs * outputs * (1 - outputs)


def tanh_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the outputs."""
    outputs = tanh.forward(inputs)
    return dL_doutputs * (1 - outputs * outputs)


def tanh_backward_apart(dL_doutputs: Array, inputs: Array) -> Array:
    """By the hyperbolic secant."""
    sech = 2 * np.exp(-np.abs(inputs)) / (1 + np.exp(-2 * np.abs(inputs)))
    return dL_doutputs * sech * sech


def silu_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the sigmoid."""
    s = sigmoid.forward(inputs)
    return dL_doutputs * (s + inputs * s * (1 - s))


def silu_backward_apart(dL_doutputs: Array, inputs: Array) -> Array:
    """By the outputs."""
    s = sigmoid.forward(inputs)
    outputs = inputs * s
    return dL_doutputs * (s + outputs * (1 - s))


def silu_backward_apart_by_swish(dL_doutputs: Array, inputs: Array) -> Array:
    """By the outputs, as those who named it swish have it."""
    s = sigmoid.forward(inputs)
    outputs = inputs * s
    return dL_doutputs * (outputs + s * (1 - outputs))


def mish_forward(inputs: Array) -> Array:
    """By the hyperbolic tangent."""
    return inputs * np.tanh(softplus.forward(inputs))


def mish_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the product rule."""
    t = np.tanh(softplus.forward(inputs))
    return dL_doutputs * (t + inputs * sigmoid.forward(inputs) * (1 - t * t))


def mean_backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """By how many there are, counted along the axis."""
    return kept(dL_doutputs, inputs, axis, keepdims) / np.ones_like(inputs).sum(axis=axis, keepdims=True)


def absolute_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the sign."""
    return dL_doutputs * np.sign(inputs)


def l1_backward(dL_dloss: Array, predictions: Array, targets: Array, *, reduction: str) -> Array:
    """By the sign of the difference."""
    return element_upstream(dL_dloss, predictions, reduction) * np.sign(predictions - targets)


def divide_backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """By the square of the divisor."""
    return undo_broadcast(dL_doutputs / b, a.shape), undo_broadcast(-dL_doutputs * a / (b * b), b.shape)


def reciprocal_backward(dL_doutputs: Array, inputs: Array) -> Array:
    """By the square."""
    return -dL_doutputs / (inputs * inputs)


def binary_cross_entropy_forward(probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """With log(1 - p)."""
    p = probabilities
    return over_elements(-weighted(targets, np.log(p)) - weighted(1 - targets, np.log(1 - p)), reduction)


def binary_cross_entropy_backward(dL_dloss: Array, probabilities: Array, targets: Array, *, reduction: str) -> Array:
    """By one quotient."""
    p, g = probabilities, element_upstream(dL_dloss, probabilities, reduction)
    return g * (p - targets) / (p * (1 - p))


def binary_cross_entropy_with_logits_forward(logits: Array, targets: Array, *, reduction: str) -> Array:
    """By the larger of 0 and -x, which is taken out of the logarithm."""
    largest = np.maximum(-logits, 0)
    log_total = np.log(np.exp(-largest) + np.exp(-logits - largest))
    return over_elements((1 - targets) * logits + largest + log_total, reduction)


def binary_cross_entropy_with_logits_forward_apart(logits: Array, targets: Array, *, reduction: str) -> Array:
    """By the probabilities."""
    p = sigmoid.forward(logits)
    return over_elements(-targets * np.log(p) - (1 - targets) * np.log(1 - p), reduction)


def binary_cross_entropy_with_logits_backward(
    dL_dloss: Array, logits: Array, targets: Array, *, reduction: str
) -> Array:
    """s - y."""
    return element_upstream(dL_dloss, logits, reduction) * (sigmoid.forward(logits) - targets)


def weighted_binary_cross_entropy_with_logits_backward(
    dL_dloss: Array, logits: Array, targets: Array, pos_weight: Array, *, reduction: str
) -> Array:
    """(w y + 1 - y) s - w y."""
    weight, s = pos_weight * targets + 1 - targets, sigmoid.forward(logits)
    return element_upstream(dL_dloss, logits, reduction) * (weight * s - pos_weight * targets)


def softplus_forward(inputs: Array, *, beta: float = 1.0) -> Array:
    """As the identity where the rest underflows."""
    z = beta * inputs
    return np.where(z > 40, inputs, np.log1p(np.exp(np.minimum(z, 40))) / beta)


def softplus_backward(dL_doutputs: Array, inputs: Array, *, beta: float = 1.0) -> Array:
    """By the sigmoid."""
    return dL_doutputs * sigmoid.forward(beta * inputs)


def gelu_forward(inputs: Array, *, approximate: str = "none") -> Array:
    """By erf or tanh."""
    if approximate == "tanh":
        u = SQRT_2_OVER_PI * (inputs + 0.044715 * (inputs * inputs * inputs))
        return 0.5 * inputs * (1 + np.tanh(u))
    return 0.5 * inputs * (1 + erf(inputs * SQRT_HALF))


def gelu_backward(dL_doutputs: Array, inputs: Array, *, approximate: str = "none") -> Array:
    """By erf or tanh."""
    if approximate == "tanh":
        t = np.tanh(SQRT_2_OVER_PI * (inputs + 0.044715 * (inputs * inputs * inputs)))
        du = SQRT_2_OVER_PI * (1 + 3 * 0.044715 * (inputs * inputs))
        return dL_doutputs * (0.5 * (1 + t) + 0.5 * inputs * (1 - t * t) * du)
    cdf = 0.5 * (1 + erf(inputs * SQRT_HALF))
    return dL_doutputs * (cdf + inputs * (np.exp(-0.5 * (inputs * inputs)) * INV_SQRT_2PI))


def gelu_backward_apart(dL_doutputs: Array, inputs: Array, *, approximate: str = "none") -> Array:
    """By constants that are named once."""
    cubic = 0.044715
    root = SQRT_2_OVER_PI
    t = np.tanh(root * (inputs + cubic * (inputs * inputs * inputs)))
    du = root * (1 + 3 * cubic * (inputs * inputs))
    slope = 0.5 * (1 + t) + 0.5 * inputs * (1 - t * t) * du
    return dL_doutputs * slope if approximate == "tanh" else gelu_backward(dL_doutputs, inputs, approximate=approximate)


def softmax_forward(logits: Array, *, axis: int = -1) -> Array:
    """By one maximum for all rows."""
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def softmax_forward_apart(logits: Array, *, axis: int = -1) -> Array:
    """By a normaliser that is found first."""
    largest = logits.max(axis=axis, keepdims=True)
    return np.exp(logits - largest) / np.exp(logits - largest).sum(axis=axis, keepdims=True)


def softmax_backward_apart(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """The same, and what it gives."""
    largest = logits.max(axis=axis, keepdims=True)
    s = np.exp(logits - largest) / np.exp(logits - largest).sum(axis=axis, keepdims=True)
    return s * (dL_doutputs - (s * dL_doutputs).sum(axis=axis, keepdims=True))


def softmax_backward(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """s g - s sum(s g)."""
    s = softmax.forward(logits, axis=axis)
    return s * dL_doutputs - s * (s * dL_doutputs).sum(axis=axis, keepdims=True)


def log_softmax_forward(logits: Array, *, axis: int = -1) -> Array:
    """The logarithm of the softmax."""
    exponentials = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.log(exponentials / exponentials.sum(axis=axis, keepdims=True))


def log_softmax_forward_apart(logits: Array, *, axis: int = -1) -> Array:
    """By the logarithm of the normaliser."""
    largest = logits.max(axis=axis, keepdims=True)
    return logits - largest - np.log(np.exp(logits - largest).sum(axis=axis, keepdims=True))


def log_softmax_backward_apart(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """By the normaliser."""
    largest = logits.max(axis=axis, keepdims=True)
    s = np.exp(logits - largest) / np.exp(logits - largest).sum(axis=axis, keepdims=True)
    return dL_doutputs - s * dL_doutputs.sum(axis=axis, keepdims=True)


def log_softmax_backward(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """By the probabilities."""
    s = np.exp(log_softmax.forward(logits, axis=axis))
    return dL_doutputs - s * dL_doutputs.sum(axis=axis, keepdims=True)


def logsumexp_backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """g e / sum(e)."""
    exponentials = np.exp(inputs - logsumexp.finite_max(inputs, axis))
    return kept(dL_doutputs, inputs, axis, keepdims) * exponentials / exponentials.sum(axis=axis, keepdims=True)


def cosine_similarity_forward(a: Array, b: Array, *, eps: float) -> Array:
    """By the norms."""
    norm_a, norm_b = (np.sqrt((x * x).sum(axis=-1)) for x in (a, b))
    return (a * b).sum(axis=-1) / (np.maximum(norm_a, eps) * np.maximum(norm_b, eps))


def layer_norm_forward(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """By mean and variance."""
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    normal = centred / np.sqrt(variance + eps)
    return normal * weight + bias


def layer_norm_backward(
    dL_doutputs: Array,
    inputs: Array,
    weight: Array,
    bias: Array,  # noqa: ARG001 (as it is called)
    *,
    eps: float,
) -> tuple[Array, Array, Array]:
    """Step by step."""
    mean = inputs.mean(axis=-1, keepdims=True)
    centred = inputs - mean
    scale = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    normal = centred * scale
    rows = tuple(range(inputs.ndim - 1))
    g = dL_doutputs * weight
    dL_dinputs = scale * (g - g.mean(axis=-1, keepdims=True) - normal * (g * normal).mean(axis=-1, keepdims=True))
    return dL_dinputs, (dL_doutputs * normal).sum(axis=rows), dL_doutputs.sum(axis=rows)


def rms_norm_backward(dL_doutputs: Array, inputs: Array, weight: Array, *, eps: float) -> tuple[Array, Array]:
    """Step by step."""
    scale = 1 / np.sqrt((inputs * inputs).mean(axis=-1, keepdims=True) + eps)
    normal = inputs * scale
    rows = tuple(range(inputs.ndim - 1))
    g = dL_doutputs * weight
    dL_dinputs = scale * (g - normal * (g * normal).mean(axis=-1, keepdims=True))
    return dL_dinputs, (dL_doutputs * normal).sum(axis=rows)


def rms_norm_forward(inputs: Array, weight: Array, *, eps: float) -> Array:
    """By the root of the mean square."""
    rms = np.sqrt((inputs * inputs).sum(axis=-1, keepdims=True) / inputs.shape[-1] + eps)
    return inputs / rms * weight


def softmax_cross_entropy_forward(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """By the logarithm of the normaliser."""
    largest = logits.max(axis=-1, keepdims=True)
    log_total = np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    return softmax_cross_entropy.loss_of(logits - largest - log_total, labels, reduction)


def softmax_cross_entropy_forward_apart(logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """By the logarithms of the probabilities."""
    return cross_entropy.forward(softmax.forward(logits), labels, reduction=reduction)


def softmax_cross_entropy_backward_apart_from_logits(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """By the normaliser."""
    largest = logits.max(axis=-1, keepdims=True)
    p = np.exp(logits - largest) / np.exp(logits - largest).sum(axis=-1, keepdims=True)
    return softmax_cross_entropy.scaled_first(dL_dloss, p, labels, reduction)


def softmax_cross_entropy_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Through the probabilities, step by step."""
    p = softmax.forward(logits)
    dL_dp = cross_entropy.backward(dL_dloss, p, labels, reduction=reduction)
    return p * (dL_dp - (p * dL_dp).sum(axis=-1, keepdims=True))


def softmax_cross_entropy_backward_apart(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """p g - y g."""
    return softmax_cross_entropy.scaled_apart(dL_dloss, softmax.forward(logits), labels, reduction)


def softmax_cross_entropy_forward_apart_with_options(
    logits: Array,
    labels: np.ndarray,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Array:
    """With a label to ignore, smoothing, a penalty and capped logits."""
    y, counted = loss_options.rows_of(labels, logits, ignore_index)
    if softcap:
        logits = softcap * np.tanh(logits / softcap)
    log_p = softmax.log_softmax(logits)
    t = (1 - label_smoothing) * y + label_smoothing * counted[:, None] / y.shape[1]
    losses = -weighted(t, log_p).sum(axis=-1)
    if z_loss:
        losses = losses + z_loss * counted * loss_options.logsumexp(logits)[:, 0] ** 2
    return mean_of_counted(losses, number_counted(labels, logits, ignore_index), reduction)


def softmax_cross_entropy_backward_apart_with_options(
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
    """The same; rows to be ignored are left out in the end."""
    y, counted = loss_options.rows_of(labels, logits, ignore_index)
    s = softcap * np.tanh(logits / softcap) if softcap else logits
    p = softmax.forward(s)
    slope = p - (1 - label_smoothing) * y - label_smoothing / y.shape[1]
    if z_loss:
        slope = slope + 2 * z_loss * loss_options.logsumexp(s) * p
    if softcap:
        slope = slope * (1 - np.square(s / softcap))
    slope = np.where(counted[:, None], slope, 0)
    return slope * counted_upstream(dL_dloss, y, number_counted(labels, logits, ignore_index), reduction)


def linear_cross_entropy_backward(
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
    """Through the logits."""
    dL_dlogits = softmax_cross_entropy_backward_apart_with_options(
        dL_dloss,
        inputs @ weight.T,
        labels,
        reduction=reduction,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        z_loss=z_loss,
        softcap=softcap,
    )
    return dL_dlogits @ weight, dL_dlogits.T @ inputs


def softmax_cross_entropy_from_outputs_backward(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """p g - y g."""
    return softmax_cross_entropy.scaled_apart(dL_dloss, outputs, labels, reduction)


def by_sum_of_labels(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """p sum(y) - y, which is right for labels of any sum."""
    y = one_hot(labels, outputs)
    return (outputs * y.sum(axis=1, keepdims=True) - y) * row_upstream(dL_dloss, len(outputs), reduction)


softmax_cross_entropy_from_outputs_backward_by_sum = by_sum_of_labels


def softmax_cross_entropy_backward_by_sum(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str
) -> Array:
    """The same from logits."""
    return by_sum_of_labels(dL_dloss, softmax.forward(logits), labels, reduction=reduction)


def scaled_dot_product_attention_backward(
    dL_doutputs: Array,
    query: Array,
    key: Array,
    value: Array,
    *,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> tuple[Array, Array, Array]:
    """By the sums that forward keeps, as kernels have it: the mask is needed once more."""
    lengths = query.shape[2], key.shape[2]
    upstream, rows = attention.by_groups(dL_doutputs, key.shape[1]), attention.by_groups(query, key.shape[1])
    scores = attention.scores_of(query, key, scale)
    s = attention.capped(scores, softcap)
    causal = attention.seen_by_groups(attention.visible(*lengths, is_causal, None), query.shape, key.shape)
    seen = attention.seen_by_groups(attention.visible(*lengths, is_causal, window), query.shape, key.shape)
    powers, total, largest = attention.exponentials(s, seen)
    kept = ((powers / total) @ value * upstream).sum(axis=-1, keepdims=True)
    p = np.where(causal & seen, np.exp(s - largest), 0) / total
    dscores = p * (upstream @ np.swapaxes(value, -1, -2) - kept)
    if softcap is not None:
        dscores = dscores * (1 - np.square(np.tanh(scores / softcap)))
    dscores = dscores * scale
    dL_dkey, dL_dvalue = np.swapaxes(dscores, -1, -2) @ rows, np.swapaxes(p, -1, -2) @ upstream
    return (dscores @ key).reshape(query.shape), dL_dkey, dL_dvalue


def lstm_backward(
    dL_doutputs: Array,
    dL_dnext_hidden: Array,
    dL_dnext_cell: Array,
    inputs: Array,
    hidden: Array,
    cell: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array,
    bias_hh: Array,
) -> tuple[Array, ...]:
    """The gradients of weights from those of all steps' gates at once."""
    layer = weight_ih, weight_hh, bias_ih, bias_hh
    hiddens, cells = lstm.steps(lstm_cell.forward, inputs, hidden, cell, *layer)
    d_hidden, d_cell = dL_dnext_hidden, dL_dnext_cell
    of_gates: list[Array] = []
    gates = gate_sums, sigmoid_with_slope, tanh_with_slope
    for t in reversed(range(len(inputs))):
        states = inputs[t], hiddens[t], cells[t]
        of_step, d_cell = lstm_cell.gate_gradients(*gates, dL_doutputs[t] + d_hidden, d_cell, *states, *layer)
        d_hidden = of_step @ weight_hh
        of_gates = [of_step, *of_gates]
    dL_dsums, before = np.stack(of_gates), np.stack(hiddens[:-1])
    dL_dweight_ih = np.einsum("tng,tni->gi", dL_dsums, inputs)
    dL_dweight_hh = np.einsum("tng,tnh->gh", dL_dsums, before)
    dL_dbias = dL_dsums.sum(axis=(0, 1))
    return dL_dsums @ weight_ih, d_hidden, d_cell, dL_dweight_ih, dL_dweight_hh, dL_dbias, dL_dbias


def binary_forward(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Wrong for more than two classes: what each class adds as if it stood for itself."""
    y, p = one_hot(labels, probabilities), probabilities
    return reduced(-(weighted(y, np.log(p)) + weighted(1 - y, np.log(1 - p))).sum(axis=-1), reduction)


def binary_backward(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """Its gradient."""
    y, p = one_hot(labels, probabilities), probabilities
    slope = np.where(y == 0, 0, -y / p) + np.where(y == 1, 0, (1 - y) / (1 - p))
    return slope * row_upstream(dL_dloss, len(p), reduction)
