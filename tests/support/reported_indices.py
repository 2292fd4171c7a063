"""Reported faults of lookups, and of sums where indices point, each beside its cure."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.model.indexing import added_up, picked, places
from backproof.reference.ops import embedding, gather, scatter_add
from backproof.vectors.dtypes import HALF
from public_reports import Array, Function, Report, Small, at, ones, refusing_as, reported, sound
from reported_halves import rounded, told_dtype

Row = tuple[Any, ...]
"""Direction, where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small
call, what is due there, and what is given."""

# Embedding -------------------------------------------------------------------------------------------------------


def written(g: Array, indices: Array, weight: Array, *, padding_idx: int | None = None) -> Array:
    """Rows by NumPy's `+=`, which takes one of those with the same index."""
    found = np.zeros_like(weight)
    found[indices] += g
    rows = np.arange(len(weight))[:, None]
    return found if padding_idx is None else np.where(rows == padding_idx % len(weight), 0, found)


def one_left_out(g: Array, indices: Array, weight: Array, *, padding_idx: int | None = None) -> Array:
    """Of more than 768 indices the last is left out."""
    flat, rows = indices.reshape(-1), g.reshape(-1, weight.shape[1])
    kept = slice(None, -1 if flat.size > 768 else None)
    return embedding.backward(rows[kept], flat[kept], weight, padding_idx=padding_idx)


def added_up_in_half(at_a_time: int, dtype: np.dtype, g: Array, indices: Array, weight: Array, **padding: Any) -> Any:
    """Sums are kept in the dtype itself, to which so many indices at a time are added."""
    flat, rows = indices.reshape(-1), g.reshape(-1, weight.shape[1])
    total = np.zeros_like(weight)
    for k in range(0, flat.size, at_a_time):
        part = slice(k, k + at_a_time)
        total = rounded(total + embedding.backward(rows[part], flat[part], weight, **padding), dtype)
    return total


def on_top_of_the_last(kept: Callable[..., Any], due: Function) -> Function:
    """Results are added to what their memory holds from the call before, where `kept` says that it was not cleared."""
    memory: dict[tuple[int, ...], Array] = {}

    def call(*tensors: Array, **padding: Any) -> Array:
        found = due(*tensors, **padding)
        last, memory[found.shape] = memory.get(found.shape, np.zeros_like(found)), found
        return found + np.where(kept(found, **padding), last, 0)

    return call


def rows_beyond_whole_tiles(found: Array, **_: Any) -> Array:
    return np.arange(len(found))[:, None] >= len(found) // 32 * 32


def second(small: Small) -> Small:
    """The same call twice."""
    return lambda function: (small(function), small(function))[1]


def padded(row: Function, indices: Array, weight: Array, *, padding_idx: int | None = None) -> Array:
    """A lookup in a table whose padding row a function treats first."""
    if padding_idx is not None:
        weight = row(weight, padding_idx)
    return weight[indices]


def zeros_in_place(weight: Array, row: int) -> Array:
    weight[row] = 0
    return weight


def zeros_in_a_copy(weight: Array, row: int) -> Array:
    return zeros_in_place(weight.copy(), row)


def of_embedding() -> Iterator[Row]:
    """Gradients of a table, and rows of it."""
    lookup = embedding.forward
    yield ("backward", "pymc-devs/pytensor PR 2242", "repeated indices written once", "embedding",
           written, embedding.backward, at([[1.0], [2.0]], [0, 0], [[0.0], [0.0]]), [[3], [0]], [[2], [0]])  # fmt: skip
    yield ("backward", "pytorch/pytorch#28716", "one of more than 768 left out", "embedding",
           one_left_out, embedding.backward, at(ones(769, 1), [0] * 769, [[0.0]]), [[769]], [[768]])  # fmt: skip
    twice = second(at([[1.0], [2.0]], [0, 1], [[0.0], [0.0]]))
    yield ("backward", "tenstorrent/tt-metal#54561", "rows past whole tiles not cleared", "embedding",
           on_top_of_the_last(rows_beyond_whole_tiles, embedding.backward), embedding.backward,
           twice, [[1], [2]], [[2], [4]])  # fmt: skip
    small = at([1, 0], [[1.0], [2.0]], padding_idx=1)
    for seen, kind, row in (
        ("PaddlePaddle/Paddle#62301", "padding row taken for zeros", zeros_in_a_copy),
        ("pytorch/pytorch#53368", "padding row overwritten", zeros_in_place),
    ):
        yield "forward", seen, kind, "embedding", partial(padded, row), lookup, small, [[2], [1]], [[0], [1]]


# Gather and scatter_add ------------------------------------------------------------------------------------------


