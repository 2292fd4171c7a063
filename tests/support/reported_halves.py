"""Reported faults of half precision: rounded on the way, a factor that is nearly 1, a sum beyond the range."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.model.losses import reduced
from backproof.reference.ops import mlp, softmax, softmax_cross_entropy
from backproof.vectors.dtypes import HALF
from public_reports import Array, Function, Report, Small, at, refusing_as, sound, unrounded


def rounded(x: Array, dtype: np.dtype) -> Array:
    """Numbers as a dtype holds them, in float32."""
    return np.asarray(x, dtype).astype(np.float32)


def told_dtype(function: Function) -> Function:
    """Run in float32 and round the results to the dtype of the tensors, which the function is told."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
        return widened(partial(function, dtype))(*tensors, **parameters)

    return call


def combined_of_rounded(dtype: np.dtype, dL_dloss: Array, logits: Array, labels: Array, *, reduction: str) -> Array:
    """p is rounded before y is subtracted."""
    outputs = rounded(softmax.forward(logits), dtype)
    return softmax_cross_entropy.scaled_first(dL_dloss, outputs, labels, reduction)


def loss_of_rounded_logsumexp(dtype: np.dtype, logits: Array, labels: Array, *, reduction: str) -> Array:
    largest = logits.max(axis=-1, keepdims=True)
    logsumexp = largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True))
    return softmax_cross_entropy.loss_of(logits - rounded(logsumexp, dtype), labels, reduction)


def loss_of_rounded_losses(dtype: np.dtype, logits: Array, labels: Array, *, reduction: str) -> Array:
    return reduced(rounded(softmax_cross_entropy.forward(logits, labels, reduction="none"), dtype), reduction)


def batch_added_up_in_half(dtype: np.dtype, dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Gradients over the batch are added up in the dtype itself, sample by sample."""
    dL_dweights, dL_dbiases = np.zeros_like(weights), np.zeros_like(biases)
    for x, g in zip(inputs, dL_doutputs, strict=True):
        dL_dweights, dL_dbiases = rounded(dL_dweights + np.outer(x, g), dtype), rounded(dL_dbiases + g, dtype)
    return dL_doutputs @ weights.T, dL_dweights, dL_dbiases


def rounded_on_the_way() -> Iterator[Report]:
    """Rounded to half precision where one rounding at the end is due."""
    bfloat16: dict[str, Any] = {"dtype": "bfloat16", "reduction": "sum"}
    combined, three = ("softmax_cross_entropy", "forward"), [[0.0, 0.0], [0.0, 0.0], [0.0, 0.25]]
    rows = np.ones((300, 1))
    found: list[tuple[str, str, Function, Small, Any, Any]] = [
        ("softmax_cross_entropy", "backward", combined_of_rounded, at(1.0, [[6.0, -6.75]], [0], **bfloat16),
         [[-2.861e-6, 2.906e-6]], [[0.0, 2.906e-6]]),
        (*combined, loss_of_rounded_logsumexp, at([[100.0, 101.0]], [1], **bfloat16), 0.3125, 0.5),
        (*combined, loss_of_rounded_losses, at(three, [0, 0, 0], **bfloat16), 2.21875, 2.203125),
        ("dense", "backward", batch_added_up_in_half,
         at(rows, rows, [[1.0]], [[0.0]], dtype="bfloat16", result=1), [[300.0]], [[256.0]]),
    ]  # fmt: skip
    for op, direction, function, small, due, given in found:
        kind = function.__name__.replace("_", " ")
        wrong = refusing_as(op, direction, told_dtype(function))
        yield Report(kind, op, direction, wrong, sound(op, direction), small, due, given, HALF)


NETWORK = ([[1.0]], [[0.0]], [[1.0, 0.0]], [[0.0, 0.0]])
"""Weights and biases of two layers of one feature, one hidden unit and two classes."""
GRADIENTS: Mapping[str, tuple[Small, Any]] = {
    "dense": (at([[1.0]], [[2.0]], [[3.0]], [[0.0]]), [[3.0]]),
    "relu": (at([1.0], [2.0]), [1.0]),
    "softmax": (at([[1.0, 0.0]], [[0.0, 0.0]]), [[0.25, -0.25]]),
    "cross_entropy": (at(1.0, [[0.5, 0.5]], [0], reduction="sum"), [[-2.0, 0.0]]),
    "softmax_cross_entropy": (at(1.0, [[0.0, 0.0]], [0], reduction="sum"), [[-0.5, 0.5]]),
    "softmax_cross_entropy_from_outputs": (at(1.0, [[0.5, 0.5]], [0], reduction="sum"), [[-0.5, 0.5]]),
    "mlp": (at(1.0, [[1.0]], *NETWORK, [0], reduction="sum"), [[-0.26894]]),
}
"""A small call of each operation's backward, and its first result."""


def times(factor: float, function: Function) -> Function:
    """Every result times a factor."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        return tuple(r * factor for r in results) if isinstance(results, tuple) else results * factor

    return widened(call)


def factors() -> Iterator[Report]:
    """A gradient that is a little too large, in half precision."""
    for op, (small, due) in GRADIENTS.items():
        wrong = times(1.02, unrounded(op, "backward"))
        yield Report(
            "times 1.02", op, "backward", wrong, sound(op, "backward"), small, due, 1.02 * np.asarray(due), HALF
        )


def loss_of_network(loss: Function, *tensors: Array, reduction: str) -> Array:
    """The loss of a network by a loss of logits."""
    *network, labels = tensors
    return loss(mlp.logits_of(mlp.dense.forward, *network)[2], labels, reduction=reduction)


def mean_of_rounded_sum(dtype: np.dtype, logits: Array, labels: Array, *, reduction: str) -> Array:
    """The sum of the losses is rounded before it is divided by N."""
    losses = softmax_cross_entropy.forward(logits, labels, reduction="none")
    return rounded(losses.sum(), dtype) / len(losses) if reduction == "mean" else reduced(losses, reduction)


def sums_beyond_the_range() -> Iterator[Report]:
    """A float16 mean whose sum leaves the range."""

    def network(dtype: np.dtype, *tensors: Array, reduction: str) -> Array:
        return loss_of_network(partial(mean_of_rounded_sum, dtype), *tensors, reduction=reduction)

    far = [[0.0, -4e4]]
    float16: dict[str, Any] = {"dtype": "float16", "reduction": "mean"}
    for op, function, small in (
        ("softmax_cross_entropy", mean_of_rounded_sum, at(far * 2, [1, 1], **float16)),
        ("mlp", network, at([[1.0], [1.0]], [[1.0]], [[0.0]], far, [[0.0, 0.0]], [1, 1], **float16)),
    ):
        wrong, right = told_dtype(function), sound(op, "forward")
        yield Report("sum beyond the range", op, "forward", wrong, right, small, 4e4, np.inf, ("float16",))


REPORTS = tuple(chain(rounded_on_the_way(), factors(), sums_beyond_the_range()))
