"""TensorFlow's own functions, Keras's normalisations, and the gradient tape. Needs `pip install tensorflow`.

Options: `device=GPU`, `device=GPU:1` and so on.
"""

# ruff: noqa: D103 - the names are the operations'

import os
from functools import cache, partial
from importlib.metadata import version as version_of
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
    require_layer,
    rotary,
    seen_by,
    transformer,
)
from .images import channels_last, per_axis, require_channels, require_several, require_windows

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # else it logs to standard error
with needed("tensorflow", "TensorFlow", "tensorflow"):
    import tensorflow as tf

name = "TensorFlow"
version = f"{tf.__version__} with Keras {version_of('keras')}"
dtypes = ["float64", "float32", "float16", "bfloat16"]
NATIVE = (
    *("embedding", "gather", "scatter_add"),
    *("conv1d", "conv2d", "conv_transpose2d", "max_pool2d", "avg_pool2d"),
)
# Each operation rounds its result. Keras's normalisations convert to float32 and back once, and oneDNN's softmax of
# bfloat16 computes in float32. Sums are in float32, but of float16 over rows, as in gradients of biases, of a few
# elements, and those of tf.reduce_sum and tf.reduce_mean, in float16.
precision = {
    "float16": "stepwise",
    "bfloat16": "stepwise",
    "float16:add": "native",
    "float16:batch_norm": "native",
    "float16:dense": "native",
    "float16:hinge": "native",
    "float16:maximum": "native",
    "float16:mean": "native",
    "float16:nll": "native",
    "float16:sum": "native",
    "float16:variance": "native",
    "bfloat16:softmax": "fused",
    "float16:layer_norm": "fused",
    "bfloat16:layer_norm": "fused",
    "float16:rms_norm": "fused",
    "bfloat16:rms_norm": "fused",
    # what is added up where indices point, or over windows, is so in the half dtype itself
    **{f"{dtype}:{op}": "native" for dtype in ("float16", "bfloat16") for op in NATIVE},
}

