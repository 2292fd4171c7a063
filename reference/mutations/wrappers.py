"""Wrappers that make any function wrong: what goes in, what comes out, the precision, the state, the refusals.

They take nothing but what an operation says of itself: its arguments, results, labels and batch axes.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .changes import IGNORED, OF_ARGUMENTS, OF_RESULTS, OF_UPSTREAM, Change, in_tf32
from .labels import LABELS

Array = Any


@cache
def wrappers(op: str) -> tuple[Fault, ...]:
    """All wrappers of an operation's functions."""
    subject = operation(op)
    return tuple(
        fault
        for direction in subject.functions
        for make in (_results, _arguments, _labels, _calls)
        for fault in make(subject, direction)
    )


def _wrapped(
    subject: Operation,
    direction: str,
    name: str,
    wrong: str,
    wrap: Callable[[Function], Function],
    *,
    exact: bool = True,
    raw: bool = False,
    memory: dict[Any, Any] | None = None,
) -> Fault:
    sound = subject.functions[direction]
    return faulty(
        subject.name,
        name if name.startswith("dL_") or len(subject.functions) == 1 else f"{direction}_{name}",
        direction,
        wrap(widened(sound)) if raw else widened(wrap(sound)),
        sort="wrapper",
        wrong=f"{wrong[0].upper()}{wrong[1:]}" if wrong[1:2] != "L" else wrong,
        cure="compute it as the formula says, in the precision, shape and memory that are due.",
        formula=wrap(sound) if exact else None,
        memory={} if memory is None else memory,
    )


def _changed(
    subject: Operation, direction: str, name: str, tensor: str, change: Change, around: Callable[..., Function]
) -> Fault:
    """A fault that changes one tensor; `around` takes the change of it and the function."""
    memory: dict[Any, Any] = {name: {}} if change.remembers else {}
    function = partial(change.function, memory=memory[name]) if change.remembers else change.function
    return _wrapped(
        subject,
        direction,
        name,
        change.says.format(it=tensor),
        partial(around, function),
        exact=change.exact and not change.raw,
        raw=change.raw,
        memory=memory,
    )


def _results(subject: Operation, direction: str) -> Iterator[Fault]:
    """Each result changed; several results in another order, all changed alike."""
    results = subject.results[direction]
    for position, result in enumerate(results):
        for said, change in OF_RESULTS.items():
            yield _changed(subject, direction, f"{result}_{said}", result, change, partial(on_result, position))
    if len(results) > 1:
        for said in ("over_rows", "adds_up", "in_shared_buffer", "in_float64", "in_float32", "last_row_left_out"):
            change = OF_RESULTS[said]
            yield _changed(subject, direction, f"every_result_{said}", "every result", change, on_all_results)
        yield _wrapped(
            subject,
            direction,
            "results_in_reverse_order",
            "The results come in reverse order.",
            lambda function: lambda *tensors, **parameters: function(*tensors, **parameters)[::-1],
        )


def _arguments(subject: Operation, direction: str) -> Iterator[Fault]:
    """Each argument but labels changed on its way in, or written to."""
    for position, argument in enumerate(subject.arguments[direction]):
        if argument in subject.labels:
            continue
        upstream = argument.startswith("dL_d")
        for said, change in (OF_UPSTREAM if upstream else {**OF_ARGUMENTS, **IGNORED}).items():
            name = f"{argument}_{said}" if not upstream else f"upstream_{argument.removeprefix('dL_d')}_{said}"
            yield _changed(subject, direction, name, argument, change, partial(on_argument, position))
        yield _wrapped(
            subject,
            direction,
            f"{argument.removeprefix('dL_d')}{'_upstream' if upstream else ''}_halved_in_place",
            f"{argument} is halved in place after use.",
            partial(halving_in_place, position),
            exact=False,
            raw=True,
        )
        yield _wrapped(
            subject,
            direction,
            f"{argument.removeprefix('dL_d')}{'_upstream' if upstream else ''}_overwritten",
            f"A result of the shape of {argument} is written over it.",
            partial(overwriting, position),
            exact=False,
            raw=True,
        )


def _labels(subject: Operation, direction: str) -> Iterator[Fault]:
    """Labels read wrong."""
    arguments = subject.arguments[direction]
    for position, argument in enumerate(arguments):
        if argument in subject.labels:
            for said, (wrong, change) in LABELS.items():
                yield _wrapped(
                    subject,
                    direction,
                    f"{argument}_{said}",
                    wrong,
                    partial(on_labels, position, change),
                )


def _calls(subject: Operation, direction: str) -> Iterator[Fault]:
    """The call as a whole: its precision, an empty batch, what it should refuse."""
    make = partial(_wrapped, subject, direction)
    for of, lower in (("float64", "float32"), ("float32", "float16"), ("float32", "bfloat16")):
        for said, way in (("computed_in", computed_in), ("operands_in", operands_in)):
            verb = "are computed in" if way is computed_in else "are rounded to"
            name = f"{of}_{said}_{lower}"
            yield make(name, f"Arguments of {of} {verb} {lower}.", partial(way, lower, of=of), exact=False)
    yield make("float32_operands_in_tf32", "Arguments of float32 are rounded to TF32.", in_tf32_operands, exact=False)
    yield make(
        "half_computed_as_it_is",
        "Half precisions are computed in the format itself.",
        own_format,
        exact=False,
        raw=True,
    )
    yield make(
        "half_results_in_float32", "Results of half precisions are float32.", half_in_float32, exact=False, raw=True
    )
    yield make("empty_batch_refused", "An empty batch raises.", refusing_empty)
    yield make(
        "refusals_answered_with_zeros", "What is to be refused gets zeros.", partial(never_refusing, subject, direction)
    )
    yield make("arguments_cut_to_fit", "Where sizes differ, what is beyond the shorter is left out.", cutting)


# The wrappers themselves


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


def on_all_results(change: Callable[[Array], Array], function: Function) -> Function:
    """Change every result."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        return tuple(change(result) for result in function(*tensors, **parameters))

    return call


def on_labels(position: int, change: Callable[[np.ndarray, int], np.ndarray], function: Function) -> Function:
    """Change the labels, given the number of classes: the last axis of the argument before them."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        classes = tensors[position - 1].shape[-1]
        labels = change(tensors[position], classes)
        return function(*tensors[:position], labels, *tensors[position + 1 :], **parameters)

    return call


def halving_in_place(position: int, function: Function) -> Function:
    """Halve an argument in the caller's memory when all is done."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        results = function(*tensors, **parameters)
        tensors[position][...] = tensors[position] / 2
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


def operands_in(lower: str, function: Function, *, of: str) -> Function:
    """Round tensors of dtype `of` to `lower` before the function sees them, as mixed precision does."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        narrow = (t.astype(numpy_dtype(lower)).astype(t.dtype) if t.dtype == of else t for t in tensors)
        return function(*narrow, **parameters)

    return call


def in_tf32_operands(function: Function) -> Function:
    """Round tensors of float32 to the 11 significant bits of TF32 before the function sees them."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        return function(*(in_tf32(t) if t.dtype.kind == "f" else t for t in tensors), **parameters)

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
