"""Slips of the hand that wrong implementations of several operations share."""

from collections.abc import Hashable
from functools import wraps
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ..model.formulations import Function

Array = Any


def operands_in(lower: str, function: Function, *, of: str) -> Function:
    """Round tensors of dtype `of` to `lower` before the function sees them, as mixed precision does."""

    @wraps(function)
    def call(*tensors: Array, **parameters: Any) -> Any:
        return function(*(lowered(t, lower) if t.dtype == of else t for t in tensors), **parameters)

    return call


def computed_in(lower: str, function: Function, *, of: str) -> Function:
    """Run in dtype `lower` where tensors are of dtype `of`; the results keep that dtype."""

    @wraps(function)
    def call(*tensors: Array, **parameters: Any) -> Any:
        if all(t.dtype != of for t in tensors):
            return function(*tensors, **parameters)
        narrow = (t.astype(numpy_dtype(lower)) if t.dtype == of else t for t in tensors)
        results = function(*narrow, **parameters)
        if isinstance(results, tuple):
            return tuple(np.asarray(result, numpy_dtype(lower)) for result in results)
        return np.asarray(results, numpy_dtype(lower))

    return call


def lowered(tensor: Array, lower: str) -> Array:
    """Round to a lower precision and return to the tensor's own dtype."""
    return tensor.astype(numpy_dtype(lower)).astype(tensor.dtype)


def significand(tensor: Array, bits: int) -> Array:
    """Round to so many significant bits and keep the dtype."""
    fraction, exponent = np.frexp(tensor)
    return np.ldexp(np.round(fraction * 2.0**bits).astype(tensor.dtype), exponent - bits)


def memory_order(tensor: Array) -> Array:
    """Read a tensor's memory from its start as if it were C-contiguous; zeros stand for what lies beyond its end."""
    there = tensor[tuple(slice(None, 1) if stride == 0 else slice(None) for stride in tensor.strides)]
    read = np.zeros(tensor.shape, tensor.dtype)
    read.flat[: there.size] = there.ravel(order="K")
    return read


def partial_tile(length: int, tile: int) -> slice:
    """Give what is beyond the last whole tile; nothing where there is no whole tile."""
    return slice(length - length % tile if length > tile else length, None)


def shared_buffer(memory: dict[Any, Any], key: Hashable, result: Array) -> Array:
    """Hand out a result in memory that the next call of the same shape fills again."""
    buffer = memory.setdefault((key, result.shape, result.dtype), np.empty_like(result))
    buffer[...] = result
    return buffer


def added_up(memory: dict[Any, Any], key: Hashable, result: Array) -> Array:
    """Add a result to those of the calls of the same shape before."""
    key = key, np.shape(result)
    memory[key] = memory.get(key, 0) + result
    return memory[key].copy()


def first_of_its_shape(memory: dict[Any, Any], key: Hashable, value: Array) -> Array:
    """Give what was kept from the first call of this shape: a cache that nobody clears."""
    return memory.setdefault((key, np.shape(value)), np.array(value))


def exp_of_bits(x: Array) -> Array:
    """The exponential by a line through the bits of a float (Schraudolph 1999): right to 3 %."""
    return np.ldexp(1 + np.mod(x / np.log(2), 1) - 0.043, np.floor(x / np.log(2)).astype(np.int64)).astype(x.dtype)


def exp_of_limit(x: Array) -> Array:
    """The exponential as (1 + x / 1024)^1024, of ten squarings."""
    power = np.maximum(1 + x / 1024, 0)
    for _ in range(10):
        power = power * power
    return power


def exp_of_series(x: Array) -> Array:
    """The exponential by six terms of its series after halving the range: right to 1e-6."""
    whole = np.round(x / np.log(2))
    r = x - whole * np.log(2)
    series = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6)))))
    return np.ldexp(series, np.maximum(whole, -2000).astype(np.int64)).astype(x.dtype)
