"""Reported faults of rows: soft labels and indices, rows taken for others, results remembered, signs lost."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.vectors.dtypes import FORMATS
from public_reports import Array, Function, Report, Small, at, sound, unrounded

# Labels ----------------------------------------------------------------------------------------------------------


def few_bits(levels: int, labels: Array) -> Array:
    return np.round(labels * levels) / levels


def no_tiny_weights(labels: Array) -> Array:
    return np.where(labels < 1e-3, 0, labels)


def hardened(labels: Array) -> Array:
    return np.eye(labels.shape[-1])[labels.argmax(axis=-1)]


def hardened_if_first_is(labels: Array) -> Array:
    """The first row decides whether all are hard."""
    return hardened(labels) if len(labels) and labels[0].max(initial=0) == 1 else labels


def labels_changed(change: Callable[[Array], Array], function: Function) -> Function:
    """Change labels that are rows."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        *others, labels = tensors
        return function(*others, change(labels) if labels.ndim == 2 else labels, **parameters)

    return widened(call)


def soft_labels() -> Iterator[Report]:
    """Labels whose rows are not taken as they are."""
    hard_first = [[1.0, 0.0], [0.3, 0.7]]
    for kind, change, labels, instead in (
        ("labels in sixteenths", partial(few_bits, 16), [[0.3, 0.7]] * 2, [[0.3125, 0.6875]] * 2),
        ("labels in 256ths", partial(few_bits, 256), [[0.01, 0.99]] * 2, [[0.01172, 0.98828]] * 2),
        ("tiny weights dropped", no_tiny_weights, [[0.0005, 0.9995]] * 2, [[0.0, 0.9995]] * 2),
        ("hardened", hardened, [[0.3, 0.7]] * 2, [[0.0, 1.0]] * 2),
        ("first row decides", hardened_if_first_is, hard_first, [[1.0, 0.0], [0.0, 1.0]]),
    ):
        y, other = np.array(labels), np.array(instead)
        p = np.array([[2.0**-12, 1 - 2.0**-12]] * 2)
        of_sum: dict[str, Any] = {"reduction": "sum", "dtype": "float64"}
        for op, direction, small, formula in (
            ("cross_entropy", "forward", at(p, y, **of_sum), lambda w, p=p: -(w * np.log(p)).sum()),
            ("cross_entropy", "backward", at(1.0, p, y, **of_sum), lambda w, p=p: -w / p),
            ("softmax_cross_entropy", "forward", at(np.log(p), y, **of_sum), lambda w, p=p: -(w * np.log(p)).sum()),
            ("softmax_cross_entropy", "backward", at(1.0, np.log(p), y, **of_sum), lambda w, p=p: p - w),
            ("softmax_cross_entropy_from_outputs", "backward", at(1.0, p, y, **of_sum), lambda w, p=p: p - w),
        ):
            right = sound(op, direction)
            wrong = labels_changed(change, unrounded(op, direction))
            yield Report(kind, op, direction, wrong, right, small, formula(y), formula(other))


def index_in_dtype(function: Function) -> Function:
    """Class indices pass through the dtype of the tensors."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        *others, labels = tensors
        if labels.ndim == 1:
            labels = labels.astype(others[-1].dtype).astype(labels.dtype)
        return function(*others, labels, **parameters)

    return call


def indices() -> Iterator[Report]:
    """Class indices that the dtype of the tensors does not hold."""
    for dtype, index in (("bfloat16", 257), ("float16", 2049)):
        p = np.full((1, index + 2), 0.5)
        p[0, index] = 0.0625
        of_sum: dict[str, Any] = {"reduction": "sum", "dtype": dtype}
        for op, direction, small, due, given in (
            ("cross_entropy", "forward", at(p, [index], of=np.rint, **of_sum), 3, 1),
            ("cross_entropy", "backward", at(1.0, p, [index], of=np.min, **of_sum), -16, -2),
            ("softmax_cross_entropy", "forward", at(20 * p, [index], of=lambda x: x > 10, **of_sum), 1, 0),
            ("softmax_cross_entropy", "backward", at(1.0, 20 * p, [index], of=np.argmin, **of_sum), index, index - 1),
            ("softmax_cross_entropy_from_outputs", "backward",
             at(1.0, p, [index], of=np.argmin, **of_sum), index, index - 1),
        ):  # fmt: skip
            right = sound(op, direction)
            wrong = index_in_dtype(right)
            size = p.size
            yield Report(f"index through {dtype}", op, direction, wrong, right, small, due, given, (dtype,), size=size)


# Rows that are taken for others ----------------------------------------------------------------------------------


def mean_of_means(size: int, function: Function) -> Function:
    """The mean over the batch as the mean of the means of micro-batches, the last of which may be smaller."""

    def call(*tensors: Array, reduction: str) -> Any:
        losses = function(*tensors, reduction="none")
        if reduction != "mean" or not len(losses):
            return function(*tensors, reduction=reduction)
        return np.mean([losses[start : start + size].mean() for start in range(0, len(losses), size)])

    return widened(call)


def micro_batches() -> Iterator[Report]:
    """A mean over micro-batches of unequal size."""
    for size in (2, 4, 32):
        p = np.array([[0.5, 0.5]] * size + [[0.25, 0.75]])
        small = at(p, [0] * (size + 1), dtype="float64", reduction="mean")
        due = (size * np.log(2) + np.log(4)) / (size + 1)
        right = sound("cross_entropy", "forward")
        wrong = mean_of_means(size, unrounded("cross_entropy", "forward"))
        kind = f"mean of micro-batches of {size}"
        yield Report(kind, "cross_entropy", "forward", wrong, right, small, due, 1.5 * np.log(2), size=2 * size)


def once_for_equal_rows(position: int, function: Function) -> Function:
    """Rows of the first result whose rows of an argument are equal get what the first of them got."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        first, several = (results[0], True) if isinstance(results, tuple) else (results, False)
        key = tensors[position]
        if first.ndim == 2 and len(first):
            _, where, which = np.unique(key, axis=0, return_index=True, return_inverse=True)
            first = first[where[which.reshape(-1)]]
        return (first, *results[1:]) if several else first

    return call