def last_written(g: Array, inputs: Array, indices: Array, *, axis: int) -> Array:
    """Of those with the same index the last alone."""
    found = np.zeros_like(inputs)
    found.reshape(-1)[places(indices, inputs.shape, axis)] = g.reshape(-1)
    return found


def gathered_again(g: Array, inputs: Array, indices: Array, *, axis: int) -> Array:
    """The gradient of a gather by a gather, with indices read again from the first where there are too few."""
    found = np.zeros_like(inputs)
    if g.size:
        named = np.take(indices, np.arange(inputs.shape[axis]) % indices.shape[axis], axis)
        corner = tuple(slice(n) for n in named.shape)
        found[corner] = np.take_along_axis(g, named % g.shape[axis], axis)
    return found


def gathered_back_in_half(dtype: np.dtype, g: Array, inputs: Array, indices: Array, *, axis: int) -> Array:
    found = np.zeros_like(inputs).reshape(-1)
    for place, x in zip(places(indices, inputs.shape, axis), g.reshape(-1), strict=True):
        found[place] = rounded(found[place] + x, dtype)
    return found.reshape(inputs.shape)


def along_another_axis(found: Array, *, axis: int) -> bool:
    """Whether the axis is not the first."""
    return axis != -found.ndim


def along_the_first(inputs: Array, indices: Array, *, axis: int) -> Array:
    return picked(inputs, indices % max(len(inputs), 1), -inputs.ndim)


def without_inputs(inputs: Array, indices: Array, source: Array, *, axis: int) -> Array:
    """Where something is added, it alone."""
    named = added_up(np.ones_like(source), indices, inputs.shape, axis)
    return np.where(named > 0, 0, inputs) + added_up(source, indices, inputs.shape, axis)


def race_lost(inputs: Array, indices: Array, source: Array, *, axis: int) -> Array:
    """All of the same index read the element before any has added to it."""
    outputs = inputs.copy()
    outputs.reshape(-1)[places(indices, inputs.shape, axis)] += source.reshape(-1)
    return outputs


def with_source(of_source: Function, g: Array, inputs: Array, indices: Array, source: Array, *, axis: int) -> Any:
    return g, of_source(g, indices, source, axis)


def no_gradient(g: Array, indices: Array, source: Array, _: int) -> Array:
    return np.zeros_like(source)


def scattered_back(g: Array, indices: Array, source: Array, axis: int) -> Array:
    """The upstream is scattered, where its shape is that of the source."""
    return added_up(g, indices, source.shape, axis) if g.shape == source.shape else picked(g, indices, axis)


def of_gather_and_scatter() -> Iterator[Row]:
    """What is picked along an axis, what is added, and gradients of both."""
    one_place = at([0.25, 0.5], [0.125], [0, 0], axis=-1)
    yield ("backward", "pytorch/pytorch#1631", "repeated indices written once", "gather",
           last_written, gather.backward, one_place, [0.75], [0.5])  # fmt: skip
    yield ("backward", "ooples/AiDotNet.Tensors PR 894", "gathered for scattered", "gather", gathered_again,
           gather.backward, at([1.0, 2.0, 4.0], [0.0] * 4, [1, 1, 3], axis=-1), [0, 3, 0, 4], [2, 2, 1, 2])  # fmt: skip
    yield ("backward", "apache/mxnet#19817", "not cleared along other axes", "gather",
           on_top_of_the_last(along_another_axis, gather.backward), gather.backward,
           second(at([[1.0]], [[0.0, 0.0]], [[1]], axis=-1)), [[0, 1]], [[0, 2]])  # fmt: skip
    yield ("forward", "tensorflow/tfjs-core#832", "axis ignored", "gather", along_the_first, gather.forward,
           at([[1.0, 2.0], [3.0, 4.0]], [[1, 1], [0, 1]], axis=-1), [[2, 2], [3, 4]], [[3, 4], [1, 4]])  # fmt: skip
    two_into_one = at([1.0, 8.0], [0, 0], [2.0, 4.0], axis=-1)
    yield ("forward", "PaddlePaddle/Paddle#18804", "inputs left out", "scatter_add",
           without_inputs, scatter_add.forward, two_into_one, [7, 8], [6, 8])  # fmt: skip
    yield ("forward", "openvinotoolkit/openvino PR 29154", "race of equal indices", "scatter_add",
           race_lost, scatter_add.forward, two_into_one, [7, 8], [5, 8])  # fmt: skip
    small = at([1.0, 2.0], [0.0, 0.0], [1, 1], [0.0, 0.0], axis=-1, result=1)
    yield ("backward", "tracel-ai/burn#4063", "scattered for gathered", "scatter_add",
           partial(with_source, scattered_back), scatter_add.backward, small, [2, 2], [0, 3])  # fmt: skip
    yield ("backward", "tensorflow/tensorflow#2367", "no gradient of the source", "scatter_add",
           partial(with_source, no_gradient), scatter_add.backward,
           small, [2, 2], [0, 0])  # fmt: skip


