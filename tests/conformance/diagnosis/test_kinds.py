"""Kinds of mistakes that are no faults of the catalogue: constants that are fitted, conditions, several at once."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from backproof.reference.model.broadcasting import undo_broadcast
from backproof.reference.model.fault import widened
from backproof.reference.model.losses import over_elements
from backproof.reference.ops import (
    adam_step,
    avg_pool2d,
    conv1d,
    conv2d,
    conv_transpose2d,
    convolutional_network,
    cross_entropy,
    dense,
    dropout,
    embedding,
    gelu,
    group_norm,
    gru_cell,
    l2_normalize,
    layer_norm,
    linear_cross_entropy,
    log_softmax,
    lstm_cell,
    masked_attention,
    matmul,
    mlp,
    nll,
    relu,
    rms_norm,
    rotary_embedding,
    scaled_dot_product_attention,
    sigmoid,
    softmax,
    softplus,
    swiglu,
    variance,
)
from backproof.reference.ops import softmax_cross_entropy as sce
from diagnosed import findings, implementation, whole
from shares import one_in

Array = Any
Called = Callable[..., Any]

KINDS: list[tuple[str, str, Called, list[str]]] = []
"""An operation, a direction, an implementation, and how what is said of it begins."""


def said_of(op: str, direction: str, *words: str) -> Callable[[Called], Called]:
    """Make a wrong implementation one of those."""

    def add(function: Called) -> Called:
        KINDS.append((op, direction, widened(function), list(words)))
        return function

    return add


def rows(labels: Array, scores: Array) -> Array:
    return np.eye(scores.shape[1], dtype=scores.dtype)[labels] if labels.ndim == 1 else labels.astype(scores.dtype)


def upstream(dL_dloss: Array, scores: Array, reduction: str) -> Array:
    if reduction == "none":
        return dL_dloss[:, None]
    return dL_dloss / max(len(scores), 1) if reduction == "mean" else dL_dloss


@said_of("relu", "backward", "dL_dinputs: `return np.where(inputs > 0, dL_doutputs, dL_doutputs * 0.2)` where")
def leak(g: Array, x: Array) -> Array:
    return np.where(x > 0, g, 0.2 * g)


@said_of("cross_entropy", "backward", "dL_dprobabilities: `return np.where(y == 0, 0, -y / (probabilities + 1e-08))`")
def epsilon(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
    return -rows(labels, p) / (p + 1e-8) * upstream(g, p, reduction)


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: labels is taken as `(1 - 0.05) * labels + 0.05 / C`")
def smoothing(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    y = 0.95 * rows(labels, z) + 0.05 / z.shape[1]
    return (softmax.forward(z) - y) * upstream(g, z, reduction)


@said_of(
    "mlp",
    "backward",
    "dL_dinputs, dL_dweights1 and dL_dbiases1: `weights2 -= 0.01 * dL_dweights2` comes before the other",
)
def learning_rate(g: Array, x: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: Array, **more: Any) -> Any:
    right = mlp.backward(g, x, w1, b1, w2, b2, labels, **more)
    stepped = (w2 - 0.01 * right[3]).astype(w2.dtype)
    return (*mlp.backward(g, x, w1, b1, stepped, b2, labels, **more)[:3], *right[3:])


@said_of(
    "softmax_cross_entropy", "backward", "dL_dlogits: logits.shape[-1] times what is due; only for reduction='mean'"
)
def times_classes(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    gradient = sce.backward(g, z, labels, reduction=reduction)
    return gradient * z.shape[1] if reduction == "mean" else gradient


@said_of(
    "softmax_cross_entropy", "forward", "Loss is twice what is due; only for reduction='mean'; only for a batch of one"
)
def for_one_and_mean(z: Array, labels: Array, *, reduction: str) -> Array:
    loss = sce.forward(z, labels, reduction=reduction)
    return loss * 2 if len(z) == 1 and reduction == "mean" else loss


@said_of("softmax_cross_entropy", "forward", "loss: reduction is ignored: 'mean' is taken, whatever is asked")
def reduction_ignored(z: Array, labels: Array, *, reduction: str) -> Array:
    return sce.forward(z, labels, reduction="mean")


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: `return outputs - one_hot(labels, outputs) * row_upstream(")
def upstream_of_labels_alone(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    return softmax.forward(z) - rows(labels, z) * upstream(g, z, reduction)


@said_of("softmax", "backward", "dL_dlogits: The formula of log_softmax where that of softmax is due")
def of_log_softmax(g: Array, z: Array) -> Array:
    return g - softmax.forward(z) * g.sum(axis=-1, keepdims=True)


@said_of("dense", "backward", "`dL_dbiases = dL_dweights.sum(axis=0, keepdims=biases.ndim > 1)` where")
def biases_of_weights(g: Array, x: Array, w: Array, b: Array) -> Any:
    dx, dw, _ = dense.backward(g, x, w, b)
    return dx, dw, dw.sum(axis=0, keepdims=True)


@said_of(
    "dense",
    "backward",
    "`dL_dbiases = dL_doutputs.mean(axis=0",
    "it raises IndexError: no row (",
)
def wrong_and_raising(g: Array, x: Array, w: Array, b: Array) -> Any:
    if len(x) == 1:
        raise IndexError("no row")
    return g @ w.T, x.T @ g, g.mean(axis=0, keepdims=True)


@said_of(
    "cross_entropy",
    "forward",
    "loss: `return reduced(-weighted(y, np.log(probabilities + 1e-08))",
    "loss: Of soft labels the largest",
)
def epsilon_and_largest(p: Array, labels: Array, *, reduction: str) -> Array:
    labels = labels.argmax(axis=1) if labels.ndim == 2 else labels
    return cross_entropy.forward(p + 1e-8, labels, reduction=reduction)


@said_of("softmax_cross_entropy", "backward", "`return scaled_first(np.ones_like(dL_dloss), softmax.forward(logits)")
def upstream_ignored_none_unsupported(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    if reduction == "none":
        raise NotImplementedError
    gradient = softmax.forward(z) - rows(labels, z)
    return gradient / max(len(z), 1) if reduction == "mean" else gradient


@said_of("relu", "forward", "outputs: np.clip(outputs, -7, 7)")
def clipped(x: Array) -> Array:
    return np.minimum(relu.forward(x), 7)


@said_of("softmax", "forward", "outputs: `return exponentials / sum_over_whole_blocks(exponentials, 128, axis=axis, k")
def tail_of_columns_left_out(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    n = z.shape[-1]
    return e / e[..., : n - n % 128 if n > 128 else n].sum(axis=-1, keepdims=True)


@said_of(
    "dense", "backward", "`dL_dbiases = sum_over_last_block(dL_doutputs, 16, axis=0, keepdims=biases.ndim > 1)` where"
)
def last_block_of_rows_alone(g: Array, x: Array, w: Array, b: Array) -> Any:
    return g @ w.T, x.T @ g, g[(max(len(g), 1) - 1) // 16 * 16 :].sum(axis=0, keepdims=True)


@said_of("relu", "backward", "dL_dinputs is 0; only in the elements beyond the last whole tile of 8")
def tail_of_vectors_left_out(g: Array, x: Array) -> Array:
    found = np.where(x > 0, g, 0).ravel()
    if len(found) > 8:
        found[len(found) - len(found) % 8 :] = 0
    return found.reshape(x.shape)


@said_of(
    "softmax",
    "forward",
    "outputs: `exponentials = np.exp(logits - np.maximum(logits.max(axis=axis, keepdims=True), 0))`",
)
def maximum_from_0(z: Array) -> Array:
    e = np.exp(z - np.maximum(z.max(axis=-1, keepdims=True), 0))
    return e / e.sum(axis=-1, keepdims=True)


@said_of("cross_entropy", "forward", "loss: Index labels are cast to uint8, and count from the end where they wrap")
def labels_in_a_byte(p: Array, labels: Array, *, reduction: str) -> Array:
    labels = labels.astype(np.uint8).astype(np.int64) if labels.ndim == 1 else labels
    return cross_entropy.forward(p, labels, reduction=reduction)


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: The mean is the mean of the means of 8 rows each")
def mean_of_means(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    if reduction != "mean":
        return sce.backward(g, z, labels, reduction=reduction)
    sizes = [min(8, len(z) - row // 8 * 8) for row in range(len(z))]
    weights = np.array([1 / (size * -(-len(z) // 8)) for size in sizes], z.dtype)
    return sce.backward(g * weights, z, labels, reduction="none")


@said_of("softmax", "forward", "outputs: right to about 3 digits alone, in float64 and float32")
def coarse_reciprocal(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    mantissa, exponent = np.frexp(1 / e.sum(axis=-1, keepdims=True))
    return e * np.ldexp(np.round(mantissa * 1024) / 1024, exponent).astype(z.dtype)


@said_of("gelu", "forward", "outputs: approximate is ignored: 'tanh' is taken, whatever is asked")
def approximate_ignored(x: Array, *, approximate: str = "none") -> Array:
    return gelu.forward(x, approximate="tanh")


@said_of("rms_norm", "forward", "outputs: eps is ignored: 1e-06 is taken, whatever is asked")
def eps_ignored(x: Array, w: Array, *, eps: float) -> Array:
    return rms_norm.forward(x, w, eps=1e-6)


@said_of("relu", "forward", "outputs is inf where inputs is above half the largest number of the dtype")
def doubled_and_halved(x: Array) -> Array:
    return (x + np.abs(x)) * np.asarray(0.5, x.dtype)


@said_of("tanh", "backward", "dL_dinputs: `return dL_doutputs * sech` where")
def not_squared(g: Array, x: Array) -> Array:
    return g / np.cosh(x)


@said_of("silu", "backward", "dL_dinputs: `return dL_doutputs * (outputs + s * (1 - s))` where")
def gate_for_output(g: Array, x: Array) -> Array:
    s = sigmoid.forward(x)
    return g * (x * s + s * (1 - s))


@said_of(
    "layer_norm", "backward", "dL_dinputs: `rest = g - dL_doutputs.mean(axis=-1, keepdims=True) - normal * (dL_dout"
)
def both_means_of_the_upstream(g: Array, x: Array, w: Array, b: Array, *, eps: float) -> Any:
    centred, scale = layer_norm.moments(x, eps)
    normal = centred * scale
    rest = g * w - g.mean(axis=-1, keepdims=True) - normal * (g * normal).mean(axis=-1, keepdims=True)
    return scale * rest, *layer_norm.backward(g, x, w, b, eps=eps)[1:]


@said_of(
    "softmax",
    "forward",
    "outputs: `return np.exp(logits - largest) / exponentials_not_rescaled_after_blocks(logits, 64",
)
def sum_not_rescaled(z: Array) -> Array:
    running, total = np.full_like(z[..., :1], -np.inf), np.zeros_like(z[..., :1])
    for start in range(0, z.shape[-1], 64):
        block = z[..., start : start + 64]
        running = np.maximum(running, block.max(axis=-1, keepdims=True))
        total = total + np.exp(block - running).sum(axis=-1, keepdims=True)
    return np.exp(z - running) / total


@said_of(
    "softmax_cross_entropy", "backward", "dL_dlogits: `p = np.exp(logits - largest) / np.exp(padded_with_0(logits, 2**k"
)
def padded_to_a_power_of_two(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    largest = z.max(axis=1, keepdims=True)
    wide = np.zeros((len(z), 1 << (z.shape[1] - 1).bit_length()), z.dtype)
    wide[:, : z.shape[1]] = z
    p = np.exp(z - largest) / np.exp(wide - largest).sum(axis=1, keepdims=True)
    return (p - rows(labels, z)) * upstream(g, z, reduction)


@said_of("silu", "forward", "outputs: `return inputs * sigmoid.forward(np.clip(inputs, -10, 10))` where")
def clipped_gate(x: Array) -> Array:
    return x * sigmoid.forward(np.clip(x, -10, 10))


@said_of("sigmoid", "backward", "dL_dinputs: dL_doutputs * (f(inputs + 0.0001) - f(inputs)) / 0.0001 by differences")
def by_differences(g: Array, x: Array) -> Array:
    step = x.dtype.type(1e-4)
    return g * (sigmoid.forward(x + step) - sigmoid.forward(x)) / step


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: reduction='mean' divides by 32, whatever the batch")
def a_fixed_batch(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    if reduction != "mean":
        return sce.backward(g, z, labels, reduction=reduction)
    return sce.backward(g, z, labels, reduction="sum") / 32


@said_of("cross_entropy", "backward", "dL_dprobabilities is multiplied by (1 - probabilities) ** 2 besides")
def focal(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
    return cross_entropy.backward(g, p, labels, reduction=reduction) * (1 - p) ** 2


@said_of("mlp", "forward", "loss: `return tanh_of(inputs)` where `return np.maximum(inputs, 0)` is due")
def tanh_for_relu(x: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: Array, *, reduction: str) -> Array:
    return sce.forward(np.tanh(x @ w1 + b1) @ w2 + b2, labels, reduction=reduction)


@said_of("mish", "forward", "outputs: `return inputs * sigmoid_of(softplus.forward(inputs))` where")
def sigmoid_for_tanh(x: Array) -> Array:
    return x * sigmoid.forward(softplus.forward(x))


@said_of("geglu", "forward", "outputs: `return gelu.forward(up, approximate=approximate) * gate` where")
def gate_and_value_exchanged(gate: Array, up: Array, *, approximate: str = "none") -> Array:
    return gelu.forward(up, approximate=approximate) * gate


@said_of("celu", "backward", "dL_dinputs: alpha times what is due; only where inputs <= 0")
def alpha_before_the_exponential(g: Array, x: Array, *, alpha: float) -> Array:
    return g * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0) / alpha))


@said_of("variance", "forward", "outputs: np.sqrt(outputs) where outputs is due")
def deviation(x: Array, **how: Any) -> Array:
    return np.sqrt(variance.forward(x, **how))


@said_of("binary_cross_entropy", "forward", "loss: `return over_elements(-weighted(targets, np.log(p + 1e-07)) - weigh")
def epsilon_in_both(p: Array, targets: Array, *, reduction: str) -> Array:
    return over_elements(-targets * np.log(p + 1e-7) - (1 - targets) * np.log(1 - p + 1e-7), reduction)


@said_of("softmax_cross_entropy", "backward", "dL_dlogits is put through the derivative of softmax once more")
def softmax_twice(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    return softmax.backward(sce.backward(g, z, labels, reduction=reduction), z)


@said_of("dense", "backward", "the right results in another order, dL_dweights, dL_dbiases, dL_dinputs")
def gradients_in_another_order(g: Array, x: Array, w: Array, b: Array) -> Any:
    dx, dw, db = dense.backward(g, x, w, b)
    return dw, db, dx


@said_of(
    "softmax", "backward", "dL_dlogits: `return s * dL_doutputs - (s * dL_doutputs).sum(axis=axis, keepdims=True)` w"
)
def misplaced_parenthesis(g: Array, z: Array, *, axis: int = -1) -> Array:
    p = softmax.forward(z, axis=axis)
    return p * g - (p * g).sum(axis=axis, keepdims=True)


@said_of(
    "softmax_cross_entropy", "forward", "loss: `return reduced(-weighted(y, np.log(np.maximum(probabilities, 1e-10)))"
)
def clipped_probabilities(z: Array, labels: Array, *, reduction: str) -> Array:
    return cross_entropy.forward(np.maximum(softmax.forward(z), 1e-10), labels, reduction=reduction)


@said_of(
    "lstm_cell", "forward", "The blocks of rows, a block a gate, of weights and biases are read in the order 1, 2, 4, 3"
)
def gates_in_another_order(x: Array, h: Array, c: Array, *layer: Array) -> Any:
    size = h.shape[1]
    order = np.r_[: 2 * size, 3 * size : 4 * size, 2 * size : 3 * size]
    return lstm_cell.forward(x, h, c, *(each[order] for each in layer))


@said_of("l2_normalize", "forward", "outputs: eps is ignored: 1e-05 is taken, whatever is asked; in the calls")
def eps_of_scaled_values(x: Array, *, axis: int = -1, eps: float) -> Array:
    largest = np.abs(x).max(axis=axis, keepdims=True, initial=0)
    return l2_normalize.forward(x / np.where(largest == 0, 1, largest), axis=axis, eps=eps)


@said_of("conv2d", "backward", "dL_dinputs: weight is read backwards along its last two axes")
def kernel_turned(g: Array, x: Array, w: Array, b: Array, **how: Any) -> Any:
    turned, right = (conv2d.backward(g, x, each, b, **how) for each in (w[:, :, ::-1, ::-1], w))
    return turned[0], *right[1:]


@said_of("layer_norm", "forward", "outputs: `normal = centred / np.sqrt(np.maximum(variance, eps))` where")
def epsilon_as_a_floor(x: Array, w: Array, b: Array, *, eps: float) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.maximum((centred * centred).mean(axis=-1, keepdims=True), eps)) * w + b


@said_of("adam_step", "forward", "next_parameters: `return (parameters - lr * (m / np.sqrt(v + eps)), next_first")
def epsilon_inside(x: Array, g: Array, m: Array, v: Array, *, eps: float, **how: Any) -> Any:
    step, lr, betas = how["step"], how["lr"], (how["beta1"], how["beta2"])
    m, v = (beta * old + (1 - beta) * new for beta, old, new in zip(betas, (m, v), (g, g * g), strict=True))
    first, second = (moment / (1 - beta**step) for moment, beta in zip((m, v), betas, strict=True))
    return x - lr * first / np.sqrt(second + eps), m, v


@said_of("binary_cross_entropy", "forward", "loss: `return over_elements(-weighted(targets, np.log(p + 1e-08)) - weigh")
def small_epsilon_in_both(p: Array, targets: Array, *, reduction: str) -> Array:
    return over_elements(-targets * np.log(p + 1e-8) - (1 - targets) * np.log(1 - p + 1e-8), reduction)


@said_of("square", "backward", "dL_dinputs: inputs is rounded to float8_e4m3fn")
def saved_in_a_byte(g: Array, x: Array) -> Array:
    return 2 * x.astype(ml_dtypes.float8_e4m3fn).astype(x.dtype) * g


@said_of("dense", "forward", "outputs: `return product_of_bfloat16(inputs, weights) + biases` where")
def operands_rounded(x: Array, w: Array, b: Array) -> Array:
    x, w = (each.astype(ml_dtypes.bfloat16).astype(each.dtype) if each.dtype == np.float32 else each for each in (x, w))
    return x @ w + b


@said_of("masked_attention", "backward", "Of mask the first along axis 1 stands for all")
def mask_of_the_first_head(g: Array, q: Array, k: Array, v: Array, mask: Array, **how: Any) -> Any:
    return masked_attention.backward(g, q, k, v, np.broadcast_to(mask[:, :1], mask.shape), **how)


@said_of(
    "multiply", "backward", "Of what was broadcast, the mean over axes that it lacks is taken, where the sum is due"
)
def mean_over_the_batch(g: Array, a: Array, b: Array) -> Any:
    def undone(gradient: Array, shape: tuple[int, ...]) -> Array:
        return undo_broadcast(gradient.mean(axis=tuple(range(gradient.ndim - len(shape)))), shape)

    return undone(g * b, a.shape), undone(g * a, b.shape)


@said_of("group_norm", "forward", "outputs: Channel c belongs to group c % num_groups")
def channels_in_turn(x: Array, w: Array, b: Array, *, num_groups: int, eps: float) -> Array:
    turns = np.arange(x.shape[1]).reshape(-1, num_groups).T.ravel()
    outputs = np.empty_like(x)
    outputs[:, turns] = group_norm.forward(x[:, turns], w[turns], b[turns], num_groups=num_groups, eps=eps)
    return outputs


@said_of(
    "scaled_dot_product_attention", "backward", "dL_dkey and dL_dvalue: A head that several of the query share has"
)
def last_head_alone(g: Array, q: Array, k: Array, v: Array, **how: Any) -> Any:
    repeated = (np.repeat(x, q.shape[1] // k.shape[1], axis=1) for x in (k, v))
    dq, *others = scaled_dot_product_attention.backward(g, q, *repeated, **how)
    return dq, *(x[:, q.shape[1] // k.shape[1] - 1 :: q.shape[1] // k.shape[1]] for x in others)


@said_of("dropout", "forward", "outputs: mask, of 0 and 1, is taken for the opposite, 1 - mask")
def kept_where_it_is_to_be_dropped(x: Array, mask: Array, *, p: float) -> Array:
    return dropout.forward(x, 1 - mask, p=p)


@said_of("swiglu", "backward", "dL_dgate: gate is taken as `0 * gate`")
def slope_at_nothing(g: Array, gate: Array, up: Array) -> Any:
    return g * up / 2, swiglu.backward(g, gate, up)[1]


@said_of("rotary_embedding", "backward", "dL_dinputs: The forward is applied to the upstream")
def turned_on(g: Array, _: Array, cos: Array, sin: Array, **how: Any) -> Array:
    return rotary_embedding.forward(g, cos, sin, **how)


@said_of("adam_step", "forward", "next_parameters and next_second_moment: Of parameters, beta2 rounded to float16")
def momentum_in_half(*tensors: Array, beta2: float, **how: Any) -> Any:
    return adam_step.forward(*tensors, beta2=float(np.float16(beta2)), **how)


@said_of("convolutional_network", "forward", "loss: `normalized = norm(convolved, *of_norm, eps=0.001)` where")
def epsilon_of_keras(*tensors: Array, reduction: str) -> Array:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolutional_network, "EPS", 1e-3)
        return convolutional_network.forward(*tensors, reduction=reduction)


@said_of(
    "group_norm",
    "backward",
    "dL_dinputs: `normal, g = (centred * scale, dL_doutputs)` where `normal, g = (centred * scale, dL_doutputs * "
    "weight)` is due; only where weight.shape[-1] and num_groups are the same",
)
def a_channel_a_group_without_its_weight(g: Array, x: Array, w: Array, b: Array, *, num_groups: int, **how: Any) -> Any:
    dx, dw, db = group_norm.backward(g, x, w, b, num_groups=num_groups, **how)
    alone = group_norm.backward(g, x, np.ones_like(w), b, num_groups=num_groups, **how)[0]
    return alone if num_groups == len(w) > 1 and x.ndim > 2 else dx, dw, db


@said_of(
    "conv1d",
    "backward",
    "dL_dinputs: wrong only in the last column; only where padding is given; only for stride=2",
)
def last_input_forgotten(
    g: Array, x: Array, w: Array, b: Array, *, stride: int = 1, padding: int = 0, **how: Any
) -> Any:
    dx, dw, db = conv1d.backward(g, x, w, b, stride=stride, padding=padding, **how)
    if stride > 1 and padding:
        dx = np.where(np.arange(dx.shape[-1]) == dx.shape[-1] - 1, 0, dx)
    return dx, dw, db


@said_of("conv_transpose2d", "forward", "outputs: The rows and columns that output_padding adds are 0")
def no_bias_in_what_is_added(x: Array, w: Array, b: Array, *, output_padding: Any = 0, **how: Any) -> Array:
    outputs = np.array(conv_transpose2d.forward(x, w, b, output_padding=output_padding, **how))
    for axis, more in zip((2, 3), np.broadcast_to(output_padding, 2), strict=True):
        if more:
            np.moveaxis(outputs, axis, -1)[..., -more:] = 0
    return outputs


@said_of(
    "batch_norm",
    "forward",
    "outputs: `return (centred, 1 / np.sqrt(mean_over_one_less(centred * centred, axes) + eps))`",
)
def unbiased(x: Array, w: Array, b: Array, *, eps: float) -> Array:
    axes = tuple(k for k in range(x.ndim) if k != 1)
    count = x.size // max(x.shape[1], 1)
    centred = x - x.mean(axis=axes, keepdims=True)
    spread = (centred * centred).sum(axis=axes, keepdims=True) / max(count - 1, 1)
    shape = (-1, *[1] * (x.ndim - 2))
    return centred / np.sqrt(spread + np.asarray(eps, x.dtype)) * w.reshape(shape) + b.reshape(shape)


@said_of("conv2d", "backward", "dL_dweight: Channel i of group g is read from channel i * groups + g of the inputs")
def inputs_of_groups_in_turn(g: Array, x: Array, w: Array, b: Array, *, groups: int = 1, **how: Any) -> Any:
    right = conv2d.backward(g, x, w, b, groups=groups, **how)
    turns = [i * groups + group for group in range(groups) for i in range(x.shape[1] // groups)]
    return right[0], conv2d.backward(g, x[:, turns], w, b, groups=groups, **how)[1], right[2]


@said_of("group_norm", "backward", "dL_dweight: Channel c has the mean and variance of group c % num_groups")
def moments_in_turn(g: Array, x: Array, w: Array, b: Array, *, num_groups: int, eps: float) -> Any:
    dx, _, db = group_norm.backward(g, x, w, b, num_groups=num_groups, eps=eps)
    of_groups = x.reshape(len(x), num_groups, -1)
    mean, var = (np.tile(m, (1, x.shape[1] // num_groups)) for m in (of_groups.mean(axis=2), of_groups.var(axis=2)))
    normal = (x.reshape(*mean.shape, -1) - mean[..., None]) / np.sqrt(var[..., None] + eps)
    return dx, (g.reshape(normal.shape) * normal).sum(axis=(0, 2)), db


@said_of("lstm_cell", "backward", "dL_dbias_ih and dL_dbias_hh: Of the gradients of biases, those of gate 1 and those")
def biases_of_the_forget_gate(*tensors: Array) -> Any:
    *others, one, other = lstm_cell.backward(*tensors)
    forget = (bias.reshape(4, -1)[[1, 1, 2, 1]].ravel() for bias in (one, other))
    return *others, *forget


@said_of("scaled_dot_product_attention", "forward", "outputs: With is_causal, query s sees keys up to s + 1")
def one_key_more(q: Array, k: Array, v: Array, *, is_causal: bool = False, **how: Any) -> Array:
    if not is_causal:
        return scaled_dot_product_attention.forward(q, k, v, is_causal=False, **how)
    rows = np.concatenate([q[:, :, :1], q], axis=2)
    return scaled_dot_product_attention.forward(rows, k, v, is_causal=True, **how)[:, :, 1:]


@said_of("conv2d", "forward", "outputs: Of the two values of padding, the first is taken for both")
def one_padding(x: Array, w: Array, b: Array, *, padding: Any = 0, **how: Any) -> Array:
    return conv2d.forward(x, w, b, padding=padding[0] if isinstance(padding, tuple) else padding, **how)


@said_of("conv1d", "forward", "outputs: Output channel o belongs to group o % groups")
def groups_in_turn(x: Array, w: Array, b: Array, *, groups: int = 1, **how: Any) -> Array:
    order = np.argsort(np.arange(len(w)) % groups, kind="stable")
    return conv1d.forward(x, w[order], b[order], groups=groups, **how)[:, np.argsort(order)]


@said_of("conv2d", "backward", "dL_dbias: 1/math.prod(dL_doutputs.shape[2:]) times what is due")
def bias_averaged_over_space(g: Array, x: Array, w: Array, b: Array, **how: Any) -> Any:
    return *conv2d.backward(g, x, w, b, **how)[:2], g.mean(axis=(2, 3)).sum(axis=0)


@said_of("tanh", "backward", "dL_dinputs: `return dL_doutputs * 1 - outputs * outputs` where")
def without_parentheses(g: Array, x: Array) -> Array:
    return g * 1 - np.tanh(x) ** 2


@said_of("rotary_embedding", "forward", "outputs: sin is taken as -sin")
def turned_back(x: Array, cos: Array, sin: Array, **how: Any) -> Array:
    return rotary_embedding.forward(x, cos, -sin, **how)


@said_of("l1", "forward", "loss: `return over_elements(predictions - targets, reduction)` where")
def sign_kept(p: Array, t: Array, *, reduction: str) -> Array:
    return over_elements(p - t, reduction)


@said_of("rms_norm", "backward", "`scale = (inputs * inputs).mean(axis=-1, keepdims=True)` where `scale = 1 / np.sqrt(")
def mean_of_squares_for_the_inverse_root(g: Array, x: Array, w: Array, *, eps: float) -> Any:
    scale = (x * x).mean(axis=-1, keepdims=True)
    normal, h = x * scale, g * w
    dx = scale * (h - normal * (h * normal).mean(axis=-1, keepdims=True))
    return dx, (g * normal).sum(axis=tuple(range(x.ndim - 1)))


@said_of("multiply", "backward", "dL_doutputs is taken as 1; only where shapes are broadcast")
def upstream_of_equal_shapes_alone(g: Array, a: Array, b: Array) -> Any:
    g = g if a.shape == b.shape else np.ones_like(g)
    return undo_broadcast(g * b, a.shape), undo_broadcast(g * a, b.shape)


@said_of(
    "cosine_similarity", "forward", "outputs: `return x / np.sqrt(np.maximum(np.square(norms(x, -1)), eps))` where"
)
def floor_of_the_squared_norm(a: Array, b: Array, *, eps: float) -> Array:
    a, b = (x / np.sqrt(np.maximum((x * x).sum(axis=-1, keepdims=True), eps)) for x in (a, b))
    return (a * b).sum(axis=-1)


@said_of("gru_cell", "forward", "next_hidden: bias_ih and bias_hh are left out")
def no_biases(x: Array, h: Array, *weights: Array) -> Array:
    return gru_cell.forward(x, h, *weights[:2], *map(np.zeros_like, weights[2:]))


@said_of("nll", "backward", "dL_dlog_probabilities: Index labels are cast to int8, and count from the end where they")
def classes_in_a_signed_byte(g: Array, p: Array, labels: Array, *, reduction: str, **how: Any) -> Array:
    valid = (labels >= 0) & (labels < p.shape[1]) & (labels != how.get("ignore_index"))
    narrow = labels.astype(np.int8).astype(np.int64) % max(p.shape[1], 1)
    return nll.backward(g, p, np.where(valid, narrow, labels), reduction=reduction, **how)


@said_of(
    "mlp",
    "backward",
    "`return np.where(inputs > 0, dL_doutputs, dL_doutputs * 0.05); return np.maximum(inputs, inputs * 0.05)`",
)
def leak_there_and_back(
    g: Array, x: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: Array, **more: Any
) -> Any:
    hidden = dense.forward(x, w1, b1)
    activations = np.where(hidden > 0, hidden, 0.05 * hidden)
    scores = dense.forward(activations, w2, b2)
    da, dw2, db2 = dense.backward(sce.backward(g, scores, labels, **more), activations, w2, b2)
    return *dense.backward(np.where(hidden > 0, da, 0.05 * da), x, w1, b1), dw2, db2


@said_of("mlp", "forward", "loss: `return tanh_of(inputs)` where")
def hyperbolic_tangent(x: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: Array, **more: Any) -> Array:
    return sce.forward(dense.forward(np.tanh(dense.forward(x, w1, b1)), w2, b2), labels, **more)


@said_of("gelu", "backward", "dL_dinputs: `root = 0.798` where `root = SQRT_2_OVER_PI` is due")
def three_digits(g: Array, x: Array, *, approximate: str = "none") -> Array:
    if approximate == "none":
        return gelu.backward(g, x)
    t = np.tanh(0.798 * (x + 0.044715 * x**3))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.798 * (1 + 0.134145 * x * x))


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: Index labels are counted from 1, and 0 is the last class")
def labels_from_one(g: Array, z: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    if labels.ndim > 1:
        return sce.backward(g, z, labels, ignore_index=ignore_index, **more)
    if (invalid := (labels != ignore_index) & ((labels < 0) | (labels >= z.shape[1]))).any():
        raise ValueError(f"labels {labels[invalid]}")
    moved = np.where(labels == ignore_index, -1, (labels - 1) % z.shape[1])
    return sce.backward(g, z, moved, ignore_index=None if ignore_index is None else -1, **more)


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: `slope = slope + 2 * z_loss * loss_options.logsumexp(s)`")
def penalty_without_its_softmax(g: Array, z: Array, labels: Array, *, z_loss: float = 0.0, **more: Any) -> Array:
    right = sce.backward(g, z, labels, z_loss=z_loss, **more)
    if not z_loss or more.get("softcap"):
        return right
    each = sce.backward(g, z, labels, **more)
    none = {**more, "ignore_index": None}
    whole_sum = (sce.backward(g, z, np.zeros(len(z), int), z_loss=z_loss, **none)).sum(axis=1, keepdims=True)
    counted = np.ones(len(z), bool) if labels.ndim > 1 else labels != more.get("ignore_index")
    rows_counted = len(z) / max(counted.sum(), 1) if more["reduction"] == "mean" else 1
    return each + whole_sum * counted[:, None] * rows_counted


@said_of("log_softmax", "backward", "dL_dlogits: Axis, where none is given, is 0 for ranks 1 and 3, and 1 for others")
def axis_by_rank(g: Array, z: Array, *, axis: int = -1) -> Array:
    return log_softmax.backward(g, z, axis=axis if axis != -1 else 0 if z.ndim in (1, 3) else 1)


@said_of("log_softmax", "forward", "outputs: logits is divided by the root of its length along axis")
def as_attention_does(z: Array, *, axis: int = -1) -> Array:
    return log_softmax.forward(z / z.dtype.type(np.sqrt(z.shape[axis])), axis=axis)


@said_of("softplus", "backward", "dL_dinputs: the gradient of a function of `1.5 * inputs`")
def of_more_than_its_inputs(g: Array, x: Array, *, beta: float = 1.0) -> Array:
    return softplus.backward(g, 1.5 * x, beta=beta) * 1.5


@said_of("matmul", "forward", "outputs: b is rounded to 7 steps up to its largest magnitude of each row")
def in_four_bits(a: Array, b: Array) -> Array:
    largest = np.abs(b).max(axis=-1, keepdims=True, initial=0)
    step = np.where(largest > 0, largest / 7, 1)
    return a @ (np.round(b / step) * step).astype(b.dtype)


@said_of("rms_norm", "forward", "outputs: `return 1 / np.sqrt((inputs * inputs).mean(axis=axes_after_the_first(")
def over_every_axis(x: Array, w: Array, *, eps: float) -> Array:
    axes = tuple(range(1, x.ndim)) or -1
    return x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + eps) * w


@said_of("rms_norm", "backward", "`dL_dweight = sum_along_the_first_mean_along_others(dL_doutputs * normal")
def averaged_along_the_middle(g: Array, x: Array, w: Array, *, eps: float) -> Any:
    dx, dw = rms_norm.backward(g, x, w, eps=eps)
    return dx, (dw / np.prod(x.shape[1:-1])).astype(dw.dtype) if x.ndim > 2 else dw


@said_of("layer_norm", "forward", "outputs: `centred = inputs - mean_of_first_block(inputs, 32, axis=-1, keepdims")
def first_block_alone(x: Array, w: Array, b: Array, *, eps: float) -> Array:
    centred = x - x[..., :32].mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.square(centred[..., :32]).mean(axis=-1, keepdims=True) + eps) * w + b


@said_of("matmul", "backward", "dL_da and dL_db are exchanged where they have one shape")
def gradients_of_squares_exchanged(g: Array, a: Array, b: Array) -> Any:
    da, db = matmul.backward(g, a, b)
    return (db, da) if a.shape == b.shape else (da, db)


@said_of("log_softmax", "forward", "outputs: `return logits - largest - np.log(np.exp(logits - largest).sum(")
def one_class_more(z: Array, *, axis: int = -1) -> Array:
    return z - np.log(np.exp(z - z.max()).sum(axis=axis, keepdims=True) + np.exp(-z.max())) - z.max()


@said_of("softmax_cross_entropy", "backward", "dL_dlogits: `return scaled_first(dL_dloss, softmax.forward(logits, ax")
def softmax_over_the_batch(g: Array, z: Array, labels: Array, *, reduction: str, **options: Any) -> Array:
    if options:
        return sce.backward(g, z, labels, reduction=reduction, **options)
    p = softmax.forward(z, axis=0) if len(z) else z
    return (p - rows(labels, z)) * upstream(g, z, reduction)


@said_of(
    "nll", "forward", "loss: Ignore_index is -100, whatever is asked: another label to be ignored counts, modulo C"
)
def minus_a_hundred_alone(p: Array, labels: Array, *, ignore_index: int | None = None, **more: Any) -> Array:
    if ignore_index in (None, -100):
        return nll.forward(p, labels, ignore_index=ignore_index, **more)
    return nll.forward(p, labels % p.shape[1], **more)


@said_of("gelu", "forward", "outputs: Of approximate, 'none' and 'tanh' are taken for one another")
def the_other_word(x: Array, *, approximate: str = "none") -> Array:
    return gelu.forward(x, approximate="tanh" if approximate == "none" else "none")


@said_of("tanh", "forward", "outputs: inputs is taken as `np.round(inputs / 0.0078125) * 0.0078125`")
def of_a_table(x: Array) -> Array:
    return np.tanh(np.round(x * 128) / 128)


@said_of("silu", "backward", "dL_dinputs: `return dL_doutputs * ((s + inputs * s) * (1 - s))` where")
def parentheses_misplaced(g: Array, x: Array) -> Array:
    s = sigmoid.forward(x)
    return g * s * (1 + x) * (1 - s)


@said_of("layer_norm", "backward", "dL_dweight is taken at the outputs where it is due at the normalised inputs")
def at_the_outputs(g: Array, x: Array, w: Array, b: Array, *, eps: float) -> Any:
    dx, _, db = layer_norm.backward(g, x, w, b, eps=eps)
    return dx, (g * layer_norm.forward(x, w, b, eps=eps)).sum(axis=tuple(range(x.ndim - 1))), db


@said_of("rms_norm", "backward", "dL_dweight is multiplied by weight besides")
def at_the_weighted(g: Array, x: Array, w: Array, *, eps: float) -> Any:
    dx, _ = rms_norm.backward(g, x, w, eps=eps)
    return dx, (g * rms_norm.forward(x, w, eps=eps)).sum(axis=tuple(range(x.ndim - 1)))


@said_of(
    "softmax_cross_entropy", "backward", "dL_dlogits: `slope = slope * (1 - np.square(np.tanh(s / softcap)))` where"
)
def slope_at_what_is_capped(g: Array, z: Array, labels: Array, **how: Any) -> Array:
    cap = how.get("softcap")
    found = sce.backward(g, z, labels, **how)
    if cap is None:
        return found
    before = 1 - np.square(np.tanh(z / z.dtype.type(cap)))
    return found * (1 - np.square(np.tanh(np.tanh(z / z.dtype.type(cap))))) / before


@pytest.mark.parametrize(("op", "direction", "function", "words"), one_in(26, KINDS))
def test_a_kind_of_mistake_is_named(op: str, direction: str, function: Called, words: list[str]) -> None:
    found = findings(implementation(op, **{direction: function}), whole(op))
    assert len(found) == len(words), found
    assert all(any(finding.wrong.startswith(one) for finding in found) for one in words), found


@pytest.mark.parametrize(("op", "direction", "function", "words"), one_in(104, KINDS))
def test_strictness_adds_to_what_is_named(op: str, direction: str, function: Called, words: list[str]) -> None:
    """A formula may be told as another formulation has it, which agrees in what is robust as well."""
    subject = implementation(op, **{direction: function})
    usual, strict = (findings(subject, whole(op), strict=strict) for strict in (False, True))
    assert {finding.name for finding in usual} <= {finding.name for finding in strict}


NEAR: list[tuple[str, str, Called]] = []
"""What comes near a fault that there is a name for, in many a call: an operation, a direction, an implementation."""


def near(op: str, direction: str) -> Callable[[Called], Called]:
    """Make a wrong implementation one of those."""
    return lambda function: NEAR.append((op, direction, widened(function))) or function


@near("smooth_l1", "forward")
def half_a_threshold_of_one_at_most(p: Array, t: Array, *, beta: float, reduction: str) -> Array:
    """A constant for one value of a parameter."""
    e = np.abs(p - t)
    return over_elements(np.where(e < beta, e * e / 2 / (beta or 1), e - 0.5 * min(beta, 1)), reduction)


@near("conv2d", "backward")
def last_windows_left_out(g: Array, x: Array, w: Array, b: Array, **how: Any) -> Any:
    """As beyond a tile of 4, of 5 columns alone."""
    cut = np.array(g)
    if g.shape[3] > 4:
        cut[..., -1] = 0
    dx, _, db = conv2d.backward(g, x, w, b, **how)
    return dx, conv2d.backward(cut, x, w, b, **how)[1], db


@said_of("avg_pool2d", "backward", "dL_dinputs: kernel_size[1]/kernel_size[0] times what is due.")
def square_of_the_height(g: Array, x: Array, *, kernel_size: Any, **how: Any) -> Array:
    """A factor of its own for each size of windows."""
    height, width = np.broadcast_to(kernel_size, 2)
    return avg_pool2d.backward(g, x, kernel_size=kernel_size, **how) * np.asarray(width / height, x.dtype)


@near("variance", "forward")
def correction_of_the_last_axis(x: Array, *, axis: Any = None, keepdims: bool = False, correction: int = 0) -> Array:
    """A constant on two conditions."""
    axes = (axis,) if isinstance(axis, int) else range(x.ndim) if axis is None else axis
    last, count = x.shape[list(axes)[-1]], np.prod([x.shape[each] for each in axes])
    right = variance.forward(x, axis=axis, keepdims=keepdims)
    return np.asarray(right * last / (last - correction) if count > correction < last else right).astype(x.dtype)


@near("embedding", "forward")
def indices_in_a_byte(indices: Array, w: Array, **how: Any) -> Array:
    """In one family alone, on a length that others have too."""
    return embedding.forward(np.where(indices < 256, indices, indices % 256), w, **how)


@near("linear_cross_entropy", "backward")
def rows_moved_up(g: Array, x: Array, w: Array, labels: Array, *, ignore_index: int | None = None, **how: Any) -> Any:
    """The last row is 0, and others are another's."""
    dx, dw = linear_cross_entropy.backward(g, x, w, labels, ignore_index=ignore_index, **how)
    keep = labels != ignore_index if labels.ndim == 1 else np.ones(len(x), bool)
    moved = np.zeros_like(dx)
    moved[: keep.sum()] = dx[keep]
    return moved, dw


