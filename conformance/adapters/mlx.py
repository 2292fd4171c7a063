"""MLX's own functions and its vector-Jacobian products. Needs `pip install mlx`, on Linux `pip install 'mlx[cpu]'`.

Options: `device=gpu`, which knows no float64.
"""

# ruff: noqa: D103 - the names are the operations'

from functools import partial
from typing import Any

import numpy as np
from ml_dtypes import bfloat16

from .autodiff import (
    Array,
    Autodiff,
    Axes,
    ClassLosses,
    Function,
    Sizes,
    Tensor,
    Tensors,
    are_indices,
    by_element,
    by_norms,
    convolutional,
    corner,
    dropout,
    gated,
    lookup,
    needed,
    network,
    of_layer,
    own,
    places,
    require_layer,
    rotary,
    seen_by,
    transformer,
)
from .images import by_channel, channels_last, per_axis, require_windows, with_bias

with needed("mlx", "MLX", "mlx, or on Linux 'mlx[cpu]'"):
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optim

name = "MLX"
version = str(mx.__version__)
dtypes = ["float64", "float32", "float16", "bfloat16"]
NATIVE = ("embedding", "gather", "scatter_add", "max_pool2d", "avg_pool2d")
# On the CPU each operation rounds its result, and what MLX calls one function is composed of several.
precision = {
    "float16": "stepwise",
    "bfloat16": "stepwise",
    "float16:softmax": "fused",  # precise=True computes it in float32
    "bfloat16:softmax": "fused",
    # what is added up where indices point, or over windows, is so in the half dtype itself
    **{f"{dtype}:{op}": "native" for dtype in ("float16", "bfloat16") for op in NATIVE},
}
conventions = {"labels": "unchecked"}

REDUCTIONS = {"none": lambda rows: rows, "sum": mx.sum, "mean": mx.mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return inputs @ weights + biases


def softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    return mx.softmax(logits, axis=axis, precise=True)  # otherwise long rows of bfloat16 are summed in bfloat16


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-mx.log(of_labels(probabilities, labels)))
    losses = labels * mx.log(mx.where(labels == 0, 1, probabilities))  # a class of weight 0 adds nothing, even at p = 0
    return REDUCTIONS[reduction](-losses.sum(axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str, label_smoothing: float = 0.0) -> Tensor:
    return nn.losses.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction=reduction)


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return mx.eye(outputs.shape[-1], dtype=outputs.dtype)[labels] if are_indices(labels, outputs) else labels


def gelu(inputs: Tensor, *, approximate: str = "none") -> Tensor:
    return (nn.gelu_approx if approximate == "tanh" else nn.gelu)(inputs)


def softplus(inputs: Tensor, *, beta: float = 1.0) -> Tensor:
    return nn.softplus(inputs * beta) / beta


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    return nn.relu6(inputs) if (min_value, max_value) == (0, 6) else nn.hard_tanh(inputs, min_value, max_value)


def hardsigmoid(inputs: Tensor) -> Tensor:
    return nn.relu6(inputs + 3) / 6


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    return mx.fast.layer_norm(inputs, weight, bias, eps)


def log_softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    if logits.ndim > 1 and logits.shape[axis] == 1:
        raise NotImplementedError("MLX's compiled sum over an axis of one element writes to memory that is not its own")
    return nn.log_softmax(logits, axis=axis)


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    return mx.fast.rms_norm(inputs, weight, eps)


STEPS = ("stride", "dilation", "groups")
images = channels_last(mx.transpose)
normalized = channels_last(mx.transpose)(lambda inputs, layer: layer(inputs))
"""What a layer without a weight of its own makes of images."""


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    if not eps or inputs.ndim > 4:
        raise NotImplementedError("nn.BatchNorm takes no eps of 0, and no volumes")
    layer = nn.BatchNorm(inputs.shape[1], eps, affine=False, track_running_stats=False)
    return by_channel(normalized(inputs, layer), weight, bias)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    if not eps:
        raise NotImplementedError("nn.GroupNorm takes no eps of 0")
    layer = nn.GroupNorm(num_groups, inputs.shape[1], eps, affine=False, pytorch_compatible=True)
    return by_channel(normalized(inputs, layer), weight, bias)


def conv1d(inputs: Tensor, weight: Tensor, bias: Tensor, **sizes: Any) -> Tensor:
    one = {name: size if isinstance(size, int) else size[0] for name, size in sizes.items()}
    return convolved(mx.conv1d, inputs, mx.transpose(weight, (0, 2, 1)), bias, one)


def conv2d(inputs: Tensor, weight: Tensor, bias: Tensor, **sizes: Sizes) -> Tensor:
    return convolved(mx.conv2d, inputs, mx.transpose(weight, (0, 2, 3, 1)), bias, sizes)


