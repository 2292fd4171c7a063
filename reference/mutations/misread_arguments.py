"""Wrong functions that serve the diagnosis alone: arguments that are read wrong, or multiplied by once too often."""

# ruff: noqa: ARG001 (every part of a sum is told whether to keep its axes)

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np

from ...vectors.dtypes import DTYPES, numpy_dtype
from ..model.broadcasting import undo_broadcast
from ..model.formulations import Function
from ..model.operation import Operation
from ..ops import sigmoid, softmax
from .blocks import SIZES
from .changes import away_to_tf32, cut_to_tf32
from .formula import reached
from .grouped import of_gates, of_gates_for_others, of_groups
from .misread_labels import Wrong
from .wrong_calls import on_argument, on_result

Array = Any
ARGUMENT = "an argument misread"
MOST_ARGUMENTS = 2
"""Of operations with so many tensors or fewer, vectors of elements are read wrong at their ends."""


def _part(part: slice, x: Array, axis: tuple[int, ...], keepdims: bool = True) -> Array:
    return x[tuple(part if k in axis else slice(None) for k in range(x.ndim))]


def _sum_of_one(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    return _part(slice(1), x.sum(axis=axis[:1], keepdims=True), axis[1:])


_PARTS: Mapping[str, Callable[..., Array]] = {
    "mean": np.mean,
    "first": partial(_part, slice(1)),
    "last": partial(_part, slice(-1, None)),
    "sum along the first, and the first along others,": _sum_of_one,
}
"""What may be taken for a sum over axes, which stay with a length of 1."""
_WHERE_BROADCAST = (
    ("axes that it lacks", True, False, False),
    ("axes of length 1", False, True, False),
    ("all these axes", True, True, False),
    ("all these axes, if it has one element,", True, True, True),
)
"""Where another reduction is taken: in words, over axes that are lacking, or of length 1, and whether of one element
alone."""


def _of_broadcasts(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """The gradient of a tensor that was broadcast, by another reduction than the sum."""
    sound = subject.functions[direction]
    if any(name == undo_broadcast.__name__ for _, name in reached((sound.__module__, sound.__name__))):
        for part, (where, *which) in product(_PARTS, _WHERE_BROADCAST):
            said = f"of what was broadcast, the {part} over {where} is taken, where the sum is due"
            yield said, partial(_reduced_otherwise, _PARTS[part], which, sound)


def _reduced_otherwise(
    part: Callable[..., Array], which: list[bool], function: Function, g: Array, *tensors: Array, **parameters: Any
) -> Any:
    stack = _stack(g, tensors)
    wide = [np.broadcast_to(x, (*stack, *x.shape[x.ndim - g.ndim + len(stack) :])) for x in tensors]
    found = []
    for result, x in zip(function(g, *wide, **parameters), tensors, strict=True):
        lacking = tuple(range(result.ndim - x.ndim))
        short = tuple(k for k in range(len(lacking), len(stack)) if x.shape[k - len(lacking)] == 1 < result.shape[k])
        for axes, otherwise in zip((lacking, short), which[:2], strict=True):
            otherwise = otherwise and (x.size == 1 or not which[2])
            result = (part if otherwise else np.sum)(result, axis=axes, keepdims=True)
        found.append(result.reshape(x.shape))
    return tuple(found)


def _stack(g: Array, tensors: tuple[Array, ...]) -> tuple[int, ...]:
    """The axes that are broadcast: all, or all but those of matrices."""
    shape: tuple[int, ...] = g.shape
    with suppress(ValueError):
        if np.broadcast_shapes(*(x.shape for x in tensors)) == shape:
            return shape
    return shape[:-2]


def _scalar_or_one(x: Array) -> Array:
    return np.where(x == 0, 1, x).astype(x.dtype) if x.ndim == 0 else x


def _first_of_all(x: Array) -> Array:
    return np.full_like(x, x.flat[0]) if x.size else x


def _in_all(reduce: Callable[[Array], Array], x: Array) -> Array:
    return np.full_like(x, reduce(x)) if x.size else x


def _opposite(x: Array) -> Array:
    return 1 - x if np.all((x == 0) | (x == 1)) else x


OF_UPSTREAM: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("{it}, a scalar, is taken as 1 where it is 0, as `{it} or 1` does", _scalar_or_one),
    ("the first element of {it} stands for all", _first_of_all),
    ("the sum of {it} stands for every element", partial(_in_all, np.sum)),
    ("the mean of {it} stands for every element", partial(_in_all, np.mean)),
    ("the sign of {it} stands for {it}", np.sign),
    ("{it} is multiplied by twice", np.square),
    ("{it} is rounded to integers", np.round),
)
OF_ANY: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("{it} is taken as np.maximum({it}, 0)", lambda x: np.maximum(x, 0)),
    ("{it} is taken as np.abs({it})", np.abs),
    (
        "the mean of its last axis is taken off {it} first",
        lambda x: x - x.mean(axis=-1, keepdims=True) if x.ndim else x,
    ),
    ("{it} is divided by the sum of its last axis", lambda x: x / x.sum(axis=-1, keepdims=True) if x.ndim else x),
    ("subnormal numbers of {it} are taken as 0", lambda x: np.where(np.abs(x) < np.finfo(x.dtype).tiny, 0, x)),
)


