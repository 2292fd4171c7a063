"""A network in plain NumPy, written in classes as a first course builds it.

Each layer is made of all but its inputs, keeps in `forward` what its `backward` needs, and `backward` leaves the
gradients on the layer: `dinputs`, and `dweights` and `dbiases` where there are any.
"""

# ruff: noqa: D102 - each class says its mathematics

from collections.abc import Callable
from typing import Any

import numpy as np

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
    """exp(z) / sum(exp(z)) along an axis."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, inputs: Array) -> Array:
        self.outputs = inputs - inputs.max(axis=self.axis, keepdims=True)
        normalise_powers(self.outputs, self.axis)
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.outputs)
        self.dinputs = doutputs * self.outputs
        np.subtract(doutputs, self.dinputs.sum(axis=self.axis, keepdims=True), out=self.dinputs)
        self.dinputs *= self.outputs
        return self.dinputs


class CrossEntropy:
    """-sum(y log p) a row, of probabilities (N, C) that are not clipped; a class with y = 0 adds nothing."""

    def __init__(self, labels: Array, reduction: str) -> None:
        self.labels = labels
        self.reduction = reduction

    def forward(self, probabilities: Array) -> Array:
        self.probabilities = probabilities
        self.picked = _picked(self.labels, probabilities)
        if self.labels.ndim == 2:
            losses = np.where(self.labels == 0, 0, -self.labels * np.log(probabilities)).sum(axis=-1)
        else:
            losses = -np.log(probabilities[self.picked])
        return _reduced(losses, self.reduction)

    def backward(self, dloss: Array) -> Array:
        drows = _spread(dloss, self.reduction, len(self.labels))
        if self.labels.ndim == 2:
            self.dinputs = np.where(self.labels == 0, 0, -self.labels / self.probabilities * drows)
        else:
            self.dinputs = np.zeros(self.probabilities.shape, self.probabilities.dtype)
            self.dinputs[self.picked] = -1 / self.probabilities[self.picked] * drows[:, 0]
        return self.dinputs


class SoftmaxCrossEntropy:
    """Softmax and cross-entropy in one step, from logits (N, C).

    There is one array of their size: the shifted logits, their powers, the softmax and the gradient, one after another.
    """

    def __init__(self, labels: Array, reduction: str) -> None:
        self.labels = labels
        self.reduction = reduction

    def forward(self, logits: Array) -> Array:
        self.picked = _picked(self.labels, logits)
        self.outputs = logits - logits.max(axis=-1, keepdims=True)
        if self.labels.ndim == 2:
            shares = self.labels.sum(axis=-1)
            below = np.where(self.labels == 0, 0, self.labels * self.outputs).sum(axis=-1)
        else:
            shares, below = 1, self.outputs[self.picked]
        total = normalise_powers(self.outputs, -1)
        return _reduced(shares * np.log(total[:, 0]) - below, self.reduction)

    def from_outputs(self, outputs: Array) -> None:
        """Set the state as after a forward pass with these softmax outputs."""
        self.picked = _picked(self.labels, outputs)
        self.outputs = np.array(outputs)

    def backward(self, dloss: Array) -> Array:
        drows = _spread(dloss, self.reduction, len(self.labels))
        self.dinputs = self.outputs
        self.dinputs[self.picked] -= self.labels if self.labels.ndim == 2 else 1
        self.dinputs *= drows
        return self.dinputs


class Activation:
    """A function of each element, given with its slope."""

    def __init__(self, value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> None:
        self.value = value
        self.slope = slope

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        return self.value(inputs)

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.inputs)
        self.dinputs = doutputs * self.slope(self.inputs)
        return self.dinputs


class Dropout:
    """What the mask keeps, over 1 - p."""

    def __init__(self, mask: Array, p: float) -> None:
        self.mask = mask
        self.scale = mask / np.asarray(1 - p, mask.dtype)

    def forward(self, inputs: Array) -> Array:
        _same_shape(self.mask, inputs)
        self.outputs = inputs * self.scale
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.outputs)
        self.dinputs = doutputs * self.scale
        return self.dinputs


class Reciprocal:
    """1 / x."""

    def forward(self, inputs: Array) -> Array:
        self.outputs = 1 / inputs
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.outputs)
        self.dinputs = -(doutputs * self.outputs) * self.outputs
        return self.dinputs


class LogSoftmax:
    """z - log(sum(exp(z))) along an axis."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, inputs: Array) -> Array:
        outputs = inputs - inputs.max(axis=self.axis, keepdims=True)
        self.probabilities = np.array(outputs)
        outputs -= np.log(normalise_powers(self.probabilities, self.axis))
        return outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.probabilities)
        self.dinputs = self.probabilities * doutputs.sum(axis=self.axis, keepdims=True)
        np.subtract(doutputs, self.dinputs, out=self.dinputs)
        return self.dinputs


