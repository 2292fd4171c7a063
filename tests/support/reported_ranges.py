"""Reported faults of ranges: logits far from 0, and special values in one reduction or one form of labels alone."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, product
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.model.losses import one_hot, reduced, row_upstream
from backproof.reference.ops import softmax, softmax_cross_entropy
from backproof.vectors.dtypes import DTYPES, FORMATS
from public_reports import REDUCTIONS, Array, Function, Report, Small, at, refusing_as, sound

LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
NAN, INFINITY = np.nan, np.inf


# What the logits are shifted by ----------------------------------------------------------------------------------


def less_maximum_from(start: float, logits: Array) -> Array:
    """Subtract each row's maximum, found by a loop that starts at a number."""
    return logits - logits.max(axis=-1, keepdims=True, initial=start)


def clipped_at(bound: float, logits: Array) -> Array:
    """Subtract each row's maximum, and cut what is far below it."""
    return np.maximum(less_maximum_from(-INFINITY, logits), -bound)


def in_range_of_half(logits: Array) -> Array:
    """Move logits into the range of float16 first."""
    return less_maximum_from(-INFINITY, np.clip(logits, -65504, 65504))


def probabilities(shift: Function, logits: Array) -> Array:
    exponentials = np.exp(shift(logits))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_probabilities(shift: Function, logits: Array, *, axis: int = -1) -> Array:
    shifted = shift(np.moveaxis(logits, axis, -1))
    return np.moveaxis(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), -1, axis)


def softmax_backward(shift: Function, dL_doutputs: Array, logits: Array) -> Array:
    return softmax.centred(dL_doutputs, probabilities(shift, logits))


