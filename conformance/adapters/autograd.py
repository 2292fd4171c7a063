"""HIPS autograd: gradients of plain NumPy. Needs `pip install autograd`."""

# ruff: noqa: D103 - the names are the operations'

import math
from functools import partial
from importlib.metadata import version as version_of

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
    places,
    recurrent,
    rotary,
    transformer,
)
from .images import by_channel, require_several

with needed("autograd", "HIPS autograd", "autograd"):
    import autograd.numpy as np
    from autograd import make_vjp
    from autograd.builtins import tuple as traced_tuple
    from autograd.extend import defvjp, primitive
    from autograd.tracer import getval

name = "HIPS autograd"
version = version_of("autograd")
dtypes = ["float64", "float32", "float16"]  # autograd cannot differentiate a bfloat16 scalar
# NumPy rounds every step to float16. It sums neighbours in memory in float32, and over any other axis in float16: over
# rows, which is the gradient of what was broadcast, and over the last axis of an array that is Fortran-ordered.
precision = {
    "float16": "stepwise",
    "float16:add": "native",
    "float16:batch_norm": "native",
    "float16:dense": "native",
    "float16:embedding": "native",
    "float16:gather": "native",
    "float16:group_norm": "native",
    "float16:layer_norm": "native",
    "float16:log_softmax": "native",
    "float16:softmax": "native",
    "float16:softmax_cross_entropy": "native",
    "float16:sum": "native",
}

