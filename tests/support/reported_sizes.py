"""Reported faults of sizes: past a kernel's switch, tiles, no features, no axes."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, product
from math import ceil
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.mutations.wrong_calls import on_argument, on_result
from public_reports import Array, Function, Report, Small, at, ones, refusing_as, sound

# Past a kernel's switch of size ----------------------------------------------------------------------------------


def first_only(limit: int, axis: int, tensor: Array) -> Array:
    """A tensor with zeros past so many places along an axis."""
    kept = np.array(tensor)
    np.moveaxis(kept, axis, 0)[limit:] = 0
    return kept


def masked_past(limit: int, logits: Array, *, last: int = 2**62) -> Array:
    """Logits whose classes past a limit have no weight, where there are more than the limit and at most `last`."""
    kept = np.array(logits)
    if logits.shape[-1] <= last:
        kept[..., limit:] = -np.inf
    return kept


def without_last_if_odd(logits: Array) -> Array:
    """Logits whose last class has no weight where more than 512 classes are an odd number."""
    kept = np.array(logits)
    if logits.shape[-1] > 512 and logits.shape[-1] % 2:
        kept[..., -1] = -np.inf
    return kept


def past_classes() -> Iterator[Report]:
    """Classes past a switch of the kernel are left out of a row's sum."""
    switches: Mapping[str, tuple[int, Callable[[Array], Array]]] = {
        "classes 257 to 384": (257, lambda z: masked_past(256, z, last=384)),
        "odd widths past 512": (513, without_last_if_odd),
        "odd widths past 512, 781": (781, without_last_if_odd),
        **{f"classes past {n}": (n + 1, lambda z, n=n: masked_past(n, z)) for n in (256, 512, 1024, 2048)},
    }
    for kind, (classes, change) in switches.items():
        g, z = np.zeros((1, classes)), np.zeros((1, classes))
        g[0, 0], z[0, -1] = 1.0, np.log(classes)
        share, others = 1 / (2 * classes - 1), 1 / (classes - 1)

        def first(x: Array) -> Array:
            return x.reshape(-1)[0]

        for op, direction, small, due, given in (
            ("softmax", "forward", at(z, of=first), share, others),
            ("softmax", "backward", at(g, z, of=first), share * (1 - share), others * (1 - others)),
            ("log_softmax", "forward", at(z, of=first), np.log(share), np.log(others)),
            ("softmax_cross_entropy", "forward", at(z, [0], reduction="none"), -np.log(share), -np.log(others)),
            ("softmax_cross_entropy", "backward", at(1.0, z, [1], reduction="sum", of=first), share, others),
        ):
            right = sound(op, direction)
            position = 1 if direction == "backward" else 0
            wrong = on_argument(position, change, right)
            yield Report(kind, op, direction, wrong, right, small, np.ravel(due) if small is None else due, given,
                         size=classes)  # fmt: skip