# Halves and refusals ---------------------------------------------------------------------------------------------


def of_halves() -> Iterator[Report]:
    """Sums in half precision."""
    many, few = at(ones(300, 1), [0] * 300, [[0.0]], dtype="bfloat16"), np.zeros((96, 1))
    few[[0, 32, 64]] = [[256], [1], [1]]
    line = at(ones(300), [0.0], [0] * 300, axis=-1, dtype="bfloat16")
    for seen, kind, op, direction, wrong, small, due, given in (
        ("apache/mxnet#17703", "added up in half", "embedding", "backward",
         told_dtype(partial(added_up_in_half, 1)), many, [[300]], [[256]]),
        ("tenstorrent/tt-metal PR 53386", "tiles added up in half", "embedding", "backward",
         told_dtype(partial(added_up_in_half, 32)), at(few, [0] * 96, [[0.0]], dtype="bfloat16"), [[258]], [[256]]),
        ("flagos-ai/FlagGems PR 4295", "added up in half", "gather", "backward", told_dtype(gathered_back_in_half),
         line, [300], [256]),
    ):  # fmt: skip
        wrong = refusing_as(op, direction, wrong)
        yield Report(kind, op, direction, wrong, sound(op, direction), small, due, given, dtypes=HALF, seen=seen)


def within(indices: Array, size: int) -> Array:
    return (indices >= 0) & (indices < size)


def rows_or_zeros(indices: Array, weight: Array, **padding: Any) -> Array:
    """Rows, and 0 where indices are out of range."""
    known = within(indices, len(weight))
    return np.where(known[..., None], embedding.forward(indices * known, weight, **padding), 0)


def from_the_end(indices: Array, weight: Array, **padding: Any) -> Array:
    """Rows, of which negative indices count from the end."""
    return embedding.forward(np.where(indices < 0, indices + len(weight), indices), weight, **padding)


def elements_or_zeros(inputs: Array, indices: Array, *, axis: int) -> Array:
    """Elements, and 0 where indices are out of range."""
    known = within(indices, inputs.shape[axis])
    return np.where(known, gather.forward(inputs, indices * known, axis=axis), 0)


def skipping(inputs: Array, indices: Array, source: Array, *, axis: int) -> Array:
    """What is to be added out of range is left out."""
    known = within(indices, inputs.shape[axis])
    kept = np.where(known, source, 0) if source.shape == indices.shape else source
    return scatter_add.forward(inputs, indices * known, kept, axis=axis)


def of_the_shape_of_indices(g: Array, inputs: Array, indices: Array, source: Array, *, axis: int) -> Any:
    """The gradient of a source of which the corner alone is used has the shape of indices."""
    if source.ndim == indices.ndim:
        source = source[tuple(slice(n) for n in indices.shape)]
    return scatter_add.backward(g, inputs, indices, source, axis=axis)


def of_refusals() -> Iterator[Report]:
    """Indices out of range, and shapes that do not fit, are taken."""
    table = [[1.0], [2.0]]
    for seen, kind, op, direction, wrong, small, given in (
        ("tensorflow/tensorflow#27033", "zeros beyond the table", "embedding", "forward", rows_or_zeros,
         at([1, 2], table), [[2], [0]]),
        ("pytorch/pytorch PR 151967", "negative index wrapped", "embedding", "forward",
         from_the_end, at([0, -1], table), [[1], [2]]),
        ("tensorflow/tensorflow#3638", "zeros beyond the inputs", "gather", "forward",
         elements_or_zeros, at([1.0, 2.0], [1, 2], axis=-1), [2, 0]),
        ("ooples/AiDotNet.Tensors PR 278", "index out of range skipped", "scatter_add", "forward", skipping,
         at([1.0, 2.0], [1, 2], [4.0, 8.0], axis=-1), [1, 6]),
        ("pytorch/pytorch#94336", "gradient of the shape of indices", "scatter_add", "backward",
         of_the_shape_of_indices, at([1.0, 2.0], [0.0, 0.0], [1], [0.0, 0.0], axis=-1, result=1), [2]),
    ):  # fmt: skip
        right = sound(op, direction)
        yield Report(kind, op, direction, widened(wrong), right, small, ValueError, given, robust=True, seen=seen)


REPORTS: tuple[Report, ...] = (
    *(reported(*row) for row in chain(of_embedding(), of_gather_and_scatter())),
    *chain(of_halves(), of_refusals()),
)
