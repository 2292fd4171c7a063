"""Functions made wrong from outside: each wrapper takes a function of an operation and gives one that is wrong.

A wrapper takes the position of an argument or a result and no names, so that any operation's function will do.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ..model.fault import widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .changes import address, disturbed, in_tf32

Array = Any
LEARNING_RATE = 0.0625


def where_rows(change: Callable[[Array], Array], tensor: Array) -> Array:
    """Change a tensor unless it is a single row of rank 1."""
    return change(tensor) if tensor.ndim > 1 else tensor


def on_argument(position: int, change: Callable[[Array], Array], function: Function) -> Function:
    """Change one argument before the function sees it."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        return function(*tensors[:position], change(tensors[position]), *tensors[position + 1 :], **parameters)

    return call


def on_result(position: int, change: Callable[[Array], Array], function: Function) -> Function:
    """Change one result."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        if not isinstance(results, tuple):
            return change(results)
        return (*results[:position], change(results[position]), *results[position + 1 :])

    return call


@cache
def disturbed_at(op: str, direction: str, around: Callable[..., Function], position: int) -> Function:
    """An operation's function with noise in an argument or a result."""
    return widened(around(position, disturbed, operation(op).functions[direction]))


def on_results(changes: Mapping[int, Callable[[Array], Array]], function: Function) -> Function:
    """Change several results."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        return tuple(changes[i](result) if i in changes else result for i, result in enumerate(results))

    return call


def over_batch(positions: tuple[int, ...], batch: int, function: Function) -> Function:
    """Divide results by the number of rows of the batch, the first axis of an argument."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        rows = max(len(tensors[batch]), 1)
        results = function(*tensors, **parameters)
        if not isinstance(results, tuple):
            return results / rows
        return tuple(result / rows if i in positions else result for i, result in enumerate(results))

    return call


def skipped_for_one(position: int, batch: int, function: Function) -> Function:
    """Zeros in a result for a batch of one."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        skip = len(tensors[batch]) == 1
        return on_result(position, lambda x: x * 0 if skip else x, function)(*tensors, **parameters)

    return call


def with_decay(pairs: Mapping[int, int], function: Function) -> Function:
    """Add 1e-4 times an argument to its gradient; `pairs` gives the argument's position by the result's."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        several = results if isinstance(results, tuple) else (results,)
        found = tuple(r + tensors[pairs[i]] * 1e-4 if i in pairs else r for i, r in enumerate(several))
        return found if isinstance(results, tuple) else found[0]

    return call


def updated_in_place(position: int, result: int, function: Function) -> Function:
    """Take a step on an argument that was handed in, along its gradient, when all is done."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        gradient = results[result] if isinstance(results, tuple) else results
        tensors[position][...] = tensors[position] - gradient * LEARNING_RATE
        return results

    return call


def updated_first(position: int, result: int, function: Function, rate: float = LEARNING_RATE) -> Function:
    """Compute all other results with an argument after its update."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        right = function(*tensors, **parameters)
        stepped = tensors[position] - right[result] * rate
        results = function(*tensors[:position], stepped, *tensors[position + 1 :], **parameters)
        return tuple(right[i] if i == result else r for i, r in enumerate(results))

    return call


def exchanged(function: Function) -> Function:
    """Return the first two results in each other's place."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        first, second, *rest = function(*tensors, **parameters)
        return (second, first, *rest)

    return call


def on_labels(position: int, change: Callable[[np.ndarray, int], np.ndarray], function: Function) -> Function:
    """Change the labels, given the number of classes: the last axis of the argument before them."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        classes = tensors[position - 1].shape[-1]
        labels = change(tensors[position], classes)
        return function(*tensors[:position], labels, *tensors[position + 1 :], **parameters)

    return call


def dividing_in_place(position: int, function: Function) -> Function:
    """Divide an argument by its number of rows, one without rows by 2, in the caller's memory when all is done."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        tensor = tensors[position]
        tensor[...] = tensor / (max(len(tensor), 1) if tensor.ndim else 2)
        return results

    return call


def overwriting(position: int, function: Function) -> Function:
    """Write the first result that has an argument's shape into its memory, and return that."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        several = isinstance(results, tuple)
        found = list(results) if several else [results]
        for i, result in enumerate(found):
            if result.shape == tensors[position].shape:
                tensors[position][...] = result
                found[i] = tensors[position]
                break
        return tuple(found) if several else found[0]

    return call


