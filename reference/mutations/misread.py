"""Wrong functions that serve the diagnosis alone, made around the sound one: labels and arguments that are read wrong,
rows that weigh otherwise in a mean, a function applied twice."""

# ruff: noqa: ARG001, ARG005 (every change of labels is given the number of classes)

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from itertools import combinations, product
from typing import Any

import ml_dtypes
import numpy as np

from ...vectors.dtypes import DTYPES, numpy_dtype
from ..model.broadcasting import undo_broadcast
from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation, operation_names
from ..ops import sigmoid, softmax
from . import usual
from .blocks import SIZES, padded
from .changes import cut_to_tf32
from .formula import reached, strings
from .grouped import of_gates, of_gates_for_others, of_groups
from .labels import rows_of
from .lazily import made_once
from .wrong_calls import on_argument, on_labels, on_result

Array = Any
Labels = np.ndarray
LABELS, ROWS, ARGUMENT, TWICE, OVERFLOW = (
    "labels misread",
    "rows weighed otherwise",
    "an argument misread",
    "applied twice",
    "an overflow",
)
MOST_PADDED = 5
MOST_ARGUMENTS = 2
"""Of operations with so many tensors or fewer, vectors of elements are read wrong at their ends."""


def _narrowed(dtype: str, wraps: bool, labels: Labels, classes: int) -> Labels:
    narrow: Labels = labels.astype(dtype).astype(np.int64)
    return rows_of(narrow % max(classes, 1) if wraps else narrow, classes)


def _as_floats(dtype: str, labels: Labels, classes: int) -> Labels:
    every = np.arange(classes).astype(numpy_dtype(dtype)).astype(np.float64)
    found: Labels = (labels.astype(numpy_dtype(dtype)).astype(np.float64)[:, None] == every).astype(np.float64)
    return found


def _rounded(dtype: str, labels: Labels, classes: int) -> Labels:
    return rows_of(labels.astype(numpy_dtype(dtype)).astype(np.int64), classes)


def _in_block_after(size: int, labels: Labels, classes: int) -> Labels:
    """Looked for in blocks by the difference from their start, of which one below 0 counts from the block's end."""
    rows = np.zeros((len(labels), classes))
    for start in range(0, classes, size):
        width = min(size, classes - start)
        local = labels - start
        here = np.flatnonzero((local >= -width) & (local < width))
        np.add.at(rows, (here, start + local[here] % width), 1)
    return rows


def _in_every_block(size: int, labels: Labels, classes: int) -> Labels:
    found: Labels = (np.arange(classes) % size == labels[:, None] % size).astype(np.float64)
    return found


def _in_first_block(size: int, labels: Labels, classes: int) -> Labels:
    return rows_of(np.where(labels < size, labels, -1), classes)


def _of_indices(subject: Operation) -> Iterator[tuple[str, Callable[[Labels, int], Labels]]]:
    for dtype in ("int8", "uint8", "int16"):
        yield (
            f"index labels are cast to {dtype}, and count from the end where they wrap",
            partial(_narrowed, dtype, True),
        )
        yield f"index labels are cast to {dtype}, and are no class where they wrap", partial(_narrowed, dtype, False)
    for dtype in ("bfloat16", "float16"):
        said = f"index labels are compared in {dtype}, in which large ones are their neighbours"
        yield said, partial(_as_floats, dtype)
        yield f"index labels are rounded to {dtype}", partial(_rounded, dtype)
    for size in SIZES[:-1]:
        said = f"index labels are looked for by blocks of {size} classes"
        yield f"{said}, and found in the block after theirs as well", partial(_in_block_after, size)
        yield f"{said}, and found in every block", partial(_in_every_block, size)
        yield f"{said}, and in the first block alone", partial(_in_first_block, size)
    yield "index labels are counted from 1", lambda labels, classes: rows_of(labels - 1, classes)
    said = "index labels are counted from 1, and 0 is the last class"
    yield said, lambda labels, classes: rows_of((labels - 1) % max(classes, 1), classes)
    yield "index labels are one too large", lambda labels, classes: rows_of(labels + 1, classes)


def _normalised(labels: Labels, classes: int) -> Labels:
    total = labels.sum(axis=1, keepdims=True)
    return labels / np.where(total == 0, 1, total)


