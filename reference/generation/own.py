"""Operations of a user's own: a module with `forward` and `backward` in plain NumPy, read and proven before it is used.

    SHAPES = {"x": "(N, D)", "bias": "(D,)"}

    def forward(x, bias): ...

    def backward(dL_dy, x, bias): ...

`SHAPES` says of each argument of forward what it may be, `PARAMETERS` with which values each keyword is tested, and the
rest is as in the modules of `ops`. Once read it is an operation as theirs: `operation(name)`.
"""

import inspect
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import flint
import numpy as np

from ...vectors.records import DIRECTIONS
from ...vectors.validation import RESERVED
from .. import ops
from ..arithmetic.protocol import FormulaArray
from ..kinds.declared import Declared, parse, settings
from ..model.family import Inputs
from ..model.operation import OWN, Operation, described, operation_names
from .build import drafts
from .derivatives import BITS, as_tuple, departures, lifted
from .draws import Words
from .profiles import bell

_NOT_THEIRS = tuple(str(Path(file).parent) for file in (ops.__path__[0], np.__file__))
"""Folders of the reference and of NumPy."""
ANEW = "make a new one, as x = x * x, and np.where for some elements"
INSTEAD = {
    "power": "write a product, as x * x",
    "einsum": "write @, or a sum of products",
    "clip": "write np.minimum(np.maximum(x, low), high)",
    "sign": "write np.where(x > 0, 1, -1)",
    "min": "write -np.max(-x)",
    "var": "write the mean of squares",
    "std": "write the root of the mean of squares",
    "dot": "write @",
}
"""What to write for functions that the arithmetics have no rule for."""


class OwnOperationError(ValueError):
    """A module that is no operation. The message is one line: what is wrong, where, and what to do."""


def own_operation(subject: Any) -> Operation:
    """Read a user's module, or an object with the same attributes, prove it, and enter it among the operations.

    Raises OwnOperationError where it is none: a function or a declaration is missing or not understood, its name is
    taken, something in its text has no rule, or backward is not the derivative of forward.
    """
    where = getattr(subject, "__name__", None) or type(subject).__name__
    if "." not in where and getattr(subject, "__module__", None):
        where = f"{subject.__module__}.{where}"
    name = getattr(subject, "NAME", where.rpartition(".")[2])
    try:
        if name in OWN and OWN[name].functions == {d: getattr(subject, d, None) for d in DIRECTIONS}:
            return OWN[name]
        _require_functions(subject)
        _require_words(subject)
        _require_free(name, subject)
        found = described(name, subject)
        _require_declarations(found)
        for parameters in settings(found):
            _prove(found, parameters)
        if not hasattr(subject, "BATCH_AXIS"):
            axes = _batch_axis(found, next(settings(found)))
            found = replace(found, batch_axis={name: axes.get(name) for name in found.batch_axis})
    except OwnOperationError as error:
        raise OwnOperationError(f"{where}: {error}") from None
    if name in OWN:
        _forget()
    OWN[name] = found
    return found


def _require_functions(subject: Any) -> None:
    for direction, written in (("forward", "forward(x, ...)"), ("backward", "backward(dL_dy, x, ...)")):
        function = getattr(subject, direction, None)
        if not callable(function):
            raise OwnOperationError(f"has no {direction}; write {written}, in plain NumPy")
        for p in inspect.signature(function).parameters.values():
            if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                raise OwnOperationError(f"{direction} takes {p}; name each tensor, and after * each parameter")
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty:
                raise OwnOperationError(f"{direction} has a default for {p.name}; parameters come after *: *, {p}")