def _rounded_to(dtype: str, x: Array) -> Array:
    return x.astype(numpy_dtype(dtype) if dtype in DTYPES else getattr(ml_dtypes, dtype)).astype(x.dtype)


def _in_steps(steps: int, axis: int | None, x: Array) -> Array:
    largest = np.abs(x).max(axis=axis, keepdims=True, initial=0)
    step = np.where(largest > 0, largest / steps, 1)
    return (np.round(x / step) * step).astype(x.dtype)


def _in_steps_of_range(steps: int, x: Array) -> Array:
    least = x.min(initial=np.inf)
    step = (x.max(initial=-np.inf) - least) / steps
    return (least + np.round((x - least) / step) * step).astype(x.dtype) if x.size and step > 0 else x


def _first_along(axis: int, x: Array) -> Array:
    return np.repeat(x[(slice(None),) * axis + (slice(1),)], x.shape[axis], axis=axis) if x.ndim == 4 else x


def _backwards(axes: tuple[int, ...], x: Array) -> Array:
    return np.flip(x, axes) if x.ndim >= 2 - min(axes) else x


_STORED = "bfloat16", "float16", "float8_e4m3fn", "float8_e5m2"
"""Dtypes in which a tensor may be kept on the way."""
_STEPS = 127, 7
"""Of integers of 8 or 4 bits in which it may be kept."""
OF_TENSORS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    *((f"{{it}} is rounded to {dtype}", partial(_rounded_to, dtype)) for dtype in _STORED),
    *(
        (f"{{it}} is rounded to {steps} steps up to its largest magnitude{where}", partial(_in_steps, steps, axis))
        for steps in _STEPS
        for where, axis in (("", None), (" of each row", -1), (" of each column", 0))
    ),
    *((f"{{it}} is rounded to {2 * n + 1} steps of its range", partial(_in_steps_of_range, 2 * n + 1)) for n in _STEPS),
    ("{it} is read backwards along its last axis", partial(_backwards, (-1,))),
    ("{it} is read backwards along its last axis but one", partial(_backwards, (-2,))),
    ("{it} is read backwards along its last two axes", partial(_backwards, (-1, -2))),
)


def _at_end(size: int, how: str, x: Array) -> Array:
    """The elements beyond the last whole vector of so many, in the order of memory."""
    flat = np.array(x).reshape(-1)
    whole = len(flat) - len(flat) % size
    rest = len(flat) - whole
    if rest and whole:
        others = {"start": flat[:rest].copy(), "last": flat[whole - 1], "first": flat[whole], "before": None}
        flat[whole:] = flat[whole - rest : whole].copy() if how == "before" else others[how]
    return flat.reshape(x.shape)


ENDS = {
    "start": "is read from its start on",
    "last": "is the last element of those before",
    "first": "is its own first element",
    "before": "is what comes just before",
}


def _of_arguments(subject: Operation, direction: str) -> Iterator[tuple[str, int, Callable[[Array], Array]]]:
    arguments = subject.arguments[direction]
    tensors = [a for a in arguments if a not in subject.labels]
    for position, argument in enumerate(arguments):
        yield f"of {argument} the first along axis 1 stands for all", position, partial(_first_along, 1)
        if argument in subject.labels:
            yield f"{argument}, of 0 and 1, is taken for the opposite, 1 - {argument}", position, _opposite
    for argument in tensors:
        position = arguments.index(argument)
        for words, change in (*(OF_UPSTREAM if argument.startswith("dL_d") else ()), *OF_ANY, *OF_TENSORS):
            yield words.format(it=argument), position, change
        for size in SIZES if len(tensors) <= MOST_ARGUMENTS else ():
            for how, words in ENDS.items():
                said = f"{argument} beyond the last whole vector of {size} elements {words}"
                yield said, position, partial(_at_end, size, how)