def equal_rows() -> Iterator[Report]:
    """Equal rows with different upstreams, or labels."""
    g, z, none = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0]] * 2, {"reduction": "none"}
    for op, position, small, due, given in (
        ("softmax", 1, at(g, z), [[0.25, -0.25], [-0.25, 0.25]], [[0.25, -0.25]] * 2),
        ("dense", 1, at(g, z, [[1.0, 0.0], [0.0, 1.0]], [[0.0, 0.0]]), g, [g[0]] * 2),
        ("relu", 1, at(g, [[1.0, 1.0]] * 2), g, [g[0]] * 2),
        ("cross_entropy", 1, at([1.0, 3.0], [[0.5, 0.5]] * 2, [0, 0], **none), [[-2, 0], [-6, 0]], [[-2, 0]] * 2),
        ("softmax_cross_entropy", 1, at([1.0, 1.0], z, [0, 1], **none), [[-0.5, 0.5], [0.5, -0.5]], [[-0.5, 0.5]] * 2),
    ):  # fmt: skip
        right = sound(op, "backward")
        yield Report("equal rows", op, "backward", once_for_equal_rows(position, right), right, small, due, given)


def kept_by(key: Callable[[Array], bytes], function: Function) -> Function:
    """Results are kept by a key of the arguments."""
    kept: dict[Any, Any] = {}

    def call(*tensors: Array, **parameters: Any) -> Any:
        words = (*((t.shape, t.dtype.name, key(t)) for t in tensors), *parameters.items())
        if words not in kept:
            kept[words] = function(*tensors, **parameters)
        results = kept[words]
        return tuple(r.copy() for r in results) if isinstance(results, tuple) else results.copy()

    return call


def narrower(tensor: Array) -> bytes:
    """What the next narrower dtype holds of a tensor."""
    lower = {"float64": np.float32, "float32": np.float16}.get(tensor.dtype.name)
    return np.asarray(tensor, lower).tobytes()


def remembered() -> Iterator[Report]:
    """Results that are kept by arguments rounded to a narrower dtype."""

    def after(first: tuple[Any, ...], then: tuple[Any, ...]) -> Small:
        def call(function: Function) -> Any:
            at(*first, dtype="float64")(function)
            return at(*then, dtype="float64", of=lambda x: (x - 1) * 2**30)(function)

        return call

    near = 1 + 2.0**-30
    for op, small in (
        ("relu", after(([1.0],), ([near],))),
        ("dense", after(([[1.0]], [[1.0]], [[0.0]]), ([[near]], [[1.0]], [[0.0]]))),
    ):
        right = sound(op, "forward")
        wrong, shape = kept_by(narrower, right), [1.0] if op == "relu" else [[1.0]]
        yield Report(
            "kept by rounded arguments", op, "forward", wrong, right, small, shape, np.zeros_like(shape),
            ("float64", "float32"),
        )  # fmt: skip


# Signs -----------------------------------------------------------------------------------------------------------


def without_sign_if_subnormal(function: Function) -> Function:
    """Results below the smallest normal number lose their sign."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        dtype = next(t.dtype.name for t in tensors if t.dtype.kind != "i")
        smallest = 2.0 ** FORMATS[dtype].smallest_normal

        def change(result: Array) -> Array:
            tiny = abs(result.astype(np.float64)) < smallest
            return np.where(tiny, abs(result), result).astype(result.dtype)

        return tuple(map(change, results)) if isinstance(results, tuple) else change(results)

    return call


def signs() -> Iterator[Report]:
    """Subnormal results of the wrong sign."""
    tiny = 1e-40
    for op, direction, small in (
        ("relu", "backward", at([-tiny], [1.0])),
        ("square", "backward", at([-tiny], [0.5])),
        ("dense", "forward", at([[-tiny]], [[1.0]], [[0.0]])),
        ("dense", "backward", at([[-tiny]], [[1.0]], [[1.0]], [[0.0]])),
        ("softmax", "backward", at([[0.0, 1.0]], [[0.0, -92.1034]], of=lambda x: x[:1, 0])),
    ):
        right = sound(op, direction)
        due = np.reshape([-tiny], (1, 1) if op == "dense" else (1,))
        wrong, kind = without_sign_if_subnormal(right), "subnormal without its sign"
        yield Report(kind, op, direction, wrong, right, small, due, -due, ("float32",))


REPORTS = tuple(chain(soft_labels(), indices(), micro_batches(), equal_rows(), remembered(), signs()))
