"""Wrong functions that serve the diagnosis alone, made around the sound one: labels, arguments and parameters that are
read wrong, other functions, results exchanged, a function applied twice."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation
from .blocks import SIZES, padded
from .lazily import made_once
from .misread_arguments import of_arguments
from .misread_labels import Wrong, of_labels
from .misread_parameters import of_parameters
from .related import BOUNDS, of_elements, of_other_functions, overflows

Array = Any
MOST_PADDED = 5


def _exchanged_where_alike(first: int, second: int, function: Function, *tensors: Array, **parameters: Any) -> Any:
    results = [*function(*tensors, **parameters)]
    if results[first].shape == results[second].shape:
        results[first], results[second] = results[second], results[first]
    return tuple(results)


def _twice(function: Function, *tensors: Array, **parameters: Any) -> Any:
    return function(function(*tensors, **parameters), *tensors[1:], **parameters)


def _nan_at_zero(function: Function, *tensors: Array, **parameters: Any) -> Any:
    right, x = function(*tensors, **parameters), tensors[-1]
    return np.where(x == 0, np.nan, right).astype(right.dtype) if x.shape == right.shape else right


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


def _of_results(subject: Operation, direction: str) -> Iterator[Wrong]:
    """Results exchanged, taken elsewhere, of padded axes, or put through the function again."""
    sound, arguments, results = subject.functions[direction], subject.arguments[direction], subject.results[direction]
    for first, second in combinations(range(len(results)), 2):
        words = f"{results[first]} and {results[second]} are exchanged where they have one shape"
        function = partial(_exchanged_where_alike, first, second, sound)
        yield Wrong("another order", words, function, "return gradients in the order of the arguments.")
    if "dL_dweight" in results and "eps" in subject.parameters[direction]:
        both = {results.index(f"dL_d{name}"): arguments.index(name) for name in ("weight", "bias") if name in arguments}
        words = "dL_dweight is taken at the outputs where it is due at the normalised inputs"
        function = partial(_at_weighted, results.index("dL_dweight"), both, sound)
        yield Wrong("another function", words, function, "multiply by what is normalised, before weight and bias.")
    for size in (*SIZES, 0) if len(arguments) <= MOST_PADDED and not of_elements(subject.name, direction) else ():
        to = f"a multiple of {size}" if size else "a power of two"
        words = f"the last axis is padded with zeros to {to}, which are counted"
        yield Wrong("padding counted", words, partial(_padded, size, sound), "leave out what lies past the end.")
    if len(results) == 1:
        words, cure = (
            f"{results[0]} has the function applied twice",
            "write results beside the arguments, each element once.",
        )
        yield Wrong("applied twice", words, partial(_twice, sound), cure)


@made_once
def misread(op: str, direction: str) -> Iterator[Fault]:
    """All of them."""
    subject = operation(op)
    arguments, results = subject.arguments[direction], subject.results[direction]

    def fault(wrong: Wrong, widen: Callable[[Function], Function] = widened) -> Fault:
        words, function = wrong.words, wrong.function
        said = f"{words}." if words.startswith(("dL_", *arguments, *results)) else f"{words[0].upper()}{words[1:]}."
        of = partial(faulty, op, wrong.kind, direction, widen(function), sort="wrapper")
        return of(wrong=said, cure=wrong.cure, formula=function)

    for of in (of_labels, of_arguments, of_parameters):
        yield from map(fault, of(subject, direction))
    yield from overflows(op, direction, BOUNDS)
    if of_elements(op, direction):
        said = f"{results[0]} is NaN where {arguments[-1]} is 0: a quotient by it, 0 / 0"
        at_zero = partial(_nan_at_zero, widened(subject.functions[direction]))
        yield fault(Wrong("a quotient", said, at_zero, "divide by nothing that is 0."), lambda function: function)
    for of in (of_other_functions, _of_results):
        yield from map(fault, of(subject, direction))
