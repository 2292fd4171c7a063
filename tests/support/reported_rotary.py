"""Reported faults of rotary embeddings, each beside its cure."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from backproof.reference.mutations.wrong_calls import on_argument
from backproof.reference.ops import rotary_embedding
from backproof.reference.ops.rotary_embedding import pairs, together
from backproof.vectors.dtypes import HALF
from public_reports import Array, Function, Report, at, refusing_as, reported, sound
from reported_halves import rounded, told_dtype
from reported_layouts import laid_out, one_row_repeated, packed, slice_of_wider, unchanged, zeros_where_repeated

Row = tuple[Any, ...]
"""Direction, where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small
call, what is due there, and what is given."""


def turned(partner: Function, cos_of: Function, x: Array, cos: Array, sin: Array) -> Array:
    """x cos + partner(x) sin, by tables of all features."""
    return x * cos_of(cos) + partner(x) * cos_of(sin)


def halves(x: Array) -> Array:
    first, last = np.split(x, 2, axis=-1)
    return np.concatenate([-last, first], axis=-1)


def neighbours(x: Array) -> Array:
    return np.stack([-x[..., 1::2], x[..., ::2]], axis=-1).reshape(x.shape)


def each_twice(table: Array) -> Array:
    return table.repeat(2, axis=-1)


def one_after_the_other(table: Array) -> Array:
    return np.concatenate([table, table], axis=-1)


def of_neighbours(wrong: Function) -> Function:
    """A fault of layout "interleaved" alone."""

    def call(x: Array, cos: Array, sin: Array, *, layout: str = "half") -> Array:
        return wrong(x, cos, sin) if layout == "interleaved" else rotary_embedding.forward(x, cos, sin)

    return call


def heads_for_positions(x: Array, cos: Array, sin: Array, *, layout: str = "half") -> Array:
    """The row of the tables is that of the axis before the positions."""
    if x.ndim > 2 and x.size:
        rows = np.minimum(np.arange(x.shape[-3]), x.shape[-2] - 1)[:, None]
        cos, sin = cos[rows], sin[rows]
    x1, x2 = x[..., ::2], x[..., 1::2]
    if layout == "half":
        x1, x2 = np.split(x, 2, axis=-1)
    return together(x1 * cos - x2 * sin, x2 * cos + x1 * sin, layout)


def in_place(x: Array, cos: Array, sin: Array, **layout: str) -> Array:
    x[...] = rotary_embedding.forward(x, cos, sin, **layout)
    return x


def stopped(g: Array, *_: Array, **layout: str) -> Array:
    return np.zeros_like(g)


def of_rotary() -> Iterator[Row]:
    """Pairs turned by tables."""
    forward, table = rotary_embedding.forward, ([[1.0, 0.0]], [[0.0, 1.0]])
    small = at([[1.0, 2.0, 3.0, 4.0]], *table, layout="interleaved")
    yield ("forward", "raiyanyahya/how-to-train-your-gpt#6", "halves turned by neighbours' tables", "rotary_embedding",
           of_neighbours(partial(turned, halves, each_twice)), forward,
           small, [[1, 2, -4, 3]], [[1, 2, 1, 2]])  # fmt: skip
    yield ("forward", "facebookresearch/vjepa2 PR 15", "neighbours turned by halves' tables", "rotary_embedding",
           of_neighbours(partial(turned, neighbours, one_after_the_other)), forward,
           small, [[1, 2, -4, 3]], [[1, 1, 3, 3]])  # fmt: skip
    stacked = at([[[1.0, 2.0], [3.0, 4.0]]], [[1.0], [0.0]], [[0.0], [1.0]])
    yield ("forward", "deepspeedai/DeepSpeed PR 8052", "heads for positions", "rotary_embedding",
           heads_for_positions, forward, stacked, [[[1, 2], [-4, 3]]], [[[1, 2], [3, 4]]])  # fmt: skip
    yield ("backward", "huggingface/candle#3568", "no gradient", "rotary_embedding", stopped,
           rotary_embedding.backward, at([[1.0, 2.0]], [[0.0, 0.0]], [[0.0]], [[1.0]]),
           [[2, -1]], [[0, 0]])  # fmt: skip


def products_rounded(dtype: np.dtype, x: Array, cos: Array, sin: Array, *, layout: str = "half") -> Array:
    """Each product is rounded before the sum is."""
    x1, x2 = pairs(x, cos, sin, layout)
    a, b, c, d = (rounded(product, dtype) for product in (x1 * cos, x2 * sin, x2 * cos, x1 * sin))
    return together(a - b, c + d, layout)


def in_float32(x: Array, cos: Array, sin: Array, **layout: str) -> Array:
    """The tables are float32, and so is what they are multiplied with."""
    return rotary_embedding.forward(*(t.astype(np.promote_types(t.dtype, np.float32)) for t in (x, cos, sin)), **layout)


def of_halves() -> Iterator[Report]:
    """Products and results in another precision."""
    small, right = at([[3.0, 3.0]], [[1.0078125]], [[1.0]], dtype="bfloat16"), sound("rotary_embedding", "forward")
    for seen, kind, function, given in (
        ("vllm-project/vllm#863", "products rounded", told_dtype(products_rounded), [[0.03125, 6.03125]]),
        ("huggingface/pytorch-image-models PR 2794", "float32 returned", in_float32, [[0.0234375, 6.0234375]]),
    ):
        wrong, due = refusing_as("rotary_embedding", "forward", function), [[0.0234375, 6.03125]]
        yield Report(kind, "rotary_embedding", "forward", wrong, right, small, due, given, dtypes=HALF, seen=seen)


def of_layouts() -> Iterator[Report]:
    """What is turned lies in memory otherwise than it is read."""
    x, cos, sin = [[1.0, 2.0], [3.0, 5.0]], [[1.0], [0.0]], [[0.0], [1.0]]
    for seen, kind, direction, tensors, layout, misread in (
        ("vllm-project/vllm PR 17091", "strides not packed", "forward", (x, cos, sin), slice_of_wider, packed),
        ("ROCm/apex PR 334", "stride 0", "backward", (x, x, cos, sin), one_row_repeated, zeros_where_repeated),
    ):
        right = sound("rotary_embedding", direction)

        def small(function: Function, read: Function = unchanged, of: Function = layout, t: Any = tensors) -> Any:
            return laid_out(0, of, read, function, *t)

        wrong = on_argument(0, misread, right)
        due, given = small(right), small(right, misread)
        yield Report(kind, "rotary_embedding", direction, wrong, right, small, due, given, seen=seen)


def overwritten() -> Report:
    """Results in the memory of the inputs."""

    def small(function: Function) -> Any:
        x = np.array([[1.0, 2.0]])
        function(x, np.array([[0.0]]), np.array([[1.0]]))
        return x

    right = sound("rotary_embedding", "forward")
    return Report("inputs overwritten", "rotary_embedding", "forward", in_place, right, small,
                  [[1, 2]], [[-2, 1]], seen="unslothai/unsloth#5001")  # fmt: skip


REPORTS: tuple[Report, ...] = (*(reported(*row) for row in of_rotary()), *of_halves(), *of_layouts(), overwritten())