class LayerNorm:
    """(x - mean) / sqrt(variance + eps) * weights + biases, of inputs (..., D), weights (D,), biases (D,)."""

    def __init__(self, weights: Array, biases: Array, eps: float) -> None:
        _same_shape(biases, weights)
        self.weights = weights
        self.biases = biases
        self.eps = eps

    def forward(self, inputs: Array) -> Array:
        _fits_last_axis(self.weights, inputs)
        centred = inputs - inputs.mean(axis=-1, keepdims=True)
        self.scale = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.eps)
        self.normal = centred * self.scale
        return self.normal * self.weights + self.biases

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.normal)
        self.dweights = _over_rows(doutputs * self.normal)
        self.dbiases = _over_rows(doutputs)
        dnormal = doutputs * self.weights
        along = (dnormal * self.normal).mean(axis=-1, keepdims=True)
        self.dinputs = self.scale * (dnormal - dnormal.mean(axis=-1, keepdims=True) - self.normal * along)
        return self.dinputs


class RMSNorm:
    """x / sqrt(mean(x^2) + eps) * weights, of inputs (..., D) and weights (D,)."""

    def __init__(self, weights: Array, eps: float) -> None:
        self.weights = weights
        self.eps = eps

    def forward(self, inputs: Array) -> Array:
        _fits_last_axis(self.weights, inputs)
        self.scale = 1 / np.sqrt((inputs**2).mean(axis=-1, keepdims=True) + self.eps)
        self.normal = inputs * self.scale
        return self.normal * self.weights

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.normal)
        self.dweights = _over_rows(doutputs * self.normal)
        dnormal = doutputs * self.weights
        along = (dnormal * self.normal).mean(axis=-1, keepdims=True)
        self.dinputs = self.scale * (dnormal - self.normal * along)
        return self.dinputs


class GroupNorm:
    """Layer normalisation of each group of channels (N, C, ...), with weights and biases of each channel (C,)."""

    def __init__(self, weights: Array, biases: Array, num_groups: int, eps: float) -> None:
        _same_shape(biases, weights)
        self.weights = weights
        self.biases = biases
        self.num_groups = num_groups
        self.eps = eps

    def forward(self, inputs: Array) -> Array:
        if inputs.shape[1:2] != self.weights.shape or inputs.shape[1] % self.num_groups:
            raise ValueError(
                f"inputs {inputs.shape} do not fit {self.num_groups} groups of weights {self.weights.shape}"
            )
        self.shape = inputs.shape
        rows = self.as_rows(inputs)
        self.norm = LayerNorm(np.ones(rows.shape[1:], rows.dtype), np.zeros(rows.shape[1:], rows.dtype), self.eps)
        self.normal = self.as_inputs(self.norm.forward(rows))
        return self.normal * self.by_channel(self.weights) + self.by_channel(self.biases)

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.normal)
        axes = (0, *range(2, doutputs.ndim))
        self.dweights, self.dbiases = (doutputs * self.normal).sum(axis=axes), doutputs.sum(axis=axes)
        dnormal = doutputs * self.by_channel(self.weights)
        self.dinputs = self.as_inputs(self.norm.backward(self.as_rows(dnormal)))
        return self.dinputs

    def by_channel(self, weights: Array) -> Array:
        return weights.reshape(-1, *[1] * (len(self.shape) - 2))

    def as_rows(self, values: Array) -> Array:
        """What is normalised together as a row."""
        size = int(np.prod(self.shape[1:])) // self.num_groups
        return values.reshape(self.shape[0] * self.num_groups, size)

    def as_inputs(self, rows: Array) -> Array:
        return rows.reshape(self.shape)


