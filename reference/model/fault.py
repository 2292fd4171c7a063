"""A wrong implementation of one operation, as a value.

A fault is an adapter as well: `pytest --impl=backproof.reference.faults:dense.dbiases_sum_to_mean`. One direction of
its operation is faulty, the other is the reference's own formula.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial, wraps
from typing import Any, ClassVar

import numpy as np

from ...vectors.dtypes import DTYPES
from .formulations import Function
from .operation import operation


@dataclass(frozen=True)
class Words:
    """What is said of a fault."""

    wrong: str
    """What is wrong, in a sentence."""
    cure: str
    """What to do, in a sentence."""
    before: str = ""
    """Of a mutant, the statement as it is due."""
    after: str = ""
    """Of a mutant, the statement as it is."""


@dataclass(frozen=True)
class Fault:
    """One wrong implementation of one operation."""

    op: str
    name: str
    direction: str
    """The one that is faulty."""
    words: Callable[[], Words] = field(repr=False, compare=False)
    """What is said of it, made when it is asked for: to write a mutant's statements takes as long as to make it."""
    functions: Mapping[str, Function] = field(repr=False, compare=False)
    """By direction, the faulty and the sound."""
    sort: str = "seen"
    """"mutant": the formula's text changed in one place; "wrapper": a function made wrong from outside; "seen"."""
    seen: str = ""
    """Where it was seen: "owner/repo#N" or an address; empty for what is made by rule."""
    where: str = ""
    """Of a mutant, the function and the line."""
    formula: Function | None = field(default=None, repr=False, compare=False)
    """The faulty direction over any arithmetic; None where what is wrong are dtypes, rounding, memory or state."""
    disturbed: Function | None = field(default=None, repr=False, compare=False)
    """The faulty direction with noise in place of the value that the fault changes, which reaches no fewer results; the
    same for all faults of one value. None where that is not known."""
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What a fault of state keeps between calls."""
    as_is: bool = field(default=False, repr=False)
    """Whether it takes the caller's own tensors: what is wrong are dtypes, layouts or memory."""
    dtypes: ClassVar[tuple[str, ...]] = DTYPES

    @property
    def wrong(self) -> str:
        """What is wrong, in a sentence."""
        return self.words().wrong

    @property
    def cure(self) -> str:
        """What to do, in a sentence."""
        return self.words().cure

    @property
    def of_refusals(self) -> bool:
        """Whether what is to be refused is not, and no more."""
        return "require" in self.name or "refus" in self.name or ": raise`" in self.wrong

    @property
    def before(self) -> str:
        """Of a mutant, the statement as it is due."""
        return self.words().before

    @property
    def after(self) -> str:
        """Of a mutant, the statement as it is."""
        return self.words().after

    def setup(self) -> None:
        """Start from a fresh state."""
        for kept in self.memory.values():
            if isinstance(kept, dict):
                kept.clear()

    def __getattr__(self, attribute: str) -> Function:
        """The functions under an adapter's names: `dense_backward`."""
        mine = self.__dict__
        op, _, direction = attribute.rpartition("_")
        if op == mine.get("op") and direction in mine.get("functions", {}):
            function: Function = mine["functions"][direction]
            return function
        raise AttributeError(f"{type(self).__name__} has no attribute {attribute!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(f"{self.op}_{direction}" for direction in self.functions)})


def faulty(op: str, name: str, direction: str, function: Function, *, wrong: str, cure: str, **fields: Any) -> Fault:
    """Make a fault of a function that is wrong in one direction; the other is the reference's own."""
    return told_by(partial(Words, wrong, cure), op, name, direction, function, **fields)


def told_by(words: Callable[[], Words], op: str, name: str, direction: str, function: Function, **fields: Any) -> Fault:
    """Make a fault as `faulty` does, of which `words` gives what is said, when it is asked for."""
    sound = {d: _sound(f) for d, f in operation(op).functions.items()}
    functions = {**sound, direction: function}
    return Fault(op=op, name=name, direction=direction, words=words, functions=functions, **fields)


def forward(seen: str, cure: str, *, as_is: bool = False) -> Callable[[Function], Fault]:
    """Make a fault of a wrong forward. See `backward`."""
    return partial(_seen, "forward", seen, cure, as_is)


def backward(seen: str, cure: str, *, as_is: bool = False) -> Callable[[Function], Fault]:
    """Make a fault of a wrong backward, whose docstring says what is wrong.

    It takes the operation's arguments as an adapter does, is run in float32 in place of the half precisions and has its
    results rounded to the case's dtype, as a careful implementation would; `as_is` leaves out both, for what is
    wrong with dtypes and memory. One that takes a keyword `memory` is given a dict that outlives its calls.
    """
    return partial(_seen, "backward", seen, cure, as_is)


def of_any(direction: str, seen: str, cure: str) -> Callable[[Function], Callable[[str], Fault]]:
    """Make of a wrong function, whose first argument is the sound one, what gives the fault of an operation by name."""

    def of(function: Function, op: str) -> Fault:
        wrong = wraps(function)(partial(function, operation(op).functions[direction]))
        return _seen(direction, seen, cure, False, wrong, op)

    return lambda function: partial(of, function)


def _seen(direction: str, seen: str, cure: str, as_is: bool, function: Function, op: str = "") -> Fault:
    memory: dict[Any, Any] = {"": {}} if "memory" in inspect.signature(function).parameters else {}
    called = partial(function, memory=memory[""]) if memory else function
    return faulty(
        op or function.__module__.rpartition(".")[2],
        function.__name__,
        direction,
        called if as_is else widened(called),
        wrong=" ".join((function.__doc__ or "").split()),
        cure=cure,
        seen=seen,
        memory=memory,
        as_is=as_is,
    )


@cache
def _sound(function: Function) -> Function:
    """The reference's own formula as an adapter's function, the same for all faults of an operation."""
    return widened(function)


def widened(function: Function) -> Function:
    """Run in float32 where the arguments are of half precision, and round results to the dtype of the arguments."""

    @wraps(function, assigned=("__name__", "__doc__") if hasattr(function, "__name__") else ())
    def call(*tensors: Any, **parameters: Any) -> Any:
        dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
        if dtype.itemsize == 2:
            tensors = tuple(t.astype(np.float32) if t.dtype == dtype else t for t in tensors)
        results = function(*tensors, **parameters)
        if isinstance(results, tuple):
            return tuple(np.asarray(result, dtype=dtype) for result in results)
        return np.asarray(results, dtype=dtype)

    return call