def past_blocks() -> Iterator[Report]:
    """What lies past a number of places along an axis is left out of a sum, or not written."""

    def last(x: Array) -> Array:
        return x.reshape(-1)[-1]

    for n in (256, 512, 1024):
        m = n + 1
        one, row, column = [[0.0]], ones(1, m), ones(m, 1)
        found: list[tuple[str, str, str, Callable[[Function], Function], Small, float, float]] = [
            ("elements", "relu", "forward", lambda f, n=n: on_result(0, lambda r: flat_past(n, r), f),
             at(ones(m), of=last), 1, 0),
            ("elements", "relu", "backward", lambda f, n=n: on_result(0, lambda r: flat_past(n, r), f),
             at(ones(m), ones(m), of=last), 1, 0),
            ("terms", "dense", "forward", lambda f, n=n: on_argument(0, lambda x: first_only(n, 1, x), f),
             at(row, column, one), m, n),
            ("columns", "dense", "forward", lambda f, n=n: on_result(0, lambda x: first_only(n, 1, x), f),
             at([[1.0]], row, 0 * row, of=last), 1, 0),
            ("rows", "dense", "forward", lambda f, n=n: on_result(0, lambda x: first_only(n, 0, x), f),
             at(column, [[1.0]], one, of=last), 1, 0),
            ("samples of weights", "dense", "backward", lambda f, n=n: weights_of_first(n, 1, f),
             at(column, column, [[1.0]], one, result=1), m, n),
            ("samples of biases", "dense", "backward", lambda f, n=n: weights_of_first(n, 2, f),
             at(column, column, [[1.0]], one, result=2), m, n),
            ("columns of biases", "dense", "backward", lambda f, n=n: on_result(2, lambda x: first_only(n, 1, x), f),
             at(row, [[1.0]], row, row, result=2, of=last), 1, 0),
            ("features of inputs", "dense", "backward", lambda f, n=n: on_result(0, lambda x: first_only(n, 1, x), f),
             at([[1.0]], row, column, one, result=0, of=last), 1, 0),
            ("rows", "softmax", "forward", lambda f, n=n: on_result(0, lambda x: first_only(n, 0, x), f),
             at(column, of=last), 1, 0),
            ("samples", "softmax_cross_entropy", "forward", lambda f, n=n: losses_of_first(n, f),
             at(0 * ones(m, 2), [0] * m, reduction="sum"), m * np.log(2), n * np.log(2)),
            ("rows", "softmax_cross_entropy", "backward", lambda f, n=n: on_result(0, lambda x: first_only(n, 0, x), f),
             at(1.0, 0 * ones(m, 2), [0] * m, reduction="sum", of=last), 0.5, 0),
        ]  # fmt: skip
        for what, op, direction, wrong, small, due, given in found:
            right = sound(op, direction)
            small_due: Any = [[due]] if what in ("terms", "samples of weights", "samples of biases") else due
            small_given: Any = [[given]] if isinstance(small_due, list) else given
            kind = f"{what} past {n}"
            yield Report(kind, op, direction, wrong(right), right, small, small_due, small_given, size=m)


def flat_past(limit: int, tensor: Array) -> Array:
    """A tensor whose elements past so many, counted row by row, are 0."""
    return first_only(limit, 0, tensor.reshape(-1)).reshape(tensor.shape)


def weights_of_first(limit: int, position: int, function: Function) -> Function:
    """One gradient of a dense layer over the first samples alone."""

    def call(g: Array, *tensors: Array) -> Any:
        right, other = function(g, *tensors), function(first_only(limit, 0, g), *tensors)
        return (*right[:position], other[position], *right[position + 1 :])

    return call


def losses_of_first(limit: int, function: Function) -> Function:
    """A sum of losses over the first rows alone."""

    def call(logits: Array, labels: Array, *, reduction: str) -> Any:
        losses = function(logits, labels, reduction="none")
        if reduction == "none":
            return losses
        total = losses[:limit].astype(np.float64).sum() / (len(losses) if reduction == "mean" else 1)
        return function(logits, labels, reduction=reduction) if len(losses) <= limit else total.astype(losses.dtype)

    return call


def fewer_rows() -> Iterator[Report]:
    """More rows than a block has: those past it are not computed."""
    for n in (32, 128, 256):
        for op, direction in (("softmax", "backward"), ("log_softmax", "forward"), ("cross_entropy", "backward"),
                              ("mlp", "backward")):  # fmt: skip
            right = sound(op, direction)
            rows, m = 0 * ones(n + 1, 2), n + 1
            of: dict[str, Any] = {"of": lambda x: x[-1, 0]}
            small, due = {
                "softmax": (at(rows + np.array([1.0, 0.0]), rows, **of), 0.25),
                "log_softmax": (at(rows, **of), -np.log(2)),
                "cross_entropy": (at(1.0, rows + 0.5, [0] * m, reduction="sum", **of), -2),
                "mlp": (at(1.0, ones(m, 1), [[1.0]], [[0.0]], [[1.0, 0.0]], [[0.0, 0.0]], [0] * m, reduction="sum",
                           **of), -0.26894),
            }[op]  # fmt: skip
            wrong = on_result(0, lambda x, n=n: first_only(n, 0, x) if x.ndim > 1 else x, right)
            yield Report(f"rows past {n}", op, direction, wrong, right, small, due, 0, size=m)