REDUCTIONS = {"none": lambda rows: rows, "sum": np.sum, "mean": np.mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return np.dot(inputs, weights) + biases


def relu(inputs: Tensor) -> Tensor:
    return np.maximum(inputs, 0)


def shift(logits: Tensor, axis: int = -1) -> Tensor:
    # The maximum is a constant: what its gradients add up to, 0, is a rounding error otherwise.
    return logits - np.max(getval(logits), axis=axis, keepdims=True)


def log_softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    shifted = shift(logits, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    powers = np.exp(shift(logits, axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def of_labels(scores: Tensor, labels: Tensor) -> Tensor:
    return scores[np.arange(len(labels)), labels]


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-np.log(of_labels(probabilities, labels)))
    losses = labels * np.log(np.where(labels == 0, 1, probabilities))  # a class of weight 0 adds nothing, even at p = 0
    return REDUCTIONS[reduction](-np.sum(losses, axis=-1))


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    logs = log_softmax(logits)
    if are_indices(labels, logits):
        return REDUCTIONS[reduction](-of_labels(logs, labels))
    return REDUCTIONS[reduction](-np.sum(labels * np.where(labels == 0, 0, logs), axis=-1))


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return np.eye(outputs.shape[-1], dtype=outputs.dtype)[labels] if are_indices(labels, outputs) else labels


def sigmoid(inputs: Tensor) -> Tensor:
    return np.exp(-np.logaddexp(0, -inputs))


def silu(inputs: Tensor) -> Tensor:
    return inputs * sigmoid(inputs)


@primitive  # type: ignore[untyped-decorator]
def erfc(inputs: Array) -> Array:
    return np.array([math.erfc(x) for x in inputs.flat], dtype=inputs.dtype).reshape(inputs.shape)


defvjp(erfc, lambda _, inputs: lambda upstream: upstream * (-2 / math.sqrt(math.pi)) * np.exp(-(inputs**2)))


def gelu(inputs: Tensor, *, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        # x (1 + tanh(u)) / 2 = x s(2u), which keeps its digits where tanh(u) is near -1
        return inputs * sigmoid(2 * math.sqrt(2 / math.pi) * (inputs + 0.044715 * inputs**3))
    return inputs * 0.5 * erfc(-inputs / math.sqrt(2))


def softplus(inputs: Tensor, *, beta: float = 1.0) -> Tensor:
    return np.logaddexp(0, beta * inputs) / beta


def leaky_relu(inputs: Tensor, *, negative_slope: float) -> Tensor:
    return np.where(inputs > 0, inputs, negative_slope * inputs)


def elu(inputs: Tensor, *, alpha: float) -> Tensor:
    return np.where(inputs > 0, inputs, alpha * np.expm1(np.where(inputs > 0, 0, inputs)))


def celu(inputs: Tensor, *, alpha: float) -> Tensor:
    return np.where(inputs > 0, inputs, alpha * np.expm1(np.where(inputs > 0, 0, inputs / alpha)))


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    return np.clip(inputs, min_value, max_value)


def hardsigmoid(inputs: Tensor) -> Tensor:
    return np.clip(inputs + 3, 0, 6) / 6


def hardswish(inputs: Tensor) -> Tensor:
    return inputs * hardsigmoid(inputs)


def selu(inputs: Tensor) -> Tensor:
    return 1.0507009873554805 * elu(inputs, alpha=1.6732632423543772)


def mish(inputs: Tensor) -> Tensor:
    return inputs * np.tanh(np.logaddexp(0, inputs))


def log_sigmoid(inputs: Tensor) -> Tensor:
    return -np.logaddexp(0, -inputs)


def softsign(inputs: Tensor) -> Tensor:
    return inputs / (1 + np.fabs(inputs))


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    centred = inputs - np.mean(inputs, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + eps) * weight + bias


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    return inputs / np.sqrt(np.mean(inputs**2, axis=-1, keepdims=True) + eps) * weight


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    require_several(inputs)
    return by_channel(standardized(inputs, (0, *range(2, inputs.ndim)), eps), weight, bias)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    n, channels, *rest = inputs.shape
    groups = np.reshape(inputs, (n, num_groups, channels // num_groups, *rest))
    normal = standardized(groups, tuple(range(2, groups.ndim)), eps)
    return by_channel(np.reshape(normal, inputs.shape), weight, bias)


def standardized(inputs: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    centred = inputs - np.mean(inputs, axis=axes, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + eps)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *mask: Tensor,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> Tensor:
    if query.shape[1] % key.shape[1] or query.shape[0] != key.shape[0] or key.shape[:3] != value.shape[:3]:
        raise ValueError(f"queries {query.shape} do not fit keys {key.shape} and values {value.shape}")
    keys, values = (np.repeat(x, query.shape[1] // key.shape[1], axis=1) for x in (key, value))
    scores = np.matmul(query, np.swapaxes(keys, -1, -2)) * scale
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    if mask and (mask[0].ndim != 4 or mask[0].shape[2:] != scores.shape[2:]):
        raise ValueError(f"a mask {mask[0].shape} for scores {scores.shape}")
    ahead = np.arange(key.shape[2]) - np.arange(query.shape[2])[:, None]
    seen = mask[0] != 0 if mask else (ahead <= 0) | (not is_causal)
    if window is not None:
        seen = seen & (abs(ahead) <= window)
    return np.matmul(softmax(np.where(seen, scores, np.finfo(scores.dtype).min)), values)


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return corner(inputs, indices, axis)[places(indices, axis)]


def mse(predictions: Tensor, targets: Tensor) -> Tensor:
    return (predictions - targets) ** 2


def l1(predictions: Tensor, targets: Tensor) -> Tensor:
    return np.fabs(predictions - targets)  # np.abs takes complex numbers too, and its gradient is rounded


def huber(predictions: Tensor, targets: Tensor, *, delta: float) -> Tensor:
    error = np.fabs(predictions - targets)
    return np.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta))


def smooth_l1(predictions: Tensor, targets: Tensor, *, beta: float) -> Tensor:
    return huber(predictions, targets, delta=beta) / beta if beta else l1(predictions, targets)


def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    return np.maximum(1 - targets * predictions, 0)


def binary_cross_entropy(probabilities: Tensor, targets: Tensor) -> Tensor:
    right, wrong = np.where(targets == 0, 1, probabilities), np.where(targets == 1, 0, probabilities)
    return -targets * np.log(right) - (1 - targets) * np.log1p(-wrong)  # what has no weight adds nothing


def of_logits(logits: Tensor, targets: Tensor) -> Tensor:
    return targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)


def weighted_of_logits(logits: Tensor, targets: Tensor, pos_weight: Tensor) -> Tensor:
    return pos_weight * targets * np.logaddexp(0, -logits) + (1 - targets) * np.logaddexp(0, logits)


def batchmean(losses: Tensor) -> Tensor:
    return np.sum(losses) / len(losses)


def or_zero(condition: Tensor, x: Tensor) -> Tensor:
    return np.where(condition, x, 0)


def kl_div(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    return targets * np.log(np.where(targets == 0, 1, targets)) - targets * log_probabilities


# The adapter. autograd's tensors are NumPy's arrays.


def logsumexp(inputs: Tensor, *, axis: Axes, keepdims: bool = False) -> Tensor:
    largest = np.max(getval(inputs), axis=axis, keepdims=True)
    largest = np.where(np.isinf(largest), 0, largest)
    outputs = np.log(np.sum(np.exp(inputs - largest), axis=axis, keepdims=True)) + largest
    return outputs if keepdims else np.squeeze(outputs, axis)


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    return np.var(inputs, axis=axis, ddof=correction, keepdims=keepdims)


def tensor(array: Array) -> Array:
    return array


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    # Of a tuple, whose gradient keeps its dtypes: of an array alone, np.max makes float64 of float32.
    def called(values: Tensors) -> Tensor:
        outputs = function(*values, *constants)
        return traced_tuple(outputs) if isinstance(outputs, tuple) else outputs

    back, _ = make_vjp(called)(tuple(variables))
    return back(upstream)


autodiff = Autodiff(tensor, gradients)
dense_forward, dense_backward = autodiff.both(dense)
relu_forward, relu_backward = autodiff.both(relu)
softmax_forward, softmax_backward = autodiff.both(softmax)
cross_entropy_forward, cross_entropy_backward = autodiff.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = autodiff.from_outputs(rows)
mlp_forward, mlp_backward = autodiff.both_of_loss(network(dense, relu, softmax_cross_entropy))
square_forward, square_backward = autodiff.both(np.square)
sigmoid_forward, sigmoid_backward = autodiff.both(sigmoid)
tanh_forward, tanh_backward = autodiff.both(np.tanh)
silu_forward, silu_backward = autodiff.both(silu)
gelu_forward, gelu_backward = autodiff.both(gelu)
softplus_forward, softplus_backward = autodiff.both(softplus)
leaky_relu_forward, leaky_relu_backward = autodiff.both(leaky_relu)
elu_forward, elu_backward = autodiff.both(elu)
celu_forward, celu_backward = autodiff.both(celu)
hardtanh_forward, hardtanh_backward = autodiff.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = autodiff.both(hardsigmoid)
hardswish_forward, hardswish_backward = autodiff.both(hardswish)
selu_forward, selu_backward = autodiff.both(selu)
mish_forward, mish_backward = autodiff.both(mish)
log_sigmoid_forward, log_sigmoid_backward = autodiff.both(log_sigmoid)
softsign_forward, softsign_backward = autodiff.both(softsign)
exp_forward, exp_backward = autodiff.both(np.exp)
log_forward, log_backward = autodiff.both(np.log)
sqrt_forward, sqrt_backward = autodiff.both(np.sqrt)
absolute_forward, absolute_backward = autodiff.both(np.abs)
reciprocal_forward, reciprocal_backward = autodiff.both(np.reciprocal)
log_softmax_forward, log_softmax_backward = autodiff.both(log_softmax)
layer_norm_forward, layer_norm_backward = autodiff.both(layer_norm)
rms_norm_forward, rms_norm_backward = autodiff.both(rms_norm)
batch_norm_forward, batch_norm_backward = autodiff.both(batch_norm)
group_norm_forward, group_norm_backward = autodiff.both(group_norm)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = autodiff.both(attention)
masked_attention_forward, masked_attention_backward = autodiff.both_of_loss(attention)
matmul_forward, matmul_backward = autodiff.both(np.matmul)
add_forward, add_backward = autodiff.both(np.add)
multiply_forward, multiply_backward = autodiff.both(np.multiply)
divide_forward, divide_backward = autodiff.both(np.divide)
maximum_forward, maximum_backward = autodiff.both(np.maximum)
power_forward, power_backward = autodiff.both(np.power)
sum_forward, sum_backward = autodiff.both(np.sum)
mean_forward, mean_backward = autodiff.both(np.mean)
max_forward, max_backward = autodiff.both(np.max)
logsumexp_forward, logsumexp_backward = autodiff.both(logsumexp)
variance_forward, variance_backward = autodiff.both(variance)
_l2_normalize, _cosine_similarity = by_norms(
    lambda x, axis: np.sqrt(np.sum(x**2, axis=axis, keepdims=True)), np.maximum, lambda x: np.sum(x, axis=-1)
)
l2_normalize_forward, l2_normalize_backward = autodiff.both(_l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = autodiff.both(_cosine_similarity)
swiglu_forward, swiglu_backward = autodiff.both(gated(silu))
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
classes = ClassLosses(log_softmax, np.tanh, partial(np.sum, axis=-1), of_labels, or_zero, REDUCTIONS)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = autodiff.both_of_loss(
    classes.weighted, constants=2
)
_of_logits = classes.or_own(softmax_cross_entropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = autodiff.both_of_loss(_of_logits)
linear_cross_entropy_forward, linear_cross_entropy_backward = autodiff.both_of_loss(of_layer(_of_logits, np.transpose))
nll_forward, nll_backward = autodiff.both_of_loss(classes.nll)
embedding_forward, embedding_backward = autodiff.both_with_indices(lookup(lambda weight, rows: weight[rows]), 0)
gather_forward, gather_backward = autodiff.both_of_loss(gather)
_turned = rotary(np.stack, np.reshape)
rotary_embedding_forward, rotary_embedding_backward = autodiff.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = autodiff.both_of_loss(
    transformer(rms_norm, attention, _turned, gated(silu), np.swapaxes, np.reshape), constants=2
)
_lstm_cell, _lstm, _gru_cell = recurrent(sigmoid, np.tanh, np.stack)
lstm_cell_forward, lstm_cell_backward = autodiff.both_of_several(_lstm_cell, results=2)
lstm_forward, lstm_backward = autodiff.both_of_several(_lstm, results=3)
gru_cell_forward, gru_cell_backward = autodiff.both(_gru_cell)
