"""Wrong functions that serve the diagnosis alone: losses that read index labels wrong, or weigh rows otherwise."""

# ruff: noqa: ARG001, ARG005 (every change of labels is given the number of classes)

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ..model.formulations import Function
from ..model.operation import Operation
from . import usual
from .blocks import SIZES
from .labels import rows_of
from .wrong_calls import on_argument, on_labels

Array = Any
Labels = np.ndarray
Change = Callable[[Labels, int], Labels]
"""Of labels and the number of classes."""
LABELS, ROWS = "labels misread", "rows weighed otherwise"


class Wrong(NamedTuple):
    """A function that is wrong, what it is to be filed under, and what to say of it."""

    kind: str
    words: str
    function: Function
    cure: str


def _narrowed(dtype: str, wraps: bool, labels: Labels, classes: int) -> Labels:
    narrow: Labels = labels.astype(dtype).astype(np.int64)
    return rows_of(narrow % max(classes, 1) if wraps else narrow, classes)


def _as_floats(dtype: str, labels: Labels, classes: int) -> Labels:
    every = np.arange(classes).astype(numpy_dtype(dtype)).astype(np.float64)
    found: Labels = (labels.astype(numpy_dtype(dtype)).astype(np.float64)[:, None] == every).astype(np.float64)
    return found


def _rounded(dtype: str, labels: Labels, classes: int) -> Labels:
    return rows_of(labels.astype(numpy_dtype(dtype)).astype(np.int64), classes)


def _in_block_after(size: int, labels: Labels, classes: int) -> Labels:
    """Looked for in blocks by the difference from their start, of which one below 0 counts from the block's end."""
    rows = np.zeros((len(labels), classes))
    for start in range(0, classes, size):
        width = min(size, classes - start)
        local = labels - start
        here = np.flatnonzero((local >= -width) & (local < width))
        np.add.at(rows, (here, start + local[here] % width), 1)
    return rows


def _in_every_block(size: int, labels: Labels, classes: int) -> Labels:
    found: Labels = (np.arange(classes) % size == labels[:, None] % size).astype(np.float64)
    return found


def _in_first_block(size: int, labels: Labels, classes: int) -> Labels:
    return rows_of(np.where(labels < size, labels, -1), classes)


def _of_indices() -> Iterator[tuple[str, Change]]:
    for dtype in ("int8", "uint8", "int16"):
        yield (
            f"index labels are cast to {dtype}, and count from the end where they wrap",
            partial(_narrowed, dtype, True),
        )
        yield f"index labels are cast to {dtype}, and are no class where they wrap", partial(_narrowed, dtype, False)
    for dtype in ("bfloat16", "float16"):
        said = f"index labels are compared in {dtype}, in which large ones are their neighbours"
        yield said, partial(_as_floats, dtype)
        yield f"index labels are rounded to {dtype}", partial(_rounded, dtype)
    for size in SIZES[:-1]:
        said = f"index labels are looked for by blocks of {size} classes"
        yield f"{said}, and found in the block after theirs as well", partial(_in_block_after, size)
        yield f"{said}, and found in every block", partial(_in_every_block, size)
        yield f"{said}, and in the first block alone", partial(_in_first_block, size)
    yield "index labels are counted from 1", lambda labels, classes: rows_of(labels - 1, classes)
    said = "index labels are counted from 1, and 0 is the last class"
    yield said, lambda labels, classes: rows_of((labels - 1) % max(classes, 1), classes)
    yield "index labels are one too large", lambda labels, classes: rows_of(labels + 1, classes)


def _normalised(labels: Labels, classes: int) -> Labels:
    total = labels.sum(axis=1, keepdims=True)
    return labels / np.where(total == 0, 1, total)


OF_ROWS: tuple[tuple[str, Change], ...] = (
    ("rows of labels are divided by their sum", _normalised),
    ("of rows of labels what is over 0.5 is 1, the rest 0", lambda labels, classes: (labels > 0.5) * 1.0),
    ("rows of labels are rounded to integers", lambda labels, classes: np.round(labels)),
)


def _if_rows(change: Change, labels: Labels, classes: int) -> Labels:
    return change(labels, classes) if labels.ndim == 2 else labels


