"""JAX's own functions and its vector-Jacobian products, on the CPU or wherever JAX runs. Needs `pip install jax`.

Options: `jit=true` compiles each function and its gradients as one.
"""

# ruff: noqa: D103 - the names are the operations'

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

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
    recurrent,
    rotary,
    seen_by,
    transformer,
    wanted,
)
from .images import by_channel, per_axis, require_several, require_windows, with_bias

with needed("jax", "JAX", "jax"):
    import jax
    import jax.numpy as jnp
    from jax.example_libraries import optimizers

name = "JAX"
version = str(jax.__version__)
dtypes = ["float64", "float32", "float16", "bfloat16"]
# Called one by one, operations round their results to the half dtype. Sums are in float32, but those that undo
# broadcasting, which are the gradients of biases and weights, are in the half dtype itself, and so is what is added up
# where indices point or over windows. A contraction rounds once, of a stack as well.
NATIVE = (
    *("add", "dense", "layer_norm", "maximum", "embedding", "gather", "scatter_add", "batch_norm", "group_norm"),
    *("conv1d", "conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"),
)
precision = {
    f"{dtype}{op}": name
    for dtype in ("float16", "bfloat16")
    for op, name in {"": "stepwise", ":matmul": "fused", **{f":{op}": "native" for op in NATIVE}}.items()
}
conventions = {"labels": "unchecked"}  # under jit the values of labels are not known

REDUCTIONS = {"none": lambda rows: rows, "sum": jnp.sum, "mean": jnp.mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return inputs @ weights + biases


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return jnp.take_along_axis(scores, labels[:, None], axis=-1)[:, 0]


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-jnp.log(of_labels(probabilities, labels)))
    chosen = jnp.where(labels == 0, 1, probabilities)  # a class of weight 0 adds nothing, even at p = 0
    losses = labels * jnp.log(chosen)
    return REDUCTIONS[reduction](-losses.sum(axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    logs = jax.nn.log_softmax(logits)
    if are_indices(labels, logits):
        return REDUCTIONS[reduction](-of_labels(logs, labels))
    return REDUCTIONS[reduction](-(labels * jnp.where(labels == 0, 0, logs)).sum(axis=-1))


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return jax.nn.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype) if are_indices(labels, outputs) else labels


def gelu(inputs: Tensor, *, approximate: str = "none") -> Tensor:
    return jax.nn.gelu(inputs, approximate=approximate == "tanh")


def softplus(inputs: Tensor, *, beta: float = 1.0) -> Tensor:
    return jax.nn.softplus(inputs * beta) / beta


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    if (min_value, max_value) == (0, 6):
        return jax.nn.relu6(inputs)
    if (min_value, max_value) == (-1, 1):
        return jax.nn.hard_tanh(inputs)
    return jnp.clip(inputs, min_value, max_value)


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    return jax.nn.standardize(inputs, epsilon=eps) * weight + bias


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    require_several(inputs)
    axes = (0, *range(2, inputs.ndim))
    return by_channel(jax.nn.standardize(inputs, axis=axes, epsilon=eps), weight, bias)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    n, channels, *rest = inputs.shape
    groups = inputs.reshape(n, num_groups, channels // num_groups, *rest)
    normal = jax.nn.standardize(groups, axis=tuple(range(2, groups.ndim)), epsilon=eps)
    return by_channel(normal.reshape(inputs.shape), weight, bias)


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    return inputs * jax.lax.rsqrt(jnp.mean(jnp.square(inputs), axis=-1, keepdims=True) + eps) * weight


def attention(
    query: Tensor, key: Tensor, value: Tensor, *mask: Tensor, scale: float, window: int | None = None, **options: Any
) -> Tensor:
    if "softcap" in options:
        raise NotImplementedError("JAX's attention has no softcap")
    seen = seen_by(query, key, mask)
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"queries of {query.shape[-1]} features for keys of {key.shape[-1]}")
    width = max(key.shape[-1], value.shape[-1])  # it takes values as wide as keys: zeros change nothing

    def widened(x: Tensor) -> Tensor:
        return jnp.swapaxes(jnp.pad(x, [(0, 0)] * 3 + [(0, width - x.shape[-1])]), 1, 2)

    options["local_window_size"] = None if window is None else (window, window)
    heads = map(widened, (query, key, value))
    outputs = jax.nn.dot_product_attention(*heads, mask=seen, scale=scale, **options)
    return jnp.swapaxes(outputs, 1, 2)[..., : value.shape[-1]]


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    return jnp.square(predictions - targets)


def l1(predictions: Tensor, targets: Tensor) -> Tensor:
    return jnp.abs(predictions - targets)


def huber(predictions: Tensor, targets: Tensor, *, delta: float) -> Tensor:
    error = jnp.abs(predictions - targets)
    inside = jnp.minimum(error, delta)
    return 0.5 * inside**2 + delta * (error - inside)


def smooth_l1(predictions: Tensor, targets: Tensor, *, beta: float) -> Tensor:
    return huber(predictions, targets, delta=beta) / beta if beta else l1(predictions, targets)


def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    return jax.nn.relu(1 - targets * predictions)


def binary_cross_entropy(probabilities: Tensor, targets: Tensor) -> Tensor:
    right, wrong = jnp.where(targets == 0, 1, probabilities), jnp.where(targets == 1, 0, probabilities)
    return -targets * jnp.log(right) - (1 - targets) * jnp.log1p(-wrong)  # what has no weight adds nothing


def of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    return -targets * jax.nn.log_sigmoid(logits) - (1 - targets) * jax.nn.log_sigmoid(-logits)


def weighted_of_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor) -> Tensor:
    return -pos_weight * targets * jax.nn.log_sigmoid(logits) - (1 - targets) * jax.nn.log_sigmoid(-logits)


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    return jnp.var(inputs, axis, ddof=correction, keepdims=keepdims)


