"""Losses by element of the adapter in plain NumPy: the loss of each element, its slope, and what reduces it."""

# ruff: noqa: D102, D103 - the names are the operations'

from collections.abc import Callable
from typing import Any

import numpy as np

from .activations import sigmoid, softplus
from .layers import normalise_powers

Array = Any
"""np.ndarray, as Any for the type checker."""


class ElementLoss:
    """A loss of predictions and targets of one shape, given with its slope, over all elements alike."""

    def __init__(
        self,
        value: Callable[..., Array],
        slope: Callable[..., Array],
        targets: Array,
        *weights: Array,
        reduction: str,
        **options: float,
    ) -> None:
        self.value, self.slope, self.others = value, slope, (targets, *weights)
        self.reduction, self.options = reduction, options

    def forward(self, predictions: Array) -> Array:
        if predictions.shape != self.others[0].shape:
            raise ValueError(f"targets {self.others[0].shape} do not fit predictions {predictions.shape}")
        self.predictions = predictions
        losses = self.value(predictions, *self.others, **self.options)
        if self.reduction == "batchmean":
            return losses.sum() / len(losses)
        return losses if self.reduction == "none" else losses.sum() if self.reduction == "sum" else losses.mean()

    def backward(self, dloss: Array) -> Array:
        if dloss.shape != (self.predictions.shape if self.reduction == "none" else ()):
            raise ValueError(f"gradient {dloss.shape} does not fit a loss with reduction {self.reduction!r}")
        slope = self.slope(self.predictions, *self.others, **self.options)
        share = max({"mean": slope.size, "batchmean": len(slope) if slope.ndim else 1}.get(self.reduction, 1), 1)
        self.dinputs = slope * (dloss / np.asarray(share, dloss.dtype))
        return self.dinputs


def mse(x: Array, y: Array) -> Array:
    return np.square(x - y)


def mse_slope(x: Array, y: Array) -> Array:
    return 2 * (x - y)


def l1(x: Array, y: Array) -> Array:
    return np.abs(x - y)


def l1_slope(x: Array, y: Array) -> Array:
    return np.sign(x - y)


def huber(x: Array, y: Array, delta: float) -> Array:
    """The part of the error up to delta is squared, the rest is not."""
    error = np.abs(x - y)
    inside = np.minimum(error, delta)
    return inside * (error - inside / 2)


def huber_slope(x: Array, y: Array, delta: float) -> Array:
    return np.clip(x - y, -delta, delta)


def smooth_l1(x: Array, y: Array, beta: float) -> Array:
    return huber(x, y, beta) / beta if beta else l1(x, y)


def smooth_l1_slope(x: Array, y: Array, beta: float) -> Array:
    return huber_slope(x, y, beta) / beta if beta else l1_slope(x, y)


def hinge(x: Array, y: Array) -> Array:
    return np.maximum(1 - y * x, 0)


def hinge_slope(x: Array, y: Array) -> Array:
    return np.where(1 - y * x > 0, -y, np.zeros_like(x))


def bce_of_logits(x: Array, y: Array, weight: Array | None = None) -> Array:
    """-w y log s(x) - (1 - y) log s(-x), each logarithm as a softplus."""
    _require_probabilities(y)
    return _positive(x, y, weight) * softplus(-x, 1.0) + (1 - y) * softplus(x, 1.0)


def bce_of_logits_slope(x: Array, y: Array, weight: Array | None = None) -> Array:
    return (1 - y) * sigmoid(x) - _positive(x, y, weight) * sigmoid(-x)


def _positive(x: Array, y: Array, weight: Array | None) -> Array:
    """The targets, times the weights of the columns where there are any."""
    if weight is not None and weight.shape != x.shape[-1:]:
        raise ValueError(f"weights {weight.shape} do not fit predictions {x.shape}")
    return y if weight is None else weight * y


def bce(p: Array, y: Array) -> Array:
    """What has no weight adds nothing, even where its logarithm is infinite."""
    _require_probabilities(p, y)
    right, wrong = np.where(y == 0, 1, p), np.where(y == 1, 0, p)
    return -y * np.log(right) - (1 - y) * np.log1p(-wrong)


def bce_slope(p: Array, y: Array) -> Array:
    right, wrong = np.where(y == 0, 1, p), np.where(y == 1, 0, p)
    return (1 - y) / (1 - wrong) - y / right


def _require_probabilities(*tensors: Array) -> None:
    if any(((x < 0) | (x > 1)).any() for x in tensors):
        raise ValueError("probabilities and targets lie in [0, 1]")


def kl(log_p: Array, y: Array) -> Array:
    return np.where(y == 0, 0, y * (np.log(y) - log_p))


def kl_slope(_: Array, y: Array) -> Array:
    return -y


