"""PyTorch's own functions and its autograd. Needs `pip install torch`.

Options: `device=cuda`, or another that torch knows; `compile=true`, or the name of one of torch.compile's backends;
`tf32=true`, which lets products of float32 go through tf32 on a GPU, as those of cuDNN do unless they are told not to.
"""

# ruff: noqa: D103 - the names are the operations'

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from .autodiff import (
    Array,
    Autodiff,
    Axes,
    Function,
    Tensor,
    Tensors,
    are_indices,
    by_element,
    convolutional,
    dropout,
    gated,
    needed,
    network,
    of_layer,
    own,
    require_layer,
    rotary,
    seen_by,
    transformer,
)

with needed("torch", "PyTorch", "torch"):
    import torch
    from torch.nn import functional as F

name = "PyTorch"
dtypes = ["float64", "float32", "float16", "bfloat16"]


def _in_halves(precision: str, *operations: str) -> dict[str, str]:
    return {f"{dtype}:{op}": precision for dtype in ("float16", "bfloat16") for op in operations}


STEPWISE = (
    "cross_entropy",
    "matmul",
    "swiglu",
    "geglu",
    "multiply",
    "divide",
    "power",
    "logsumexp",
    "max",
    "variance",
    "l2_normalize",
    "cosine_similarity",
    "mlp",
    "convolutional_network",
    "softmax_cross_entropy",
    "softmax_cross_entropy_from_outputs",
    "softsign",
    "reciprocal",
    "mse",
    "l1",
    "huber",
    "smooth_l1",
    "hinge",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "weighted_binary_cross_entropy_with_logits",
    "dropout",
    "kl_div",
    "weighted_softmax_cross_entropy",
    "rotary_embedding",
    "linear_cross_entropy",
    "sgd_step",
    "rmsprop_step",
    "adam_step",
    "adamw_step",
    "lstm_cell",
    "lstm",
    "gru_cell",
    "transformer_block",
)
# On the CPU one function computes in float32 and rounds once. What is composed of several rounds each one's result:
# softmax keeps its exponentials where the axis is not the last, log_softmax its outputs and log_sigmoid exp(-|x|), the
# losses are written over log_softmax or over gather and log, or rounded before their sum, reciprocal squares its
# rounded output, max counts those that tie in the half dtype, and matmul rounds each product of a stack before it adds
# up those of a broadcast operand. layer_norm saves mean and deviation in the half dtype, and adds up gradients in it,
# as nll_loss does losses, embedding the gradients of a row, pools windows, and convolutions of float16 images.
CALLED = {
    **_in_halves("stepwise", *STEPWISE, "softmax", "log_softmax", "log_sigmoid", "nll"),
    **_in_halves("native", "layer_norm", "batch_norm", "group_norm", "embedding", "max_pool2d", "avg_pool2d"),
    **dict.fromkeys(("float16:nll", "float16:conv1d", "float16:conv2d", "float16:conv_transpose2d"), "native"),
    "float16:sigmoid": "stepwise",  # the slope
}
# On a GPU convolutions and pools of means add a bias or divide after rounding, the slopes of sigmoid and tanh are
# computed in the half dtype, and gradients of rows that are taken more than once are added up in it.
ON_GPU = {
    **CALLED,
    **_in_halves("stepwise", "conv1d", "conv2d", "conv_transpose2d", "avg_pool2d", "sigmoid", "tanh"),
    **_in_halves("native", "gather", "scatter_add"),
}
# torch.compile makes one kernel of log_softmax and of layer_norm, which computes in float32. What is kept
# for the gradient has the tensors' dtype: exp(-|x|) of log_sigmoid, mean and 1 / sigma of layer_norm, which shows in
# bfloat16.
COMPILED = _in_halves("stepwise", *STEPWISE, "log_sigmoid") | {"bfloat16:layer_norm": "stepwise"}


def precision(options: Mapping[str, str]) -> dict[str, str]:
    """What holds in half precision, where it is not `fused`, and in float32, where it is tf32."""
    called = ON_GPU if _on_gpu(options) else CALLED
    halves = called if options.get("compile", "false") == "false" else COMPILED
    return halves | ({"float32": "tf32"} if options.get("tf32", "false") == "true" else {})


def version(options: Mapping[str, str]) -> str:
    """PyTorch's version, and the GPU's name where one is asked for."""
    gpu = _on_gpu(options) and torch.cuda.is_available()
    return f"{torch.__version__} on {torch.cuda.get_device_name(options['device'])}" if gpu else str(torch.__version__)


