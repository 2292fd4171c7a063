"""Random networks of two layers: arguments of the mlp's backward, fit for each dtype."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..arithmetic.precision import HALF
from ..generation.draws import Words, nearest_held
from ..model.family import Inputs
from .labels_drawn import as_form, labels_drawn, soft_rows, upstream_drawn

CLEARANCE = Fraction(1, 64)
"""How far hidden units stay from the kink, so that a sound implementation of less precision takes the same side."""


@dataclass(frozen=True)
class Network:
    """What a random network is to be."""

    rows: int
    inputs: int
    hidden: int
    classes: int
    labels: str
    reduction: str

    @property
    def sizes(self) -> str:
        """The sizes, as family names have them."""
        return f"n{self.rows}-i{self.inputs}-h{self.hidden}-c{self.classes}"


def network(w: Words, what: Network) -> Inputs:
    """Draw the arguments of backward.

    In the half precisions signs are arranged so that few sums cancel: else most draws would have gradients smaller
    than what a sound implementation may err by.
    """
    return _without_cancellation(w, what) if w.dtype in HALF else _bell_shaped(w, what)


def network_case(
    dL_dloss: np.ndarray,
    inputs: np.ndarray,
    weights1: np.ndarray,
    biases1: np.ndarray,
    weights2: np.ndarray,
    biases2: np.ndarray,
    labels: np.ndarray,
) -> Inputs:
    """Name the arguments of backward."""
    return {
        "dL_dloss": dL_dloss,
        "inputs": inputs,
        "weights1": weights1,
        "biases1": biases1,
        "weights2": weights2,
        "biases2": biases2,
        "labels": labels,
    }


def _bell_shaped(w: Words, what: Network) -> Inputs:
    weights1 = w.normal((what.inputs, what.hidden), 0.5)
    biases1 = w.normal((1, what.hidden), 0.5)
    rows = [_clear_row(w, weights1, biases1) for _ in range(what.rows)]
    return network_case(
        upstream_drawn(w, what.rows, what.reduction),
        np.concatenate(rows),
        weights1,
        biases1,
        w.normal((what.hidden, what.classes), 0.5),
        w.normal((1, what.classes), 0.5),
        labels_drawn(w, what.labels, np.empty((what.rows, what.classes))),
    )


def _clear_row(w: Words, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Draw one row of inputs whose hidden units all stay away from the kink; decided exactly, so the same for ever."""
    columns = [[Fraction(v) for v in column] for column in weights.T.tolist()]
    while True:
        row = w.normal((1, len(weights)))
        x = [Fraction(v) for v in row[0].tolist()]
        sums = (sum(map(Fraction.__mul__, x, c), Fraction(b)) for c, b in zip(columns, biases[0].tolist(), strict=True))
        if all(abs(s) >= CLEARANCE for s in sums):
            return row


def _without_cancellation(w: Words, what: Network) -> Inputs:
    """Signs chosen so that a hidden unit is on for rows of one label alone, of the lowest or the highest class.

    Classes are put in an order, and every hidden unit's weights to them rise along it, or fall. Rows are labelled
    with the first class of it or the last. The signs of a row's inputs and of the first layer's weights follow.
    """
    ends = w.integers((what.rows,), 0, 2)
    order = np.array(w.permutation(what.classes))
    rank = np.argsort(order)
    side, unit, feature = 1 - 2 * ends, w.signs((what.hidden,)), w.signs((what.inputs,))

    def magnitudes(shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
        return w.uniform(shape, low, high).astype(np.float64)

    upstream = abs(upstream_drawn(w, what.rows, what.reduction).astype(np.float64)) * int(w.signs(()))
    climb = magnitudes((what.hidden, what.classes), 0.25, 1) + rank - (what.classes - 1) / 2
    climb = np.where(abs(climb) < 1 / 16, np.copysign(1 / 16, climb), climb)
    slope = 2.0 ** -(what.hidden * what.classes).bit_length() * unit[:, None]
    fan_in = 2.0 ** what.inputs.bit_length()
    return network_case(
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
