"""Networks of two layers with ReLU between: drawn ones, fit for each dtype, and one that can be followed by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words, held, nearest_held
from ..model.family import Draft, Inputs
from .labels import as_form, labels_drawn, soft_rows
from .loss import upstream_drawn
from .paired import families

CLEARANCE = Fraction(1, 64)
"""Least distance of hidden units from the kink, so that every sound implementation finds the same sign."""
PLAIN: dict[str, Any] = {
    "dL_dloss": 1.5,
    "inputs": [[1, 2], [-2, 1], [3, -1]],
    "weights1": [[0.5, -1, 2], [1.5, 0.25, -1]],
    "biases1": [[0.25, -0.5, 1]],
    "weights2": [[0.5, -0.25, 0.125], [-0.75, 1, 0.5], [0.25, -0.5, 0.375]],
    "biases2": [[0.5, -0.25, 0]],
    "labels": [0, 2, 1],
}
"""The arguments of backward: a network with two of three hidden units on for each row."""


def changed_network(dtype: str, changes: dict[str, Any]) -> Inputs:
    """Give the plain network's case with some of its tensors changed. Labels of rank 1 are indices."""
    tensors = {name: np.asarray(x) for name, x in (PLAIN | changes).items()}
    return {
        name: x.astype(np.int64) if name == "labels" and x.ndim == 1 else held(x, dtype) for name, x in tensors.items()
    }


def curated(
    dtype: str, name: str, flags: str, comment: str, *changes: dict[str, Any], reduction: str = "mean", **more: Any
) -> Iterator[Draft]:
    """Give families of the plain network, a case for each set of tensors that are changed in it."""
    cases = tuple(changed_network(dtype, change) for change in changes)
    return families(name, flags, comment, cases, parameters={"reduction": reduction}, **more)


@dataclass(frozen=True)
class Network:
    """The sizes, form of labels and reduction of a drawn network."""

    rows: int
    inputs: int
    hidden: int
    classes: int
    labels: str
    reduction: str


def network(w: Words, what: Network) -> Inputs:
    """Draw the arguments of backward.

    In the half precisions signs are arranged so that few sums cancel: else most draws would have gradients smaller
    than their tolerance.
    """
    tensors = _without_cancellation(w, what) if w.dtype in HALF else _bell_shaped(w, what)
    return dict(zip(PLAIN, tensors, strict=True))


def _bell_shaped(w: Words, what: Network) -> tuple[np.ndarray, ...]:
    weights1 = w.normal((what.inputs, what.hidden), 0.5)
    biases1 = w.normal((1, what.hidden), 0.5)
    inputs = np.concatenate([_clear_row(w, weights1, biases1) for _ in range(what.rows)])
    return (
        upstream_drawn(w, (what.rows,), what.reduction),
        inputs,
        weights1,
        biases1,
        w.normal((what.hidden, what.classes), 0.5),
        w.normal((1, what.classes), 0.5),
        labels_drawn(w, what.labels, np.empty((what.rows, what.classes))),
    )


def _clear_row(w: Words, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Draw one row of inputs whose hidden units all stay away from the kink; decided exactly."""
    columns = [[Fraction(v) for v in column] for column in weights.T.tolist()]
    while True:
        row = w.normal((1, len(weights)))
        x = [Fraction(v) for v in row[0].tolist()]
        sums = (sum(map(Fraction.__mul__, x, c), Fraction(b)) for c, b in zip(columns, biases[0].tolist(), strict=True))
        if all(abs(s) >= CLEARANCE for s in sums):
            return row


def _without_cancellation(w: Words, what: Network) -> tuple[np.ndarray, ...]:
    """Signs chosen so that a hidden unit is on for rows of one label alone, of the lowest or the highest class.

    Classes are put in an order, and every hidden unit's weights to them rise along it, or fall. Rows are labelled
    with the first class of it or the last. The signs of a row's inputs and of the first layer's weights follow.
    """
    ends = w.integers((what.rows,), 0, 2)
    order = np.array(w.permutation(what.classes))
    rank = np.argsort(order)
    side, unit, feature = 1 - 2 * ends, w.signs((what.hidden,)), w.signs((what.inputs,))

    def magnitudes(shape: Shape, low: float, high: float) -> np.ndarray:
        return w.uniform(shape, low, high).astype(np.float64)

    upstream = abs(upstream_drawn(w, (what.rows,), what.reduction).astype(np.float64)) * int(w.signs(()))
    climb = magnitudes((what.hidden, what.classes), 0.25, 1) + rank - (what.classes - 1) / 2
    climb = np.where(abs(climb) < 1 / 16, np.copysign(1 / 16, climb), climb)
    slope = 2.0 ** -(what.hidden * what.classes).bit_length() * unit[:, None]
    fan_in = 2.0 ** what.inputs.bit_length()
    return (
        w.array(upstream),
        w.array(magnitudes((what.rows, what.inputs), 0.5, 2) * side[:, None] * feature),
        w.array(magnitudes((what.inputs, what.hidden), 0.5, 2) * feature[:, None] * unit / fan_in),
        w.signed((1, what.hidden), 0.0625, 0.125),
        w.array(nearest_held(climb, w.dtype).astype(np.float64) * slope),
        w.signed((1, what.classes), 0.125, 0.5),
        _labels(w, what, order[np.where(ends == 0, 0, what.classes - 1)]),
    )


def _labels(w: Words, what: Network, indices: np.ndarray) -> np.ndarray:
    """Give labels of these classes; soft ones have three quarters of their weight there."""
    if what.labels != "soft":
        return as_form(indices, what.labels, what.classes, w.dtype)
    certain = np.eye(what.classes)[indices]
    return w.array((3 * certain + soft_rows(w, what.rows, what.classes).astype(np.float64)) / 4)