class NegativeLogLikelihood:
    """-log p of each row's class, over the rows whose label is not the one to ignore."""

    def __init__(self, labels: Array, reduction: str, ignore_index: int | None = None) -> None:
        self.labels, self.reduction, self.ignored = labels, reduction, ignore_index

    def forward(self, log_p: Array) -> Array:
        if self.labels.shape != log_p.shape[:1]:
            raise ValueError(f"labels {self.labels.shape} do not fit {log_p.shape}")
        self.rows = np.flatnonzero(self.labels != self.ignored) if self.ignored is not None else np.arange(len(log_p))
        self.classes = self.labels[self.rows]
        if ((self.classes < 0) | (self.classes >= log_p.shape[1])).any():
            raise ValueError("a label is no class")
        self.shape = log_p.shape
        losses = np.zeros_like(log_p, shape=log_p.shape[:1])
        losses[self.rows] = -log_p[self.rows, self.classes]
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / len(self.rows)

    def backward(self, dloss: Array) -> Array:
        if dloss.shape != (self.labels.shape if self.reduction == "none" else ()):
            raise ValueError(f"gradient {dloss.shape} does not fit a loss with reduction {self.reduction!r}")
        if self.reduction == "mean":
            dloss = dloss / np.asarray(max(len(self.rows), 1), dloss.dtype)
        self.dinputs = np.zeros(self.shape, dloss.dtype)
        self.dinputs[self.rows, self.classes] = -(dloss[self.rows] if dloss.ndim else dloss)
        return self.dinputs


class ClassLoss:
    """Cross-entropy of logits (N, C) and class indices, of which one may be ignored, with a weight for each class.

    Logits may be capped on the way. Labels without weights may be rows (N, C).
    """

    def __init__(
        self,
        labels: Array,
        class_weights: Array | None,
        reduction: str,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        z_loss: float = 0.0,
        softcap: float | None = None,
    ) -> None:
        self.labels, self.weights, self.reduction, self.ignored = labels, class_weights, reduction, ignore_index
        self.smoothing, self.z_loss, self.cap = label_smoothing, z_loss, softcap

    def forward(self, logits: Array) -> Array:
        n, classes = logits.shape
        if self.cap:
            self.bend = np.tanh(logits / self.cap)
            logits = self.cap * self.bend
        weights = np.ones_like(logits, shape=classes) if self.weights is None else self.weights
        in_rows = self.labels.ndim == 2 and self.weights is None and self.ignored is None
        if self.labels.shape != ((n, classes) if in_rows else (n,)) or weights.shape != (classes,):
            raise ValueError(f"labels {self.labels.shape} or weights {weights.shape} do not fit logits {logits.shape}")
        rows = np.flatnonzero(self.labels != self.ignored) if self.ignored is not None else np.arange(n)
        own = np.zeros(n, np.int64) if in_rows else self.labels[rows]
        if not classes or ((own < 0) | (own >= classes)).any():
            raise ValueError("a label is no class")
        # Labels are `even`, what all classes have, (N, C) or (C,), and `own` more in one place of each row that counts.
        even, self.place = self.smoothing / classes * weights, (rows, own)
        self.own = (1 - self.smoothing) * weights[own]
        if in_rows:
            even, self.own = even + (1 - self.smoothing) * self.labels, np.zeros_like(self.own)
        self.counted = np.zeros_like(logits, shape=n)
        self.counted[rows] = 1
        self.even, self.weight = even, weights[own].sum()
        self.shares = self.counted * even.sum(axis=-1)
        self.shares[rows] += self.own
        highest = logits.max(axis=-1, keepdims=True)
        self.outputs = logits - highest
        below = np.zeros_like(logits, shape=n)
        below[rows] = np.where(self.own == 0, 0, self.own * self.outputs[self.place])
        if even.any():
            below += self.counted * np.where(even == 0, 0, even * self.outputs).sum(axis=-1)
        log_total = np.log(normalise_powers(self.outputs, -1))[:, 0]
        self.log_total = highest[:, 0] + log_total
        losses = self.shares * log_total - below
        if self.z_loss:
            losses += self.z_loss * (self.counted * np.square(self.log_total))
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / self.weight

    def backward(self, dloss: Array) -> Array:
        if dloss.shape != (self.labels.shape[:1] if self.reduction == "none" else ()):
            raise ValueError(f"gradient {dloss.shape} does not fit a loss with reduction {self.reduction!r}")
        if self.reduction == "mean" and self.counted.any():
            dloss = dloss / self.weight
        factors = self.shares + (2 * self.z_loss * self.counted * self.log_total if self.z_loss else 0)
        slope = self.dinputs = self.outputs  # in its memory
        slope *= factors[:, None]
        if self.even.any():
            slope -= self.counted[:, None] * self.even
        slope[self.place] -= self.own
        if self.cap:
            slope *= 1 - np.square(self.bend)
        slope *= dloss[:, None] if dloss.ndim else dloss
        return slope


class LinearLoss:
    """The same loss of inputs (N, D) @ weight.T, with a weight (V, D), for class indices."""

    def __init__(self, weight: Array, labels: Array, reduction: str, **options: Any) -> None:
        self.weight, self.loss = weight, ClassLoss(labels, None, reduction, **options)

    def forward(self, inputs: Array) -> Array:
        if inputs.ndim != 2 or self.loss.labels.ndim != 1:
            raise ValueError(f"inputs {inputs.shape} or labels {self.loss.labels.shape} are no rows and class indices")
        self.inputs = inputs
        return self.loss.forward(inputs @ self.weight.T)

    def backward(self, dloss: Array) -> Array:
        dlogits = self.loss.backward(dloss)
        self.dinputs, self.dweights = dlogits @ self.weight, dlogits.T @ self.inputs
        return self.dinputs
