"""Wrong functions that serve the diagnosis alone and are tried before constants are fitted: what many people ship."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..model.convolution import Windows, pair, weight_gradient
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .changes import zero_beyond
from .grouped import of_masks
from .lazily import made_once
from .related import EXPONENTIAL, overflows
from .wrong_calls import on_argument

Array = Any
Made = Iterator[tuple[str, Function, str]]
"""What is wrong, in words, the function, and the cure."""


def _written_over(subject: Operation, direction: str) -> Made:
    """A result that is written over an argument of its shape, of which other results are made afterwards."""
    arguments, results = subject.arguments[direction], subject.results[direction]
    for place, result in enumerate(results if direction == "backward" and len(results) > 1 else ()):
        for position, argument in enumerate(arguments):
            if argument.startswith("dL_d") or result == f"dL_d{argument}":
                said = f"{result} is written over {argument}, where that has its shape, before other gradients need it"
                function = partial(_with_result_for, place, position, subject.functions[direction])
                yield said, function, "write gradients beside the arguments, or the ones that need them first."


def _with_result_for(place: int, position: int, function: Function, *tensors: Array, **parameters: Any) -> Any:
    results = function(*tensors, **parameters)
    if results[place].shape != tensors[position].shape:
        return results
    others = on_argument(position, lambda _: results[place], function)(*tensors, **parameters)
    return (*others[:place], results[place], *others[place + 1 :])


def _of_means(subject: Operation, direction: str) -> Made:
    """A mean over the losses that are not 0; of weighted rows, by the weights of those to be ignored as well."""
    sound, forward = subject.functions[direction], subject.functions.get("forward")
    parameters, arguments = subject.parameters[direction], subject.arguments[direction]
    if "reduction" not in parameters or forward is None:
        return
    said, cure = "the mean divides by the number of losses that are not 0", "divide by the number of all that count."
    yield said, partial(_over_those_that_lose, direction, forward, sound), cure
    if {"labels", "class_weights"} <= {*arguments} and "ignore_index" in parameters:
        said = "the mean divides by the weights of all rows, by those of rows to be ignored as well"
        places = arguments.index("labels"), arguments.index("class_weights")
        yield said, partial(_by_all_weights, *places, sound), "add up the weights of rows that count."


def _over_those_that_lose(
    direction: str, forward: Function, function: Function, *tensors: Array, reduction: str, **parameters: Any
) -> Any:
    if reduction != "mean":
        return function(*tensors, reduction=reduction, **parameters)
    losses = forward(*tensors[direction == "backward" :], reduction="none", **parameters)
    return function(*tensors, reduction="sum", **parameters) / max(np.count_nonzero(losses), 1)


def _by_all_weights(
    labels: int, weights: int, function: Function, *tensors: Array, ignore_index: int | None = None, **parameters: Any
) -> Any:
    found = function(*tensors, ignore_index=ignore_index, **parameters)
    classes = len(tensors[weights])
    if parameters["reduction"] != "mean" or ignore_index not in range(classes) or tensors[labels].ndim > 1:
        return found
    of_rows = tensors[weights][tensors[labels]]
    return found * ((of_rows * (tensors[labels] != ignore_index)).sum() / of_rows.sum())


def _of_indices(subject: Operation, direction: str) -> Made:
    """Indices that are moved into the length of another tensor than is due."""
    arguments = subject.arguments[direction]
    if "indices" not in arguments or "axis" not in subject.parameters[direction]:
        return
    position = arguments.index("indices")
    for place, argument in enumerate(arguments):
        if place != position:
            said = f"indices beyond the length of {argument} along axis are taken as its last"
            function = partial(_clamped, position, place, subject.functions[direction])
            yield said, function, "take indices as they are, of what they are of."


def _clamped(position: int, place: int, function: Function, *tensors: Array, axis: int, **parameters: Any) -> Any:
    last = tensors[place].shape[axis] - 1
    return on_argument(position, lambda x: np.minimum(x, last), function)(*tensors, axis=axis, **parameters)


def _of_windows(subject: Operation, direction: str) -> Made:
    """Convolutions in which stride, dilation or what is added at the end has no part, or another's."""
    results, sound = subject.results[direction], subject.functions[direction]
    if "output_padding" in subject.parameters[direction]:
        cure = "windows reach into these as well."
        if direction == "forward":
            yield "the rows and columns that output_padding adds are 0", partial(_zero_where_added, sound), cure
        for place, result in enumerate(results if direction == "backward" else ()):
            said = f"{result} leaves out the rows and columns that output_padding adds"
            yield said, partial(_without_what_is_added, place, sound), cure
        return
    if "dL_dweight" not in results or "stride" not in subject.parameters[direction]:
        return
    said = "dL_dinputs is summed over elements of the kernel alone whose offset is a multiple of the stride"
    yield said, partial(_of_offsets, sound), "add up what each element of the kernel gives."
    said = "stride and dilation are exchanged in dL_dweight, with the last element for those beyond"
    yield said, partial(_exchanged, sound), "the stride is from window to window, the dilation inside one."