def _require_words(subject: Any) -> None:
    """Raise OwnOperationError unless SHAPES has a text for each argument of forward, and PARAMETERS tuples."""
    shapes, values = getattr(subject, "SHAPES", {}), getattr(subject, "PARAMETERS", {})
    takes = [
        p.name for p in inspect.signature(subject.forward).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    texts = isinstance(shapes, Mapping) and all(isinstance(text, str) for text in shapes.values())
    if not texts or set(shapes) != set(takes):
        due = ", ".join(f'"{name}": "(N, D)"' for name in takes)
        raise OwnOperationError(f"SHAPES has to say the shape of each argument of forward: SHAPES = {{{due}}}")
    if not isinstance(values, Mapping) or not all(isinstance(v, tuple) and v for v in values.values()):
        raise OwnOperationError('PARAMETERS is no mapping of names to tuples of values: {"eps": (1e-5, 1e-3)}')


def _require_free(name: object, subject: Any) -> None:
    if not re.fullmatch(r"[A-Za-z]\w*", str(name), re.ASCII) or name in RESERVED:
        raise OwnOperationError(f'{name!r} is no name of an operation; give it one: NAME = "my_operation"')
    taken = OWN[name].functions["forward"].__module__ if name in OWN else "backproof"
    if name in operation_names() and taken != getattr(subject.forward, "__module__", ""):
        raise OwnOperationError(f'{taken} has an operation {name} already; give this one a NAME = "my_{name}"')


def _require_declarations(found: Operation) -> None:
    forward, backward = found.arguments["forward"], found.arguments["backward"]
    if not found.upstreams or backward != (*found.upstreams, *forward):
        due = ", ".join([*(found.upstreams or ["dL_dy"]), *forward])
        raise OwnOperationError(f"backward takes {', '.join(backward)}; write backward({due}), as forward has them")
    ours, theirs = (set(found.parameters[d]) for d in DIRECTIONS)
    if odd := sorted(ours ^ theirs):
        raise OwnOperationError(f"{odd[0]} is a parameter of one of forward and backward; give it to both")
    for name, text in found.shapes.items():
        try:
            parse(text)
        except ValueError as error:
            raise OwnOperationError(f"SHAPES[{name!r}]: {error}") from None
    for name in ours:
        if name not in found.values and name not in found.defaults:
            raise OwnOperationError(f'PARAMETERS has to give {name} values: PARAMETERS = {{"{name}": (0.5, 2.0)}}')


def _prove(found: Operation, parameters: dict[str, Any]) -> None:
    """Evaluate both functions over balls, and hold backward against the slopes of forward."""
    inputs = _drawn(found, parameters)
    for direction in DIRECTIONS:
        _require_rules(found, direction, inputs, parameters)
    try:
        wrong = next(departures(found, inputs, parameters), None)
    except (ValueError, ArithmeticError) as error:
        raise OwnOperationError(f"backward: {error}{_with(parameters)}") from None
    if wrong is not None:
        raise OwnOperationError(f"backward is not the derivative of forward: {wrong}{_with(parameters)}")


def _with(parameters: Mapping[str, Any]) -> str:
    return "".join(f", {name}={value!r}" for name, value in parameters.items())


def _drawn(found: Operation, parameters: dict[str, Any]) -> Inputs:
    """Draw arguments of few elements."""
    kind = Declared(found, parameters)
    sizes = kind.sizes(2, 3, 4)
    try:
        return kind.drawn(sizes, bell, Words(f"own/{found.name}", "float64"))
    except Exception as error:
        shapes = ", ".join(f"{name} {tensor.shape(sizes)}" for name, tensor in kind.tensors.items())
        raise OwnOperationError(f"forward does not take {shapes}{_with(parameters)}: {_said(error)}") from None


def _require_rules(found: Operation, direction: str, inputs: Inputs, parameters: Mapping[str, Any]) -> None:
    """Raise OwnOperationError where a function has no rule, or gives not as many results as it has to."""
    function, due = found.functions[direction], found.results[direction]
    given = [inputs[name] for name in found.arguments[direction]]
    called = []
    for _ in range(2):
        fresh = [x.copy() for x in given]
        try:
            with np.errstate(all="ignore"):
                called.append(as_tuple(function(*fresh, **parameters)))
        except Exception as error:
            raise OwnOperationError(f"{direction} raises {_said(error)}") from None
        changed = (not np.array_equal(x, was) for x, was in zip(fresh, given, strict=True))
        if name := next((name for name, new in zip(found.arguments[direction], changed, strict=True) if new), None):
            raise OwnOperationError(f"{direction} changes {name}, its argument; {ANEW}")
    plain, again = called
    if len(plain) != len(due):
        raise OwnOperationError(f"{direction} gives {len(plain)} results, where {', '.join(due)} are due")
    for name, value, other in zip(due, plain, again, strict=True):
        if not isinstance(value, np.ndarray | np.generic | float | int):
            what = "None" if value is None else f"a {type(value).__name__}"
            raise OwnOperationError(f"{direction} gives {what} for {name}; return an array of NumPy")
        if not np.array_equal(value, other, equal_nan=True):
            raise OwnOperationError(f"{direction} gives another {name} when it is called again; draw no numbers in it")
    try:
        with flint.ctx.workprec(BITS):
            function(*lifted(given), **parameters)
    except Exception as error:
        raise OwnOperationError(_without_a_rule(error)) from None


def _without_a_rule(error: Exception) -> str:
    """What to say of a step that NumPy takes and the arithmetics do not."""
    said = str(error).splitlines()[0]
    function = re.search(r"has no attribute '(\w+)|has no (?:numpy\.)?(\w+)", said)
    name = (function[1] or function[2]) if function else ""
    instead = f": {INSTEAD[name]}" if name in INSTEAD else ""
    known = FormulaArray.UFUNCS | FormulaArray.ELEMENTARY - {"erf_absolute"} | FormulaArray.FUNCTIONS
    if name in known or "item assignment" in said:
        return f"writes to an array that is there ({_line(error)}); {ANEW}"
    what = f"{name} has no rule" if name else f"a step has no rule ({type(error).__name__}: {said})"
    return f"{what} for its rounding errors ({_line(error)}){instead}; known are {', '.join(sorted(known))}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({_line(error)})"


def _line(error: Exception) -> str:
    """The file and line of the innermost step in the user's text."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith((*_NOT_THEIRS, "<"))] or frames
    return f"{theirs[-1].filename}, line {theirs[-1].lineno}"


def _batch_axis(found: Operation, parameters: Mapping[str, Any]) -> dict[str, int]:
    """Find the axis of each tensor that is the batch: the first letter whose rows can be put in another order."""
    kind = Declared(found, parameters)
    for letter in kind.letters:
        axes = {name: axis for name, t in kind.tensors.items() if (axis := _axis(t.axes, letter)) is not None}
        short, long = (kind.sizes(4, 6, 3, **{letter: rows}) for rows in (5, 7))
        try:
            inputs, longer = (kind.drawn(s, bell, Words("batch", "float64")) for s in (short, long))
            for name in found.upstreams:
                changed = np.flatnonzero(np.not_equal(inputs[name].shape, longer[name].shape))
                axes.update({n: int(axis) for n in (name, name.removeprefix("dL_d")) for axis in changed})
            axes.update(
                {f"dL_d{name}": axis for name, axis in axes.items() if f"dL_d{name}" in found.results["backward"]}
            )
            if all(_follows(found, direction, inputs, parameters, axes) for direction in DIRECTIONS):
                return axes
        except (ValueError, IndexError):
            continue
    return {}


def _axis(axes: Sequence[tuple[int, str]], letter: str) -> int | None:
    names = [name for _, name in axes]
    place = names.index(letter) if letter in names else None
    return place - len(names) if place and "..." in names[:place] else place


def _follows(
    found: Operation, direction: str, inputs: Inputs, parameters: Mapping[str, Any], axes: Mapping[str, int]
) -> bool:
    """Say whether results follow when the rows of all arguments are put in another order."""

    def turned(name: str, x: np.ndarray) -> np.ndarray:
        return np.roll(x, 1, axes[name]) if name in axes else x

    given = {name: inputs[name] for name in found.arguments[direction]}
    with np.errstate(all="ignore"):
        before = as_tuple(found.functions[direction](*given.values(), **parameters))
        after = as_tuple(found.functions[direction](*(turned(*item) for item in given.items()), **parameters))
    pairs = zip(found.results[direction], before, after, strict=True)
    return all(np.allclose(turned(name, np.asarray(x)), y, 1e-9, 1e-12, equal_nan=True) for name, x, y in pairs)


def _forget() -> None:
    """Empty the caches of the reference, which know an operation that was changed by its name."""
    for name, module in list(sys.modules.items()):
        if name.startswith(__name__.partition(".generation")[0]):
            for value in list(vars(module).values()):
                if isinstance(value, type(drafts)):
                    value.cache_clear()
