"""An adapter in plain NumPy: of each layer, a function that runs its forward pass and one that runs both passes."""

# ruff: noqa: D103 - the names are the operations'

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from . import activations, losses, recurrent, reductions, steps, two_tensors, windows
from .attention import Attention
from .indexing import Embedding, Gather, Rotary, ScatterAdd
from .layers import (
    Activation,
    Array,
    BatchNorm,
    CrossEntropy,
    DenseLayer,
    Dropout,
    Flatten,
    GroupNorm,
    LayerNorm,
    LogSoftmax,
    MatMul,
    Network,
    Reciprocal,
    ReLU,
    RMSNorm,
    Softmax,
    SoftmaxCrossEntropy,
)
from .losses import ClassLoss, ElementLoss, LinearLoss, NegativeLogLikelihood
from .transformer import TransformerBlock
from .two_tensors import TwoTensors

name = "NumPy layers"
dtypes = ["float64", "float32", "float16", "bfloat16"]


def _in_own_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute half precisions in float32 and round the results, once, to the dtype that the arguments have.

    Before NumPy 2, a float32 number without an axis becomes float64 beside a number of Python's.
    """

    @wraps(function)
    def call(*arguments: Array, **parameters: Any) -> Any:
        dtype = next(a.dtype for a in arguments if a.dtype.kind != "i")
        wide = [a.astype(np.float32) if a.dtype == dtype and dtype.itemsize <= 2 else a for a in arguments]
        results = function(*wide, **parameters)
        if isinstance(results, tuple):
            return tuple(result.astype(dtype, copy=False) for result in results)
        return results.astype(dtype, copy=False)

    return call


def _both(layer: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Forward and backward of a layer that is made of all arguments but the first, which is what passes through it."""

    @_in_own_dtype
    def forward(inputs: Array, *others: Array, **parameters: Any) -> Array:
        return layer(*others, **parameters).forward(inputs)

    @_in_own_dtype
    def backward(upstream: Array, inputs: Array, *others: Array, **parameters: Any) -> tuple[Array, ...]:
        made = layer(*others, **parameters)
        made.forward(inputs)
        made.backward(upstream)
        return _gradients(made)

    return forward, backward


def _gradients(layer: Any) -> tuple[Array, ...]:
    """The gradients that `backward` has left on a layer, or on all layers of a network."""
    if isinstance(layer, Network):
        first, *others = map(_gradients, layer.layers)
        return (*first, *(gradient for of_layer in others for gradient in of_layer[1:]))
    if isinstance(layer, TransformerBlock):
        return (layer.dinputs, *layer.dlayers)
    return tuple(
        getattr(layer, name) for name in ("dinputs", "dweights", "dbiases", "dkey", "dvalue") if hasattr(layer, name)
    )


def _network(
    weights1: Array, biases1: Array, weights2: Array, biases2: Array, labels: Array, reduction: str
) -> Network:
    hidden, output = DenseLayer(weights1, biases1), DenseLayer(weights2, biases2)
    return Network(hidden, ReLU(), output, SoftmaxCrossEntropy(labels, reduction))


def _convolutional_network(
    conv_weight: Array,
    conv_bias: Array,
    norm_weight: Array,
    norm_bias: Array,
    weights: Array,
    biases: Array,
    labels: Array,
    reduction: str,
) -> Network:
    convolution, norm = windows.Conv2D(conv_weight, conv_bias), BatchNorm(norm_weight, norm_bias, 1e-5)
    dense, loss = DenseLayer(weights, biases), SoftmaxCrossEntropy(labels, reduction)
    return Network(convolution, norm, ReLU(), windows.MaxPool2D(2, 2), Flatten(), dense, loss)


def _loss_of_logits(labels: Array, reduction: str, **options: Any) -> ClassLoss | SoftmaxCrossEntropy:
    return ClassLoss(labels, None, reduction, **options) if options else SoftmaxCrossEntropy(labels, reduction)


def _gelu(approximate: str = "none") -> Activation:
    if approximate == "tanh":
        return Activation(activations.gelu_tanh, activations.gelu_tanh_slope)
    return Activation(activations.gelu, activations.gelu_slope)


def _softplus(beta: float = 1.0) -> Activation:
    return Activation(partial(activations.softplus, beta=beta), partial(activations.softplus_slope, beta=beta))


