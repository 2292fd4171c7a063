"""PyTorch's own functions and its autograd. Needs `pip install torch`."""

# ruff: noqa: D103 - the names are the operations', and the mathematics is said once, above it

from collections.abc import Callable
from typing import Any

import numpy as np

try:
    import torch  # type: ignore[import-not-found, unused-ignore]
    from torch.nn import functional as F  # type: ignore[import-not-found, unused-ignore]
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise ModuleNotFoundError("this adapter needs PyTorch: pip install torch", name="torch") from None

Tensor = Any

name = "PyTorch"
version = str(torch.__version__)
dtypes = ["float64", "float32", "float16", "bfloat16"]


def dense(inputs: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    return F.linear(inputs, weights.T, biases.squeeze(0))


def cross_entropy(probabilities: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    if labels.ndim == 1:
        return F.nll_loss(probabilities.log(), _checked(labels, probabilities), reduction=reduction)
    losses = -torch.xlogy(_checked(labels, probabilities), probabilities).sum(dim=-1)
    return {"none": lambda rows: rows, "sum": torch.sum, "mean": torch.mean}[reduction](losses)


def softmax_cross_entropy(logits: Tensor, labels: Tensor, *, reduction: str) -> Tensor:
    return F.cross_entropy(logits, _checked(labels, logits), reduction=reduction)


def mlp(
    inputs: Tensor,
    weights1: Tensor,
    biases1: Tensor,
    weights2: Tensor,
    biases2: Tensor,
    labels: Tensor,
    *,
    reduction: str,
) -> Tensor:
    hidden = F.relu(dense(inputs, weights1, biases1))
    return softmax_cross_entropy(dense(hidden, weights2, biases2), labels, reduction=reduction)


def _checked(labels: Tensor, scores: Tensor) -> Tensor:
    """The labels, refused where torch would take them otherwise than they are meant: -100 means "ignore" to it."""
    if labels.ndim == 1 and (labels < 0).any():
        raise IndexError("a label is negative")
    if labels.ndim > 1 and labels.shape != scores.shape:
        raise ValueError(f"labels {tuple(labels.shape)} do not fit scores of shape {tuple(scores.shape)}")
    return labels


# The adapter: arrays to tensors, and a function's gradients by autograd.


def setup() -> None:
    torch.set_num_threads(1)  # on tensors this small, threads only wait for one another


def _tensor(array: np.ndarray) -> Tensor:
    own = np.array(array, order="C")  # torch refuses negative strides, and must not write into the argument
    if own.dtype.name == "bfloat16":
        return torch.from_numpy(own.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(own)


def _forward(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward(*arguments: np.ndarray, **parameters: str) -> Tensor:
        return function(*map(_tensor, arguments), **parameters)

    return forward


def _backward(function: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, ...]]:
    def backward(upstream: np.ndarray, *arguments: np.ndarray, **parameters: str) -> tuple[Tensor, ...]:
        tensors = [_tensor(argument) for argument in arguments]
        variables = tensors[:-1] if parameters else tensors  # a loss, which has parameters, takes its labels last
        for variable in variables:
            variable.requires_grad_()
        outputs = function(*tensors, **parameters)
        return tuple(torch.autograd.grad(outputs, variables, _tensor(upstream)))

    return backward


dense_forward, dense_backward = _forward(dense), _backward(dense)
relu_forward, relu_backward = _forward(F.relu), _backward(F.relu)
cross_entropy_forward, cross_entropy_backward = _forward(cross_entropy), _backward(cross_entropy)
softmax_cross_entropy_forward = _forward(softmax_cross_entropy)
softmax_cross_entropy_backward = _backward(softmax_cross_entropy)
mlp_forward, mlp_backward = _forward(mlp), _backward(mlp)


def softmax(logits: Tensor) -> Tensor:
    return F.softmax(logits, dim=-1)


softmax_forward, softmax_backward = _forward(softmax), _backward(softmax)


def softmax_cross_entropy_from_outputs_backward(
    dL_dloss: np.ndarray, outputs: np.ndarray, labels: np.ndarray, *, reduction: str
) -> Tensor:
    """By hand: autograd has no way back from the outputs of a forward pass that it did not see."""
    upstream, probabilities = _tensor(dL_dloss), _tensor(outputs)
    truth = _checked(_tensor(labels), probabilities)
    if truth.ndim == 1:
        truth = F.one_hot(truth, probabilities.shape[1]).to(probabilities.dtype)
    if truth.shape != probabilities.shape:
        raise ValueError(f"labels {labels.shape} do not fit outputs {outputs.shape}")
    if reduction == "mean":
        upstream = upstream / len(probabilities)
    return (probabilities - truth) * upstream.reshape(-1, 1)