def conventions(options: Mapping[str, str]) -> dict[str, object]:
    """What is not promised on a GPU: a label out of range ends the process's use of it, and sums are in any order."""
    return {"labels": "unchecked", "deterministic": False} if _on_gpu(options) else {}


def _on_gpu(options: Mapping[str, str]) -> bool:
    return options.get("device", "cpu").startswith("cuda")


REDUCTIONS = {"none": lambda rows: rows, "sum": torch.sum, "mean": torch.mean}


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return F.linear(inputs, weights.T, biases.squeeze(0))


def softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    return F.softmax(logits, dim=axis)


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if are_indices(labels, probabilities):
        return REDUCTIONS[reduction](-probabilities.gather(1, labels[:, None])[:, 0].log())
    chosen = torch.where(labels == 0, 1, probabilities)  # a class of weight 0 adds nothing, even at p = 0
    losses = labels * chosen.log()
    return REDUCTIONS[reduction](-losses.sum(dim=-1))


def softmax_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
) -> Tensor:
    index = not_ignored(labels, ignore_index) if are_indices(labels, logits) else -1
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    loss = F.cross_entropy(logits, labels, None, None, index, None, reduction, label_smoothing)
    if z_loss:
        counted = labels != index if labels.ndim == 1 else torch.ones_like(labels[:, 0], dtype=torch.bool)
        penalty = z_loss * torch.where(counted, logits.logsumexp(dim=-1).square(), 0)
        loss = loss + (penalty.sum() / counted.sum() if reduction == "mean" else REDUCTIONS[reduction](penalty))
    return loss


def rows(labels: Tensor, outputs: Tensor) -> Tensor:
    return F.one_hot(labels, outputs.shape[-1]).to(outputs.dtype) if are_indices(labels, outputs) else labels


def hardtanh(inputs: Tensor, *, min_value: float, max_value: float) -> Tensor:
    return F.hardtanh(inputs, min_value, max_value)


def log_softmax(logits: Tensor, *, axis: int = -1) -> Tensor:
    return F.log_softmax(logits, dim=axis)


def layer_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    return F.layer_norm(inputs, weight.shape, weight, bias, eps)


def batch_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    if not eps:
        raise NotImplementedError("PyTorch's batch_norm takes no eps of 0 in training")
    return F.batch_norm(inputs, None, None, weight, bias, training=True, eps=eps)


def group_norm(inputs: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int, eps: float) -> Tensor:
    return F.group_norm(inputs, num_groups, weight, bias, eps)


def rms_norm(inputs: Tensor, weight: Tensor, *, eps: float) -> Tensor:
    return F.rms_norm(inputs, weight.shape, weight, eps)


def attention(query: Tensor, key: Tensor, value: Tensor, *mask: Tensor, **options: Any) -> Tensor:
    if options.keys() - {"scale", "is_causal"}:
        raise NotImplementedError("PyTorch's attention has neither softcap nor window")
    seen = seen_by(query, key, mask)
    shared = query.shape[1] != key.shape[1]
    return F.scaled_dot_product_attention(query, key, value, seen, enable_gqa=shared, **options)


def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    return F.relu(1 - targets * predictions)


def binary_cross_entropy(probabilities: Tensor, targets: Tensor, *, reduction: str) -> Tensor:
    if probabilities.is_cuda and not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("a probability outside 0 to 1")  # an assertion on a GPU, as of a label out of range
    return F.binary_cross_entropy(probabilities, targets, reduction=reduction)


def weighted(logits: Tensor, targets: Tensor, pos_weight: Tensor, *, reduction: str) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=pos_weight, reduction=reduction)


def amax(inputs: Tensor, *, axis: Axes, keepdims: bool = False) -> Tensor:
    return torch.amax(inputs, every(inputs) if axis is None else axis, keepdims)


def logsumexp(inputs: Tensor, *, axis: Axes, keepdims: bool = False) -> Tensor:
    return torch.logsumexp(inputs, every(inputs) if axis is None else axis, keepdims)


def variance(inputs: Tensor, *, axis: Axes, keepdims: bool = False, correction: int = 0) -> Tensor:
    return torch.var(inputs, axis, correction=correction, keepdim=keepdims)


def every(inputs: Tensor) -> tuple[int, ...]:
    return tuple(range(inputs.ndim))


