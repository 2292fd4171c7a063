"""Sums, means and maxima that a loop over blocks of an axis gets wrong: the tail left out, the last block alone, an
element counted twice, the size of a block for that of the axis.

Rows of `fitted.OPEN`: the size of a block is open. In the text it is the second argument of functions of this module.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from .rows import Context, Replacement, attribute, called, from_numpy, method, name, number, replaced

Array = Any
SIZES = (*(2**k for k in range(10, 0, -1)),)
"""Of blocks, tiles and vectors: of several that fit, the largest is told."""
TILES = (2, 3, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""The same, from the smallest."""
ENDS: tuple[tuple[str, Callable[[int, Array, int], Array]], ...] = (
    ("only in the {word}s beyond the last whole tile of {tile}", lambda t, k, n: (k >= n - n % t) & (n > t)),
    ("only in the {word}s beyond the last whole tile of {tile}, if any", lambda t, k, n: k >= n - n % t),
    (
        "only in {word}s of a last tile of {tile} that overlaps with the one before",
        lambda t, k, n: (k >= n - t) & (k < n - n % t) & (n > t) & (n % t > 0),
    ),
    (
        "only in the {word}s after the last whole tile of {tile}, up to the last whole one of half that size",
        lambda t, k, n: (k >= n - n % t) & (k < n - n % (t // 2)),
    ),
)
"""Where elements lie whose block is no whole one: in words, and given a size, places, and how many there are."""
PLACES: Mapping[str, Callable[[int, int], Array]] = {
    "whole_blocks": lambda n, size: np.arange(n - n % size if n > size else n),
    "whole_blocks_alone": lambda n, size: np.arange(n - n % size),
    "first_block": lambda n, size: np.arange(min(n, size)),
    "last_block": lambda n, size: np.arange((n - 1) // size * size, n),
    "last_repeated": lambda n, size: np.minimum(np.arange(-(-n // size) * size), n - 1),
    "last_repeated_past_a_block": lambda n, size: np.minimum(np.arange(-(-n // size) * size if n > size else n), n - 1),
    "last_block_overlapping": lambda n, size: np.r_[0 : n - n % size, max(n - size, 0) : n if n % size else 0],
    "first_of_each_block_twice": lambda n, size: np.r_[0:n, size:n:size],
    "last_of_each_block_lost": lambda n, size: np.flatnonzero((np.arange(n) + 1) % size),
}
"""Which elements of an axis of length n are counted, given the size of a block."""
_LENGTHS: Mapping[str, Callable[[int, int], int]] = {
    "at_most": lambda n, size: min(n, int(size)),
    "padded": lambda n, size: int(-(-n // size) * size),
    "whole": lambda n, size: int(n - n % size) or n,
}
"""What is taken for a length n."""


def axes_of(x: Array, axis: Any) -> tuple[int, ...]:
    """The axes that a reduction is over, counted from the first."""
    return tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(np.asarray(axis, int)) % max(x.ndim, 1))


def flattened(x: Array, axis: Any) -> tuple[Array, tuple[int, ...]]:
    """A tensor with the axes that are reduced as its last one, and its other axes."""
    axes = axes_of(x, axis)
    kept = tuple(k for k in range(x.ndim) if k not in axes)
    return np.transpose(x, (*kept, *axes)).reshape(*(x.shape[k] for k in kept), -1), kept


def restored(reduced: Array, x: Array, kept: tuple[int, ...], keepdims: bool) -> Array:
    """What a flattened tensor was reduced to, with axes of length 1 for those of the tensor, if asked."""
    return reduced.reshape([n if k in kept else 1 for k, n in enumerate(x.shape)]) if keepdims else reduced


def _reduced(how: str, places: str, x: Array, size: float, *, axis: Any = None, keepdims: bool = False) -> Array:
    flat, kept = flattened(x, axis)
    n = flat.shape[-1]
    some = flat if not np.isfinite(size) or not n else flat[..., PLACES[places](n, int(size))]
    found = getattr(some, how)(axis=-1) if how != "mean" else some.sum(axis=-1) / n
    return restored(found, x, kept, keepdims)


def _mean_of_means(x: Array, size: float, *, axis: Any = None, keepdims: bool = False) -> Array:
    flat, kept = flattened(x, axis)
    n = flat.shape[-1]
    step = int(min(size, max(n, 1)))
    means = [flat[..., k : k + step].mean(axis=-1) for k in range(0, n, step)]
    found = sum(means) / len(means) if means else flat.mean(axis=-1)
    return restored(found, x, kept, keepdims)


def _mean_of(places: str, x: Array, size: float, **how: Any) -> Array:
    """The mean of some elements, and not of the others."""
    n = flattened(x, how["axis"])[0].shape[-1]
    counted = len(PLACES[places](n, int(size))) if np.isfinite(size) and n else n
    return _reduced("sum", places, x, size, **how) / max(counted, 1)


def _mean_by_length(length: str, x: Array, size: float, *, axis: Any = None, keepdims: bool = False) -> Array:
    n = flattened(x, axis)[0].shape[-1]
    return x.sum(axis=axis, keepdims=keepdims) / _length(length, n, size)


def _length(length: str, n: int, size: float) -> int:
    return _LENGTHS[length](n, int(size)) if np.isfinite(size) and n else n


def _product(places: str, a: Array, size: float, b: Array) -> Array:
    n = a.shape[-1]
    if not np.isfinite(size) or a.ndim < 2 or b.ndim < 2 or not n:
        return a @ b
    some = PLACES[places](n, int(size))
    return a[..., some] @ b[..., some, :]


def _exponentials(x: Array, size: float, *, axis: int, keepdims: bool) -> Array:
    """The sum of exponentials less the maximum so far, found block by block: former sums are not rescaled."""
    step = int(min(size, max(x.shape[axis], 1)))
    ends = np.minimum((np.arange(x.shape[axis]) // step + 1) * step, x.shape[axis]) - 1
    so_far = np.take(np.maximum.accumulate(x, axis=axis), ends, axis=axis)
    return np.exp(x - so_far).sum(axis=axis, keepdims=keepdims)


def padded(x: Array, size: float, *, axis: int = -1) -> Array:
    """With zeros at the end of an axis, up to a multiple of a size, or for 0 to a power of two."""
    n = x.shape[axis] if x.ndim and np.isfinite(size) else 0
    more = (-n % int(size) if size else 2 ** max(n - 1, 0).bit_length() - n) if n else 0
    widths = np.zeros((x.ndim, 2), int)
    widths[axis if x.ndim else (), 1] = more
    return np.pad(x, widths) if more else x


NAMED: Mapping[str, Callable[..., Any]] = {
    **{f"{how}_over_{p}": partial(_reduced, how, p) for how in ("sum", "mean", "max") for p in PLACES},
    **{f"product_over_{p}": partial(_product, p) for p in PLACES},
    **{f"mean_by_{length}_length": partial(_mean_by_length, length) for length in _LENGTHS},
    **{f"{length}_length": partial(_length, length) for length in _LENGTHS},
    "mean_of_means_of_blocks": _mean_of_means,
    **{f"mean_of_{places}": partial(_mean_of, places) for places in ("first_block", "whole_blocks")},
    "exponentials_not_rescaled_after_blocks": _exponentials,
    "padded_with_0": padded,
}
"""What the texts name."""


def open_blocks(node: ast.Call | ast.BinOp, context: Context) -> Iterator[Replacement]:
    """A reduction, a product of matrices, or a length; the size of a block is open."""
    size = called(name("fitted"), number(float("inf")))
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            for places in PLACES:
                yield (
                    f"product_over_{places}_blocks",
                    called(name(f"product_over_{places}"), node.left, size, node.right),
                )
        if isinstance(node.op, ast.Div) and _is_length(node.right, context):
            for length in _LENGTHS:
                yield "blocks", ast.BinOp(node.left, node.op, called(name(f"{length}_length"), node.right, size))
        return
    if isinstance(node.func, ast.Name) and node.func.id == "mean" and len(node.args) == 2:
        keywords = [ast.keyword("axis", node.args[1]), ast.keyword("keepdims", ast.Constant(True))]
        for said in ("mean_over_whole_blocks", "mean_by_whole_length"):
            yield f"{said}_blocks", ast.Call(name(said), [node.args[0], size], keywords)
        return
    if (found := method(node)) is None or found[1] not in ("sum", "mean", "max") or from_numpy(node):
        return
    value, how = found
    others = [f"mean_by_{length}_length" for length in _LENGTHS]
    others += ["mean_of_means_of_blocks", "mean_of_first_block", "mean_of_whole_blocks"]
    for said in [*(f"{how}_over_{places}" for places in PLACES), *(others if how == "mean" else ())]:
        yield f"{said}_blocks", ast.Call(name(said), [value, size], node.keywords)
    if how == "max":
        start = called(name("fitted"), number(float("-inf")))
        yield "start", ast.Call(attribute(name("np"), "maximum"), [node, start], [])


def open_exponentials(node: ast.Call, context: Context) -> Iterator[Replacement]:  # noqa: ARG001 (as every row)
    """A sum of exponentials of differences from a maximum: block by block, or with padding that counts."""
    size = called(name("fitted"), number(float("inf")))
    match node.func:
        case ast.Attribute(value=ast.Call(args=[ast.BinOp(left=x, op=ast.Sub(), right=largest)]) as inner, attr="sum"):
            if from_numpy(inner) == "exp":
                yield "blocks", ast.Call(name("exponentials_not_rescaled_after_blocks"), [x, size], node.keywords)
                axis = [keyword for keyword in node.keywords if keyword.arg == "axis"]
                shifted = ast.BinOp(ast.Call(name("padded_with_0"), [x, size], axis), ast.Sub(), largest)
                yield "padding", replaced(node, func=attribute(replaced(inner, args=[shifted]), "sum"))


def _is_length(node: ast.expr, context: Context) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="len")) | ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
        case ast.Name(id=text):
            return text in context.scalars and text not in context.parameters
    return False