options = SimpleNamespace(device="CPU")
REDUCTIONS = {"none": lambda rows: rows, "sum": tf.reduce_sum, "mean": tf.reduce_mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return tf.matmul(inputs, weights) + biases


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-tf.math.log(of_labels(probabilities, labels)))
    chosen = tf.where(labels == 0, tf.ones_like(probabilities), probabilities)  # a class of weight 0 adds nothing
    return REDUCTIONS[reduction](-tf.reduce_sum(labels * tf.math.log(chosen), axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    sparse, full = tf.nn.sparse_softmax_cross_entropy_with_logits, tf.nn.softmax_cross_entropy_with_logits
    return REDUCTIONS[reduction]((sparse if are_indices(labels, logits) else full)(labels, logits))


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return tf.one_hot(labels, outputs.shape[-1], dtype=outputs.dtype) if are_indices(labels, outputs) else labels


def gelu(inputs: Tensor, *, approximate: str = "none") -> Tensor:
    return tf.nn.gelu(inputs, approximate=approximate == "tanh")


def softplus(inputs: Tensor, *, beta: float = 1.0) -> Tensor:
    return tf.math.softplus(inputs * beta) / beta


def leaky_relu(inputs: Tensor, *, negative_slope: float) -> Tensor:
    return tf.nn.leaky_relu(inputs, alpha=negative_slope)


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    if (min_value, max_value) == (0, 6):
        return tf.nn.relu6(inputs)
    return tf.clip_by_value(inputs, min_value, max_value)


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    return tf.keras.ops.layer_normalization(inputs, weight, bias, epsilon=eps)


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    return tf.keras.ops.rms_normalization(inputs, weight, epsilon=eps)


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    require_several(inputs)
    require_channels(inputs, weight, bias)
    return normalized(inputs, weight, bias, eps=eps)


images = channels_last(tf.transpose)


@images
def normalized(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    mean, variance = tf.nn.moments(inputs, list(range(inputs.ndim - 1)))
    return tf.nn.batch_normalization(inputs, mean, variance, bias, weight, eps)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    require_channels(inputs, weight, bias)
    layer = tf.keras.layers.GroupNormalization(num_groups, 1, eps, dtype=inputs.dtype.name)
    layer.build(inputs.shape)
    return called(layer, [weight, bias], inputs)


def called(layer: Any, weights: Tensors, *inputs: Tensor, **states: Tensors) -> Any:
    """The result of a Keras layer with these weights in place of its own."""
    outputs, _ = layer.stateless_call(
        weights, [state.value for state in layer.non_trainable_variables], *inputs, **states
    )
    return outputs


def conv1d(inputs: Tensor, weight: Tensor, bias: Tensor, **sizes: Any) -> Tensor:
    rows = {name: (int(name != "padding"), *per_axis(size, 1)) for name, size in sizes.items() if name != "groups"}
    of_row = conv2d(inputs[:, :, None], weight[:, :, None], bias, groups=sizes.get("groups", 1), **rows)
    return of_row[:, :, 0]


def conv2d(
    inputs: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    require_gradients(dilation, groups)
    if inputs.ndim != 4 or inputs.shape[1] != weight.shape[1]:  # TensorFlow would take groups of channels
        raise ValueError(f"inputs {inputs.shape} for weights {weight.shape}")
    kernel, steps = tf.transpose(weight, (2, 3, 1, 0)), per_axis(stride, 2)
    return biased(lambda x: tf.nn.conv2d(x, kernel, steps, around(padding)), inputs, bias)


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
    require_gradients(dilation, groups)
    steps, more = per_axis(stride, 2), per_axis(output_padding, 2)
    if any(extra >= step for extra, step in zip(more, steps, strict=True)):
        raise ValueError(f"output_padding {output_padding} is as large as the stride")
    sizes = zip(inputs.shape[2:], weight.shape[2:], steps, per_axis(padding, 2), more, strict=True)
    image = [s * (size - 1) + k - 2 * p + extra for size, k, s, p, extra in sizes]
    kernel, shape = tf.transpose(weight, (2, 3, 1, 0)), (inputs.shape[0], *image, weight.shape[1])
    return biased(lambda x: tf.nn.conv2d_transpose(x, kernel, shape, steps, around(padding)), inputs, bias)


def require_gradients(dilation: Sizes, groups: int) -> None:
    if options.device == "CPU" and (per_axis(dilation, 2) != (1, 1) or groups != 1):
        raise NotImplementedError("TensorFlow has no gradient of dilated and grouped convolutions on the CPU")


def biased(convolution: Function, inputs: Tensor, bias: Tensor) -> Tensor:
    return images(lambda x: tf.nn.bias_add(convolution(x), bias))(inputs)


def around(padding: Sizes) -> list[list[int]]:
    """The padding of images (N, H, W, C) at both ends of each axis."""
    return [[0, 0], *([p, p] for p in per_axis(padding, 2)), [0, 0]]


def max_pool2d(inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> Tensor:
    if per_axis(dilation, 2) != (1, 1):
        raise NotImplementedError("tf.nn.max_pool2d has no dilation")
    kernel, steps = per_axis(kernel_size, 2), per_axis(stride, 2)
    require_windows(kernel, padding)
    return images(lambda x: tf.nn.max_pool2d(x, kernel, steps, around(padding)))(inputs)


def avg_pool2d(
    inputs: Tensor, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Tensor:
    if not count_include_pad:
        raise NotImplementedError("tf.nn.avg_pool2d has no padding but what makes outputs as large as inputs")
    kernel, steps = per_axis(kernel_size, 2), per_axis(stride, 2)
    require_windows(kernel, padding)

    @images
    def pooled(x: Tensor) -> Tensor:
        outputs = tf.nn.avg_pool2d(tf.pad(x, around(padding)), kernel, steps, "VALID")
        return tf.reshape(outputs, outputs.shape)  # of a smaller gradient AvgPoolGrad would read on beyond its end

    return pooled(inputs)


def attention(query: Tensor, key: Tensor, value: Tensor, *mask: Tensor, scale: float, **others: Any) -> Tensor:
    if others.keys() - {"is_causal"}:
        raise NotImplementedError("Keras's attention has neither softcap nor window")
    seen = seen_by(query, key, mask)
    if query.shape[1] % key.shape[1]:
        raise ValueError(f"{query.shape[1]} heads of queries for {key.shape[1]} of keys")
    heads = (swapped(tf.repeat(x, query.shape[1] // x.shape[1], axis=1), 1, 2) for x in (query, key, value))
    return swapped(tf.keras.ops.dot_product_attention(*heads, mask=seen, scale=scale, **others), 1, 2)


def swapped(inputs: Tensor, a: int, b: int) -> Tensor:
    return tf.experimental.numpy.swapaxes(inputs, a, b)


@cache
def built(make: Function, units: int, features: int, dtype: str, **options: bool) -> Any:
    """A recurrent layer of Keras for inputs of so many features."""
    layer = make(units, dtype=dtype, recurrent_initializer="zeros", **options)  # the default knows no bfloat16
    layer.build((None, None, features) if "return_state" in options else (None, features))
    return layer


def lstm_cell(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    require_layer(4, inputs, (hidden, cell), layer)
    keras = built(tf.keras.layers.LSTMCell, hidden.shape[1], inputs.shape[1], inputs.dtype.name)
    _, states = called(keras, with_one_bias(*layer), inputs, states=[hidden, cell])
    return tuple(states)


def lstm(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    require_layer(4, inputs[0], (hidden, cell), layer)
    returned = {"return_sequences": True, "return_state": True}
    keras = built(tf.keras.layers.LSTM, hidden.shape[1], inputs.shape[2], inputs.dtype.name, **returned)
    outputs, *last = called(keras, with_one_bias(*layer), swapped(inputs, 0, 1), initial_state=[hidden, cell])
    return swapped(outputs, 0, 1), *last


def with_one_bias(weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor) -> Tensors:
    return tf.transpose(weight_ih), tf.transpose(weight_hh), bias_ih + bias_hh


def gru_cell(inputs: Tensor, hidden: Tensor, *layer: Tensor) -> Tensor:
    require_layer(3, inputs, (hidden,), layer)
    keras = built(tf.keras.layers.GRUCell, hidden.shape[1], inputs.shape[1], inputs.dtype.name)
    reset, update, new = zip(*(tf.split(x, 3) for x in layer), strict=True)
    weight_ih, weight_hh, *biases = (tf.concat(gates, 0) for gates in zip(update, reset, new, strict=True))
    weights = tf.transpose(weight_ih), tf.transpose(weight_hh), tf.stack(biases)
    return called(keras, weights, inputs, states=[hidden])[0]


def l1(predictions: Tensor, targets: Tensor) -> Tensor:
    return tf.abs(predictions - targets)


def huber(predictions: Tensor, targets: Tensor, *, delta: float) -> Tensor:
    return tf.keras.losses.huber(targets[..., None], predictions[..., None], delta)  # a mean over one element


def smooth_l1(predictions: Tensor, targets: Tensor, *, beta: float) -> Tensor:
    return huber(predictions, targets, delta=beta) / beta if beta else l1(predictions, targets)


def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    return tf.keras.losses.hinge(targets[..., None], predictions[..., None])


def binary_cross_entropy(probabilities: Tensor, targets: Tensor) -> Tensor:
    return tf.keras.losses.binary_crossentropy(targets[..., None], probabilities[..., None])


def of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)


def weighted_of_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor) -> Tensor:
    return tf.nn.weighted_cross_entropy_with_logits(targets, logits, pos_weight)


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    if correction:
        raise NotImplementedError("tf.math.reduce_variance divides by the number of terms")
    return tf.math.reduce_variance(inputs, axis, keepdims)


def l2_normalize(inputs: Tensor, *, axis: int = -1, eps: float) -> Tensor:
    return tf.math.l2_normalize(inputs, axis, eps)


def batchmean(losses: Tensor) -> Tensor:
    return tf.reduce_sum(losses) / len(losses)


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return tf.gather(scores, labels, axis=1, batch_dims=1)


def or_zero(condition: Tensor, x: Tensor) -> Tensor:
    return tf.where(condition, x, tf.zeros_like(x))


def kl_div(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return tf.math.xlogy(targets, targets) - targets * log_probabilities


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return tf.experimental.numpy.take_along_axis(corner(inputs, indices, axis), indices, axis)


def scatter_add(inputs: Tensor, indices: Tensor, source: Tensor, *, axis: int) -> Tensor:
    corner(inputs, indices, axis)
    if source.shape != indices.shape:
        raise ValueError(f"a source of shape {source.shape} for indices of shape {indices.shape}")
    return tf.tensor_scatter_nd_add(inputs, tf.stack(places(indices, axis), axis=-1), source)


def stepped(optimizer: Any, names: tuple[str, ...], tensors: Tensors, step: int = 1) -> Tensors:
    """Take a step of a Keras optimizer, from the state of these names after the steps before."""
    variable = tf.keras.Variable(tensors[0], dtype=tensors[0].dtype.name)
    optimizer.build([variable])
    optimizer.iterations.assign(step - 1)
    kept = [getattr(optimizer, name)[0] for name in names]
    for state, value in zip(kept, tensors[2:], strict=True):
        state.assign(value)
    optimizer.apply([tensors[1]], [variable])
    return variable.value, *(state.value for state in kept)


def sgd(
    parameters: Tensor, gradients: Tensor, buffer: Tensor, *, lr: float, momentum: float, nesterov: bool = False
) -> Tensors:
    if not lr or not momentum:
        raise NotImplementedError("Keras keeps the velocity, -lr times the buffer, and none without momentum")
    optimizer = tf.keras.optimizers.SGD(lr, momentum, nesterov)
    moved, velocity = stepped(optimizer, ("momentums",), (parameters, gradients, -lr * buffer))
    return moved, velocity / -lr


def rmsprop(*tensors: Tensor, lr: float, alpha: float, eps: float) -> Tensors:
    return stepped(tf.keras.optimizers.RMSprop(lr, alpha, epsilon=eps), ("_velocities",), tensors)


def adam(*tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int) -> Tensors:
    optimizer = tf.keras.optimizers.Adam(lr, beta1, beta2, eps)
    return stepped(optimizer, ("_momentums", "_velocities"), tensors, step)


def adamw(
    *tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int, weight_decay: float
) -> Tensors:
    optimizer = tf.keras.optimizers.AdamW(lr, weight_decay, beta1, beta2, eps)
    return stepped(optimizer, ("_momentums", "_velocities"), tensors, step)


# The adapter: arrays to tensors, and a function's gradients by the tape.


def setup(device: str = "CPU") -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)  # tensors this small gain nothing from threads
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with tf.device(device):
        placed = tf.zeros(()).device
    if f":{device}:" not in f"{placed}:":  # TensorFlow takes the CPU in silence where a device is missing
        raise ValueError(f"there is no device {device}; TensorFlow takes {placed}")
    options.device = device


def tensor(array: Array) -> Tensor:
    with tf.device(options.device):
        return tf.constant(own(array))


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    with tf.GradientTape() as tape:
        tape.watch(variables)
        outputs = function(*variables, *constants)
    found = tape.gradient(outputs, variables, output_gradients=upstream)
    return [tf.convert_to_tensor(gradient) for gradient in found]  # that of an embedding comes as slices


def array(tensor: Tensor) -> Array:
    return np.asarray(tensor.numpy())


autodiff = Autodiff(tensor, gradients, array=array)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(tf.nn.relu)
softmax_forward, softmax_backward = autodiff.both(tf.nn.softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, tf.nn.relu, softmax_cross_entropy))
convolutional_network_forward, convolutional_network_backward = autodiff.both_of_loss(
    convolutional(conv2d, batch_norm, tf.nn.relu, max_pool2d, tf.reshape, dense, softmax_cross_entropy)
)
square_forward, square_backward = autodiff.both(tf.math.square)
sigmoid_forward, sigmoid_backward = autodiff.both(tf.math.sigmoid)
tanh_forward, tanh_backward = autodiff.both(tf.math.tanh)
silu_forward, silu_backward = autodiff.both(tf.nn.silu)
gelu_forward, gelu_backward = autodiff.both(gelu)
softplus_forward, softplus_backward = autodiff.both(softplus)
leaky_relu_forward, leaky_relu_backward = autodiff.both(leaky_relu)
elu_forward, elu_backward = autodiff.both(tf.keras.activations.elu)
celu_forward, celu_backward = autodiff.both(tf.keras.activations.celu)
hardtanh_forward, hardtanh_backward = autodiff.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = autodiff.both(tf.keras.activations.hard_sigmoid)
hardswish_forward, hardswish_backward = autodiff.both(tf.keras.activations.hard_swish)
selu_forward, selu_backward = autodiff.both(tf.nn.selu)
mish_forward, mish_backward = autodiff.both(tf.keras.activations.mish)
log_sigmoid_forward, log_sigmoid_backward = autodiff.both(tf.math.log_sigmoid)
softsign_forward, softsign_backward = autodiff.both(tf.nn.softsign)
exp_forward, exp_backward = autodiff.both(tf.math.exp)
log_forward, log_backward = autodiff.both(tf.math.log)
sqrt_forward, sqrt_backward = autodiff.both(tf.math.sqrt)
absolute_forward, absolute_backward = autodiff.both(tf.math.abs)
reciprocal_forward, reciprocal_backward = autodiff.both(tf.math.reciprocal)
log_softmax_forward, log_softmax_backward = autodiff.both(tf.nn.log_softmax)
layer_norm_forward, layer_norm_backward = autodiff.both(layer_norm)
rms_norm_forward, rms_norm_backward = autodiff.both(rms_norm)
batch_norm_forward, batch_norm_backward = autodiff.both(batch_norm)
group_norm_forward, group_norm_backward = autodiff.both(group_norm)
matmul_forward, matmul_backward = autodiff.both(tf.experimental.numpy.matmul)
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
add_forward, add_backward = autodiff.both(tf.math.add)
multiply_forward, multiply_backward = autodiff.both(tf.math.multiply)
divide_forward, divide_backward = autodiff.both(tf.math.divide)
maximum_forward, maximum_backward = autodiff.both(tf.math.maximum)
power_forward, power_backward = autodiff.both(tf.math.pow)
sum_forward, sum_backward = autodiff.both(tf.reduce_sum)
mean_forward, mean_backward = autodiff.both(tf.reduce_mean)
max_forward, max_backward = autodiff.both(tf.reduce_max)
logsumexp_forward, logsumexp_backward = autodiff.both(tf.reduce_logsumexp)
variance_forward, variance_backward = autodiff.both(variance)
_, _cosine_similarity = by_norms(
    lambda x, axis: tf.norm(x, axis=axis, keepdims=True), tf.maximum, lambda x: tf.reduce_sum(x, axis=-1)
)
l2_normalize_forward, l2_normalize_backward = autodiff.both(l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = autodiff.both(_cosine_similarity)
swiglu_forward, swiglu_backward = autodiff.both(gated(tf.nn.silu))
geglu_forward, geglu_backward = autodiff.both(gated(gelu))
mse_forward, mse_backward = autodiff.both_of_loss(by_element(tf.math.squared_difference, REDUCTIONS))
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
classes = ClassLosses(tf.nn.log_softmax, tf.math.tanh, partial(tf.reduce_sum, axis=-1), of_labels, or_zero, REDUCTIONS)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = autodiff.both_of_loss(
    classes.weighted, constants=2
)
_of_logits = classes.or_own(softmax_cross_entropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(_of_logits)
linear_cross_entropy_forward, linear_cross_entropy_backward = autodiff.both_of_loss(of_layer(_of_logits, tf.transpose))
nll_forward, nll_backward = autodiff.both_of_loss(classes.nll)
embedding_forward, embedding_backward = autodiff.both_with_indices(lookup(tf.nn.embedding_lookup), 0)
gather_forward, gather_backward = autodiff.both_of_loss(gather)
scatter_add_forward, scatter_add_backward = autodiff.both_with_indices(scatter_add, 1)
_turned = rotary(tf.stack, tf.reshape)
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = autodiff.both_of_loss(
    transformer(rms_norm, attention, _turned, gated(tf.nn.silu), swapped, tf.reshape), constants=2
)
sgd_step_forward = autodiff.step(sgd)
rmsprop_step_forward = autodiff.step(rmsprop)
adam_step_forward = autodiff.step(adam)
adamw_step_forward = autodiff.step(adamw)