def log_softmax_backward(shift: Function, dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    outputs = np.moveaxis(probabilities(shift, np.moveaxis(logits, axis, -1)), -1, axis)
    return dL_doutputs - outputs * dL_doutputs.sum(axis=axis, keepdims=True)


def loss(shift: Function, logits: Array, labels: Array, *, reduction: str) -> Array:
    return softmax_cross_entropy.loss_of(log_probabilities(shift, logits), labels, reduction)


def loss_backward(shift: Function, dL_dloss: Array, logits: Array, labels: Array, *, reduction: str) -> Array:
    return softmax_cross_entropy.scaled_first(dL_dloss, probabilities(shift, logits), labels, reduction)


OF_SHIFT: Mapping[tuple[str, str], Function] = {
    ("softmax", "forward"): probabilities,
    ("softmax", "backward"): softmax_backward,
    ("log_softmax", "forward"): log_probabilities,
    ("log_softmax", "backward"): log_softmax_backward,
    ("softmax_cross_entropy", "forward"): loss,
    ("softmax_cross_entropy", "backward"): loss_backward,
}
Answers = Mapping[tuple[str, str], tuple[Any, Any]]
"""By operation and direction what is due and what is given."""


def shifts(
    kind: str, wrong: Function, row: list[float], answers: Answers, dtypes: tuple[str, ...] = DTYPES
) -> Iterator[Report]:
    """A shift of the logits as a fault of functions of logits, called with one row, whose class is 1."""
    for (op, direction), (due, given) in answers.items():
        is_loss = op == "softmax_cross_entropy"
        upstream: Any = 1.0 if is_loss else [[0.0, 1.0]]
        tensors = [*([upstream] if direction == "backward" else []), [row], *([[1]] if is_loss else [])]
        small = at(*tensors, dtype=dtypes[0], **({"reduction": "sum"} if is_loss else {}))
        of = OF_SHIFT[op, direction]
        right = partial(less_maximum_from, -INFINITY)
        pair = (refusing_as(op, direction, widened(partial(of, shift))) for shift in (wrong, right))
        yield Report(kind, op, direction, *pair, small, due, given, dtypes)


NOTHING_LEFT: Answers = {
    ("softmax", "forward"): ([[0.5, 0.5]], [[NAN, NAN]]),
    ("softmax", "backward"): ([[-0.25, 0.25]], [[NAN, NAN]]),
    ("log_softmax", "forward"): ([[-0.6931, -0.6931]], [[INFINITY, INFINITY]]),
    ("log_softmax", "backward"): ([[-0.5, 0.5]], [[NAN, NAN]]),
    ("softmax_cross_entropy", "forward"): (0.6931, -INFINITY),
    ("softmax_cross_entropy", "backward"): ([[0.5, -0.5]], [[NAN, NAN]]),
}
"""Of two equal logits, whose exponentials underflow."""


def running_maxima() -> Iterator[Report]:
    """A running maximum that starts at a finite number: nothing of a row that lies far below is left."""
    for start in (0.0, -1e4, -1e5, -1e9, -1e30, -LARGEST_FLOAT32):
        far = 2 * start or -800.0
        dtypes = tuple(dtype for dtype in DTYPES if -far <= FORMATS[dtype].largest)
        wrong = partial(less_maximum_from, start)
        yield from shifts(f"maximum from {start:.4g}", wrong, [far, far], NOTHING_LEFT, dtypes)


def clips() -> Iterator[Report]:
    """Logits cut where they lie so far below the row's maximum. The softmax itself shows it in float64 alone."""
    for bound in (50, 80, 88, 100):
        far, near = bound + 8.0, float(bound)
        of_logarithms: Answers = {
            ("log_softmax", "forward"): ([[0.0, -far]], [[0.0, -near]]),
            ("softmax_cross_entropy", "forward"): (far, near),
        }
        small, large = np.exp(-far), np.exp(-near)
        of_softmax: Answers = {
            ("softmax", "forward"): ([[1.0, small]], [[1.0, large]]),
            ("softmax", "backward"): ([[-small, small]], [[-large, large]]),
        }
        kind, wrong = f"clip at {bound}", partial(clipped_at, bound)
        yield from shifts(kind, wrong, [0.0, -far], of_logarithms)
        yield from shifts(kind, wrong, [0.0, -far], of_softmax, ("float64",))


CUT_TO_A_TIE: Answers = {
    ("softmax", "forward"): ([[1.0, 0.0]], [[0.5, 0.5]]),
    ("log_softmax", "forward"): ([[0.0, -3e4]], [[-0.6931, -0.6931]]),
    ("log_softmax", "backward"): ([[-1.0, 1.0]], [[-0.5, 0.5]]),
    ("softmax_cross_entropy", "forward"): (3e4, 0.6931),
    ("softmax_cross_entropy", "backward"): ([[1.0, -1.0]], [[0.5, -0.5]]),
}


def beyond_a_half() -> Iterator[Report]:
    """Finite logits that are moved into float16's range."""
    wide = ("float64", "float32", "bfloat16")
    yield from shifts("logits cut at 65504", in_range_of_half, [1e5, 7e4], CUT_TO_A_TIE, wide)


# One reduction and one form of labels ----------------------------------------------------------------------------


def alone(reduction: str, rank: int, function: Function) -> Function:
    """Take one reduction and labels of one rank, and say that nothing else is implemented."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        if parameters["reduction"] != reduction or tensors[-1].ndim != rank:
            raise NotImplementedError(f"{reduction} of labels of rank {rank} alone")
        return function(*tensors, **parameters)

    return call


def through_clipped_slope(dL_dloss: Array, outputs: Array, labels: Array, *, reduction: str) -> Array:
    """(p - y) / (p (1 - p)) times p (1 - p), of p cut at 1e-12 and 1 - 1e-12, which float32 has no number for."""
    p = np.clip(outputs, np.asarray(1e-12, outputs.dtype), np.asarray(1 - 1e-12, outputs.dtype))
    slope = p * (1 - p)
    return (p - one_hot(labels, p)) / slope * slope * row_upstream(dL_dloss, len(p), reduction)


def loss_of_underflowed(logits: Array, labels: Array, *, reduction: str) -> Array:
    """The logarithm of the softmax, which may be 0."""
    logarithms = np.log(softmax.forward(logits))
    y = one_hot(labels, logarithms)
    return reduced(-np.where(y == 0, 0, y * logarithms).sum(axis=-1), reduction)


def zero_over_zero(dL_dloss: Array, probabilities: Array, labels: Array, *, reduction: str) -> Array:
    """-y / p, also where both are 0."""
    y = one_hot(labels, probabilities)
    return row_upstream(dL_dloss, len(probabilities), reduction) * (-y / probabilities)


def one_reduction() -> Iterator[Report]:
    """Special values in one reduction and one form of labels, the others being refused."""

    def of_logits(dL_dloss: Array, logits: Array, labels: Array, *, reduction: str) -> Array:
        return through_clipped_slope(dL_dloss, softmax.forward(logits), labels, reduction=reduction)

    forms: Mapping[int, Any] = {1: [1], 2: [[0.0, 1.0]]}
    for reduction, (rank, labels) in product(REDUCTIONS, forms.items()):
        g: Any = [1.0] if reduction == "none" else 1.0
        given = {"reduction": reduction, "of": np.ravel}
        found: list[tuple[str, str, Function, Small, Any, Any]] = [
            ("softmax_cross_entropy", "backward", of_logits, at(g, [[40.0, 0.0]], labels, **given), [1, -1], [NAN, -1]),
            ("softmax_cross_entropy_from_outputs", "backward", through_clipped_slope,
             at(g, [[1.0, 0.0]], labels, **given), [1, -1], [NAN, -1]),
            ("softmax_cross_entropy", "forward", loss_of_underflowed,
             at([[200.0, 0.0]], labels, **given), [200], [INFINITY]),
            ("cross_entropy", "backward", zero_over_zero, at(g, [[0.0, 1.0]], labels, **given), [0, -1], [NAN, -1]),
        ]  # fmt: skip
        for op, direction, function, small, due, value in found:
            wrong, right = alone(reduction, rank, widened(function)), alone(reduction, rank, sound(op, direction))
            kind = f"{function.__name__} in {reduction} alone, labels of rank {rank}".replace("_", " ")
            robust = op == "cross_entropy"  # a probability of 0
            yield Report(kind, op, direction, wrong, right, small, due, value, ("float32",), robust)


REPORTS = tuple(chain(running_maxima(), clips(), beyond_a_half(), one_reduction()))
