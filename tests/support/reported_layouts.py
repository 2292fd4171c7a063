"""Reported faults of how arguments lie in memory."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.mutations.wrong_calls import on_argument
from numpy.lib.stride_tricks import as_strided
from public_reports import CALLS, ROWS, Array, Function, Report, at, sound

Layout = Callable[[Array], Array]

# How arguments may lie in memory ---------------------------------------------------------------------------------


def slice_of_wider(tensor: Array) -> Array:
    """A tensor as columns of a wider one; of one row, as every other element of a longer one."""
    one_row = tensor.size == tensor.shape[-1]
    wide = np.zeros((*tensor.shape[:-1], 2 * tensor.shape[-1]), tensor.dtype)
    part = wide[..., ::2] if one_row else wide[..., : tensor.shape[-1]]
    part[...] = tensor
    return part


def one_row_repeated(tensor: Array) -> Array:
    """A tensor's first row in place of each, with a stride of 0; of one row, its first element."""
    axis = 0 if len(tensor) > 1 else tensor.ndim - 1
    return np.broadcast_to(np.array(tensor.take([0], axis)), tensor.shape)


def first_axis_fastest(tensor: Array) -> Array:
    """A tensor whose first axis runs fastest, the others as in C's order."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(tensor, 0, -1)), -1, 0)


def misaligned(tensor: Array) -> Array:
    """A tensor that begins at an odd address."""
    copy: Array = np.ndarray(tensor.shape, tensor.dtype, np.zeros(tensor.nbytes + 1, np.uint8), 1)
    copy[...] = tensor
    return copy


def byte_swapped(tensor: Array) -> Array:
    return tensor.astype(tensor.dtype.newbyteorder("S"))


# How they are misread --------------------------------------------------------------------------------------------


def packed(tensor: Array) -> Array:
    """Read one row right after the other, where rows lie in order but apart."""
    strides = [stride for stride, length in zip(tensor.strides, tensor.shape, strict=True) if length > 1]
    if not strides or strides != sorted(strides, reverse=True) or strides[-1] <= 0 or tensor.flags.f_contiguous:
        return tensor
    own = np.empty(tensor.shape, np.int8).strides
    return as_strided(tensor, strides=[stride * tensor.itemsize for stride in own])


def zeros_where_repeated(tensor: Array) -> Array:
    """Read the first of equal rows alone."""
    axes = [axis for axis, stride in enumerate(tensor.strides) if stride == 0 and tensor.shape[axis] > 1]
    if not axes or not tensor.size:
        return tensor
    read = np.zeros_like(tensor, subok=False)
    read[:1] = tensor[:1]
    if len(tensor) == 1:
        read[..., 1:] = 0
    return read


def as_fortran(tensor: Array) -> Array:
    """Take the first axis to be followed by the second, and so on, where it runs fastest."""
    if tensor.ndim < 3 or not tensor.size or tensor.strides[0] != tensor.itemsize or tensor.shape[0] == 1:
        return tensor
    return as_strided(tensor, strides=np.empty(tensor.shape, tensor.dtype, order="F").strides)


def from_aligned_address(tensor: Array) -> Array:
    """Read from the aligned address before a misaligned one."""
    if tensor.flags.aligned:
        return tensor
    whole = np.frombuffer(b"\0" + tensor.tobytes(), np.uint8)[: tensor.nbytes]
    return whole.view(tensor.dtype).reshape(tensor.shape)


def in_native_order(tensor: Array) -> Array:
    """Take bytes to be in the machine's order."""
    return tensor.view(tensor.dtype.newbyteorder("=")) if not tensor.dtype.isnative else tensor


BIASES = ("dense", "backward", 3)
"""An argument whose values no result depends on."""


def laid_out(position: int, layout: Layout, read: Layout, function: Function, *tensors: Any, **parameters: Any) -> Any:
    """The results, one after the other, of a call with one argument in a layout, of which it reads something else."""

    def of_laid_out(*arrays: Array, **kept: Any) -> Any:
        arrays = (*arrays[:position], read(layout(arrays[position])), *arrays[position + 1 :])
        results = function(*arrays, **kept)
        return np.concatenate([np.ravel(r) for r in results]) if isinstance(results, tuple) else results

    return at(*tensors, **parameters)(of_laid_out)


def unchanged(tensor: Array) -> Array:
    return tensor


def layouts() -> Iterator[Report]:
    """An argument in a layout that is taken for another one."""
    for kind, layout, misread in (
        ("strides not packed", slice_of_wider, packed),
        ("stride 0", one_row_repeated, zeros_where_repeated),
        ("misaligned", misaligned, from_aligned_address),
        ("byte-swapped", byte_swapped, in_native_order),
    ):
        for (op, direction), tensors in CALLS.items():
            right = sound(op, direction)
            parameters = {"reduction": "none"} if "entropy" in op else {}
            for position in range(len(tensors)):
                integers = all(isinstance(number, int) for number in tensors[position])
                if (op, direction, position) == BIASES or (integers and layout is not slice_of_wider):
                    continue

                def small(function: Function, p: int = position, of: Layout = layout, t: Any = tensors,
                          k: Any = parameters, read: Layout = unchanged) -> Any:  # fmt: skip
                    return laid_out(p, of, read, function, *t, **k)

                yield Report(
                    f"{kind}, argument {position}", op, direction, on_argument(position, misread, right), right,
                    small, due=small(right), given=small(right, read=misread),
                )  # fmt: skip


def permuted_axes() -> Iterator[Report]:
    """Three axes, of which the first runs fastest, taken for Fortran's order."""
    logits = np.arange(24.0).reshape(2, 3, 4) ** 2 / 100
    for direction in ("forward", "backward"):
        right, tensors = sound("softmax", direction), (logits,) * (1 if direction == "forward" else 2)

        def small(function: Function, t: Any = tensors, read: Layout = unchanged) -> Any:
            return laid_out(0, first_axis_fastest, read, function, *t)

        wrong = on_argument(0, as_fortran, right)
        due, given = small(right), small(right, read=as_fortran)
        yield Report("axes permuted", "softmax", direction, wrong, right, small, due, given)


def by_strides_of(other: int, position: int, function: Function) -> Function:
    """One argument is read with the strides of another of its shape."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        one, strides = tensors[position], tensors[other].strides
        if tensors[other].shape == one.shape and min(strides, default=0) > 0 and one.flags.c_contiguous:
            memory = np.zeros(max(one.nbytes, sum(s * n for s, n in zip(strides, one.shape, strict=True))), np.uint8)
            memory[: one.nbytes] = np.frombuffer(one.tobytes(), np.uint8)
            tensors = (*tensors[:position], np.ndarray(one.shape, one.dtype, memory, strides=strides),
                       *tensors[position + 1 :])  # fmt: skip
        return function(*tensors, **parameters)

    return call


def strides_of_another() -> Iterator[Report]:
    """The upstream is read with the strides of the inputs."""
    for op, other in (("relu", np.ones_like), ("softmax", np.zeros_like)):
        right = sound(op, "backward")
        wrong = by_strides_of(1, 0, right)

        def small(function: Function, of: Layout = other) -> Any:
            g = np.array(ROWS)
            return function(g, np.array(of(g), order="F"))

        due, given = small(right), right(np.array(ROWS).T, other(np.array(ROWS)))
        yield Report("strides of another argument", op, "backward", wrong, right, small, due, given)


REPORTS = tuple(chain(layouts(), permuted_axes(), strides_of_another()))