# Tiles -----------------------------------------------------------------------------------------------------------


def tiled(size: int, across: int, matrix: Array) -> Array:
    """A matrix of which one tile a block is written; a block finds its tile by a wrong width of the grid."""
    rows, columns = (ceil(length / size) for length in matrix.shape)
    written = np.zeros_like(matrix)
    for block in range(rows * columns):
        i, j = (size * place for place in divmod(block, max(1, ceil(across / size))))
        written[i : i + size, j : j + size] = matrix[i : i + size, j : j + size]
    return written


def tiles() -> Iterator[Report]:
    """Two-sided tiles with the width of another matrix's grid."""

    def forward(size: int, of: int, inputs: Array, weights: Array, biases: Array) -> Array:
        n, i = inputs.shape
        return tiled(size, (n, i)[of], inputs @ weights + biases)

    def backward(size: int, of: int, g: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        (n, i), o = inputs.shape, weights.shape[1]
        dx, dw = g @ weights.T, inputs.T @ g
        return tiled(size, (n, o)[of], dx), tiled(size, (i, n)[of], dw), g.sum(axis=0, keepdims=True)

    n, i, o = 64, 48, 96
    x, w, b, g = ones(n, i), ones(i, o), 0 * ones(1, o), ones(n, o)
    for size in (16, 32):
        for of in (0, 1):
            kind = f"tiles of {size} with a wrong grid {of}"
            found: list[tuple[str, Function, Small, float]] = [
                ("forward", forward, at(x, w, b, of=np.min), i),
                ("backward", backward, at(g, x, w, b, result=0, of=np.min), o),
                ("backward", backward, at(g, x, w, b, result=1, of=np.min), n),
            ]
            for which, (direction, function, small, due) in enumerate(found):
                right = sound("dense", direction)
                wrong = refusing_as("dense", direction, widened(lambda *t, f=function, s=size, a=of: f(s, a, *t)))
                if direction == "backward":
                    wrong = outcome_of(which - 1, wrong, right)
                if small(wrong) != due:  # this grid is as wide as it must be
                    told = f"{kind}, result {which}"
                    yield Report(told, "dense", direction, wrong, right, small, due, 0, size=n * i)


def outcome_of(position: int, wrong: Function, right: Function) -> Function:
    """One result of a wrong function among those of the right one."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = right(*tensors, **parameters)
        return (*results[:position], wrong(*tensors, **parameters)[position], *results[position + 1 :])

    return call


# No features, and no axes ----------------------------------------------------------------------------------------


def nothing_without_features(function: Function) -> Function:
    """Zeros where there are no input features."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        if all(0 not in tensor.shape for tensor in tensors):
            return results
        return tuple(0 * r for r in results) if isinstance(results, tuple) else 0 * results

    return call


def no_features() -> Iterator[Report]:
    """No input features: the outputs are the biases, and the biases have a gradient."""
    x, w, b, g = ones(3, 0), ones(0, 4), [[1.0, 2.0, 3.0, 4.0]], ones(3, 4)
    for direction, small, due in (
        ("forward", at(x, w, b), b * 3),
        ("backward", at(g, x, w, b, result=2), [[3.0] * 4]),
    ):
        right = sound("dense", direction)
        wrong = nothing_without_features(right)
        yield Report("no features", "dense", direction, wrong, right, small, due, 0 * np.array(due), robust=True)


def no_axes() -> Iterator[Report]:
    """A single number is given back as a vector of one."""
    for op, direction in product(("relu", "square", "sigmoid"), ("forward", "backward")):
        right = sound(op, direction)

        def wrong(*tensors: Array, right: Function = right) -> Array:
            return np.atleast_1d(right(*tensors))

        numbers = [1.0] if direction == "forward" else [1.0, 1.0]
        yield Report("no axes", op, direction, wrong, right, at(*numbers, of=np.ndim), 0, 1, robust=True)


REPORTS = tuple(chain(past_classes(), past_blocks(), fewer_rows(), tiles(), no_features(), no_axes()))
