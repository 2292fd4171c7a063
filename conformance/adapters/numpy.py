"""A network in plain NumPy, written in classes as a first course builds it, and its adapter below.

Each layer keeps in `forward` what its `backward` needs, and `backward` leaves the gradients on the layer: `dinputs`,
and `dweights` and `dbiases` where there are any.
"""

# ruff: noqa: D102, D103 - the names are the operations', and each class says its mathematics

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

name = "NumPy layers"
dtypes = ["float64", "float32", "float16", "bfloat16"]

Array = Any
"""np.ndarray, as Any for the type checker."""


class DenseLayer:
    """outputs = inputs @ weights + biases, of shapes (N, I), (I, O) and (1, O)."""

    def __init__(self, weights: Array, biases: Array) -> None:
        if weights.ndim != 2 or biases.shape != (1, weights.shape[1]):
            raise ValueError(f"weights {weights.shape} and biases {biases.shape} do not belong together")
        self.weights = weights
        self.biases = biases

    def forward(self, inputs: Array) -> Array:
        if inputs.ndim != 2 or inputs.shape[1] != self.weights.shape[0]:
            raise ValueError(f"inputs {inputs.shape} do not fit weights {self.weights.shape}")
        self.inputs = inputs
        return inputs @ self.weights + self.biases

    def backward(self, doutputs: Array) -> Array:
        if doutputs.shape != (len(self.inputs), self.weights.shape[1]):
            raise ValueError(f"gradient {doutputs.shape} does not fit weights {self.weights.shape}")
        self.dweights = self.inputs.T @ doutputs
        self.dbiases = doutputs.sum(axis=0, keepdims=True)
        self.dinputs = doutputs @ self.weights.T
        return self.dinputs


class ReLU:
    """max(0, x); its slope at 0 is taken as 0."""

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        return np.maximum(inputs, 0)

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.inputs)
        self.dinputs = np.where(self.inputs > 0, doutputs, 0)
        return self.dinputs


class Softmax:
    """exp(z) / sum(exp(z)) over the last axis."""

    def forward(self, inputs: Array) -> Array:
        powers = np.exp(inputs - inputs.max(axis=-1, keepdims=True))
        self.outputs = powers / powers.sum(axis=-1, keepdims=True)
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.outputs)
        along = (doutputs * self.outputs).sum(axis=-1, keepdims=True)
        self.dinputs = self.outputs * (doutputs - along)
        return self.dinputs


class CrossEntropy:
    """-sum(y log p) a row, of probabilities (N, C) that are not clipped; a class with y = 0 adds nothing."""

    def __init__(self, labels: Array, reduction: str) -> None:
        self.labels = labels
        self.reduction = reduction

    def forward(self, probabilities: Array) -> Array:
        self.probabilities = probabilities
        self.truth = _one_hot(self.labels, probabilities)
        losses = np.where(self.truth == 0, 0, -self.truth * np.log(probabilities)).sum(axis=-1)
        return _reduced(losses, self.reduction)

    def backward(self, dloss: Array) -> Array:
        drows = _spread(dloss, self.reduction, len(self.truth))
        self.dinputs = np.where(self.truth == 0, 0, -self.truth / self.probabilities * drows)
        return self.dinputs


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one step, from logits (N, C)."""

    def __init__(self, labels: Array, reduction: str) -> None:
        self.labels = labels
        self.reduction = reduction

    def forward(self, logits: Array) -> Array:
        self.truth = _one_hot(self.labels, logits)
        self.outputs = Softmax().forward(logits)
        shifted = logits - logits.max(axis=-1, keepdims=True)
        log_sum = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        losses = np.where(self.truth == 0, 0, self.truth * (log_sum - shifted)).sum(axis=-1)
        return _reduced(losses, self.reduction)

    def from_outputs(self, outputs: Array) -> None:
        """Set the state as after a forward pass with these softmax outputs."""
        self.truth = _one_hot(self.labels, outputs)
        self.outputs = outputs

    def backward(self, dloss: Array) -> Array:
        drows = _spread(dloss, self.reduction, len(self.truth))
        self.dinputs = (self.outputs - self.truth) * drows
        return self.dinputs


class Network:
    """Dense, ReLU, dense, softmax with cross-entropy."""

    def __init__(self, hidden: DenseLayer, output: DenseLayer, loss: SoftmaxCrossEntropy) -> None:
        self.layers: list[Any] = [hidden, ReLU(), output, loss]

    def forward(self, inputs: Array) -> Array:
        values = inputs
        for layer in self.layers:
            values = layer.forward(values)
        return values

    def backward(self, dloss: Array) -> Array:
        gradient = dloss
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient


def _same_shape(gradient: Array, values: Array) -> None:
    if gradient.shape != values.shape:
        raise ValueError(f"gradient {gradient.shape} does not fit values of shape {values.shape}")


def _one_hot(labels: Array, scores: Array) -> Array:
    """Return labels as rows (N, C), from such rows, one-hot or soft, or from class indices (N,)."""
    rows, classes = scores.shape
    if labels.shape == scores.shape:
        return labels
    if labels.shape != (rows,):
        raise ValueError(f"labels {labels.shape} do not fit scores of shape {scores.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise IndexError(f"a label is not within 0 and {classes - 1}")
    truth = np.zeros_like(scores)
    truth[np.arange(rows), labels] = 1
    return truth


def _reduced(losses: Array, reduction: str) -> Array:
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.mean()


def _spread(dloss: Array, reduction: str, rows: int) -> Array:
    """The gradient of each row's loss, (N, 1)."""
    if dloss.shape != ((rows,) if reduction == "none" else ()):
        raise ValueError(f"gradient {dloss.shape} does not fit a loss of {rows} rows with reduction {reduction!r}")
    drows = np.broadcast_to(np.reshape(dloss, (-1, 1)), (rows, 1))
    return drows / rows if reduction == "mean" else drows


