"""What is held against the checkers: the faults of the catalogue, and the sound variants one operation at a time."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from backproof.conformance.implementation.arrays import NotAnArray, to_numpy
from backproof.reference.faults import by_name, faults_of, former
from backproof.reference.model.fault import Fault, widened
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES
from sound_variants import variants

from .calls import Call

Array = Any
Function = Callable[..., Any]

MATRIX = json.loads((Path(__file__).parents[1] / "test_kill_matrix.json").read_text(encoding="utf-8"))
"""What is recorded of all faults."""
DRAWN, SOUND = 5, 2
"""Faults and sound variants of each operation that are drawn from all of them."""
FAULT = "fault"
"""The group of all faults."""
PLAIN = "as NumPy has it"
"""The variant that tells, with the reference, which calls are of use to a checker, and whose check is timed."""


@dataclass(frozen=True)
class Subject:
    """One implementation of one operation."""

    group: str
    """The variant's name, or FAULT."""
    name: str
    op: str
    functions: Mapping[str, Function] = field(repr=False)
    """By direction; what an implementation leaves out is the reference's."""
    directions: tuple[str, ...]
    """Those that are its own."""
    dtypes: tuple[str, ...] = DTYPES
    fresh: Callable[[], None] = field(default=lambda: None, repr=False)
    """Forget what earlier calls left behind."""
    memory: Mapping[Any, Any] = field(default_factory=dict, repr=False)
    """What a fault of state has kept."""

    def outputs(self, call: Call) -> tuple[np.ndarray, ...]:
        """What its forward returns."""
        return tuple(map(read, several(self.functions["forward"](*call.arguments("forward"), **call.parameters))))

    def gradients(self, call: Call) -> tuple[np.ndarray, ...]:
        """What its backward returns, one gradient for each tensor that is differentiated."""
        return tuple(map(read, several(self.functions["backward"](*call.arguments("backward"), **call.parameters))))


def several(results: Any) -> tuple[Any, ...]:
    """Results as an adapter may return them: one bare, or any number in a tuple or list."""
    return tuple(results) if isinstance(results, tuple | list) else (results,)


def read(result: Any) -> np.ndarray:
    """A result as NumPy sees it."""
    try:
        return to_numpy(result)
    except NotAnArray:
        return np.asarray(result)


@cache
def reference(op: str) -> Subject:
    """The reference's own formulas, which a fault has in its sound direction."""
    functions = {direction: widened(function) for direction, function in operation(op).functions.items()}
    return Subject("reference", f"reference: {op}", op, functions, tuple(functions))


def compared(op: str) -> Mapping[str, Fault]:
    """The faults of the comparison, by name: all that were seen, those that were once written by hand, by their names
    of then, and some others, drawn by the operation's name. What is recorded as the same function is left out."""
    everything, equivalent = by_name(op), set(MATRIX[op]["equivalent"])
    by_rule = [name for name in everything if name not in equivalent]
    drawn = random.Random(op).sample(by_rule, min(len(by_rule), DRAWN))
    named = {fault.name: fault.name for fault in faults_of(op)} | former(op) | {name: name for name in drawn}
    return {name: everything[now] for name, now in named.items() if now not in equivalent}


@cache
def subjects(op: str) -> Mapping[str, Subject]:
    """All of an operation by name: "dense.bias_gradient_flat", "pairwise sums: dense".

    Not among the variants are those that declare a lower precision, which no other checker can be told of, and those
    of other formulas, which differ from the plain one by what the styles show. Of the others some are drawn, by the
    operation's name.
    """
    return {subject.name: subject for subject in (*_faults(op), *_sound(op))}


def _faults(op: str) -> Iterator[Subject]:
    for name, f in compared(op).items():
        yield Subject(FAULT, f"{op}.{name}", op, f.functions, (f.direction,), fresh=f.setup, memory=f.memory)


def _sound(op: str) -> Iterator[Subject]:
    sound = reference(op).functions
    found = []
    for variant in _VARIANTS:
        own = {d: variant.functions[f"{op}_{d}"] for d in sound if f"{op}_{d}" in variant.functions}
        if own:
            name = f"{variant.name}: {op}"
            found.append(Subject(variant.name, name, op, {**sound, **own}, tuple(own), variant.dtypes))
    plain, *others = found
    yield plain
    yield from random.Random(op).sample(others, min(len(others), SOUND))


_VARIANTS = [variant for variant in variants() if variant.sort in ("style", "results", "algorithm")]
