"""Wrong functions that serve the diagnosis alone: parameters that are read wrong, rounded, or not looked at."""

import inspect
from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from itertools import combinations, product
from typing import Any

import numpy as np

from ...vectors.dtypes import DTYPES, numpy_dtype
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from ..model.reductions import kept
from .formula import reached, strings
from .misread_labels import Wrong

Array = Any
MISREAD = "a parameter misread"


def _of_numbers(subject: Operation, direction: str) -> Iterator[tuple[str, Callable[[str, Any], Any]]]:
    """Parameters that are numbers, each or all of them, rounded to a narrower dtype."""
    names = subject.parameters[direction]
    some = [(name,) for name in names] + list(combinations(names, 2)) + ([names] if len(names) > 2 else [])
    for dtype, each in product(DTYPES[1:], some):
        yield f"of parameters, {' and '.join(each)} rounded to {dtype}", partial(_rounded_number, each, dtype)


PAIRS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("the first is taken for both", lambda pair: (pair[0], pair[0])),
    ("the second is taken for both", lambda pair: (pair[1], pair[1])),
    ("each is taken for the other", lambda pair: pair[::-1]),
)


def _of_pairs(subject: Operation, direction: str) -> Iterator[tuple[str, Callable[[str, Any], Any]]]:
    """Parameters that are two values, one for each axis."""
    names = subject.parameters[direction] if "stride" in subject.parameters[direction] else ()
    for name, (said, change) in product(names, PAIRS):
        yield f"of the two values of {name}, {said}", partial(_changed_pair, name, change)


def _changed_pair(which: str, change: Callable[[Any], Any], name: str, value: Any) -> Any:
    return change(value) if name == which and isinstance(value, tuple) and len(value) == 2 else value


def _rounded_number(some: Collection[str], dtype: str, name: str, value: Any) -> Any:
    return float(numpy_dtype(dtype).type(value)) if name in some and type(value) is float else value


