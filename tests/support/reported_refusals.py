"""Reported faults of what must be refused: arguments of another shape, stretched to what fits."""

from collections.abc import Callable, Iterator
from itertools import chain, product
from typing import Any

import numpy as np
from public_reports import REDUCTIONS, Array, Function, Report, at, ones, sound


def accepting(taken: Callable[..., bool], stretched: Callable[..., tuple[Array, ...]], function: Function) -> Function:
    """A function that takes what it must refuse, stretched to what fits."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        if taken(*tensors, **parameters):
            tensors = stretched(*tensors)
        return function(*tensors, **parameters)

    return call


def of_layers() -> Iterator[Report]:
    """A dense layer that takes an upstream, or biases, of another shape."""

    def flat(g: Array, x: Array, w: Array, b: Array) -> bool:
        return g.ndim == 1 and x.ndim == w.ndim == 2

    def every_row(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
        return np.broadcast_to(g, (len(x), w.shape[1])), x, w, b

    def biases_of_rows(*tensors: Array) -> bool:
        *_, x, _, b = tensors
        return b.ndim == x.ndim == 2 and b.shape[0] == x.shape[0] > 1

    def first_biases(*tensors: Array) -> tuple[Array, ...]:
        return (*tensors[:-1], tensors[-1][:1])

    eye, zeros, forward, backward = np.eye(2), np.zeros((1, 2)), sound("dense", "forward"), sound("dense", "backward")

    def refusing(*tensors: Array) -> Array:
        if biases_of_rows(*tensors):
            raise ValueError("biases of more than one row")
        return forward(*tensors)

    def adding(x: Array, w: Array, b: Array) -> Array:
        return x @ w + b if biases_of_rows(x, w, b) else forward(x, w, b)

    rows, g = ones(2, 2), ones(2, 2)
    yield Report(
        "upstream (O,)", "dense", "backward", accepting(flat, every_row, backward), backward,
        at([1.0, 2.0], eye, eye, zeros), ValueError, [[1, 2], [1, 2]], robust=True,
    )  # fmt: skip
    yield Report(
        "biases (N, O)", "dense", "forward", adding, refusing, at(eye, eye, rows), ValueError, eye + 1, robust=True
    )
    yield Report(
        "biases (N, O)", "dense", "backward", accepting(biases_of_rows, first_biases, backward), backward,
        at(g, eye, eye, rows), ValueError, g, robust=True,
    )  # fmt: skip


def of_losses() -> Iterator[Report]:
    """A loss that stretches labels of one row, one column or one index, or takes an upstream a row for one loss."""
    p, n = ones(2, 2) / 2, 2
    for reduction, op in product(
        REDUCTIONS, ("cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_from_outputs", "mlp")
    ):
        for direction in ("forward", "backward"):
            if op.endswith("outputs") and direction == "forward":
                continue
            right = sound(op, direction)
            network = (p, np.eye(2), np.zeros((1, 2)), np.eye(2), np.zeros((1, 2)))
            scores = network if op == "mlp" else (p,)
            g: Any = ones(n) if reduction == "none" else 1.0
            upstream = (g,) if direction == "backward" else ()
            first = len(upstream)
            misfits: list[tuple[str, Any, Callable[[Array, int, int], Array]]] = [
                ("one-hot (1, C)", [[1.0, 0.0]], lambda y, n, c: np.broadcast_to(y, (n, c))),
                ("one-hot (N, 1)", [[1.0]] * n, lambda y, n, c: np.broadcast_to(y, (n, c))),
                ("one index", [0], lambda y, n, _: np.broadcast_to(y, (n,))),
            ]
            for kind, labels, stretch in misfits:
                fits = np.broadcast_to(labels, (n, 2) if np.ndim(labels) == 2 else (n,))
                due_of = at(*upstream, *scores, fits, reduction=reduction)

                def taken(*t: Array, reduction: str, r: str = reduction, f: int = first, of: Any = labels) -> bool:
                    rows, y = t[f], t[-1]
                    one = y.ndim == np.ndim(of) and (y.shape[0] == 1 if np.shape(of)[0] == 1 else y.shape[1:] == (1,))
                    return reduction == r and one and rows.ndim == 2 and len(rows) > 1

                def stretched(*t: Array, f: int = first, s: Any = stretch, op: str = op) -> tuple[Array, ...]:
                    classes = t[-2].shape[-1]
                    return (*t[:-1], s(t[-1], len(t[f]), classes))

                wrong = accepting(taken, stretched, right)
                small = at(*upstream, *scores, labels, reduction=reduction)
                told = f"{kind} in {reduction}"
                yield Report(told, op, direction, wrong, right, small, ValueError, due_of(right), robust=True)
            if direction == "backward" and reduction != "none":

                def a_row_each(*t: Array, reduction: str, r: str = reduction) -> bool:
                    return reduction == r and t[0].ndim == 1 and t[1].ndim == 2 and t[0].shape == t[1].shape[:1]

                wrong = accepting(a_row_each, lambda *t: (t[0].reshape(-1)[0], *t[1:]), right)
                small = at(ones(n), *scores, [0, 1], reduction=reduction)
                given = at(1.0, *scores, [0, 1], reduction=reduction)(right)
                kind = f"upstream (N,) in {reduction}"
                yield Report(kind, op, direction, wrong, right, small, ValueError, given, robust=True)


REPORTS = tuple(chain(of_layers(), of_losses()))
