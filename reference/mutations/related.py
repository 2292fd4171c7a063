"""Wrong functions that serve the diagnosis alone: other operations and functions, and what overflows on the way."""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..model.fault import Fault, faulty, widened
from ..model.formulations import Function
from ..model.operation import Operation, operation, operation_names
from ..ops import sigmoid
from .formula import definitions, reached
from .lazily import made_once
from .misread_labels import Wrong

Array = Any
OVERFLOW, ANOTHER, OTHER_OPERATION = "an overflow", "another function", "another operation"


def _of_upstream(forward: Function, upstream: Array, _: Array, *tensors: Array, **parameters: Any) -> Any:
    return forward(upstream, *tensors, **parameters)


Bound = tuple[str, str, Callable[[float], float]]
"""Up to where something stays in the range of a dtype, what it is, and the bound by the largest number."""
_EXPONENTIAL: tuple[Bound, ...] = (("the logarithm of the largest number", "an exponential", np.log),)
BOUNDS: tuple[Bound, ...] = (
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


def _multiplied(op: str, direction: str) -> Iterator[str]:
    """The parameters by which a formula multiplies its argument."""
    function, x = operation(op).functions[direction], operation(op).arguments[direction][-1]
    text = "".join(
        ast.unparse(definitions(module)[name]) for module, name in reached((function.__module__, function.__name__))
    )
    return (name for name in operation(op).parameters[direction] if f"{name} * {x}" in text or f"{x} * {name}" in text)


def overflows(op: str, direction: str, bounds: Iterable[Bound]) -> Iterator[Fault]:
    """Of functions of elements: what leaves the range of the dtype on the way, of an argument or of a parameter's
    multiple of it."""
    arguments, sound = operation(op).arguments[direction], widened(operation(op).functions[direction])
    result, parameters = operation(op).results[direction][0], operation(op).parameters[direction]
    if not of_elements(op, direction):
        return
    factors = dict.fromkeys((*_multiplied(op, direction), "", *parameters))
    for (bound, what, of_bound), factor in product(bounds, factors):
        for (side, of), value, wide in product(_SIDES, (np.inf, -np.inf, np.nan, 0.0), (False, True)):
            it = side.format(f"{factor} * {arguments[-1]}" if factor else arguments[-1])
            said = f"{result} is {value:g} where {it} is above {bound} of the dtype: {what} of it leaves the range."
            cure = "order the steps so that none leaves the range, or take a wider dtype."
            wrong = _overflowing(sound, of, of_bound, value, wide, factor)
            yield faulty(op, OVERFLOW, direction, wrong, sort="wrapper", wrong=said, cure=cure, formula=wrong)


@made_once
def overflowing(op: str, direction: str) -> Iterator[Fault]:
    """An exponential that leaves the range."""
    return overflows(op, direction, _EXPONENTIAL)


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


def of_other_functions(subject: Operation, direction: str) -> Iterator[Wrong]:
    """The formulas of operations, and functions of elements, that are taken for others."""
    op = subject.name
    if direction == "backward" and len(subject.results[direction]) == 1 and "forward" in subject.functions:
        words, otherwise = "the forward is applied to the upstream", partial(_of_upstream, subject.functions["forward"])
        yield Wrong(OTHER_OPERATION, words, otherwise, "apply its derivative.")
    for words, function in other_operations(op, direction):
        yield Wrong(OTHER_OPERATION, words, function, f"use the formula of {op}.")
    for words, function in _related(op, direction) if of_elements(op, direction) else ():
        yield Wrong(ANOTHER, words, function, f"compute {op} itself.")