OF_ROWS: tuple[tuple[str, Callable[[Labels, int], Labels]], ...] = (
    ("rows of labels are divided by their sum", _normalised),
    ("of rows of labels what is over 0.5 is 1, the rest 0", lambda labels, classes: (labels > 0.5) * 1.0),
    ("rows of labels are rounded to integers", lambda labels, classes: np.round(labels)),
)


def _if_rows(change: Callable[[Labels, int], Labels], labels: Labels, classes: int) -> Labels:
    return change(labels, classes) if labels.ndim == 2 else labels


def _on_indices(position: int, change: Callable[[Labels, int], Labels], function: Function) -> Function:
    """Change index labels of rows that count; to indices again, which all losses take, where each row has a class."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        labels, classes = tensors[position], tensors[position - 1].shape[-1]
        if labels.ndim == 1:
            kept = labels == parameters.get("ignore_index")
            rows = change(np.where(kept, 0, labels), classes)
            if rows.size and (rows.max(axis=1) == 1).all() and (rows.sum(axis=1) == 1).all():
                rows = np.where(kept, -1, rows.argmax(axis=1))  # which is no class
                parameters.update({"ignore_index": -1} if kept.any() else {})
            labels = rows
        return function(*tensors[:position], labels, *tensors[position + 1 :], **parameters)

    return call


def _of_blocks(size: int, keep: Array, summed: bool) -> Array:
    """The weight of each row in a mean, or sum, of means of blocks, of the rows that count."""
    block = np.arange(len(keep)) // size
    return keep / np.maximum(np.bincount(block, keep)[block] * (1 if summed else -(-len(keep) // size)), 1)


def _counted(labels: Labels, classes: int, ignored: int | None, ignore_index: int | None = None, **_: Any) -> Array:
    """Which rows have a part in a loss."""
    if labels.ndim > 1:
        return np.ones(len(labels), bool)
    keep: Array = labels != ignore_index
    return keep if ignored is None else keep & (labels != ignored % max(classes, 1))


def weighed(
    direction: str,
    position: int,
    function: Function,
    ignored: int | None = None,
    of_all: bool = False,
    size: int = 0,
    summed: bool = False,
) -> Function:
    """Give rows whose index label is `ignored` no part in a loss, nor (unless `of_all`) in what a mean divides by; or
    take the mean, or sum, of means of blocks."""

    def call(*tensors: Array, reduction: str, **parameters: Any) -> Any:
        labels, scores = tensors[position], tensors[position - 1]
        weights = keep = _counted(labels, scores.shape[-1], ignored, **parameters)
        if reduction == "mean":
            total = len(labels) if of_all else np.count_nonzero(keep)
            weights = _of_blocks(size, keep, summed) if size else keep / max(total, 1)
        if direction == "forward":
            losses = np.where(keep, function(*tensors, reduction="none", **parameters), 0)
            return losses if reduction == "none" else (losses * weights).sum()
        return function(tensors[0] * weights, *tensors[1:], reduction="none", **parameters)

    return call


def _of_weights(parameters: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    if "ignore_index" in parameters:
        yield "the mean divides by all rows, by those to be ignored as well", {"of_all": True}
    for words, ignored in (("class 0", 0), ("the last class", -1)):
        said = f"rows whose index label is {words} are left out as if it were padding"
        yield f"{said}, of what the mean divides by as well", {"ignored": ignored}
        yield f"{said}; the mean divides by all rows", {"ignored": ignored, "of_all": True}
    for size in (2, 3, *SIZES[3:9]):
        yield f"the mean is the mean of the means of {size} rows each: the last may be fewer", {"size": size}
        yield f"the mean is the sum of the means of {size} rows each", {"size": size, "summed": True}


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


def _all_cut(function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(*map(cut_to_tf32, tensors), **parameters)


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


def _ignoring(
    ignored: int,
    change: Callable[[Labels, int], Labels],
    position: int,
    function: Function,
    *tensors: Array,
    **how: Any,
) -> Any:
    """With one label to be ignored, whatever is asked; others that are to be ignored count."""
    labels = tensors[position]
    if how.get("ignore_index") not in (None, ignored) and labels.ndim == 1:
        counted = labels != ignored
        labels = np.where(counted, change(labels, tensors[position - 1].shape[-1]), labels)
        how["ignore_index"] = None if counted.all() else ignored
    return function(*tensors[:position], labels, *tensors[position + 1 :], **how)


_IGNORED = -100, -1, 0, 255
_COUNTED: tuple[tuple[str, Callable[[Labels, int], Labels]], ...] = (
    ("", lambda labels, classes: labels),
    (", moved into [0, C)", lambda labels, classes: np.clip(labels, 0, classes - 1)),
    (", modulo C", lambda labels, classes: labels % max(classes, 1)),
)


def _exchanged_where_alike(first: int, second: int, function: Function, *tensors: Array, **parameters: Any) -> Any:
    results = [*function(*tensors, **parameters)]
    if results[first].shape == results[second].shape:
        results[first], results[second] = results[second], results[first]
    return tuple(results)


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


def _of_upstream(forward: Function, upstream: Array, _: Array, *tensors: Array, **parameters: Any) -> Any:
    return forward(upstream, *tensors, **parameters)


def _twice(function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(function(*tensors, **parameters), *tensors[1:], **parameters)


Bound = tuple[str, str, Callable[[float], float]]
"""Up to where something stays in the range of a dtype, what it is, and the bound by the largest number."""
EXPONENTIAL: tuple[Bound, ...] = (("the logarithm of the largest number", "an exponential", np.log),)
_BOUNDS: tuple[Bound, ...] = (
    ("half the largest number", "a double or a sum of two", lambda most: most / 2),
    ("the square root of the largest number", "a square", lambda most: most**0.5),
    ("the cube root of the largest number", "a cube", lambda most: most ** (1 / 3)),
)
_SIDES: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("{}", np.positive),
    ("-{}", np.negative),
    ("abs({})", np.abs),
)


def _overflowing(
    function: Function,
    of: Callable[[Array], Array],
    bound: Callable[[float], float],
    value: float,
    wide: bool,
    factor: str = "",
) -> Function:
    def call(*tensors: Array, **parameters: Any) -> Any:
        right, x = function(*tensors, **parameters), tensors[-1]
        dtype = np.dtype(np.float32) if wide and x.dtype.itemsize == 2 else x.dtype
        most = {"float16": 65504.0}.get(
            dtype.name, float(np.finfo(np.float64 if dtype.itemsize == 8 else np.float32).max)
        )
        times = parameters.get(factor, 1.0)
        if x.shape != right.shape or not isinstance(times, int | float):
            return right
        beyond = of(times * x.astype(np.float64)) > bound(most)
        return np.where(beyond, value, right.astype(np.float64)).astype(right.dtype)

    return call


def of_elements(op: str, direction: str) -> bool:
    """Whether a function is one of each element of a tensor, or backpropagates through one."""
    subject = operation(op)
    tensors = *subject.arguments[direction], *subject.results[direction]
    return len(tensors) == {"forward": 2, "backward": 3}[direction] and all(subject.batch_axis[t] == 0 for t in tensors)


def _nan_at_zero(function: Function, *tensors: Array, **parameters: Any) -> Any:
    right, x = function(*tensors, **parameters), tensors[-1]
    return np.where(x == 0, np.nan, right).astype(right.dtype) if x.shape == right.shape else right


def overflows(op: str, direction: str, bounds: Iterable[Bound]) -> Iterator[Fault]:
    """Of functions of elements: what leaves the range of the dtype on the way, of an argument or of a parameter's
    multiple of it."""
    arguments, sound = operation(op).arguments[direction], widened(operation(op).functions[direction])
    result, parameters = operation(op).results[direction][0], operation(op).parameters[direction]
    if not of_elements(op, direction):
        return
    for (bound, what, of_bound), factor in product(bounds, ("", *parameters)):
        for (side, of), value, wide in product(_SIDES, (np.inf, -np.inf, np.nan, 0.0), (False, True)):
            it = side.format(f"{factor} * {arguments[-1]}" if factor else arguments[-1])
            said = f"{result} is {value:g} where {it} is above {bound} of the dtype: {what} of it leaves the range."
            cure = "order the steps so that none leaves the range, or take a wider dtype."
            function = _overflowing(sound, of, of_bound, value, wide, factor)
            yield faulty(op, OVERFLOW, direction, function, sort="wrapper", wrong=said, cure=cure, formula=function)


def _sigmoid(x: Array) -> Array:
    return sigmoid.forward(x)


def _softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


RELATED: Mapping[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "x sigmoid(1.702 x)": (
        lambda x: x * _sigmoid(1.702 * x),
        lambda x: _sigmoid(1.702 * x) * (1 + 1.702 * x * _sigmoid(-1.702 * x)),
    ),
    "clip(x, -1, 1)": (lambda x: np.clip(x, -1, 1), lambda x: 1.0 * (np.abs(x) < 1)),
    "clip(x, 0, 1)": (lambda x: np.clip(x, 0, 1), lambda x: 1.0 * ((x > 0) & (x < 1))),
    "clip(x, 0, 6)": (lambda x: np.clip(x, 0, 6), lambda x: 1.0 * ((x > 0) & (x < 6))),
    "clip(0.2 x + 0.5, 0, 1)": (lambda x: np.clip(0.2 * x + 0.5, 0, 1), lambda x: 0.2 * (np.abs(x) < 2.5)),
    "clip(x / 6 + 0.5, 0, 1)": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: (np.abs(x) < 3) / 6),
    "x clip(x / 6 + 0.5, 0, 1)": (
        lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
        lambda x: np.where(np.abs(x) < 3, x / 3 + 0.5, x > 0),
    ),
    "arctan(x)": (np.arctan, lambda x: 1 / (1 + x * x)),
    "x / (1 + |x|)": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "x tanh(softplus(x))": (
        lambda x: x * np.tanh(_softplus(x)),
        lambda x: np.tanh(_softplus(x)) + x * (1 - np.tanh(_softplus(x)) ** 2) * _sigmoid(x),
    ),
    "elu(x)": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    "|x|": (np.abs, np.sign),
    "exp(x)": (np.exp, np.exp),
    "log2(1 + 2^x)": (lambda x: np.logaddexp2(0, x), lambda x: _sigmoid(x * np.log(2))),
    "1.7159 tanh(2 x / 3)": (
        lambda x: 1.7159 * np.tanh(2 / 3 * x),
        lambda x: 1.7159 * 2 / 3 * (1 - np.tanh(2 / 3 * x) ** 2),
    ),
    "x (27 + x^2) / (27 + 9 x^2)": (
        lambda x: np.clip(x * (27 + x * x) / (27 + 9 * x * x), -1, 1),
        lambda x: np.where(np.abs(x) < 3, 9 * (x * x - 9) ** 2 / (27 + 9 * x * x) ** 2, 0),
    ),
}
"""Functions of elements that are taken for others, and their derivatives."""


def _related(op: str, direction: str) -> Iterator[tuple[str, Function]]:
    if direction == "forward":
        for words, (of, _) in RELATED.items():
            yield f"{words} where {op} is due", partial(_of_last, of, None)
        return
    forward = operation(op).functions.get("forward")
    for words, (_, slope) in RELATED.items():
        yield f"the derivative of {words} where that of {op} is due", partial(_of_last, slope, 0)
    if forward is not None:
        yield f"the derivative is taken at {op}(x) where it is due at x", partial(_at_outputs, op, forward)


def _of_last(of: Callable[[Array], Array], upstream: int | None, *tensors: Array, **_: Any) -> Array:
    found = of(tensors[-1])
    return found if upstream is None else tensors[upstream] * found


def _at_outputs(op: str, forward: Function, dL_doutputs: Array, inputs: Array, **parameters: Any) -> Array:
    backward: Array = operation(op).functions["backward"](dL_doutputs, forward(inputs, **parameters), **parameters)
    return backward


def _at_weighted(place: int, others: Mapping[int, int], function: Function, *tensors: Array, **parameters: Any) -> Any:
    """The gradient of a weight at the outputs: at what is normalised, times the weight, and the bias besides. `others`
    gives the positions of the weight and the bias by those of their gradients."""
    results = function(*tensors, **parameters)
    at = sum(results[result] * tensors[position] for result, position in others.items())
    return tuple(at if i == place else result for i, result in enumerate(results))


def _padded(size: int, function: Function, *tensors: Array, **parameters: Any) -> Any:
    """With zeros at the end of the last axis that are counted, up to a multiple of a size, for 0 to a power of two."""
    last = tensors[-1] if tensors[-1].dtype.kind != "i" else tensors[-2]
    n = last.shape[-1] if last.ndim else 0
    of_length = [t.ndim > 0 and t.dtype.kind != "i" and t.shape[-1] == n for t in tensors]
    of_length[0] &= tensors[0].ndim >= last.ndim  # an upstream of rows has no columns
    wide = [padded(t, size) if fits else t for t, fits in zip(tensors, of_length, strict=True)]
    results = function(*wide, **parameters)
    several = results if isinstance(results, tuple) else (results,)
    cut = tuple(r[..., :n] if np.ndim(r) >= last.ndim and r.shape[-1] > n else r for r in several)
    return cut if isinstance(results, tuple) else cut[0]


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


def other_operations(op: str, direction: str) -> Iterator[tuple[str, Function]]:
    """The formulas of operations that take the same arguments; parameters that they lack are left out."""
    own = operation(op)
    for name in operation_names():
        other = operation(name)
        if name == op or direction not in other.functions or other.arguments[direction] != own.arguments[direction]:
            continue
        if other.results[direction] == own.results[direction]:
            yield f"the formula of {name} where that of {op} is due", partial(_of_other, other, direction)


def _of_other(other: Operation, direction: str, *tensors: Array, **parameters: Any) -> Any:
    known = {name: value for name, value in parameters.items() if name in other.parameters[direction]}
    return other.functions[direction](*tensors, **known)


@made_once
def misread(op: str, direction: str) -> Iterator[Fault]:
    """All of them."""
    subject = operation(op)
    sound = subject.functions[direction]
    arguments, results = subject.arguments[direction], subject.results[direction]

    def fault(kind: str, words: str, function: Function, cure: str, raw: bool = False) -> Fault:
        said = f"{words}." if words.startswith(("dL_", *arguments, *results)) else f"{words[0].upper()}{words[1:]}."
        return faulty(
            op,
            kind,
            direction,
            function if raw else widened(function),
            sort="wrapper",
            wrong=said,
            cure=cure,
            formula=function,
        )

    for position in (i for i, argument in enumerate(arguments) if argument in subject.labels):
        changes = [(words, partial(_on_indices, position, change)) for words, change in _of_indices(subject)]
        changes += [(words, partial(on_labels, position, partial(_if_rows, change))) for words, change in OF_ROWS]
        others = [getattr(usual, name) for name in (f"{op}_{direction}_by_sum",) if hasattr(usual, name)]
        for words, misled in changes:
            for function in (sound, *others):
                yield fault(LABELS, words, misled(function), "take labels as they are.")
        if op == "cross_entropy":
            words, cure = "the binary form is used, with (1 - y) log(1 - p) for each class", "use y log p alone."
            yield fault("another function", words, getattr(usual, f"binary_{direction}"), cure)
        parameters = subject.parameters[direction]
        for words, more in _of_weights(parameters) if "reduction" in parameters else ():
            function = weighed(direction, position, sound, **more)
            yield fault(ROWS, words, function, "give every row that counts the same weight, 1 by their number.")
    for words, position, changed in _of_arguments(subject, direction):
        cure = f"take {arguments[position]} as it is."
        yield fault(ARGUMENT, words, on_argument(position, changed, sound), cure)
    biases = [position for position, argument in enumerate(arguments) if argument.startswith("bias")]
    if len(biases) > 1:
        function = sound
        for position in biases:
            function = on_argument(position, np.zeros_like, function)
        words, cure = f"{' and '.join(arguments[position] for position in biases)} are left out", "add the biases."
        yield fault(ARGUMENT, words, function, cure)
    for words, function in (*_of_broadcasts(subject, direction), *of_groups(subject, direction)):
        yield fault("axes misread", words, function, "look at the axes of what is summed, or how channels are grouped.")
    for order, function in of_gates(subject, direction):
        words = f"the blocks of rows, a block a gate, of {order}"
        yield fault("gates in another order", words, function, "take gates in the order that the docstring gives.")
    for words, function in of_gates_for_others(subject, direction):
        yield fault("gates in another order", words, function, "give each gate the sum of its own gradients.")
    for words, make in _of_factors(subject, direction):
        yield fault("a factor too many", words, make(sound), "leave the factor out.")
    cure = "compute in float32, or declare tf32 for it."
    words = "all arguments of float32 are cut to the 11 bits of TF32"
    yield fault(ARGUMENT, words, partial(_all_cut, sound), cure)
    for words, exchanged in _of_pairs(subject, direction):
        function = partial(_with_parameters, exchanged, sound)
        yield fault("a parameter misread", words, function, "take the first for rows, the second for columns.")
    if inspect.signature(sound).parameters.get("axis", inspect.Parameter).default == -1:
        for said, of in LENGTHS:
            function = partial(_scaled_by_length, of, direction == "backward", sound)
            yield fault(ARGUMENT, f"{arguments[-1]} is {said} along axis", function, f"take {arguments[-1]} as it is.")
        words = "axis, where none is given, is 0 for ranks 1 and 3, and 1 for others"
        yield fault("a parameter misread", words, partial(_implicit_axis, sound), "take the last axis.")
    for words, function in _of_words(subject, direction):
        yield fault("a parameter misread", words, function, "compare it with the word that is meant.")
    for position in (i for i, argument in enumerate(arguments) if argument in subject.labels):
        for ignored, (said, change) in product(
            _IGNORED, _COUNTED if "ignore_index" in subject.parameters[direction] else ()
        ):
            words = f"ignore_index is {ignored}, whatever is asked: another label to be ignored counts{said}"
            yield fault(
                "a parameter ignored",
                words,
                partial(_ignoring, ignored, change, position, sound),
                "follow ignore_index.",
            )
    for first, second in combinations(range(len(results)), 2):
        words = f"{results[first]} and {results[second]} are exchanged where they have one shape"
        function = partial(_exchanged_where_alike, first, second, sound)
        yield fault("another order", words, function, "return gradients in the order of the arguments.")
    for words, rounded in _of_numbers(subject, direction):
        yield fault(
            "a parameter rounded", words, partial(_with_parameters, rounded, sound), "take parameters in float64."
        )
    yield from overflows(op, direction, _BOUNDS)
    if of_elements(op, direction):
        said = f"{results[0]} is NaN where {arguments[-1]} is 0: a quotient by it, 0 / 0"
        yield fault("a quotient", said, partial(_nan_at_zero, widened(sound)), "divide by nothing that is 0.", raw=True)
    if direction == "backward" and len(results) == 1 and "forward" in subject.functions:
        function = partial(_of_upstream, subject.functions["forward"])
        yield fault("another operation", "the forward is applied to the upstream", function, "apply its derivative.")
    for position in (i for i, argument in enumerate(arguments) if argument in subject.labels):
        words, cure = (
            f"{arguments[position]} is taken as -{arguments[position]}",
            f"take {arguments[position]} as it is.",
        )
        yield fault(ARGUMENT, words, on_argument(position, np.negative, sound), cure)
    for words, function in other_operations(op, direction):
        yield fault("another operation", words, function, f"use the formula of {op}.")
    for words, function in _related(op, direction) if of_elements(op, direction) else ():
        yield fault("another function", words, function, f"compute {op} itself.")
    if "dL_dweight" in results and "eps" in subject.parameters[direction]:
        both = {results.index(f"dL_d{name}"): arguments.index(name) for name in ("weight", "bias") if name in arguments}
        said = "dL_dweight is taken at the outputs where it is due at the normalised inputs"
        function = partial(_at_weighted, results.index("dL_dweight"), both, sound)
        yield fault("another function", said, function, "multiply by what is normalised, before weight and bias.")
    for size in (*SIZES, 0) if len(arguments) <= MOST_PADDED and not of_elements(op, direction) else ():
        to = f"a multiple of {size}" if size else "a power of two"
        said = f"the last axis is padded with zeros to {to}, which are counted"
        yield fault("padding counted", said, partial(_padded, size, sound), "leave out what lies past the end.")
    if len(results) == 1:
        said = f"{results[0]} has the function applied twice"
        yield fault(TWICE, said, partial(_twice, sound), "write results beside the arguments, each element once.")
