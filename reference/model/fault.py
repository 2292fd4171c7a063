"""Wrong implementations by name: each a bug that somebody shipped or could ship, small enough to read at a glance.

A fault is an adapter as well: `pytest --impl=backproof.reference.faults:dense.bias_gradient_is_the_mean`. One
direction of its operation is faulty, the other is the reference's own formula.
"""

import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from ...vectors.dtypes import DTYPES
from .. import faults
from .formulations import Function
from .operation import operation, operation_names

Decorator = Callable[[Function], "Fault"]


@dataclass(frozen=True)
class Fault:
    """One wrong implementation of one operation."""

    op: str
    name: str
    direction: str
    """The one that is faulty."""
    wrong: str
    """What is wrong."""
    observed: str
    """What a user of it observes."""
    cure: str
    """What to do, in one sentence."""
    seen: str
    """Where it was seen: "owner/repo#N", an address, or "constructed: " and what it stands for."""
    functions: Mapping[str, Function] = field(repr=False, compare=False)
    """By direction, the faulty and the sound."""
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What a fault of state keeps between calls."""
    dtypes: ClassVar[tuple[str, ...]] = DTYPES

    def setup(self) -> None:
        """Start from a fresh state."""
        self.memory.clear()

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


def forward(*, observed: str, cure: str, seen: str, as_is: bool = False) -> Decorator:
    """Make a fault of a wrong forward. See `backward`."""
    return partial(_fault, "forward", observed, cure, seen, as_is)


def backward(*, observed: str, cure: str, seen: str, as_is: bool = False) -> Decorator:
    """Make a fault of a wrong backward, whose docstring says what is wrong.

    It takes the operation's arguments as an adapter does, is run in float32 in place of the half precisions and has its
    results rounded to the case's dtype, as a careful implementation would; `as_is` leaves out both, for what is
    wrong with dtypes and memory. One that takes a keyword `memory` is given a dict that outlives its calls.
    """
    return partial(_fault, "backward", observed, cure, seen, as_is)


def _fault(direction: str, observed: str, cure: str, seen: str, as_is: bool, function: Function) -> Fault:
    op = function.__module__.rpartition(".")[2]
    memory: dict[Any, Any] = {}
    called = partial(function, memory=memory) if "memory" in inspect.signature(function).parameters else function
    sound = {d: widened(f) for d, f in operation(op).functions.items()}
    return Fault(
        op=op,
        name=function.__name__,
        direction=direction,
        wrong=" ".join((function.__doc__ or "").split()),
        observed=observed,
        cure=cure,
        seen=seen,
        functions={**sound, direction: called if as_is else widened(called)},
        memory=memory,
    )


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


def faults_of(op: str) -> tuple[Fault, ...]:
    """Find the faults of one operation, in the order of its module. Raises ValueError for an unknown operation."""
    if op not in operation_names():
        raise ValueError(f"no operation {op!r}; known are {', '.join(operation_names())}")
    module = import_module(f"{faults.__name__}.{op}")
    return tuple(value for value in vars(module).values() if isinstance(value, Fault))


def all_faults() -> tuple[Fault, ...]:
    """Find the faults of all operations."""
    return tuple(fault for op in operation_names() for fault in faults_of(op))


def describe(op: str | None = None) -> str:
    """Describe the catalogue, or one operation's part of it, in lines. Raises ValueError as `faults_of` does."""
    found = all_faults() if op is None else faults_of(op)
    run = f"run one: pytest --impl={faults.__name__}:{found[0].op}.{found[0].name}"
    return "\n".join([*map(_described, found), f"{len(found)} faults; {run}"])


def _described(fault: Fault) -> str:
    lines = {"": fault.wrong, "seen by its user: ": fault.observed, "cure: ": fault.cure, "from: ": fault.seen}
    body = [
        textwrap.fill(label + text, 110, initial_indent="    ", subsequent_indent="      ", break_long_words=False)
        for label, text in lines.items()
    ]
    return "\n".join([f"{fault.op}.{fault.name} ({fault.direction})", *body, ""])