def conv_transpose2d(inputs: Tensor, weight: Tensor, bias: Tensor, **sizes: Sizes) -> Tensor:
    if sizes.get("groups", 1) != 1:
        raise NotImplementedError("mx.conv_transpose2d has no groups")
    return convolved(mx.conv_transpose2d, inputs, mx.transpose(weight, (1, 2, 3, 0)), bias, sizes)


def convolved(function: Function, inputs: Tensor, weight: Tensor, bias: Tensor, sizes: dict[str, Sizes]) -> Tensor:
    if inputs.dtype == mx.float64 and any(sizes.get(name, 1) not in (1, (1, 1)) for name in STEPS):
        raise NotImplementedError("MLX's convolutions know no float64, but without stride, dilation and groups")
    return with_bias(images(function)(inputs, weight, **sizes), bias)


def max_pool2d(inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> Tensor:
    if per_axis(dilation, 2) != (1, 1):
        raise NotImplementedError("nn.MaxPool2d has no dilation")
    return pooled(nn.MaxPool2d, inputs, kernel_size, stride, padding)


def avg_pool2d(
    inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Tensor:
    if not count_include_pad:
        raise NotImplementedError("nn.AvgPool2d counts its padding")
    return pooled(nn.AvgPool2d, inputs, kernel_size, stride, padding)


def pooled(pool: Function, inputs: Tensor, *sizes: Sizes) -> Tensor:
    kernel, stride, padding = (per_axis(size, 2) for size in sizes)
    require_windows(kernel, padding)
    if any(size + 2 * p < k for size, p, k in zip(inputs.shape[2:], padding, kernel, strict=True)):
        raise ValueError(f"inputs of shape {inputs.shape} are smaller than a window")  # it reads on behind them
    return normalized(inputs, pool(kernel, stride, padding))


def attention(
    query: Tensor, key: Tensor, value: Tensor, *mask: Tensor, scale: float, is_causal: bool = False, **options: Any
) -> Tensor:
    if options:
        raise NotImplementedError("MLX's attention has neither softcap nor window")
    seen = seen_by(query, key, mask) if mask else "causal" if is_causal else None
    return mx.fast.scaled_dot_product_attention(query, key, value, scale=scale, mask=seen)


def lstm(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    require_layer(4, inputs[0], (hidden, cell), layer)
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    lstm = nn.LSTM(1, 1)
    lstm.hidden_size, lstm.Wx, lstm.Wh, lstm.bias = hidden.shape[1], weight_ih, weight_hh, bias_ih + bias_hh
    hiddens, cells = lstm(mx.swapaxes(inputs, 0, 1), hidden, cell)
    return mx.swapaxes(hiddens, 0, 1), hiddens[:, -1], cells[:, -1]


def lstm_cell(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    return lstm(inputs[None], hidden, cell, *layer)[1:]


def gru_cell(inputs: Tensor, hidden: Tensor, *layer: Tensor) -> Tensor:
    require_layer(3, inputs, (hidden,), layer)
    weight_ih, weight_hh, bias_ih, bias_hh = layer
    gru, units = nn.GRU(1, 1), hidden.shape[1]
    of_reset_and_update = mx.concatenate([bias_hh[: 2 * units], mx.zeros_like(hidden[0])])
    gru.hidden_size, gru.Wx, gru.Wh = units, weight_ih, weight_hh
    gru.b, gru.bhn = bias_ih + of_reset_and_update, bias_hh[2 * units :]
    return gru(inputs[:, None], hidden)[:, 0]


def smooth_l1(predictions: Tensor, targets: Tensor, *, beta: float, reduction: str) -> Tensor:
    if not beta:
        return nn.losses.l1_loss(predictions, targets, reduction)
    return nn.losses.smooth_l1_loss(predictions, targets, beta, reduction=reduction)


def binary_cross_entropy(probabilities: Tensor, targets: Tensor, *, reduction: str) -> Tensor:
    return nn.losses.binary_cross_entropy(probabilities, targets, with_logits=False, reduction=reduction)


def weighted_of_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor) -> Tensor:
    return pos_weight * targets * nn.softplus(-logits) + (1 - targets) * nn.softplus(logits)


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    return mx.var(inputs, axis, keepdims, correction)


def batchmean(losses: Tensor) -> Tensor:
    return losses.sum() / len(losses)


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return mx.take_along_axis(scores, labels[:, None], axis=-1)[:, 0]


def or_zero(condition: Tensor, x: Tensor) -> Tensor:
    return mx.where(condition, x, 0)


def quotient(losses: Tensor, weights: Tensor) -> Tensor:
    # The gradient of mx.where is 0 times that of what it left out: NaN of an infinity. Weights need none.
    return losses / mx.stop_gradient(mx.where(weights == 0, 1, weights))


def kl_div(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return targets * mx.log(mx.where(targets == 0, 1, targets)) - targets * log_probabilities


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return mx.take_along_axis(corner(inputs, indices, axis), indices, axis)


def scatter_add(inputs: Tensor, indices: Tensor, source: Tensor, *, axis: int) -> Tensor:
    corner(inputs, indices, axis)
    if source.shape != indices.shape:
        raise ValueError(f"a source of shape {source.shape} for indices of shape {indices.shape}")
    return inputs.at[places(indices, axis, mx.array)].add(source)


def stepped(optimizer: Any, names: str, tensors: Tensors, step: int = 1) -> Tensors:
    """Take a step of an optimizer, from the state of these names after the steps before."""
    parameters, gradients, *state = tensors
    optimizer.state["step"] = mx.array(step, mx.uint64)
    kept = dict(zip(names, state, strict=True))
    return optimizer.apply_single(gradients, parameters, kept), *kept.values()


def sgd(*tensors: Tensor, lr: float, momentum: float, nesterov: bool = False, weight_decay: float = 0.0) -> Tensors:
    return stepped(optim.SGD(lr, momentum, weight_decay, nesterov=nesterov), "v", tensors)


def rmsprop(*tensors: Tensor, lr: float, alpha: float, eps: float) -> Tensors:
    return stepped(optim.RMSprop(lr, alpha, eps), "v", tensors)


def adam(*tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int) -> Tensors:
    return stepped(optim.Adam(lr, [beta1, beta2], eps), "mv", tensors, step)


def adamw(
    *tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int, weight_decay: float
) -> Tensors:
    return stepped(optim.AdamW(lr, [beta1, beta2], eps, weight_decay), "mv", tensors, step)


# The adapter: arrays to MLX's, and a function's gradients.


def setup(device: str = "cpu") -> None:
    mx.set_default_device(getattr(mx, device))


def tensor(array: Array) -> Tensor:
    if array.size == 0:
        raise NotImplementedError("MLX's sum over no elements reads memory that is not its own, and may not end")
    return mx.array(own(array), dtype=getattr(mx, array.dtype.name))


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    upstreams = list(upstream) if isinstance(upstream, tuple) else [upstream]
    _, found = mx.vjp(lambda *values: function(*values, *constants), list(variables), upstreams)
    return found


def array(tensor: Tensor) -> Array:
    if tensor.dtype != mx.bfloat16:
        return np.array(tensor)
    return np.array(tensor.view(mx.uint16)).view(bfloat16)


autodiff = Autodiff(tensor, gradients, array=array)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(nn.relu)
softmax_forward, softmax_backward = autodiff.both(softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, nn.relu, softmax_cross_entropy))
convolutional_network_forward, convolutional_network_backward = autodiff.both_of_loss(
    convolutional(conv2d, batch_norm, nn.relu, max_pool2d, mx.reshape, dense, softmax_cross_entropy)
)
square_forward, square_backward = autodiff.both(mx.square)
sigmoid_forward, sigmoid_backward = autodiff.both(mx.sigmoid)
tanh_forward, tanh_backward = autodiff.both(mx.tanh)
silu_forward, silu_backward = autodiff.both(nn.silu)
gelu_forward, gelu_backward = autodiff.both(gelu)
softplus_forward, softplus_backward = autodiff.both(softplus)
leaky_relu_forward, leaky_relu_backward = autodiff.both(nn.leaky_relu)
elu_forward, elu_backward = autodiff.both(nn.elu)
celu_forward, celu_backward = autodiff.both(nn.celu)
hardtanh_forward, hardtanh_backward = autodiff.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = autodiff.both(hardsigmoid)
hardswish_forward, hardswish_backward = autodiff.both(nn.hardswish)
selu_forward, selu_backward = autodiff.both(nn.selu)
mish_forward, mish_backward = autodiff.both(nn.mish)
log_sigmoid_forward, log_sigmoid_backward = autodiff.both(nn.log_sigmoid)
softsign_forward, softsign_backward = autodiff.both(nn.softsign)
exp_forward, exp_backward = autodiff.both(mx.exp)
log_forward, log_backward = autodiff.both(mx.log)
sqrt_forward, sqrt_backward = autodiff.both(mx.sqrt)
absolute_forward, absolute_backward = autodiff.both(mx.abs)
reciprocal_forward, reciprocal_backward = autodiff.both(mx.reciprocal)
log_softmax_forward, log_softmax_backward = autodiff.both(log_softmax)
layer_norm_forward, layer_norm_backward = autodiff.both(layer_norm)
rms_norm_forward, rms_norm_backward = autodiff.both(rms_norm)
batch_norm_forward, batch_norm_backward = autodiff.both(batch_norm)
group_norm_forward, group_norm_backward = autodiff.both(group_norm)
matmul_forward, matmul_backward = autodiff.both(mx.matmul)
conv1d_forward, conv1d_backward = autodiff.both(conv1d)
conv2d_forward, conv2d_backward = autodiff.both(conv2d)
conv_transpose2d_forward, conv_transpose2d_backward = autodiff.both(conv_transpose2d)
max_pool2d_forward, max_pool2d_backward = autodiff.both(max_pool2d)
avg_pool2d_forward, avg_pool2d_backward = autodiff.both(avg_pool2d)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = autodiff.both(attention)
masked_attention_forward, masked_attention_backward = autodiff.both_of_loss(attention)
lstm_cell_forward, lstm_cell_backward = autodiff.both_of_several(lstm_cell, results=2)
lstm_forward, lstm_backward = autodiff.both_of_several(lstm, results=3)
gru_cell_forward, gru_cell_backward = autodiff.both(gru_cell)
add_forward, add_backward = autodiff.both(mx.add)
multiply_forward, multiply_backward = autodiff.both(mx.multiply)
divide_forward, divide_backward = autodiff.both(mx.divide)
maximum_forward, maximum_backward = autodiff.both(mx.maximum)
power_forward, power_backward = autodiff.both(mx.power)
sum_forward, sum_backward = autodiff.both(mx.sum)
mean_forward, mean_backward = autodiff.both(mx.mean)
max_forward, max_backward = autodiff.both(mx.max)
logsumexp_forward, logsumexp_backward = autodiff.both(mx.logsumexp)
variance_forward, variance_backward = autodiff.both(variance)
_l2_normalize, _cosine_similarity = by_norms(
    lambda x, axis: mx.linalg.norm(x, axis=axis, keepdims=True), mx.maximum, lambda x: x.sum(axis=-1)
)
l2_normalize_forward, l2_normalize_backward = autodiff.both(_l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = autodiff.both(_cosine_similarity)
swiglu_forward, swiglu_backward = autodiff.both(gated(nn.silu))
geglu_forward, geglu_backward = autodiff.both(gated(gelu))
mse_forward, mse_backward = autodiff.both_of_loss(by_element(nn.losses.mse_loss))
l1_forward, l1_backward = autodiff.both_of_loss(by_element(nn.losses.l1_loss))
huber_forward, huber_backward = autodiff.both_of_loss(by_element(nn.losses.huber_loss))
smooth_l1_forward, smooth_l1_backward = autodiff.both_of_loss(by_element(smooth_l1))
hinge_forward, hinge_backward = autodiff.both_of_loss(by_element(nn.losses.hinge_loss))
binary_cross_entropy_forward, binary_cross_entropy_backward = autodiff.both_of_loss(by_element(binary_cross_entropy))
_binary_of_logits = autodiff.both_of_loss(by_element(nn.losses.binary_cross_entropy))
binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward = _binary_of_logits
_weighted_of_logits = autodiff.both_of_loss(by_element(weighted_of_logits, REDUCTIONS), constants=2)
weighted_binary_cross_entropy_with_logits_forward, weighted_binary_cross_entropy_with_logits_backward = (
    _weighted_of_logits
)
dropout_forward, dropout_backward = autodiff.both_of_loss(dropout)
kl_div_forward, kl_div_backward = autodiff.both_of_loss(by_element(kl_div, {**REDUCTIONS, "batchmean": batchmean}))
classes = ClassLosses(log_softmax, mx.tanh, partial(mx.sum, axis=-1), of_labels, or_zero, REDUCTIONS, quotient)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = autodiff.both_of_loss(
    classes.weighted, constants=2
)
_of_logits = classes.or_own(softmax_cross_entropy, "label_smoothing")
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(_of_logits)
linear_cross_entropy_forward, linear_cross_entropy_backward = autodiff.both_of_loss(of_layer(_of_logits, mx.transpose))
nll_forward, nll_backward = autodiff.both_of_loss(classes.nll)
embedding_forward, embedding_backward = autodiff.both_with_indices(lookup(partial(mx.take, axis=0)), 0)
gather_forward, gather_backward = autodiff.both_of_loss(gather)
scatter_add_forward, scatter_add_backward = autodiff.both_with_indices(scatter_add, 1)
_turned = rotary(mx.stack, mx.reshape)
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = autodiff.both_of_loss(
    transformer(rms_norm, attention, _turned, gated(nn.silu), mx.swapaxes, mx.reshape), constants=2
)
sgd_step_forward = autodiff.step(sgd)
rmsprop_step_forward = autodiff.step(rmsprop)
adam_step_forward = autodiff.step(adam)
adamw_step_forward = autodiff.step(adamw)