def _on_indices(position: int, change: Change, function: Function) -> Function:
    """Change index labels of rows that count; to indices again, which all losses take, where each row has a class."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        labels, classes = tensors[position], tensors[position - 1].shape[-1]
        if labels.ndim == 1:
            kept = labels == parameters.get("ignore_index")
            rows = change(np.where(kept, 0, labels), classes)
            if rows.size and (rows.max(axis=1) == 1).all() and (rows.sum(axis=1) == 1).all():
                rows = np.where(kept, -1, rows.argmax(axis=1))  # which is no class
                parameters.update({"ignore_index": -1} if kept.any() else {})
            labels = rows
        return function(*tensors[:position], labels, *tensors[position + 1 :], **parameters)

    return call


def _of_blocks(size: int, keep: Array, summed: bool) -> Array:
    """The weight of each row in a mean, or sum, of means of blocks, of the rows that count."""
    block = np.arange(len(keep)) // size
    return keep / np.maximum(np.bincount(block, keep)[block] * (1 if summed else -(-len(keep) // size)), 1)


def _counted(labels: Labels, classes: int, ignored: int | None, ignore_index: int | None = None, **_: Any) -> Array:
    """Which rows have a part in a loss."""
    if labels.ndim > 1:
        return np.ones(len(labels), bool)
    keep: Array = labels != ignore_index
    return keep if ignored is None else keep & (labels != ignored % max(classes, 1))


def weighed(
    direction: str,
    position: int,
    function: Function,
    ignored: int | None = None,
    of_all: bool = False,
    size: int = 0,
    summed: bool = False,
) -> Function:
    """Give rows whose index label is `ignored` no part in a loss, nor (unless `of_all`) in what a mean divides by; or
    take the mean, or sum, of means of blocks."""

    def call(*tensors: Array, reduction: str, **parameters: Any) -> Any:
        labels, scores = tensors[position], tensors[position - 1]
        weights = keep = _counted(labels, scores.shape[-1], ignored, **parameters)
        if reduction == "mean":
            total = len(labels) if of_all else np.count_nonzero(keep)
            weights = _of_blocks(size, keep, summed) if size else keep / max(total, 1)
        if direction == "forward":
            losses = np.where(keep, function(*tensors, reduction="none", **parameters), 0)
            return losses if reduction == "none" else (losses * weights).sum()
        return function(tensors[0] * weights, *tensors[1:], reduction="none", **parameters)

    return call


def _of_weights(parameters: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "ignore_index" in parameters:
        yield "the mean divides by all rows, by those to be ignored as well", {"of_all": True}
    for words, ignored in (("class 0", 0), ("the last class", -1)):
        said = f"rows whose index label is {words} are left out as if it were padding"
        yield f"{said}, of what the mean divides by as well", {"ignored": ignored}
        yield f"{said}; the mean divides by all rows", {"ignored": ignored, "of_all": True}
    for size in (2, 3, *SIZES[3:9]):
        yield f"the mean is the mean of the means of {size} rows each: the last may be fewer", {"size": size}
        yield f"the mean is the sum of the means of {size} rows each", {"size": size, "summed": True}


def _ignoring(
    ignored: int,
    change: Change,
    position: int,
    function: Function,
    *tensors: Array,
    **how: Any,
) -> Any:
    """With one label to be ignored, whatever is asked; others that are to be ignored count."""
    labels = tensors[position]
    if how.get("ignore_index") not in (None, ignored) and labels.ndim == 1:
        counted = labels != ignored
        labels = np.where(counted, change(labels, tensors[position - 1].shape[-1]), labels)
        how["ignore_index"] = None if counted.all() else ignored
    return function(*tensors[:position], labels, *tensors[position + 1 :], **how)


_IGNORED = -100, -1, 0, 255
_COUNTED: tuple[tuple[str, Change], ...] = (
    ("", lambda labels, classes: labels),
    (", moved into [0, C)", lambda labels, classes: np.clip(labels, 0, classes - 1)),
    (", modulo C", lambda labels, classes: labels % max(classes, 1)),
)


def of_labels(subject: Operation, direction: str) -> Iterator[Wrong]:
    """Of each argument that is labels, what is read of it wrong."""
    for position, argument in enumerate(subject.arguments[direction]):
        if argument in subject.labels:
            yield from _misread_at(position, subject, direction)


def _misread_at(position: int, subject: Operation, direction: str) -> Iterator[Wrong]:
    sound, parameters = subject.functions[direction], subject.parameters[direction]
    changes = [(words, partial(_on_indices, position, change)) for words, change in _of_indices()]
    changes += [(words, partial(on_labels, position, partial(_if_rows, change))) for words, change in OF_ROWS]
    others = [getattr(usual, name) for name in (f"{subject.name}_{direction}_by_sum",) if hasattr(usual, name)]
    for (words, misled), function in product(changes, (sound, *others)):
        yield Wrong(LABELS, words, misled(function), "take labels as they are.")
    if subject.name == "cross_entropy":
        words, cure = "the binary form is used, with (1 - y) log(1 - p) for each class", "use y log p alone."
        yield Wrong("another function", words, getattr(usual, f"binary_{direction}"), cure)
    for words, more in _of_weights(parameters) if "reduction" in parameters else ():
        cure = "give every row that counts the same weight, 1 by their number."
        yield Wrong(ROWS, words, weighed(direction, position, sound, **more), cure)
    for ignored, (said, change) in product(_IGNORED, _COUNTED) if "ignore_index" in parameters else ():
        words = f"ignore_index is {ignored}, whatever is asked: another label to be ignored counts{said}"
        function = partial(_ignoring, ignored, change, position, sound)
        yield Wrong("a parameter ignored", words, function, "follow ignore_index.")
    labels = subject.arguments[direction][position]
    function = on_argument(position, np.negative, sound)
    yield Wrong("an argument misread", f"{labels} is taken as -{labels}", function, f"take {labels} as it is.")
