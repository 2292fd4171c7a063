"""TensorFlow's own functions, Keras's normalisations, and the gradient tape. Needs `pip install tensorflow`.

Options: `device=GPU`, `device=GPU:1` and so on.
"""

# ruff: noqa: D103 - the names are the operations'

import os
from functools import partial
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
    Tensor,
    Tensors,
    are_indices,
    by_element,
    by_norms,
    corner,
    dropout,
    gated,
    lookup,
    needed,
    network,
    of_layer,
    own,
    places,
    rotary,
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # else it logs to standard error
with needed("tensorflow", "TensorFlow", "tensorflow"):
    import tensorflow as tf

name = "TensorFlow"
version = f"{tf.__version__} with Keras {version_of('keras')}"
dtypes = ["float64", "float32", "float16", "bfloat16"]
# Each operation rounds its result. Keras's normalisations convert to float32 and back once, and oneDNN's softmax of
# bfloat16 computes in float32. Sums are in float32, but of float16 over rows, as in gradients of biases, of a few
# elements, and those of tf.reduce_sum and tf.reduce_mean, in float16.
precision = {
    "float16": "stepwise",
    "bfloat16": "stepwise",
    "float16:add": "native",
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
    # what is added up where indices point is so in the half dtype itself
    **{f"{dtype}:{op}": "native" for dtype in ("float16", "bfloat16") for op in ("embedding", "gather", "scatter_add")},
}

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

options = SimpleNamespace(device="CPU")


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
matmul_forward, matmul_backward = autodiff.both(tf.experimental.numpy.matmul)
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
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(rotary(tf.stack, tf.reshape), constants=2)
sgd_step_forward = autodiff.step(sgd)
rmsprop_step_forward = autodiff.step(rmsprop)
adam_step_forward = autodiff.step(adam)
adamw_step_forward = autodiff.step(adamw)