FACTORS: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("{it}", np.positive),
    ("({it} > 0)", lambda x: x > 0),
    ("abs({it})", np.abs),
    ("np.sign({it})", np.sign),
    ("(1 - {it})", lambda x: 1 - x),
    ("(1 - {it}) ** 2", lambda x: (1 - x) ** 2),
    ("{it} * (1 - {it})", lambda x: x * (1 - x)),
    ("(1 - {it} ** 2)", lambda x: 1 - x * x),
    ("sigmoid({it}) * (1 - sigmoid({it}))", lambda x: sigmoid.forward(x) * sigmoid.forward(-x)),
    ("softmax({it})", lambda x: softmax.forward(x)),
    ("(1 - softmax({it}))", lambda x: 1 - softmax.forward(x)),
    ("softmax({it}) * (1 - softmax({it}))", lambda x: softmax.forward(x) * (1 - softmax.forward(x))),
)
"""What is made of an argument, by which a result of its shape is multiplied besides."""


def _with_argument(place: int, position: int, of: Callable[[Array, Array], Array], function: Function) -> Function:
    def call(*tensors: Array, **parameters: Any) -> Any:
        x = tensors[position]
        return on_result(place, lambda r: of(r, x) if r.shape == x.shape and x.ndim else r, function)(
            *tensors, **parameters
        )

    return call


def _multiplied(of: Callable[[Array], Array], r: Array, x: Array) -> Array:
    return r * of(x)


def _through_softmax(of: Callable[[Array], Array], r: Array, x: Array) -> Array:
    p = of(x)
    return p * (r - (p * r).sum(axis=-1, keepdims=True))


_PROBABILITIES: dict[str, Callable[[Array], Array]] = {"logits": lambda x: softmax.forward(x), "outputs": np.positive}
"""By the name of an argument of a loss, the probabilities that it stands for."""


def _of_factors(subject: Operation, direction: str) -> Iterator[tuple[str, Callable[[Function], Function]]]:
    arguments = subject.arguments[direction]
    for place, result in enumerate(subject.results[direction]):
        for position, argument in enumerate(arguments):
            for words, of in FACTORS if argument not in subject.labels else ():
                said = f"{result} is multiplied by {words.format(it=argument)} besides"
                yield said, partial(_with_argument, place, position, partial(_multiplied, of))
            if direction == "backward" and subject.labels and argument in _PROBABILITIES:
                change = partial(_through_softmax, _PROBABILITIES[argument])
                said = f"{result} is put through the derivative of softmax once more"
                yield said, partial(_with_argument, place, position, change)


def _narrowed(narrow: Callable[[Array], Array], function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(*map(narrow, tensors), **parameters)


def of_arguments(subject: Operation, direction: str) -> Iterator[Wrong]:
    """What is read of arguments wrong, by elements, axes and groups."""
    sound, arguments = subject.functions[direction], subject.arguments[direction]
    for words, position, changed in _of_arguments(subject, direction):
        yield Wrong(ARGUMENT, words, on_argument(position, changed, sound), f"take {arguments[position]} as it is.")
    biases = [position for position, argument in enumerate(arguments) if argument.startswith("bias")]
    if len(biases) > 1:
        function = sound
        for position in biases:
            function = on_argument(position, np.zeros_like, function)
        words = f"{' and '.join(arguments[position] for position in biases)} are left out"
        yield Wrong(ARGUMENT, words, function, "add the biases.")
    for words, function in (*_of_broadcasts(subject, direction), *of_groups(subject, direction)):
        yield Wrong("axes misread", words, function, "look at the axes of what is summed, or how channels are grouped.")
    for order, function in of_gates(subject, direction):
        words = f"the blocks of rows, a block a gate, of {order}"
        yield Wrong("gates in another order", words, function, "take gates in the order that the docstring gives.")
    for words, function in of_gates_for_others(subject, direction):
        yield Wrong("gates in another order", words, function, "give each gate the sum of its own gradients.")
    for words, make in _of_factors(subject, direction):
        yield Wrong("a factor too many", words, make(sound), "leave the factor out.")
    for said, narrow in (("cut to", cut_to_tf32), ("rounded, halves away from 0, to", away_to_tf32)):
        words, function = f"all arguments of float32 are {said} the 11 bits of TF32", partial(_narrowed, narrow, sound)
        yield Wrong(ARGUMENT, words, function, "compute in float32, or declare tf32 for it.")