def writing_beside(position: int, function: Function) -> Function:
    """Change the byte after an argument's end, where that lies in memory of its own base."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        tensor = tensors[position]
        memory = tensor.base
        if isinstance(memory, np.ndarray) and memory.flags.c_contiguous and tensor.flags.c_contiguous:
            end = address(tensor) - address(memory) + tensor.nbytes
            memory.reshape(-1).view(np.uint8)[end : end + 1] ^= 1
        return results

    return call


def through_shared_object(function: Function) -> Function:
    """Keep the arguments in an object that all calls share, and compute with what is there."""
    kept: list[Array] = []

    def call(*tensors: Array, **parameters: Any) -> Any:
        kept[:] = tensors
        return function(*kept, **parameters)

    return call


def operands_in(lower: str, function: Function, *, of: str) -> Function:
    """Round tensors of dtype `of` to `lower` before the function sees them, as mixed precision does."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        narrow = (t.astype(numpy_dtype(lower)).astype(t.dtype) if t.dtype == of else t for t in tensors)
        return function(*narrow, **parameters)

    return call


def in_tf32_operands(function: Function) -> Function:
    """Round tensors of float32 to the 11 significant bits of TF32 before the function sees them."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        return function(*map(in_tf32, tensors), **parameters)

    return call


def computed_in(lower: str, function: Function, *, of: str) -> Function:
    """Run in dtype `lower` where tensors are of dtype `of`."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        if all(t.dtype != of for t in tensors):
            return function(*tensors, **parameters)
        results = function(*(t.astype(numpy_dtype(lower)) if t.dtype == of else t for t in tensors), **parameters)
        if isinstance(results, tuple):
            return tuple(np.asarray(result, numpy_dtype(lower)) for result in results)
        return np.asarray(results, numpy_dtype(lower))

    return call


def own_format(function: Function) -> Function:
    """Run on half precision as it is: `function` is widened, what it wraps is not."""
    inner: Function = function.__wrapped__  # type: ignore[attr-defined]

    def call(*tensors: Array, **parameters: Any) -> Any:
        dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
        results = (inner if dtype.itemsize == 2 else function)(*tensors, **parameters)
        if isinstance(results, tuple):
            return tuple(np.asarray(result, dtype) for result in results)
        return np.asarray(results, dtype)

    return call


def half_in_float32(function: Function) -> Function:
    """Return float32 where a half precision is due."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        if next(t.dtype for t in tensors if t.dtype.kind != "i").itemsize != 2:
            return results
        return (
            tuple(r.astype(np.float32) for r in results) if isinstance(results, tuple) else results.astype(np.float32)
        )

    return call


def refusing_empty(function: Function) -> Function:
    """Raise where a tensor has no elements."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        if any(0 in t.shape for t in tensors):
            raise ZeroDivisionError("division by zero")
        return function(*tensors, **parameters)

    return call


def one_result(position: int, way: Callable[[Function], Function], function: Function) -> Function:
    """Take one result from a function made wrong, the others from the function as it is."""
    wrong = way(function)

    def call(*tensors: Array, **parameters: Any) -> Any:
        right, other = function(*tensors, **parameters), wrong(*tensors, **parameters)
        return (*right[:position], other[position], *right[position + 1 :])

    return call


def never_refusing(subject: Operation, direction: str, function: Function) -> Function:
    """Return zeros where an exception is due, of the shapes of arguments."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        try:
            return function(*tensors, **parameters)
        except (ValueError, IndexError):
            zeros = tuple(t * 0 for t in tensors if t.dtype.kind != "i")
            results = zeros[-len(subject.results[direction]) :]
            return results[0] if len(results) == 1 else results

    return call


def cutting(function: Function) -> Function:
    """Where sizes do not fit, cut all tensors of a rank to the least size along each axis, and repeat rows of one."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        try:
            return function(*tensors, **parameters)
        except ValueError:
            return function(*_fitted(tensors), **parameters)

    return call


def _fitted(tensors: tuple[Array, ...]) -> Iterator[Array]:
    shapes: Mapping[int, list[int]] = {}
    for tensor in tensors:
        rank = shapes.setdefault(tensor.ndim, list(tensor.shape))  # type: ignore[attr-defined]
        rank[:] = map(min, rank, tensor.shape)
    for tensor in tensors:
        yield tensor[tuple(slice(size) for size in shapes[tensor.ndim])]
