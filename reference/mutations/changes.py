"""Ways in which a tensor goes wrong on its way in, on its way out, or between two steps of a formula.

A change takes a tensor and gives one of the same shape, unless losing the shape is what it is about. Those of values
use no more of NumPy than the exact arithmetics of `reference.arithmetic` know, so that what they do can be proven.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype

Array = Any


@dataclass(frozen=True)
class Change:
    """A way in which a tensor goes wrong."""

    says: str
    """What is wrong, with {it} for the tensor's name."""
    function: Callable[..., Array]
    """Takes the tensor, and a keyword `memory`, a dict that outlives the call, where `remembers`."""
    exact: bool = True
    """Whether it is one of values, which the exact arithmetics can show."""
    remembers: bool = False
    raw: bool = False
    """Whether it is about dtype, layout or memory: it is made on the caller's own tensors, not on widened ones."""
    cure: str = ""
    """What to do, where that is more than to leave the tensor as it is."""


# Values


def disturbed(x: Any) -> Any:
    """Other values, of the same shape and dtype. Raises TypeError for what are no floats."""
    if isinstance(x, tuple):
        return tuple(map(disturbed, x))
    x = np.asarray(x)
    if x.dtype.kind not in "fV":
        raise TypeError(f"no noise in {x.dtype}")
    return (x + (1 + np.abs(x)) * np.cos(np.arange(x.size)).reshape(x.shape)).astype(x.dtype)


def _mask(x: Array, axis: int, kept: slice) -> np.ndarray:
    """Where a tensor's indices along an axis lie in a slice."""
    inside = np.zeros(x.shape[axis], bool)
    inside[kept] = True
    shape = [1] * x.ndim
    shape[axis] = len(inside)
    return np.broadcast_to(inside.reshape(shape), x.shape)


def zero_beyond(x: Array, axis: int, end: Callable[[int], int], start: int = 0) -> Array:
    """Zeros outside [start, end(length)) of an axis."""
    return x if x.ndim == 0 else np.where(_mask(x, axis, slice(start, end(x.shape[axis]))), x, 0)


def whole_tiles(tile: int) -> Callable[[int], int]:
    """How much of a length whole tiles cover; all of it where there is not one whole tile."""
    return lambda length: length - length % tile if length > tile else length


def all_but_last(length: int) -> int:
    """How much of a length a loop that ends one too early covers; a length of 1 is right."""
    return max(1, length - 1)


def at_most(most: int) -> Callable[[int], int]:
    """How much of a length one block covers."""
    return lambda length: min(length, most)


def first_row_for_all(x: Array) -> Array:
    """The first row, in place of every row."""
    return x if x.ndim == 0 or not len(x) else np.broadcast_to(x[:1], x.shape)


def averaged(x: Array) -> Array:
    """The mean of the rows, in place of every row."""
    return x if x.ndim == 0 or not len(x) else np.broadcast_to(x.sum(axis=0, keepdims=True) / len(x), x.shape)


def only_row(x: Array, last: bool = False) -> Array:
    """Zeros in all rows but the first or the last."""
    if x.ndim == 0:
        return x
    return zero_beyond(x, 0, at_most(len(x) if last else 1), len(x) - 1 if last else 0)


def transposed_where_square(x: Array) -> Array:
    """A square matrix transposed."""
    return x.T if x.ndim == 2 and x.shape[0] == x.shape[1] else x


def reshaped_for_transposed(x: Array) -> Array:
    """The transpose's memory in the shape that is due."""
    return x.T.reshape(x.shape) if x.ndim == 2 else x


def loaded_by_reshape(x: Array) -> Array:
    """The tensor's own memory, read in the transpose's shape and transposed."""
    return x.reshape(x.shape[::-1]).T if x.ndim == 2 else x


def over_rows(x: Array) -> Array:
    """Divided by the number of rows."""
    return x / max(len(x), 1) if x.ndim else x


def squeezed(x: Array) -> Array:
    """Axes of length 1 lost."""
    return x.reshape(tuple(size for size in x.shape if size != 1))


def skipped_for_one_row(x: Array) -> Array:
    """Zeros where there is one row."""
    return x * 0 if x.ndim and len(x) == 1 else x


def truncated(x: Array) -> Array:
    """Cut to integers."""
    return np.trunc(x)


def clipped(x: Array, most: float) -> Array:
    """Moved into [-most, most]."""
    return np.maximum(np.minimum(x, most), -most)


def norm_clipped(x: Array) -> Array:
    """Scaled down to a norm of 1 where that is exceeded."""
    norm = np.sqrt((x.astype(np.float64) ** 2).sum())
    return x / norm if norm > 1 else x