def l2_normalize(inputs: Tensor, *, axis: int = -1, eps: float) -> Tensor:
    return F.normalize(inputs, dim=axis, eps=eps)


def cosine_similarity(a: Tensor, b: Tensor, *, eps: float) -> Tensor:
    if a.shape != b.shape:
        raise ValueError(f"vectors of shapes {tuple(a.shape)} and {tuple(b.shape)}")
    return F.cosine_similarity(a, b, dim=-1, eps=eps)


def kl_div(log_probabilities: Tensor, targets: Tensor, *, reduction: str) -> Tensor:
    return F.kl_div(log_probabilities, targets, reduction=reduction)


def nll(log_probabilities: Tensor, labels: Tensor, *, reduction: str, ignore_index: int | None = None) -> Tensor:
    are_indices(labels, log_probabilities)
    return F.nll_loss(log_probabilities, labels, ignore_index=not_ignored(labels, ignore_index), reduction=reduction)


def weighted_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor,
    *,
    reduction: str,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    if not are_indices(labels, logits):
        raise ValueError("rows of labels, where class indices are due")
    index = not_ignored(labels, ignore_index)
    return F.cross_entropy(logits, labels, class_weights, None, index, None, reduction, label_smoothing)


def embedding(indices: Tensor, weight: Tensor, *, padding_idx: int | None = None) -> Tensor:
    if weight.is_cuda and not weight.numel():
        raise NotImplementedError("PyTorch's gradient of an empty table is an illegal memory access on a GPU")
    return F.embedding(indices, weight, padding_idx)