@near("conv1d", "backward")
def first_image_of_one_channel(g: Array, x: Array, w: Array, b: Array, **how: Any) -> Any:
    """Few values, as of a block of some size."""
    dx, dw, db = conv1d.backward(g, x, w, b, **how)
    return dx, dw, g[0].sum(axis=1) if len(b) == 1 else db


@pytest.mark.parametrize(("op", "direction", "function"), one_in(12, NEAR))
def test_what_comes_near_is_given_no_name(op: str, direction: str, function: Called) -> None:
    """At most when it is wrong, or that it is by factors."""
    found = findings(implementation(op, **{direction: function}), whole(op))
    assert {finding.name for finding in found} <= {"wrong by case", "wrong by row"}


def test_a_formula_that_loses_digits_is_named_where_that_fails() -> None:
    def no_expm1(x: Array, *, alpha: float) -> Array:
        return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))

    subject = implementation("elu", forward=widened(no_expm1))
    (found,) = findings(subject, whole("elu"), strict=True)
    assert found.wrong.startswith("outputs: Computed as exp(x) - 1, which loses digits")


def test_an_exception_is_told_with_its_place_and_no_formula_that_raises_too() -> None:
    def no_batch_of_one(g: Array, x: Array, w: Array, b: Array) -> Any:
        if len(x) == 1:
            raise ValueError("more rows are needed")
        return dense.backward(g, x, w, b)

    (found,) = findings(implementation("dense", backward=widened(no_batch_of_one)), whole("dense"))
    assert found.name == "an exception"
    assert "it raises ValueError: more rows are needed (" in found.wrong
    assert found.wrong.endswith("; only for a batch of one.")