def small_dropped(x: Array, least: float) -> Array:
    """0 where the magnitude is small."""
    return np.where((x < least) & (x > -least), 0, x)


# Precision


def lowered(tensor: Array, lower: str, of: str | None = None) -> Array:
    """Round a tensor (of dtype `of` alone, where given) to a lower precision and return to its own dtype."""
    if getattr(tensor, "dtype", None) is None or (of is not None and tensor.dtype != of):
        return tensor
    return tensor.astype(numpy_dtype(lower)).astype(tensor.dtype)


def significand(tensor: Array, bits: int) -> Array:
    """Round to so many significant bits and keep the dtype."""
    fraction, exponent = np.frexp(tensor)
    return np.ldexp(np.round(fraction * 2.0**bits).astype(tensor.dtype), exponent - bits)


def in_tf32(tensor: Array) -> Array:
    """Round a float32 tensor to the 11 significant bits of TF32."""
    return significand(tensor, 11) if tensor.dtype == np.float32 else tensor


def cut_to_tf32(tensor: Array) -> Array:
    """Cut a float32 tensor to the 11 significant bits of TF32, without rounding."""
    if tensor.dtype != np.float32:
        return tensor
    return (tensor.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)


def away_to_tf32(tensor: Array) -> Array:
    """Round a float32 tensor to the 11 significant bits of TF32, halves away from 0, as the conversion of GPUs does."""
    if tensor.dtype != np.float32:
        return tensor
    return ((tensor.view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def decimals(tensor: Array, places: int) -> Array:
    """Round to decimals."""
    return np.round(tensor, places)


# Layout, memory and state


def memory_order(tensor: Array) -> Array:
    """Read a tensor's memory from its start as if it were C-contiguous; zeros stand for what lies beyond its end."""
    there = tensor[tuple(slice(None, 1) if stride == 0 else slice(None) for stride in tensor.strides)]
    read = np.zeros(tensor.shape, tensor.dtype)
    read.flat[: there.size] = there.ravel(order="K")
    return read


def broadcast_in_memory_order(tensor: Array) -> Array:
    """The same where a stride is 0; other layouts are seen to."""
    return memory_order(tensor) if 0 in tensor.strides and tensor.size > 1 else tensor


def as_if_packed(tensor: Array) -> Array:
    """Read a slice of a wider array from its start as if nothing lay between its elements."""
    if tensor.flags.forc or min(tensor.strides) <= 0:
        return tensor
    packed = np.empty(tensor.shape, tensor.dtype).strides
    return np.lib.stride_tricks.as_strided(tensor, tensor.shape, packed)


def in_own_byte_order(tensor: Array) -> Array:
    """Read the bytes of a tensor in the machine's order, whatever its own."""
    return tensor.view(tensor.dtype.newbyteorder("="))


def at_aligned_address(tensor: Array) -> Array:
    """Read a misaligned tensor from one byte before its start."""
    if tensor.flags.aligned:
        return tensor
    moved = bytes(1) + tensor.tobytes()[:-1]
    return np.frombuffer(moved, tensor.dtype).reshape(tensor.shape)


def address(tensor: Array) -> int:
    """Where a tensor's memory begins."""
    place: int = tensor.__array_interface__["data"][0]
    return place


def first_at_its_address(tensor: Array, *, memory: dict[Any, Any]) -> Array:
    """What this memory held when it was first handed in."""
    key = address(tensor), tensor.shape, tensor.strides, tensor.dtype
    values, _ = memory.setdefault(key, (np.array(tensor), tensor))  # holds the tensor: its address is not given again
    return values


def first_of_its_shape(tensor: Array, *, memory: dict[Any, Any]) -> Array:
    """What was kept from the first call of this shape: a cache that nobody clears."""
    return memory.setdefault(np.shape(tensor), np.array(tensor))


def of_call_before(tensor: Array, *, memory: dict[Any, Any]) -> Array:
    """What came in the call before, if it was of the same shape."""
    before: Array = memory.get("", tensor)
    memory[""] = np.array(tensor)
    return before if before.shape == tensor.shape else tensor


def added_up(tensor: Array, *, memory: dict[Any, Any]) -> Array:
    """The sum with those of the calls of the same shape before."""
    key = np.shape(tensor)
    memory[key] = memory.get(key, 0) + tensor
    return memory[key].copy()


def shared_buffer(tensor: Array, *, memory: dict[Any, Any]) -> Array:
    """Memory that the next call of the same shape fills again."""
    buffer = memory.setdefault((tensor.shape, tensor.dtype), np.empty_like(tensor))
    buffer[...] = tensor
    return buffer


def ring_of_buffers(tensor: Array, *, memory: dict[Any, Any], length: int = 48) -> Array:
    """Memory that is filled again after so many calls of the same shape."""
    buffers = memory.setdefault((tensor.shape, tensor.dtype), [])
    buffers.append(np.empty_like(tensor) if len(buffers) < length else buffers.pop(0))
    buffers[-1][...] = tensor
    return buffers[-1]


def _as(dtype: str) -> Callable[[Array], Array]:
    return lambda tensor: tensor.astype(numpy_dtype(dtype))


KEEP_DTYPE = "keep the dtype of the arguments: look for what widens or narrows it on the way."
EACH_CALL = "allocate it in each call, and keep nothing between calls."
BY_STRIDES = "honour strides, or make the argument contiguous first: np.ascontiguousarray."

NON_FINITE = {
    "nan_to_zero": Change("NaN in {it} becomes 0.", lambda x: np.where(x != x, 0, x)),
    "non_finite_swallowed": Change(
        "NaN in {it} becomes 0, an infinity the largest number.", np.nan_to_num, exact=False
    ),
}
ROUNDED = {
    "rounded_to_float32": Change(
        "{it} of float64 is rounded to float32.", partial(lowered, lower="float32", of="float64"), False
    ),
    "rounded_to_float16": Change(
        "{it} of float32 is rounded to float16.", partial(lowered, lower="float16", of="float32"), False
    ),
    "rounded_to_bfloat16": Change(
        "{it} of float32 is rounded to bfloat16.", partial(lowered, lower="bfloat16", of="float32"), False
    ),
    "rounded_to_tf32": Change("{it} of float32 is rounded to the 11 bits of TF32.", in_tf32, False),
    "cut_to_tf32": Change("{it} of float32 is cut to the 11 bits of TF32.", cut_to_tf32, False),
    "rounded_to_8_decimals": Change("{it} is rounded to eight decimals.", partial(decimals, places=8), False),
    "truncated": Change("{it} is cut to integers.", truncated, False),
}
SHAPED = {
    "transposed_where_square": Change("{it}, where square, is transposed.", transposed_where_square),
    "reshaped_for_transposed": Change("{it} has the memory of its transpose.", reshaped_for_transposed),
}
TILES = {
    f"{'rows' if axis == 0 else 'columns'}_beyond_tiles_of_{tile}": Change(
        f"{{it}} is 0 beyond the last whole tile of {tile} along its {'first' if axis == 0 else 'last'} axis.",
        partial(zero_beyond, axis=axis, end=whole_tiles(tile)),
    )
    for axis in (0, -1)
    for tile in (4, 8, 16, 32)
}
BLOCKS = {
    f"{'rows' if axis == 0 else 'columns'}_beyond_{most}": Change(
        f"{{it}} is 0 beyond {most} along its {'first' if axis == 0 else 'last'} axis.",
        partial(zero_beyond, axis=axis, end=at_most(most)),
    )
    for axis in (0, -1)
    for most in (32, 128)
}
ROWS_LOST = {
    "last_row_left_out": Change(
        "{it} is 0 in the last of several rows.", partial(zero_beyond, axis=0, end=all_but_last)
    ),
    "last_column_left_out": Change(
        "{it} is 0 in the last of several columns.", partial(zero_beyond, axis=-1, end=all_but_last)
    ),
    "of_first_row": Change("{it} is the first row's for all rows.", first_row_for_all),
    "first_row_alone": Change("{it} is 0 in all rows but the first.", only_row),
    "last_row_alone": Change("{it} is 0 in all rows but the last.", partial(only_row, last=True)),
    "zero_for_one_row": Change("{it} is 0 where it has one row.", skipped_for_one_row),
}
SCALED = {
    "doubled": Change("{it} is twice what is due.", lambda x: x * 2),
    "negated": Change("{it} has the other sign.", lambda x: -x),
    "zero": Change("{it} is 0.", lambda x: x * 0),
    "over_rows": Change("{it} is divided by its number of rows.", over_rows),
    "absolute": Change("{it} has lost its sign.", abs),
}
LIMITED = {
    "clipped_at_1": Change("{it} is clipped to [-1, 1].", partial(clipped, most=1)),
    "clipped_at_5": Change("{it} is clipped to [-5, 5].", partial(clipped, most=5)),
    "clipped_at_6": Change("{it} is clipped to [-6, 6].", partial(clipped, most=6)),
    "norm_clipped": Change("{it} is scaled down where its norm is over 1.", norm_clipped, False),
    "small_dropped": Change("{it} is 0 where its magnitude is under 1e-6.", partial(small_dropped, least=1e-6)),
}
STATE = {
    "of_first_call": Change(
        "{it} is that of the first call of its shape.", first_of_its_shape, False, remembers=True, cure=EACH_CALL
    ),
    "of_call_before": Change(
        "{it} is that of the call before, where that had the same shape.",
        of_call_before,
        False,
        remembers=True,
        cure=EACH_CALL,
    ),
}
LAYOUT = {
    "in_memory_order": Change("{it} is read as if it were contiguous.", memory_order, False, raw=True, cure=BY_STRIDES),
    "broadcast_in_memory_order": Change(
        "{it} with a stride of 0 is read as if it were contiguous; other layouts are seen to.",
        broadcast_in_memory_order,
        False,
        raw=True,
        cure=BY_STRIDES,
    ),
    "slice_as_if_packed": Change(
        "{it}, a slice of a wider array, is read as if it were contiguous; other layouts are seen to.",
        as_if_packed,
        False,
        raw=True,
        cure=BY_STRIDES,
    ),
    "byte_order_ignored": Change("{it} is read in the machine's byte order.", in_own_byte_order, False, raw=True),
    "alignment_ignored": Change(
        "{it}, where misaligned, is read from an address before it.", at_aligned_address, False, raw=True
    ),
    "of_first_contents": Change(
        "{it} is what the same memory held first.", first_at_its_address, False, remembers=True, raw=True
    ),
}
RESULT_ALONE = {
    "adds_up": Change("{it} has those of earlier calls in it.", added_up, False, remembers=True, cure=EACH_CALL),
    "in_shared_buffer": Change(
        "{it} lies in a buffer that the next call overwrites.",
        shared_buffer,
        False,
        remembers=True,
        raw=True,
        cure=EACH_CALL,
    ),
    "in_ring_of_buffers": Change(
        "{it} lies in one of 48 buffers, which are filled again in turn.",
        ring_of_buffers,
        False,
        remembers=True,
        raw=True,
        cure=EACH_CALL,
    ),
    "in_float64": Change("{it} is float64, whatever came in.", _as("float64"), False, raw=True, cure=KEEP_DTYPE),
    "in_float32": Change("{it} is float32, whatever came in.", _as("float32"), False, raw=True, cure=KEEP_DTYPE),
    "squeezed": Change("{it} loses its axes of length 1.", squeezed, cure="keepdims=True in sums, and no squeeze."),
    "at_least_a_matrix": Change("{it} of rank 1 comes back with rank 2.", np.atleast_2d),
    "in_integers": Change("{it} is of an integer dtype.", _as("int64"), False, raw=True, cure=KEEP_DTYPE),
    "flattened": Change("{it} comes back with one axis.", lambda x: x.reshape(-1)),
}
ARGUMENT_ALONE = {
    "loaded_by_reshape": Change("The memory of {it} is read as that of its transpose.", loaded_by_reshape),
    "doubled": Change("{it} is doubled.", lambda x: x * 2),
    "zero": Change("{it} is left out.", lambda x: x * 0),
    "taken_as_1": Change("{it} is taken as 1.", np.ones_like),
}
UPSTREAM_ALONE = {
    "averaged": Change("{it} is the mean of its rows for all rows.", averaged),
}
OF_ARGUMENTS: dict[str, Change] = ROUNDED | SHAPED | ROWS_LOST | TILES | NON_FINITE | STATE | LAYOUT | ARGUMENT_ALONE
OF_UPSTREAM: dict[str, Change] = OF_ARGUMENTS | UPSTREAM_ALONE | SCALED
OF_RESULTS: Mapping[str, Change] = (
    {name: change for name, change in ROUNDED.items() if "tf32" not in name}
    | SHAPED
    | ROWS_LOST
    | TILES
    | BLOCKS
    | NON_FINITE
    | SCALED
    | LIMITED
    | STATE
    | RESULT_ALONE
)
INTERMEDIATE: Mapping[str, Change] = {
    name: {**ROUNDED, **ROWS_LOST, **SHAPED, **TILES, **BLOCKS, **STATE}[name]
    for name in (
        "rounded_to_float32",
        "rounded_to_float16",
        "rounded_to_bfloat16",
        "of_first_row",
        "of_first_call",
        "first_row_alone",
        "last_row_alone",
        "last_row_left_out",
        "transposed_where_square",
        "columns_beyond_tiles_of_8",
        "rows_beyond_tiles_of_8",
        "rows_beyond_32",
    )
}
ROW_CHANGES = frozenset([*ROWS_LOST.values(), SCALED["over_rows"]])
"""Those along the batch."""