class BatchNorm(GroupNorm):
    """Normalisation of each channel over the batch, as in training."""

    def __init__(self, weights: Array, biases: Array, eps: float) -> None:
        super().__init__(weights, biases, 1, eps)

    def forward(self, inputs: Array) -> Array:
        if inputs.size == inputs.shape[1]:
            raise ValueError(f"inputs {inputs.shape} have a single value a channel")
        return super().forward(inputs)

    def as_rows(self, values: Array) -> Array:
        rows, size = (self.shape[1] if values.size else 0), values.size // self.shape[1]
        return np.moveaxis(values, 1, 0).reshape(rows, max(size, 1))

    def as_inputs(self, rows: Array) -> Array:
        n, channels, *rest = self.shape
        return np.moveaxis(rows.reshape(channels, n, *rest), 0, 1)


class MatMul:
    """inputs @ weights of any ranks, as NumPy has it: stacks of matrices are broadcast, and vectors may stand in."""

    def __init__(self, weights: Array) -> None:
        self.weights = weights

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        self.outputs = inputs @ self.weights
        return self.outputs

    def backward(self, doutputs: Array) -> Array:
        _same_shape(doutputs, self.outputs)
        row, column = self.inputs.ndim == 1, self.weights.ndim == 1
        inputs = self.inputs[None, :] if row else self.inputs
        weights = self.weights[:, None] if column else self.weights
        if column:
            doutputs = doutputs[..., None]
        if row:
            doutputs = doutputs[..., None, :]
        self.dinputs = _summed_to(self.inputs.shape, doutputs @ np.swapaxes(weights, -1, -2))
        self.dweights = _summed_to(self.weights.shape, np.swapaxes(inputs, -1, -2) @ doutputs)
        return self.dinputs


class Flatten:
    """Each image as a row, in C order."""

    def forward(self, inputs: Array) -> Array:
        self.shape = inputs.shape
        return inputs.reshape(len(inputs), int(np.prod(inputs.shape[1:])))

    def backward(self, doutputs: Array) -> Array:
        self.dinputs = doutputs.reshape(self.shape)
        return self.dinputs


class Network:
    """Layers one after another, the last of which is a loss."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

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


def _fits_last_axis(weights: Array, inputs: Array) -> None:
    if weights.shape != inputs.shape[-1:]:
        raise ValueError(f"weights {weights.shape} do not fit inputs of shape {inputs.shape}")


def _over_rows(values: Array) -> Array:
    """The sum over all axes but the last."""
    return values.sum(axis=tuple(range(values.ndim - 1)))


def _summed_to(shape: tuple[int, ...], gradient: Array) -> Array:
    """The gradient of a matrix or stack of this shape, summed where broadcasting repeated it."""
    batch = shape[:-2]
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(batch) - 2)))
    repeated = tuple(axis for axis, size in enumerate(batch) if size == 1)
    return gradient.sum(axis=repeated, keepdims=True).reshape(shape)


def normalise_powers(values: Array, axis: int) -> Array:
    """Put exp(z) / sum(exp(z)) in the place of z; returns the sums."""
    np.exp(values, out=values)
    total = values.sum(axis=axis, keepdims=True)
    values /= total
    return total


def _picked(labels: Array, scores: Array) -> Any:
    """Where the classes of labels are among scores (N, C): of class indices (N,) one in each row, of rows (N, C),
    one-hot or soft, all."""
    rows, classes = scores.shape
    if not classes:
        raise ValueError(f"scores of shape {scores.shape} have no classes")
    if labels.shape == scores.shape:
        return ...
    if labels.shape != (rows,):
        raise ValueError(f"labels {labels.shape} do not fit scores of shape {scores.shape}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise IndexError(f"a label is not within 0 and {classes - 1}")
    return np.arange(rows), labels


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
