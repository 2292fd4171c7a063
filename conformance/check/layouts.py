"""The same values in other layouts of memory."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from ..implementation.arrays import Arrays
from .guards import patterned
from .values import bits_equal
from .verdict import MissReason

_WIDER = 3
"""Columns that a wider array has beside the slice, and rows that a taller one has; two more with each argument."""


def laid_out(layout: MissReason, arrays: Arrays) -> Arrays | None:
    """Copies of arrays in a layout, contiguous where it makes no difference; None where it makes none for any."""
    make = LAYOUTS[layout]
    if layout in SLICES:  # arguments of one shape have strides of their own
        made = [make(array, position) for position, array in enumerate(arrays)]
    else:
        made = [make(array) for array in arrays]
    if all(array is None for array in made):
        return None
    return [np.array(own) if other is None else other for own, other in zip(arrays, made, strict=True)]


def repeated(array: np.ndarray, axis: int) -> np.ndarray:
    """The first element along an axis for all of them, with a stride of 0."""
    return np.broadcast_to(np.array(array[(slice(None),) * axis + (slice(1),)]), array.shape)


def _read_only(array: np.ndarray) -> np.ndarray:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def _fortran_ordered(array: np.ndarray) -> np.ndarray | None:
    has_order = array.size > 0 and sum(length > 1 for length in array.shape) > 1
    return np.array(array, order="F") if has_order else None


def _axes_permuted(array: np.ndarray) -> np.ndarray | None:
    """In memory the first axis runs fastest, and the others as in C's order."""
    if array.ndim < 3:
        return None
    made = np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0)
    return None if made.flags.c_contiguous or made.flags.f_contiguous else made


def _sliced(array: np.ndarray, position: int) -> np.ndarray | None:
    """Columns of an array that has some more; not every element where there is one row."""
    if array.size < 2:
        return None
    if array.size == array.shape[-1]:
        return _part(array, -1, slice(None, None, 2 + position))
    return _part(array, -1, slice(array.shape[-1]), _WIDER + 2 * position)


def _inner_strided(array: np.ndarray, position: int) -> np.ndarray | None:
    """Not every column of an array that has several times as many, from the second one on."""
    return None if array.size < 2 else _part(array, -1, slice(1, None, 2 + position), 1)


def _rows_sliced(array: np.ndarray, position: int) -> np.ndarray | None:
    """The first rows of each matrix in a stack of matrices that have some more."""
    if array.ndim < 3 or array.size < 2:
        return None
    return _part(array, -2, slice(array.shape[-2]), _WIDER + 2 * position)


def _part(array: np.ndarray, axis: int, part: slice, more: int = 0) -> np.ndarray:
    """A copy that is a part, along an axis counted from the last, of an array that has the step times as many elements
    along it, and some more."""
    shape = list(array.shape)
    shape[axis] = shape[axis] * (part.step or 1) + more
    whole = patterned(prod(shape) * array.itemsize).view(array.dtype).reshape(shape)
    places: tuple[Any, ...] = (..., part, *(slice(None),) * (-1 - axis))
    made: np.ndarray = whole[places]
    made[...] = array
    return made


def _broadcast(array: np.ndarray) -> np.ndarray | None:
    """With a stride of 0 along the first axis along which all of it is the same."""
    for axis, length in enumerate(array.shape):
        if length > 1 and array.size:
            before: tuple[Any, ...] = (slice(None),) * axis
            if array[(*before, 0)].tobytes() != array[(*before, 1)].tobytes():
                continue
            made = repeated(array, axis)
            if bits_equal(made, array):
                return made
    return None


def _byte_swapped(array: np.ndarray) -> np.ndarray | None:
    """None for bfloat16, which has one byte order."""
    return array.astype(array.dtype.newbyteorder("S")) if array.dtype.kind in "fiu" and array.size else None


def _misaligned(array: np.ndarray) -> np.ndarray | None:
    if not array.size:
        return None
    copy: np.ndarray = np.ndarray(array.shape, array.dtype, patterned(array.nbytes + 1), 1)
    copy[...] = array
    return copy


def _negatively_strided(array: np.ndarray) -> np.ndarray | None:
    """Along every axis."""
    if array.size < 2:
        return None
    backwards = (slice(None, None, -1),) * array.ndim
    return np.array(array[backwards])[backwards]


LAYOUTS: Mapping[MissReason, Callable[..., np.ndarray | None]] = {
    MissReason.READ_ONLY: _read_only,
    MissReason.FORTRAN_ORDERED: _fortran_ordered,
    MissReason.SLICED: _sliced,
    MissReason.INNER_STRIDED: _inner_strided,
    MissReason.ROWS_SLICED: _rows_sliced,
    MissReason.AXES_PERMUTED: _axes_permuted,
    MissReason.BROADCAST: _broadcast,
    MissReason.BYTE_SWAPPED: _byte_swapped,
    MissReason.MISALIGNED: _misaligned,
    MissReason.NEGATIVELY_STRIDED: _negatively_strided,
}
"""For each layout the function that makes it, of slices from an argument and its position; None where it would be no
different, or has no meaning."""
SLICES = frozenset({MissReason.SLICED, MissReason.INNER_STRIDED, MissReason.ROWS_SLICED})
"""Those that are parts of larger arrays."""


def whole_memory(arrays: Arrays) -> Iterator[bytes]:
    """The memory of slices, what lies between their elements included."""
    return (np.asarray(array if array.base is None else array.base).tobytes() for array in arrays)