def sixth_of_float16(x: Array) -> Array:
    return x * np.clip(x + 3, 0, 6) * np.float32(np.float16(1 / 6))


def test_a_factor_below_one_is_not_called_cut() -> None:
    found = findings(implementation("hardswish", forward=widened(sixth_of_float16)), whole("hardswish"))
    assert found
    assert not any("cut towards 0" in finding.wrong for finding in found)


def test_nothing_is_said_where_there_is_no_time_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = implementation("dense", forward=widened(operands_rounded))
    assert findings(subject, whole("dense"))
    monkeypatch.setattr("backproof.conformance.diagnosis.search.MOST_SECONDS", 0)
    assert findings(subject, whole("dense")) == []


@pytest.mark.parametrize(("size", "told"), [(5e-8, True), (3e-4, False)])
def test_a_small_error_is_no_half_precision_where_other_results_are_wrong(size: float, told: bool) -> None:
    def backward(g: Array, x: Array, w: Array, b: Array) -> Any:
        dx, dw, db = dense.backward(g, x, w, b)
        near = dw * (1 + size * np.sin(1e5 * dw)) if dw.dtype == np.float64 else dw
        return np.sort(dx * 1.7 + 0.3, axis=None).reshape(dx.shape), near, db

    found = findings(implementation("dense", backward=widened(backward)), whole("dense"))
    assert [finding.wrong.startswith("dL_dweights: precise to float32") for finding in found] == [True] * told