# The adapter: of each class, a function that runs its forward pass and one that runs both passes.


def _in_own_dtype(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compute half precisions in float32 and round the results, once, to the dtype that the arguments have."""

    @wraps(function)
    def call(*arguments: Array, **parameters: str) -> Any:
        dtype = arguments[0].dtype
        if dtype.itemsize > 2:
            return function(*arguments, **parameters)
        results = function(*[a.astype(np.float32) if a.dtype == dtype else a for a in arguments], **parameters)
        if isinstance(results, tuple):
            return tuple(result.astype(dtype) for result in results)
        return results.astype(dtype)

    return call


def _both(layer: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Forward and backward of a layer that is made of all arguments but the first, which is what passes through it."""

    @_in_own_dtype
    def forward(inputs: Array, *others: Array, **parameters: str) -> Array:
        return layer(*others, **parameters).forward(inputs)

    @_in_own_dtype
    def backward(upstream: Array, inputs: Array, *others: Array, **parameters: str) -> tuple[Array, ...]:
        made = layer(*others, **parameters)
        made.forward(inputs)
        made.backward(upstream)
        return _gradients(made)

    return forward, backward


def _gradients(layer: Any) -> tuple[Array, ...]:
    """The gradients that `backward` has left on a layer, or on each dense layer of a network."""
    if isinstance(layer, Network):
        hidden, _, output, _ = layer.layers
        return (*_gradients(hidden), *_gradients(output)[1:])
    return tuple(getattr(layer, name) for name in ("dinputs", "dweights", "dbiases") if hasattr(layer, name))


def _network(
    weights1: Array, biases1: Array, weights2: Array, biases2: Array, labels: Array, reduction: str
) -> Network:
    return Network(DenseLayer(weights1, biases1), DenseLayer(weights2, biases2), SoftmaxCrossEntropy(labels, reduction))


dense_forward, dense_backward = _both(DenseLayer)
relu_forward, relu_backward = _both(ReLU)
softmax_forward, softmax_backward = _both(Softmax)
cross_entropy_forward, cross_entropy_backward = _both(CrossEntropy)
softmax_cross_entropy_forward, softmax_cross_entropy_backward = _both(SoftmaxCrossEntropy)
mlp_forward, mlp_backward = _both(_network)


@_in_own_dtype
def softmax_cross_entropy_from_outputs_backward(
    dL_dloss: Array, outputs: Array, labels: Array, *, reduction: str
) -> Array:
    loss = SoftmaxCrossEntropy(labels, reduction)
    loss.from_outputs(outputs)
    return loss.backward(dL_dloss)