def _with_parameters(change: Callable[[str, Any], Any], function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(*tensors, **{name: change(name, value) for name, value in parameters.items()})


COUNTS: tuple[tuple[str, Callable[[int], int]], ...] = (
    ("one less is taken, and 1 for 1", lambda n: max(n - 1, 1)),
    ("one more is taken", lambda n: n + 1),
)


def _counted_otherwise(of: Callable[[int], int], name: str, value: Any) -> Any:
    return of(value) if name == "step" else value


def _of_axes(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """One of several axes, taken for all of them."""
    names = subject.parameters[direction]
    if (
        "axis" not in names
        or (direction == "forward" and "keepdims" in names)
        or "indices" in subject.arguments[direction]
    ):
        return
    for words, place in (("first", 0), ("last", -1)):
        function = partial(_along_one, place, "keepdims" in names, subject.functions[direction])
        yield f"of several axes the {words} is taken alone", function


def _along_one(place: int, reduced: bool, function: Function, *tensors: Array, axis: Any, **parameters: Any) -> Any:
    *upstream, x = tensors
    given = axis if isinstance(axis, tuple) else (axis,) if isinstance(axis, int) else range(x.ndim)
    axes = sorted(each % x.ndim for each in given)
    if len(axes) < 2 or not reduced:
        return function(*tensors, axis=axes[place] if len(axes) > 1 else axis, **parameters)
    shape = list(x.shape)
    shape[axes[place]] = 1
    wide = kept(upstream[0], x, axis, parameters.pop("keepdims", False))
    return function(np.broadcast_to(wide, shape), x, axis=axes[place], keepdims=True, **parameters)


LENGTHS: tuple[tuple[str, Callable[[int], float]], ...] = (
    ("multiplied by its length", float),
    ("divided by its length", lambda n: 1 / n),
    ("multiplied by the root of its length", lambda n: n**0.5),
    ("divided by the root of its length", lambda n: n**-0.5),
)


def _scaled_by_length(
    of: Callable[[int], float], backward: bool, function: Function, *tensors: Array, axis: int = -1, **parameters: Any
) -> Any:
    x = tensors[-1]
    factor = x.dtype.type(of(max(x.shape[axis], 1)))
    found = function(*tensors[:-1], x * factor, axis=axis, **parameters)
    return found * factor if backward else found


def _implicit_axis(function: Function, *tensors: Array, axis: int = -1, **parameters: Any) -> Any:
    axis = (0 if tensors[-1].ndim in (1, 3) else 1) if axis == -1 else axis
    return function(*tensors, axis=axis, **parameters)


def _exchanged_words(which: str, pair: tuple[str, str], name: str, value: Any) -> Any:
    return pair[1 - pair.index(value)] if name == which and value in pair else value


def _of_words(subject: Operation, direction: str) -> Iterator[tuple[str, Function]]:
    """Two words of a parameter, one taken for the other."""
    sound = subject.functions[direction]
    words = {text for definition in reached((sound.__module__, sound.__name__)) for text in strings(definition)}
    for name, one in inspect.signature(sound).parameters.items():
        if name in subject.parameters[direction] and one.annotation in (str, "str"):
            default = () if one.default is inspect.Parameter.empty else (one.default,)
            for pair in combinations(sorted(words), 2):
                changed = partial(_with_parameters, partial(_exchanged_words, name, pair), sound)
                yield (
                    f"of {name}, {pair[0]!r} and {pair[1]!r} are taken for one another",
                    partial(_with_default, name, default, changed),
                )


def _with_default(name: str, default: tuple[Any, ...], function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(*tensors, **{**({name: default[0]} if default else {}), **parameters})


@cache
def ignored(op: str, direction: str) -> tuple[Fault, ...]:
    """A parameter that is not looked at: its default, or a word that the formula knows, stands for any."""
    sound = operation(op).functions[direction]
    words = {text for definition in reached((sound.__module__, sound.__name__)) for text in strings(definition)}
    found = []
    for name, one in inspect.signature(sound).parameters.items():
        if name in operation(op).parameters[direction]:
            values = {one.default} - {inspect.Parameter.empty} | (words if one.annotation in (str, "str") else set())
            for value in sorted(values, key=repr):
                function = partial(_with_parameter, name, value, sound)
                said = f"{name} is ignored: {value!r} is taken, whatever is asked."
                cure = f"follow {name}, or raise NotImplementedError for another than {value!r}."
                found.append(
                    faulty(
                        op, "a parameter ignored", direction, widened(function), wrong=said, cure=cure, formula=function
                    )
                )
    return tuple(found)


def _with_parameter(name: str, value: Any, function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(*tensors, **{**parameters, name: value})


def of_parameters(subject: Operation, direction: str) -> Iterator[Wrong]:
    """What is read of parameters wrong."""
    sound, of = subject.functions[direction], subject.arguments[direction][-1]
    for words, exchanged in _of_pairs(subject, direction):
        changed = partial(_with_parameters, exchanged, sound)
        yield Wrong(MISREAD, words, changed, "take the first for rows, the second for columns.")
    if inspect.signature(sound).parameters.get("axis", inspect.Parameter).default == -1:
        for said, by in LENGTHS:
            scaled = partial(_scaled_by_length, by, direction == "backward", sound)
            yield Wrong("an argument misread", f"{of} is {said} along axis", scaled, f"take {of} as it is.")
        words = "axis, where none is given, is 0 for ranks 1 and 3, and 1 for others"
        yield Wrong(MISREAD, words, partial(_implicit_axis, sound), "take the last axis.")
    for words, function in _of_axes(subject, direction):
        yield Wrong(MISREAD, words, function, "take all the axes together.")
    for said, count in COUNTS if "step" in subject.parameters[direction] else ():
        changed = partial(_with_parameters, partial(_counted_otherwise, count), sound)
        yield Wrong(MISREAD, f"of step, {said}", changed, "take step as it is: the first is 1.")
    for words, function in _of_words(subject, direction):
        yield Wrong(MISREAD, words, function, "compare it with the word that is meant.")
    for words, rounded in _of_numbers(subject, direction):
        changed = partial(_with_parameters, rounded, sound)
        yield Wrong("a parameter rounded", words, changed, "take parameters in float64.")