def _activation(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Both directions of an activation, of its value and its slope, with the parameters that they take."""
    value, slope = getattr(activations, name), getattr(activations, f"{name}_slope")
    return _both(lambda **given: Activation(partial(value, **given), partial(slope, **given)))


dense_forward, dense_backward = _both(DenseLayer)
relu_forward, relu_backward = _both(ReLU)
softmax_forward, softmax_backward = _both(Softmax)
cross_entropy_forward, cross_entropy_backward = _both(CrossEntropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = _both(_loss_of_logits)
mlp_forward, mlp_backward = _both(_network)
convolutional_network_forward, convolutional_network_backward = _both(_convolutional_network)
square_forward, square_backward = _both(partial(Activation, np.square, lambda x: 2 * x))
sigmoid_forward, sigmoid_backward = _both(partial(Activation, activations.sigmoid, activations.sigmoid_slope))
tanh_forward, tanh_backward = _both(partial(Activation, np.tanh, activations.tanh_slope))
silu_forward, silu_backward = _both(partial(Activation, activations.silu, activations.silu_slope))
gelu_forward, gelu_backward = _both(_gelu)
softplus_forward, softplus_backward = _both(_softplus)
leaky_relu_forward, leaky_relu_backward = _activation("leaky_relu")
elu_forward, elu_backward = _activation("elu")
celu_forward, celu_backward = _activation("celu")
hardtanh_forward, hardtanh_backward = _activation("hardtanh")
hardsigmoid_forward, hardsigmoid_backward = _activation("hardsigmoid")
hardswish_forward, hardswish_backward = _activation("hardswish")
selu_forward, selu_backward = _activation("selu")
mish_forward, mish_backward = _activation("mish")
log_sigmoid_forward, log_sigmoid_backward = _activation("log_sigmoid")
softsign_forward, softsign_backward = _activation("softsign")
exp_forward, exp_backward = _both(partial(Activation, np.exp, np.exp))
log_forward, log_backward = _both(partial(Activation, np.log, lambda x: 1 / x))
sqrt_forward, sqrt_backward = _both(partial(Activation, np.sqrt, lambda x: 0.5 / np.sqrt(x)))
absolute_forward, absolute_backward = _both(partial(Activation, np.abs, np.sign))
reciprocal_forward, reciprocal_backward = _both(Reciprocal)
log_softmax_forward, log_softmax_backward = _both(LogSoftmax)
layer_norm_forward, layer_norm_backward = _both(LayerNorm)
rms_norm_forward, rms_norm_backward = _both(RMSNorm)
matmul_forward, matmul_backward = _both(MatMul)
conv1d_forward, conv1d_backward = _both(windows.Conv1D)
conv2d_forward, conv2d_backward = _both(windows.Conv2D)
conv_transpose2d_forward, conv_transpose2d_backward = _both(windows.ConvTranspose2D)
batch_norm_forward, batch_norm_backward = _both(BatchNorm)
group_norm_forward, group_norm_backward = _both(GroupNorm)
max_pool2d_forward, max_pool2d_backward = _both(windows.MaxPool2D)
avg_pool2d_forward, avg_pool2d_backward = _both(windows.AvgPool2D)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = _both(Attention)
masked_attention_forward, masked_attention_backward = _both(Attention)
transformer_block_forward, transformer_block_backward = _both(TransformerBlock)
add_forward, add_backward = _both(partial(TwoTensors, np.add, two_tensors.add_gradients))
multiply_forward, multiply_backward = _both(partial(TwoTensors, np.multiply, two_tensors.multiply_gradients))
divide_forward, divide_backward = _both(partial(TwoTensors, np.divide, two_tensors.divide_gradients))
maximum_forward, maximum_backward = _both(partial(TwoTensors, np.maximum, two_tensors.maximum_gradients))
power_forward, power_backward = _both(partial(TwoTensors, np.power, two_tensors.power_gradients))
sum_forward, sum_backward = _both(reductions.Sum)
mean_forward, mean_backward = _both(reductions.Mean)
max_forward, max_backward = _both(reductions.Max)
logsumexp_forward, logsumexp_backward = _both(reductions.LogSumExp)
variance_forward, variance_backward = _both(reductions.Variance)
l2_normalize_forward, l2_normalize_backward = _both(reductions.L2Normalize)
cosine_similarity_forward, cosine_similarity_backward = _both(reductions.CosineSimilarity)
swiglu_forward, swiglu_backward = _both(two_tensors.swiglu)
geglu_forward, geglu_backward = _both(two_tensors.geglu)
mse_forward, mse_backward = _both(partial(ElementLoss, losses.mse, losses.mse_slope))
l1_forward, l1_backward = _both(partial(ElementLoss, losses.l1, losses.l1_slope))
huber_forward, huber_backward = _both(partial(ElementLoss, losses.huber, losses.huber_slope))
smooth_l1_forward, smooth_l1_backward = _both(partial(ElementLoss, losses.smooth_l1, losses.smooth_l1_slope))
hinge_forward, hinge_backward = _both(partial(ElementLoss, losses.hinge, losses.hinge_slope))
binary_cross_entropy_forward, binary_cross_entropy_backward = _both(partial(ElementLoss, losses.bce, losses.bce_slope))
_of_logits = _both(partial(ElementLoss, losses.bce_of_logits, losses.bce_of_logits_slope))
binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward = _of_logits
weighted_binary_cross_entropy_with_logits_forward, weighted_binary_cross_entropy_with_logits_backward = _of_logits
dropout_forward, dropout_backward = _both(Dropout)
kl_div_forward, kl_div_backward = _both(partial(ElementLoss, losses.kl, losses.kl_slope))
nll_forward, nll_backward = _both(NegativeLogLikelihood)
embedding_forward, embedding_backward = _both(Embedding)
gather_forward, gather_backward = _both(Gather)
rotary_embedding_forward, rotary_embedding_backward = _both(Rotary)
scatter_add_forward, scatter_add_backward = _both(ScatterAdd)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = _both(ClassLoss)
linear_cross_entropy_forward, linear_cross_entropy_backward = _both(LinearLoss)
sgd_step_forward = _in_own_dtype(steps.sgd)
rmsprop_step_forward = _in_own_dtype(steps.rmsprop)
adam_step_forward = _in_own_dtype(steps.adam)
adamw_step_forward = _in_own_dtype(steps.adamw)
lstm_cell_forward = _in_own_dtype(recurrent.lstm_cell)
lstm_cell_backward = _in_own_dtype(recurrent.lstm_cell_gradients)
lstm_forward = _in_own_dtype(recurrent.lstm)
lstm_backward = _in_own_dtype(recurrent.lstm_gradients)
gru_cell_forward = _in_own_dtype(recurrent.gru_cell)
gru_cell_backward = _in_own_dtype(recurrent.gru_cell_gradients)


@_in_own_dtype
def softmax_cross_entropy_from_outputs_backward(
    dL_dloss: Array, outputs: Array, labels: Array, *, reduction: str
) -> Array:
    loss = SoftmaxCrossEntropy(labels, reduction)
    loss.from_outputs(outputs)
    return loss.backward(dL_dloss)
