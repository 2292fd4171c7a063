"""Results whose numbers are right, or nearly so, but in other places, in another shape, or added up."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

Array = np.ndarray
Change = Callable[[Array], Array | None]
"""What becomes of a right result; None where it makes no difference."""

VANISHING = 1e-3
"""A sum so small next to its terms is as good as 0, which other faults give too."""
_BY_ROW, _BY_COLUMN = "look at what each row is stored by.", "look at what each column is stored by."
_KEEP = "keep the shape that is due."


def _of_axes(change: Change, due: Array) -> Array | None:
    return change(due) if due.ndim else None


def _square(due: Array) -> Array | None:
    return due.swapaxes(-1, -2) if due.ndim > 1 and due.shape[-1] == due.shape[-2] else None


def _reshaped(due: Array) -> Array | None:
    return due.swapaxes(-1, -2).reshape(due.shape) if due.ndim > 1 else None


def _too_far(axis: int, reduce: Callable[..., Array], kept: bool, due: Array) -> Array | None:
    return reduce(due, axis=axis, keepdims=kept) if due.ndim > axis else None


def _reduced(axis: int | None, reduce: Callable[..., Array], due: Array) -> Array | None:
    if not due.size or due.ndim < (1 if axis is None else -axis) or (axis is not None and due.shape[axis] < 2):
        return None
    reduced = reduce(due, axis=axis, keepdims=True)
    if np.max(np.abs(reduced)) < VANISHING * np.max(np.abs(due)):
        return None
    return np.broadcast_to(reduced, due.shape)


def _moved() -> Iterator[tuple[str, str, str, Change]]:
    moves: tuple[tuple[str, str, str, Change], ...] = (
        ("a wrong shape", "transposed", "transpose the result, or exchange the factors.", np.transpose),
        ("reordered", "transposed where it is square", "transpose it, or exchange the factors.", _square),
        ("reordered", "reshaped where it is to be transposed", "transpose, do not reshape.", _reshaped),
        ("reordered", "its rows in the opposite order", _BY_ROW, lambda x: x[::-1]),
        ("reordered", "its columns in the opposite order", _BY_COLUMN, lambda x: x[..., ::-1]),
        ("reordered", "its rows moved by 1", _BY_ROW, lambda x: np.roll(x, 1, 0)),
        ("reordered", "its rows moved by -1", _BY_ROW, lambda x: np.roll(x, -1, 0)),
        ("reordered", "its columns moved by 1", _BY_COLUMN, lambda x: np.roll(x, 1, -1)),
        ("reordered", "its columns moved by -1", _BY_COLUMN, lambda x: np.roll(x, -1, -1)),
        ("a wrong shape", "its axes of length 1 lost", "keep the shape: keepdims=True, and no squeeze.", np.squeeze),
        ("a wrong shape", "with one axis", _KEEP, np.ravel),
        ("a wrong shape", "with an axis of length 1 in front", _KEEP, lambda x: x[None]),
        ("a wrong shape", "with two axes of length 1 in front", _KEEP, lambda x: x[None, None]),
        ("cut to integers", "their fractions cut off", "keep the dtype: integers take no fraction.", np.trunc),
    )
    for kind, words, cure, change in moves:
        yield kind, f"the right values, {words}", cure, partial(_of_axes, change)


def _added_up() -> Iterator[tuple[str, str, str, Change]]:
    for how, reduce in (("sum", np.sum), ("mean", np.mean)):
        for axis in (0, 1):
            for kept in (False, True):
                words = f"{{it}}.{how}(axis={axis}{', keepdims=True' if kept else ''}) where {{it}} is due"
                yield "a wrong shape", words, f"leave out the {how}.", partial(_too_far, axis, reduce, kept)
        for place in (-1, -2, -3, None):
            words = f"the {how} of what is due over {'all axes' if place is None else f'axis {place}'}, in every place"
            cure = "leave that axis alone, and mind what broadcasts."
            yield "reduced too far", words, cure, partial(_reduced, place, reduce)


_ZERO: tuple[str, str, str, Change] = (
    "left at zero",
    "0 where {it} is due",
    "fill the result that is returned.",
    partial(_of_axes, np.zeros_like),
)
_FURTHER: tuple[tuple[str, str, str, Change], ...] = tuple(
    ("another function", f"np.{of.__name__}({{it}}) where {{it}} is due", f"leave out the np.{of.__name__}.", of)
    for of in (np.sqrt, np.square, np.exp, np.log)
)
REARRANGED: tuple[tuple[str, str, str, Change], ...] = (_ZERO, *_moved(), *_added_up(), *_FURTHER)
"""What sort of thing is wrong, what it looks like with {it} for the result's name, a cure, and the change."""
