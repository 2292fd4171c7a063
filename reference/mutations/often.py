"""Wrong functions that serve the diagnosis alone and are tried before constants are fitted: what many people ship."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..model.convolution import Windows, pair, weight_gradient
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .changes import zero_beyond
from .grouped import of_masks, of_packed_gates
from .lazily import made_once
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


def _of_others(subject: Operation, direction: str) -> Made:
    """A result of the same shape in the place of another."""
    results = subject.results[direction]
    for place, other in product(range(len(results)), repeat=2):
        if place != other:
            function = partial(_another, place, other, subject.functions[direction])
            yield f"{results[place]} has the values of {results[other]}", function, "return its own."


def _another(place: int, other: int, function: Function, *tensors: Array, **parameters: Any) -> Any:
    results = [*function(*tensors, **parameters)]
    results[place] = results[other if results[other].shape == results[place].shape else place]
    return tuple(results)


def _of_steps(subject: Operation, direction: str) -> Made:
    """Through time, a gradient of a state that no step hands on to the one before."""
    if direction == "forward" or "dL_doutputs" not in subject.arguments[direction]:
        return
    for place, name in enumerate(("hidden", "cell")) if "dL_dnext_hidden" in subject.arguments[direction] else ():
        said = f"the gradient of {name} is not handed on from one step to the step before"
        yield said, partial(_not_handed_on, place, subject), "add it to the upstream of the step before."


def _not_handed_on(
    place: int, subject: Operation, given: Array, d_hidden: Array, d_cell: Array, *tensors: Array
) -> Any:
    forward, backward = subject.functions["forward"], subject.functions["backward"]
    inputs, hidden, cell, *layer = tensors
    of_inputs, of_layer = np.zeros_like(inputs), [np.zeros_like(x) for x in layer]
    handed, states = [d_hidden, d_cell], [(hidden, cell)]
    for t in range(len(inputs) - 1):
        states.append(forward(inputs[t : t + 1], *states[-1], *layer)[1:])
    for t in reversed(range(len(inputs))):
        step = slice(t, t + 1)
        of_inputs[step], *found = backward(given[step], *handed, inputs[step], *states[t], *layer)
        of_layer = [total + more for total, more in zip(of_layer, found[2:], strict=True)]
        last = found[:2]
        handed = [x * (at != place) for at, x in enumerate(last)]
    return of_inputs, *last, *of_layer


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
    arguments, sound = subject.arguments[direction], subject.functions[direction]
    if "indices" not in arguments:
        return
    position = arguments.index("indices")
    if direction == "backward":
        for said, of in OCCURRENCES:
            words = f"{subject.results[direction][0]} is {said}"
            yield words, partial(_at_indices, of, position, sound), "add up the gradients of all places with an index."
    if "axis" not in subject.parameters[direction]:
        return
    for place, argument in enumerate(arguments):
        if place != position:
            said = f"indices beyond the length of {argument} along axis are taken as its last"
            function = partial(_clamped, position, place, sound)
            yield said, function, "take indices as they are, of what they are of."


def _occurrences(indices: Array, shape: tuple[int, ...], axis: int | None) -> Array:
    """How often each place of a tensor is one that an index points at, along an axis or at a row."""
    count = np.zeros(shape)
    if axis is None:
        np.add.at(count, indices.ravel(), 1)
        return count
    places = list(np.indices(indices.shape))
    places[axis] = indices
    np.add.at(count, tuple(places), 1)
    return count


OCCURRENCES: tuple[tuple[str, Callable[[Array, Array], Array]], ...] = (
    ("divided by how often an index occurs", lambda x, count: x / np.maximum(count, 1)),
    ("0 where an index points, as where results are written and not added", lambda x, count: x * (count == 0)),
)
"""What the gradient of a table may be by how often an index points at a place."""


def _at_indices(
    of: Callable[[Array, Array], Array], position: int, function: Function, *tensors: Array, **parameters: Any
) -> Any:
    found = function(*tensors, **parameters)
    first = found[0] if isinstance(found, tuple) else found
    first = of(first, _occurrences(tensors[position], first.shape, parameters.get("axis")))
    return (first, *found[1:]) if isinstance(found, tuple) else first


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
    for beyond, zeros in (("the last element", False), ("zeros", True)):
        said = f"stride and dilation are exchanged in dL_dweight, with {beyond} for those beyond"
        yield said, partial(_exchanged, zeros, sound), "the stride is from window to window, the dilation inside one."


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


def _exchanged(zeros: bool, function: Function, *arguments: Array, **parameters: Any) -> Any:
    found, (g, inputs, weight, *_) = function(*arguments, **parameters), arguments
    steps, gaps, around = (_both(parameters.get(name, own)) for name, own in _SIZES)
    beside = [(1, 1, 0)] * (4 - inputs.ndim)
    given, images, kernel = (x if x.ndim == 4 else np.expand_dims(x, 2) for x in (g, inputs, weight))
    axes = [*beside, *((step, gap, more) for _, step, gap, more in _last(inputs, steps, gaps, around))]
    if zeros:
        reach = zip(axes, kernel.shape[2:], given.shape[2:], strict=True)
        images = np.pad(images, [(0, 0), (0, 0), *((0, step * k + gap * n) for (step, gap, _), k, n in reach)])
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


def _of_gates(subject: Operation, direction: str) -> Made:
    for said, function in of_packed_gates(subject, direction):
        yield said, function, "keep to the order of the docstring."


def _of_masks(subject: Operation, direction: str) -> Made:
    for said, function in of_masks(subject, direction):
        yield said, function, "count keys from the first, and queries too, to both sides unless is_causal."


_SIZES = ("stride", 1), ("dilation", 1), ("padding", 0)
_KINDS: tuple[tuple[str, Callable[[Operation, str], Made]], ...] = (
    ("an argument written over", _written_over),
    ("another result", _of_others),
    ("a step left out", _of_steps),
    ("rows weighed otherwise", _of_means),
    ("an argument misread", _of_indices),
    ("windows misread", _of_windows),
    ("a mask misread", _of_masks),
    ("gates in another order", _of_gates),
)


@made_once
def often(op: str, direction: str) -> Iterator[Fault]:
    """All of them."""
    for kind, made in _KINDS:
        for words, function, cure in made(operation(op), direction):
            said = words if words.startswith("dL_") else f"{words[0].upper()}{words[1:]}"
            found = faulty(op, kind, direction, widened(function), wrong=f"{said}.", cure=cure)
            yield replace(found, sort="wrapper", formula=function)