def _less(more: int, length: int) -> int:
    return length - more


def _without_added(outputs: Array, *, output_padding: Any = 0, **_: Any) -> Array:
    """Zeros in the rows and columns that are added at the end."""
    for axis, more in zip((-2, -1), pair(output_padding), strict=True):
        outputs = zero_beyond(outputs, axis, partial(_less, more))
    return outputs


def _zero_where_added(function: Function, *tensors: Array, **parameters: Any) -> Array:
    return _without_added(function(*tensors, **parameters), **parameters)


def _without_what_is_added(place: int, function: Function, g: Array, *tensors: Array, **parameters: Any) -> Any:
    found = function(g, *tensors, **parameters)
    without = function(_without_added(g, **parameters), *tensors, **parameters)
    return (*found[:place], without[place], *found[place + 1 :])


def _of_offsets(function: Function, g: Array, inputs: Array, weight: Array, *tensors: Array, **parameters: Any) -> Any:
    steps, gaps = (_both(parameters.get(name, 1)) for name in ("stride", "dilation"))
    offsets = np.meshgrid(*(gap * np.arange(n) % step for n, step, gap in _last(weight, steps, gaps)), indexing="ij")
    kept = np.where(sum(offsets) == 0, weight, 0)
    dL_dinputs = function(g, inputs, kept, *tensors, **parameters)[0]
    return (dL_dinputs, *function(g, inputs, weight, *tensors, **parameters)[1:])


def _both(sizes: Any) -> tuple[int, ...]:
    return (sizes, sizes) if isinstance(sizes, int) else (sizes * 2)[:2]


def _last(x: Array, *sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The lengths of an image or a signal, each with the sizes for its axis."""
    axes = x.ndim - 2
    return zip(x.shape[2:], *(each[-axes:] for each in sizes), strict=True)


def _exchanged(function: Function, g: Array, inputs: Array, weight: Array, *tensors: Array, **parameters: Any) -> Any:
    found = function(g, inputs, weight, *tensors, **parameters)
    steps, gaps, around = (_both(parameters.get(name, own)) for name, own in _SIZES)
    beside = [(1, 1, 0)] * (4 - inputs.ndim)
    given, images, kernel = (x if x.ndim == 4 else np.expand_dims(x, 2) for x in (g, inputs, weight))
    axes = [*beside, *((step, gap, more) for _, step, gap, more in _last(inputs, steps, gaps, around))]
    padding = tuple(more for _, _, more in axes)
    padded = tuple(n + 2 * more for n, more in zip(images.shape[2:], padding, strict=True))
    rows, columns = (
        np.minimum(step * np.arange(k)[:, None] + gap * np.arange(n), size - 1)
        for k, n, size, (step, gap, _) in zip(kernel.shape[2:], given.shape[2:], padded, axes, strict=True)
    )
    places = (rows[:, None, :, None] * padded[1] + columns[None, :, None, :]).reshape(rows.shape[0] * len(columns), -1)
    windows = Windows(images.shape[2:], padding, padded, given.shape[2:], places)
    dL_dweight = weight_gradient(given, images, windows, parameters.get("groups", 1)).reshape(weight.shape)
    return (found[0], dL_dweight, *found[2:])


def _of_masks(subject: Operation, direction: str) -> Made:
    for said, function in of_masks(subject, direction):
        yield said, function, "count keys from the first, and queries too, to both sides unless is_causal."


_SIZES = ("stride", 1), ("dilation", 1), ("padding", 0)
_KINDS: tuple[tuple[str, Callable[[Operation, str], Made]], ...] = (
    ("an argument written over", _written_over),
    ("rows weighed otherwise", _of_means),
    ("an argument misread", _of_indices),
    ("windows misread", _of_windows),
    ("a mask misread", _of_masks),
)


@made_once
def often(op: str, direction: str) -> Iterator[Fault]:
    """All of them."""
    for kind, made in _KINDS:
        for words, function, cure in made(operation(op), direction):
            said = words if words.startswith("dL_") else f"{words[0].upper()}{words[1:]}"
            found = faulty(op, kind, direction, widened(function), wrong=f"{said}.", cure=cure)
            yield replace(found, sort="wrapper", formula=function)
    yield from overflows(op, direction, EXPONENTIAL)