def batchmean(losses: Tensor) -> Tensor:
    return losses.sum() / len(losses)


def or_zero(condition: Tensor, x: Tensor) -> Tensor:
    return jnp.where(condition, x, 0)


def kl_div(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return jax.scipy.special.xlogy(targets, targets) - targets * log_probabilities


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return jnp.take_along_axis(corner(inputs, indices, axis), indices, axis)


def scatter_add(inputs: Tensor, indices: Tensor, source: Tensor, *, axis: int) -> Tensor:
    corner(inputs, indices, axis)
    if source.shape != indices.shape:
        raise ValueError(f"a source of shape {source.shape} for indices of shape {indices.shape}")
    return inputs.at[places(indices, axis)].add(source)


def stepped(optimizer: Any, tensors: Tensors, step: int = 1) -> Tensors:
    """Take a step of an optimizer, from parameters and state after the steps before."""
    parameters, gradients, *state = tensors
    init, update, _ = optimizer
    packed = [jnp.asarray(x) for x in (parameters, *state)]
    return tuple(update(step - 1, gradients, init(parameters)._replace(packed_state=(tuple(packed),))).packed_state[0])


def sgd(*tensors: Tensor, lr: float, momentum: float, nesterov: bool = False) -> Tensors:
    return stepped((optimizers.nesterov if nesterov else optimizers.momentum)(lr, momentum), tensors)


def rmsprop(*tensors: Tensor, lr: float, alpha: float, eps: float) -> Tensors:
    return stepped(optimizers.rmsprop(lr, alpha, eps), tensors)


def adam(*tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int) -> Tensors:
    return stepped(optimizers.adam(lr, beta1, beta2, eps), tensors, step)


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
    axes = inputs.ndim - 2
    around = [(p, p) for p in per_axis(padding, axes)]
    outputs = jax.lax.conv_general_dilated(
        inputs,
        weight,
        per_axis(stride, axes),
        around,
        rhs_dilation=per_axis(dilation, axes),
        feature_group_count=groups,
    )
    if 0 in outputs.shape[2:]:
        raise ValueError(f"inputs of shape {inputs.shape} are smaller than a window")
    return with_bias(outputs, bias)


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
    steps, gaps, more = per_axis(stride, 2), per_axis(dilation, 2), per_axis(output_padding, 2)
    if any(extra >= max(step, gap) for extra, step, gap in zip(more, steps, gaps, strict=True)):
        raise ValueError(f"output_padding {output_padding} is as large as the stride and the dilation")
    reach = [gap * (k - 1) - p for gap, k, p in zip(gaps, weight.shape[2:], per_axis(padding, 2), strict=True)]
    by_group = weight.reshape(groups, -1, *weight.shape[1:])[..., ::-1, ::-1]
    kernel = jnp.swapaxes(by_group, 1, 2).reshape(-1, weight.shape[0] // groups, *weight.shape[2:])
    outputs = jax.lax.conv_general_dilated(
        inputs,
        kernel,
        (1, 1),
        [(around, around + extra) for around, extra in zip(reach, more, strict=True)],
        lhs_dilation=steps,
        rhs_dilation=gaps,
        feature_group_count=groups,
    )
    return with_bias(outputs, bias)


def max_pool2d(inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> Tensor:
    return over_windows(inputs, jax.lax.max, -jnp.inf, kernel_size, stride, padding, dilation)


def avg_pool2d(
    inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Tensor:
    sums = over_windows(inputs, jax.lax.add, 0.0, kernel_size, stride, padding)
    if count_include_pad:
        high, wide = per_axis(kernel_size, 2)
        return sums / (high * wide)
    return sums / over_windows(jnp.ones_like(inputs), jax.lax.add, 0.0, kernel_size, stride, padding)


def over_windows(
    inputs: Tensor, reduction: Any, start: float, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1
) -> Tensor:
    sizes, around = per_axis(kernel, 2), per_axis(padding, 2)
    require_windows(sizes, around)
    widths = [(0, 0), (0, 0), *((p, p) for p in around)]
    outputs = jax.lax.reduce_window(
        inputs,
        np.array(start, inputs.dtype),  # of JAX's own array, jit knows no value, and finds no gradient
        reduction,
        (1, 1, *sizes),
        (1, 1, *per_axis(stride, 2)),
        widths,
        window_dilation=(1, 1, *per_axis(dilation, 2)),
    )
    if 0 in outputs.shape[2:]:
        raise ValueError(f"inputs of shape {inputs.shape} are smaller than a window")
    return outputs


# The adapter: arrays to JAX's, and a function's gradients.

options = SimpleNamespace(jit=False)


def setup(jit: str = "false") -> None:
    options.jit = wanted(jit)
    jax.config.update("jax_enable_x64", True)  # without it float64 arrays become float32 ones


def tensor(array: Array) -> Tensor:
    return jnp.array(own(array))


def value(function: Function, *tensors: Tensor) -> Tensor:
    return (jax.jit(function) if options.jit else function)(*tensors)


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    return (jitted_pullback if options.jit else pullback)(function, variables, constants, upstream)


def pullback(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    _, back = jax.vjp(lambda *values: function(*values, *constants), *variables)
    return back(upstream)


jitted_pullback = jax.jit(pullback, static_argnums=0)

autodiff = Autodiff(tensor, gradients, value)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(jax.nn.relu)
softmax_forward, softmax_backward = autodiff.both(jax.nn.softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, jax.nn.relu, softmax_cross_entropy))
convolutional_network_forward, convolutional_network_backward = autodiff.both_of_loss(
    convolutional(convolution, batch_norm, jax.nn.relu, max_pool2d, jnp.reshape, dense, softmax_cross_entropy)
)
square_forward, square_backward = autodiff.both(jnp.square)
sigmoid_forward, sigmoid_backward = autodiff.both(jax.nn.sigmoid)
tanh_forward, tanh_backward = autodiff.both(jnp.tanh)
silu_forward, silu_backward = autodiff.both(jax.nn.silu)
gelu_forward, gelu_backward = autodiff.both(gelu)
softplus_forward, softplus_backward = autodiff.both(softplus)
leaky_relu_forward, leaky_relu_backward = autodiff.both(jax.nn.leaky_relu)
elu_forward, elu_backward = autodiff.both(jax.nn.elu)
celu_forward, celu_backward = autodiff.both(jax.nn.celu)
hardtanh_forward, hardtanh_backward = autodiff.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = autodiff.both(jax.nn.hard_sigmoid)
hardswish_forward, hardswish_backward = autodiff.both(jax.nn.hard_swish)
selu_forward, selu_backward = autodiff.both(jax.nn.selu)
mish_forward, mish_backward = autodiff.both(jax.nn.mish)
log_sigmoid_forward, log_sigmoid_backward = autodiff.both(jax.nn.log_sigmoid)
softsign_forward, softsign_backward = autodiff.both(jax.nn.soft_sign)
exp_forward, exp_backward = autodiff.both(jnp.exp)
log_forward, log_backward = autodiff.both(jnp.log)
sqrt_forward, sqrt_backward = autodiff.both(jnp.sqrt)
absolute_forward, absolute_backward = autodiff.both(jnp.abs)
reciprocal_forward, reciprocal_backward = autodiff.both(jnp.reciprocal)
log_softmax_forward, log_softmax_backward = autodiff.both(jax.nn.log_softmax)
layer_norm_forward, layer_norm_backward = autodiff.both(layer_norm)
rms_norm_forward, rms_norm_backward = autodiff.both(rms_norm)
matmul_forward, matmul_backward = autodiff.both(jnp.matmul)
conv1d_forward, conv1d_backward = autodiff.both(convolution)
conv2d_forward, conv2d_backward = autodiff.both(convolution)
conv_transpose2d_forward, conv_transpose2d_backward = autodiff.both(conv_transpose2d)
max_pool2d_forward, max_pool2d_backward = autodiff.both(max_pool2d)
avg_pool2d_forward, avg_pool2d_backward = autodiff.both(avg_pool2d)
batch_norm_forward, batch_norm_backward = autodiff.both(batch_norm)
group_norm_forward, group_norm_backward = autodiff.both(group_norm)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = autodiff.both(attention)
masked_attention_forward, masked_attention_backward = autodiff.both_of_loss(attention)
add_forward, add_backward = autodiff.both(jnp.add)
multiply_forward, multiply_backward = autodiff.both(jnp.multiply)
divide_forward, divide_backward = autodiff.both(jnp.divide)
maximum_forward, maximum_backward = autodiff.both(jnp.maximum)
power_forward, power_backward = autodiff.both(jnp.power)
sum_forward, sum_backward = autodiff.both(jnp.sum)
mean_forward, mean_backward = autodiff.both(jnp.mean)
max_forward, max_backward = autodiff.both(jnp.max)
logsumexp_forward, logsumexp_backward = autodiff.both(jax.nn.logsumexp)
variance_forward, variance_backward = autodiff.both(variance)
_l2_normalize, _cosine_similarity = by_norms(
    lambda x, axis: jnp.linalg.norm(x, axis=axis, keepdims=True), jnp.maximum, lambda x: x.sum(axis=-1)
)
l2_normalize_forward, l2_normalize_backward = autodiff.both(_l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = autodiff.both(_cosine_similarity)
swiglu_forward, swiglu_backward = autodiff.both(gated(jax.nn.silu))
geglu_forward, geglu_backward = autodiff.both(gated(gelu))
mse_forward, mse_backward = autodiff.both_of_loss(by_element(mse, REDUCTIONS))
l1_forward, l1_backward = autodiff.both_of_loss(by_element(l1, REDUCTIONS))
huber_forward, huber_backward = autodiff.both_of_loss(by_element(huber, REDUCTIONS))
smooth_l1_forward, smooth_l1_backward = autodiff.both_of_loss(by_element(smooth_l1, REDUCTIONS))
hinge_forward, hinge_backward = autodiff.both_of_loss(by_element(hinge, REDUCTIONS))
_binary_of_probabilities = autodiff.both_of_loss(by_element(binary_cross_entropy, REDUCTIONS))
binary_cross_entropy_forward, binary_cross_entropy_backward = _binary_of_probabilities
_binary_of_logits = autodiff.both_of_loss(by_element(of_logits, REDUCTIONS))
binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward = _binary_of_logits
_weighted_of_logits = autodiff.both_of_loss(by_element(weighted_of_logits, REDUCTIONS), constants=2)
weighted_binary_cross_entropy_with_logits_forward, weighted_binary_cross_entropy_with_logits_backward = (
    _weighted_of_logits
)
dropout_forward, dropout_backward = autodiff.both_of_loss(dropout)
kl_div_forward, kl_div_backward = autodiff.both_of_loss(by_element(kl_div, {**REDUCTIONS, "batchmean": batchmean}))
classes = ClassLosses(jax.nn.log_softmax, jnp.tanh, partial(jnp.sum, axis=-1), of_labels, or_zero, REDUCTIONS)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = autodiff.both_of_loss(
    classes.weighted, constants=2
)
_of_logits = classes.or_own(softmax_cross_entropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(_of_logits)
linear_cross_entropy_forward, linear_cross_entropy_backward = autodiff.both_of_loss(of_layer(_of_logits, jnp.transpose))
nll_forward, nll_backward = autodiff.both_of_loss(classes.nll)
embedding_forward, embedding_backward = autodiff.both_with_indices(lookup(partial(jnp.take, axis=0)), 0)
gather_forward, gather_backward = autodiff.both_of_loss(gather)
scatter_add_forward, scatter_add_backward = autodiff.both_with_indices(scatter_add, 1)
lstm_cell, lstm, gru_cell = recurrent(jax.nn.sigmoid, jnp.tanh, jnp.stack)
lstm_cell_forward, lstm_cell_backward = autodiff.both_of_several(lstm_cell, results=2)
lstm_forward, lstm_backward = autodiff.both_of_several(lstm, results=3)
gru_cell_forward, gru_cell_backward = autodiff.both(gru_cell)
_turned = rotary(jnp.stack, jnp.reshape)
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = autodiff.both_of_loss(
    transformer(rms_norm, attention, _turned, gated(jax.nn.silu), jnp.swapaxes, jnp.reshape), constants=2
)
sgd_step_forward = autodiff.step(sgd)
rmsprop_step_forward = autodiff.step(rmsprop)
adam_step_forward = autodiff.step(adam)