def gather(inputs: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    return torch.gather(inputs, axis, indices)


def scatter_add(inputs: Tensor, indices: Tensor, source: Tensor, *, axis: int) -> Tensor:
    if source.shape != indices.shape:  # torch takes the first corner of a larger source
        raise ValueError(f"a source of shape {tuple(source.shape)} for indices of shape {tuple(indices.shape)}")
    return torch.scatter_add(inputs, axis, indices, source)


def not_ignored(labels: Tensor, ignore_index: int | None) -> int:
    """The index to ignore, -1 for none, which no label may be then."""
    if ignore_index is None and (labels < 0).any():
        raise IndexError("a label is negative")
    return -1 if ignore_index is None else ignore_index


def stepped(
    optimizer: Function, names: tuple[str, ...], tensors: Tensors, rates: dict[str, Any], step: int = 1
) -> Tensors:
    """Take a step of an optimizer, from the state of these names after the steps before."""
    parameters, parameters.grad, *state = tensors
    stepping = optimizer([parameters], **rates)
    stepping.state[parameters] = {**dict(zip(names, state, strict=True)), "step": torch.tensor(step - 1.0)}
    stepping.step()
    return parameters, *state


def sgd(*tensors: Tensor, nesterov: bool = False, weight_decay: float = 0.0, lr: float, momentum: float) -> Tensors:
    rates = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
    return stepped(torch.optim.SGD, ("momentum_buffer",), tensors, rates)


def rmsprop(*tensors: Tensor, lr: float, alpha: float, eps: float) -> Tensors:
    return stepped(torch.optim.RMSprop, ("square_avg",), tensors, {"lr": lr, "alpha": alpha, "eps": eps})


def adam(*tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int) -> Tensors:
    rates = {"lr": lr, "betas": (beta1, beta2), "eps": eps}
    return stepped(torch.optim.Adam, ("exp_avg", "exp_avg_sq"), tensors, rates, step)


def adamw(
    *tensors: Tensor, lr: float, beta1: float, beta2: float, eps: float, step: int, weight_decay: float
) -> Tensors:
    rates = {"lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": weight_decay}
    return stepped(torch.optim.AdamW, ("exp_avg", "exp_avg_sq"), tensors, rates, step)


def lstm_cell(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    return torch.lstm_cell(inputs, (hidden, cell), *layer)


def lstm(inputs: Tensor, hidden: Tensor, cell: Tensor, *layer: Tensor) -> Tensors:
    require_layer(4, inputs[0], (hidden, cell), layer)  # torch.lstm in float32 reads on beyond what is there
    states, settings = (hidden[None], cell[None]), {"dropout": 0.0, "train": True, "bidirectional": False}
    outputs, *last = torch.lstm(inputs, states, layer, has_biases=True, num_layers=1, batch_first=False, **settings)
    return outputs, *(state[0] for state in last)


# The adapter: arrays to tensors, and a function's gradients by autograd.

options = SimpleNamespace(device="cpu", backend=None)


def setup(device: str = "cpu", compile: str = "false", tf32: str = "false") -> None:
    torch.set_num_threads(1)  # tensors this small gain nothing from threads
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32 == "true"
    torch.empty(0, device=device)  # fails once, here, if there is no such device
    options.device = device
    options.backend = {"false": None, "true": "inductor"}.get(compile, compile)
    if options.backend:
        torch._dynamo.lookup_backend(options.backend)  # fails once, here, if there is no such backend
        torch._dynamo.config.recompile_limit = 10_000  # past it torch falls back to calling what it should compile


def tensor(array: Array) -> Tensor:
    if array.dtype == np.int64 and (array < 0).any():
        raise IndexError("a label is negative")  # -100 means "ignore" to torch
    return any_tensor(array)


def any_tensor(array: Array) -> Tensor:
    copy = own(array)
    bits = copy.dtype.name == "bfloat16"
    made = torch.from_numpy(copy.view(np.int16)).view(torch.bfloat16) if bits else torch.from_numpy(copy)
    return made.to(options.device)


@cache
def compiled(function: Function, backend: str) -> Any:
    return torch.compile(function, backend=backend, dynamic=True)


def value(function: Function, *tensors: Tensor) -> Tensor:
    return (compiled(function, options.backend) if options.backend else function)(*tensors)


def gradients(function: Function, variables: Tensors, constants: Tensors, upstream: Tensor) -> Tensors:
    for variable in variables:
        variable.requires_grad_()
    return torch.autograd.grad(value(function, *variables, *constants), variables, upstream)


pytorch = Autodiff(tensor, gradients, value)
dense_forward, dense_backward = pytorch.both(dense)
relu_forward, relu_backward = pytorch.both(F.relu)
softmax_forward, softmax_backward = pytorch.both(softmax)
cross_entropy_forward, cross_entropy_backward = pytorch.both_of_loss(cross_entropy)
softmax_cross_entropy_from_outputs_backward = pytorch.from_outputs(rows)
mlp_forward, mlp_backward = pytorch.both_of_loss(network(dense, F.relu, softmax_cross_entropy))
convolutional_network_forward, convolutional_network_backward = pytorch.both_of_loss(
    convolutional(F.conv2d, batch_norm, F.relu, F.max_pool2d, torch.reshape, dense, softmax_cross_entropy)
)
square_forward, square_backward = pytorch.both(torch.square)
sigmoid_forward, sigmoid_backward = pytorch.both(torch.sigmoid)
tanh_forward, tanh_backward = pytorch.both(torch.tanh)
silu_forward, silu_backward = pytorch.both(F.silu)
gelu_forward, gelu_backward = pytorch.both(F.gelu)
softplus_forward, softplus_backward = pytorch.both(F.softplus)
leaky_relu_forward, leaky_relu_backward = pytorch.both(F.leaky_relu)
elu_forward, elu_backward = pytorch.both(F.elu)
celu_forward, celu_backward = pytorch.both(F.celu)
hardtanh_forward, hardtanh_backward = pytorch.both(hardtanh)
hardsigmoid_forward, hardsigmoid_backward = pytorch.both(F.hardsigmoid)
hardswish_forward, hardswish_backward = pytorch.both(F.hardswish)
selu_forward, selu_backward = pytorch.both(F.selu)
mish_forward, mish_backward = pytorch.both(F.mish)
log_sigmoid_forward, log_sigmoid_backward = pytorch.both(F.logsigmoid)
softsign_forward, softsign_backward = pytorch.both(F.softsign)
exp_forward, exp_backward = pytorch.both(torch.exp)
log_forward, log_backward = pytorch.both(torch.log)
sqrt_forward, sqrt_backward = pytorch.both(torch.sqrt)
absolute_forward, absolute_backward = pytorch.both(torch.abs)
reciprocal_forward, reciprocal_backward = pytorch.both(torch.reciprocal)
log_softmax_forward, log_softmax_backward = pytorch.both(log_softmax)
layer_norm_forward, layer_norm_backward = pytorch.both(layer_norm)
rms_norm_forward, rms_norm_backward = pytorch.both(rms_norm)
matmul_forward, matmul_backward = pytorch.both(torch.matmul)
conv1d_forward, conv1d_backward = pytorch.both(F.conv1d)
conv2d_forward, conv2d_backward = pytorch.both(F.conv2d)
conv_transpose2d_forward, conv_transpose2d_backward = pytorch.both(F.conv_transpose2d)
max_pool2d_forward, max_pool2d_backward = pytorch.both(F.max_pool2d)
avg_pool2d_forward, avg_pool2d_backward = pytorch.both(F.avg_pool2d)
batch_norm_forward, batch_norm_backward = pytorch.both(batch_norm)
group_norm_forward, group_norm_backward = pytorch.both(group_norm)
scaled_dot_product_attention_forward, scaled_dot_product_attention_backward = pytorch.both(attention)
masked_attention_forward, masked_attention_backward = pytorch.both_of_loss(attention)
add_forward, add_backward = pytorch.both(torch.add)
multiply_forward, multiply_backward = pytorch.both(torch.mul)
divide_forward, divide_backward = pytorch.both(torch.div)
maximum_forward, maximum_backward = pytorch.both(torch.maximum)
power_forward, power_backward = pytorch.both(torch.pow)
sum_forward, sum_backward = pytorch.both(torch.sum)
mean_forward, mean_backward = pytorch.both(torch.mean)
max_forward, max_backward = pytorch.both(amax)
logsumexp_forward, logsumexp_backward = pytorch.both(logsumexp)
variance_forward, variance_backward = pytorch.both(variance)
l2_normalize_forward, l2_normalize_backward = pytorch.both(l2_normalize)
cosine_similarity_forward, cosine_similarity_backward = pytorch.both(cosine_similarity)
swiglu_forward, swiglu_backward = pytorch.both(gated(F.silu))
geglu_forward, geglu_backward = pytorch.both(gated(F.gelu))
mse_forward, mse_backward = pytorch.both_of_loss(by_element(F.mse_loss))
l1_forward, l1_backward = pytorch.both_of_loss(by_element(F.l1_loss))
huber_forward, huber_backward = pytorch.both_of_loss(by_element(F.huber_loss))
smooth_l1_forward, smooth_l1_backward = pytorch.both_of_loss(by_element(F.smooth_l1_loss))
hinge_forward, hinge_backward = pytorch.both_of_loss(by_element(hinge, REDUCTIONS))
binary_cross_entropy_forward, binary_cross_entropy_backward = pytorch.both_of_loss(by_element(binary_cross_entropy))
_of_logits = pytorch.both_of_loss(by_element(F.binary_cross_entropy_with_logits))
binary_cross_entropy_with_logits_forward, binary_cross_entropy_with_logits_backward = _of_logits
_weighted = pytorch.both_of_loss(by_element(weighted), constants=2)
weighted_binary_cross_entropy_with_logits_forward, weighted_binary_cross_entropy_with_logits_backward = _weighted
dropout_forward, dropout_backward = pytorch.both_of_loss(dropout)
kl_div_forward, kl_div_backward = pytorch.both_of_loss(by_element(kl_div))
ignoring = Autodiff(any_tensor, gradients, value)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = ignoring.both_of_loss(softmax_cross_entropy)
nll_forward, nll_backward = ignoring.both_of_loss(nll)
weighted_softmax_cross_entropy_forward, weighted_softmax_cross_entropy_backward = ignoring.both_of_loss(
    weighted_cross_entropy, constants=2
)
embedding_forward, embedding_backward = pytorch.both_with_indices(embedding, 0)
gather_forward, gather_backward = pytorch.both_of_loss(gather)
scatter_add_forward, scatter_add_backward = pytorch.both_with_indices(scatter_add, 1)
_turned = rotary(torch.stack, torch.reshape)
rotary_embedding_forward, rotary_embedding_backward = pytorch.both_of_loss(_turned, constants=2)
transformer_block_forward, transformer_block_backward = pytorch.both_of_loss(
    transformer(rms_norm, attention, _turned, gated(F.silu), torch.swapaxes, torch.reshape), constants=2
)
_of_layer = of_layer(softmax_cross_entropy, torch.t)
linear_cross_entropy_forward, linear_cross_entropy_backward = ignoring.both_of_loss(_of_layer)
lstm_cell_forward, lstm_cell_backward = pytorch.both_of_several(lstm_cell, results=2)
lstm_forward, lstm_backward = pytorch.both_of_several(lstm, results=3)
gru_cell_forward, gru_cell_backward = pytorch.both(torch.gru_cell)
sgd_step_forward = pytorch.step(sgd)
rmsprop_step_forward = pytorch.step(rmsprop)
adam_step_forward = pytorch.step(adam)
adamw_step_forward = pytorch.step(adamw)
