"""tinygrad's own functions and its gradients. Needs `pip install tinygrad`, and clang for its CPU device.

The device is what tinygrad chooses, or what its environment variable DEV says; CC names another compiler, as a script
of one line that calls the clang in `pip install ziglang`: `python -m ziglang clang "$@"`. clang before 17 knows no
arithmetic of bfloat16, which a few kernels ask for.
"""

# ruff: noqa: D103 - the names are the operations'

from functools import partial
from importlib.metadata import version as version_of
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
    recurrent,
    rotary,
    seen_by,
    transformer,
)
from .images import per_axis, require_channels, require_several, require_windows

with needed("tinygrad", "tinygrad", "tinygrad"):
    import tinygrad
    from tinygrad import dtypes as dt
    from tinygrad import nn

name = "tinygrad"
version = version_of("tinygrad")
dtypes = ["float64", "float32", "float16", "bfloat16"]
# Kernels round every step to the half dtype. A contraction of bfloat16 adds up products that are rounded to bfloat16.
precision = {
    "float16": "stepwise",
    "bfloat16": "stepwise",
    "bfloat16:dense": "native",
    "bfloat16:matmul": "native",
    "bfloat16:mlp": "native",
}
conventions = {"labels": "unchecked"}

REDUCTIONS = {"none": lambda rows: rows, "sum": lambda rows: rows.sum(), "mean": lambda rows: rows.mean()}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return inputs.linear(weights, biases)


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-of_labels(probabilities, labels).log())
    losses = labels * (labels == 0).where(1, probabilities).log()  # a class of weight 0 adds nothing, even at p = 0
    return REDUCTIONS[reduction](-losses.sum(axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str, label_smoothing: float = 0.0) -> Tensor:
    are_indices(labels, logits)
    return logits.cross_entropy(labels, reduction, label_smoothing)


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return labels.one_hot(outputs.shape[-1]).cast(outputs.dtype) if are_indices(labels, outputs) else labels


def gelu(inputs: Tensor, *, approximate: str = "none") -> Tensor:
    return inputs.gelu(approximate)


def leaky_relu(inputs: Tensor, *, negative_slope: float) -> Tensor:
    return inputs.leaky_relu(negative_slope)


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    return inputs.relu6() if (min_value, max_value) == (0, 6) else inputs.hardtanh(min_value, max_value)


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    norm = nn.LayerNorm(weight.shape, eps, elementwise_affine=False)
    norm.weight, norm.bias = weight, bias
    return norm(inputs)


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    norm = nn.RMSNorm(weight.shape[0], eps, elementwise_affine=False)
    norm.weight = weight
    return norm(inputs)


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    require_several(inputs)
    return by_weights(nn.BatchNorm(weight.shape[0], eps, track_running_stats=False), inputs, weight, bias)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    return by_weights(nn.GroupNorm(num_groups, weight.shape[0], eps), inputs, weight, bias)


def by_weights(layer: Any, inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    require_channels(inputs, weight, bias)
    layer.weight, layer.bias = weight, bias
    return layer(inputs)


def convolution(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    return inputs.conv2d(weight, bias, groups, stride, dilation, padding)


def conv_transpose2d(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    output_padding: Sizes = 0,
) -> Tensor:
    return inputs.conv_transpose2d(weight, bias, groups, stride, dilation, padding, output_padding)


def max_pool2d(inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> Tensor:
    kernel = per_axis(kernel_size, 2)
    require_windows(kernel, padding)
    return inputs.max_pool2d(kernel, stride, dilation, padding)


def avg_pool2d(
    inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Tensor:
    kernel = per_axis(kernel_size, 2)
    require_windows(kernel, padding)
    return inputs.avg_pool2d(kernel, stride, 1, padding, count_include_pad=count_include_pad)


def attention(
    query: Tensor, key: Tensor, value: Tensor, *mask: Tensor, scale: float, is_causal: bool = False, **options: Any
) -> Tensor:
    if options:
        raise NotImplementedError("tinygrad's attention has neither softcap nor window")
    seen, shared = seen_by(query, key, mask), query.shape[1] != key.shape[1]
    if query.shape[1] % key.shape[1]:
        raise ValueError(f"{query.shape[1]} heads of queries for {key.shape[1]} of keys")  # it takes as many as fit
    query = query * (scale * query.shape[-1] ** 0.5)  # it divides by the root of the size itself
    return query.scaled_dot_product_attention(key, value, seen, is_causal=is_causal, enable_gqa=shared)


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return corner(inputs, indices, axis).gather(axis, indices)


def scatter_add(inputs: Tensor, indices: Tensor, source: Tensor, *, axis: int) -> Tensor:
    corner(inputs, indices, axis)
    if source.shape != indices.shape:
        raise ValueError(f"a source of shape {source.shape} for indices of shape {indices.shape}")
    return inputs.scatter_reduce(axis, indices, source, "sum")


def stacked(tensors: Tensors, axis: int = 0) -> Tensor:
    return tinygrad.Tensor.stack(*tensors, dim=axis)


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).square()


def l1(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets).abs()


def huber(predictions: Tensor, targets: Tensor, *, delta: float) -> Tensor:
    error = (predictions - targets).abs()
    return (error <= delta).where(0.5 * error.square(), delta * (error - 0.5 * delta))


def smooth_l1(predictions: Tensor, targets: Tensor, *, beta: float) -> Tensor:
    return huber(predictions, targets, delta=beta) / beta if beta else l1(predictions, targets)


def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    return (1 - targets * predictions).relu()


def weighted_of_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor, *, reduction: str) -> Tensor:
    return logits.binary_crossentropy_logits(targets, reduction, pos_weight)


def over_axes(method: str) -> Function:
    def reduced(inputs: Tensor, *, axis: Axes, keepdims: bool = False, **options: int) -> Tensor:
        return getattr(inputs, method)(axis=axis, keepdim=keepdims, **options)

    return reduced


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    return inputs.var(axis, keepdims, correction)


def batchmean(losses: Tensor) -> Tensor:
    return losses.sum() / losses.shape[0]


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return scores.gather(1, labels.reshape(-1, 1)).reshape(-1)


def or_zero(condition: Tensor, x: Tensor) -> Tensor:
    return condition.where(x, 0)


def kl_div(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return targets * (targets == 0).where(1, targets).log() - targets * log_probabilities


def stepped(make: Function, names: str, tensors: Tensors, rates: dict[str, float], step: int = 1) -> Tensors:
    """Take a step of an optimizer, from the state of these names after the steps before."""
    parameters, gradients, *state = tensors
    if parameters.dtype != dt.float32:
        raise NotImplementedError("tinygrad keeps the state of optimizers and the learning rate in float32")
    parameters = tinygrad.Tensor(parameters.numpy()).is_param_(True)
    parameters.grad = gradients
    optimizer = make([parameters], **rates)
    kept = [getattr(optimizer, name)[0] for name in names]
    for one, value in zip(kept, state, strict=True):
        one.assign(value).realize()
    for name in ("b1", "b2") if step > 1 else ():
        setattr(optimizer, f"{name}_t", tinygrad.Tensor([rates[name] ** (step - 1)], dtype=dt.float32))
    with tinygrad.helpers.Context(TRAINING=1):
        optimizer.step()
    return parameters, *kept


def sgd(*tensors: Tensor, lr: float, momentum: float, nesterov: bool = False, weight_decay: float = 0.0) -> Tensors:
    if not momentum:
        raise NotImplementedError("tinygrad keeps no buffer without momentum")
    rates = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
    return stepped(nn.optim.SGD, "b", tensors, rates)


def adam(*tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int) -> Tensors:
    return stepped(nn.optim.Adam, "mv", tensors, {"lr": lr, "b1": beta1, "b2": beta2, "eps": eps}, step)


def adamw(
    *tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int, weight_decay: float
) -> Tensors:
    rates = {"lr": lr, "b1": beta1, "b2": beta2, "eps": eps, "weight_decay": weight_decay}
    return stepped(nn.optim.AdamW, "mv", tensors, rates, step)


# The adapter: arrays to tensors, and a function's gradients.


def setup() -> None:
    tinygrad.Tensor([0.0]).relu().realize()  # fails once, here, if the device or its compiler does


def tensor(array: Array) -> Tensor:
    copy = own(array)
    if copy.dtype == bfloat16:
        return tinygrad.Tensor(copy.view(np.uint16)).bitcast(dt.bfloat16)
    return tinygrad.Tensor(copy)


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    outputs = function(*variables, *constants)
    if isinstance(outputs, tuple):  # gradients are taken of one tensor alone
        outputs = sum((one * of_one).sum() for one, of_one in zip(outputs, upstream, strict=True))
        upstream = None
    found = outputs.gradient(*variables, gradient=upstream)
    tinygrad.Tensor.realize(*found)  # together: one by one, each would compute again what they have in common
    return found


def array(tensor: Tensor) -> Array:
    if tensor.dtype != dt.bfloat16:
        return tensor.numpy()
    return tensor.bitcast(dt.uint16).numpy().view(bfloat16)


autodiff = Autodiff(tensor, gradients, array=array)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(tinygrad.Tensor.relu)
softmax_forward, softmax_backward = autodiff.both(tinygrad.Tensor.softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, tinygrad.Tensor.relu, softmax_cross_entropy))
convolutional_network_forward, convolutional_network_backward = autodiff.both_of_loss(
    convolutional(
        convolution,
        batch_norm,
        tinygrad.Tensor.relu,
        max_pool2d,
        tinygrad.Tensor.reshape,
        dense,
        softmax_cross_entropy,
    )
)
square_forward, square_backward = autodiff.both(tinygrad.Tensor.square)
sigmoid_forward, sigmoid_backward = autodiff.both(tinygrad.Tensor.sigmoid)
tanh_forward, tanh_backward = autodiff.both(tinygrad.Tensor.tanh)
silu_forward, silu_backward = autodiff.both(tinygrad.Tensor.silu)
gelu_forward, gelu_backward = autodiff.both(gelu)
softplus_forward, softplus_backward = autodiff.both(tinygrad.Tensor.softplus)
leaky_relu_forward, leaky_relu_backward = autodiff.both(leaky_relu)
elu_forward, elu_backward = autodiff.both(tinygrad.Tensor.elu)
celu_forward, celu_backward = autodiff.both(tinygrad.Tensor.celu)
hardtanh_forward, hardtanh_backward = autodiff.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = autodiff.both(tinygrad.Tensor.hardsigmoid)
hardswish_forward, hardswish_backward = autodiff.both(tinygrad.Tensor.hardswish)
selu_forward, selu_backward = autodiff.both(tinygrad.Tensor.selu)
mish_forward, mish_backward = autodiff.both(tinygrad.Tensor.mish)
log_sigmoid_forward, log_sigmoid_backward = autodiff.both(tinygrad.Tensor.logsigmoid)
softsign_forward, softsign_backward = autodiff.both(tinygrad.Tensor.softsign)
exp_forward, exp_backward = autodiff.both(tinygrad.Tensor.exp)
log_forward, log_backward = autodiff.both(tinygrad.Tensor.log)
sqrt_forward, sqrt_backward = autodiff.both(tinygrad.Tensor.sqrt)
absolute_forward, absolute_backward = autodiff.both(tinygrad.Tensor.abs)
reciprocal_forward, reciprocal_backward = autodiff.both(tinygrad.Tensor.reciprocal)
log_softmax_forward, log_softmax_backward = autodiff.both(tinygrad.Tensor.log_softmax)
layer_norm_forward, layer_norm_backward = autodiff.both(layer_norm)
rms_norm_forward, rms_norm_backward = autodiff.both(rms_norm)
matmul_forward, matmul_backward = autodiff.both(tinygrad.Tensor.matmul)
batch_norm_forward, batch_norm_backward = autodiff.both(batch_norm)
group_norm_forward, group_norm_backward = autodiff.both(group_norm)
conv1d_forward, conv1d_backward = autodiff.both(convolution)
conv2d_forward, conv2d_backward = autodiff.both(convolution)
conv_transpose2d_forward, conv_transpose2d_backward = autodiff.both(conv_transpose2d)
max_pool2d_forward, max_pool2d_backward = autodiff.both(max_pool2d)
avg_pool2d_forward, avg_pool2d_backward = autodiff.both(avg_pool2d)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = autodiff.both(attention)
masked_attention_forward, masked_attention_backward = autodiff.both_of_loss(attention)
add_forward, add_backward = autodiff.both(tinygrad.Tensor.add)
multiply_forward, multiply_backward = autodiff.both(tinygrad.Tensor.mul)
divide_forward, divide_backward = autodiff.both(tinygrad.Tensor.div)
maximum_forward, maximum_backward = autodiff.both(tinygrad.Tensor.maximum)
power_forward, power_backward = autodiff.both(tinygrad.Tensor.pow)
sum_forward, sum_backward = autodiff.both(over_axes("sum"))
mean_forward, mean_backward = autodiff.both(over_axes("mean"))
max_forward, max_backward = autodiff.both(over_axes("max"))
logsumexp_forward, logsumexp_backward = autodiff.both(over_axes("logsumexp"))
variance_forward, variance_backward = autodiff.both(variance)
_l2_normalize, _cosine_similarity = by_norms(
    lambda x, axis: x.square().sum(axis, keepdim=True).sqrt(), tinygrad.Tensor.maximum, lambda x: x.sum(-1)
)
l2_normalize_forward, l2_normalize_backward = autodiff.both(_l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = autodiff.both(_cosine_similarity)
swiglu_forward, swiglu_backward = autodiff.both(gated(tinygrad.Tensor.silu))
geglu_forward, geglu_backward = autodiff.both(gated(gelu))
mse_forward, mse_backward = autodiff.both_of_loss(by_element(mse, REDUCTIONS))
l1_forward, l1_backward = autodiff.both_of_loss(by_element(l1, REDUCTIONS))
huber_forward, huber_backward = autodiff.both_of_loss(by_element(huber, REDUCTIONS))
smooth_l1_forward, smooth_l1_backward = autodiff.both_of_loss(by_element(smooth_l1, REDUCTIONS))
hinge_forward, hinge_backward = autodiff.both_of_loss(by_element(hinge, REDUCTIONS))
_binary_of_probabilities = autodiff.both_of_loss(by_element(tinygrad.Tensor.binary_crossentropy))
binary_cross_entropy_forward, binary_cross_entropy_backward = _binary_of_probabilities
_binary_of_logits = autodiff.both_of_loss(by_element(tinygrad.Tensor.binary_crossentropy_logits))
binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward = _binary_of_logits
_weighted_of_logits = autodiff.both_of_loss(by_element(weighted_of_logits), constants=2)
weighted_binary_cross_entropy_with_logits_forward, weighted_binary_cross_entropy_with_logits_backward = (
    _weighted_of_logits
)
dropout_forward, dropout_backward = autodiff.both_of_loss(dropout)
kl_div_forward, kl_div_backward = autodiff.both_of_loss(by_element(kl_div, {**REDUCTIONS, "batchmean": batchmean}))
classes = ClassLosses(
    tinygrad.Tensor.log_softmax,
    tinygrad.Tensor.tanh,
    partial(tinygrad.Tensor.sum, axis=-1),
    of_labels,
    or_zero,
    REDUCTIONS,
)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = autodiff.both_of_loss(
    classes.weighted, constants=2
)
_of_logits = classes.or_own(softmax_cross_entropy, "label_smoothing")
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(_of_logits)
linear_cross_entropy_forward, linear_cross_entropy_backward = autodiff.both_of_loss(
    of_layer(_of_logits, tinygrad.Tensor.transpose)
)
nll_forward, nll_backward = autodiff.both_of_loss(classes.nll)
embedding_forward, embedding_backward = autodiff.both_with_indices(lookup(lambda weight, rows: weight[rows]), 0)
gather_forward, gather_backward = autodiff.both_of_loss(gather)
scatter_add_forward, scatter_add_backward = autodiff.both_with_indices(scatter_add, 1)
_turned = rotary(stacked, tinygrad.Tensor.reshape)
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = autodiff.both_of_loss(
    transformer(
        rms_norm,
        attention,
        _turned,
        gated(tinygrad.Tensor.silu),
        tinygrad.Tensor.transpose,
        tinygrad.Tensor.reshape,
    ),
    constants=2,
)
_lstm_cell, _lstm, _gru_cell = recurrent(tinygrad.Tensor.sigmoid, tinygrad.Tensor.tanh, stacked)
lstm_cell_forward, lstm_cell_backward = autodiff.both_of_several(_lstm_cell, results=2)
lstm_forward, lstm_backward = autodiff.both_of_several(_lstm, results=3)
gru_cell_forward, gru_cell_backward = autodiff.both(_gru_cell)
sgd_step_forward = autodiff.step(sgd)
adam_step_forward = autodiff.step(adam)
adamw_step_forward = autodiff.step(adamw)
