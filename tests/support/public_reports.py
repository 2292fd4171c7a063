"""Kinds of faults that were reported in public: for each a wrong function, its right twin, and a small input that tells
them apart. The rows stand in `reported_*.py`, by what is wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from backproof.conformance.check.family import check
from backproof.conformance.check.further import called_many_times
from backproof.conformance.check.verdict import Outcome, Verdict
from backproof.conformance.implementation.load import Implementation
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, numpy_dtype
from backproof.vectors.records import Family
from proofs import vectors_of

Array = Any
Function = Callable[..., Any]
Small = Callable[[Function], Any]
REDUCTIONS = ("mean", "sum", "none")
EYE, ROWS = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 5.0]]
CALLS: Mapping[tuple[str, str], tuple[Any, ...]] = {
    ("dense", "forward"): (ROWS, EYE, [[1.0, 2.0]]),
    ("dense", "backward"): (ROWS, ROWS, EYE, [[0.0, 0.0]]),
    ("relu", "forward"): (ROWS,),
    ("relu", "backward"): (ROWS, [[0.1, 2.0], [3.0, 5.0]]),
    ("softmax", "forward"): (ROWS,),
    ("softmax", "backward"): (ROWS, ROWS),
    ("cross_entropy", "backward"): ([1.0, 2.0], [[0.25, 0.75], [0.5, 0.5]], [0, 1]),
    ("softmax_cross_entropy", "forward"): (ROWS, [0, 1]),
    ("softmax_cross_entropy", "backward"): ([1.0, 2.0], ROWS, [0, 1]),
}
"""A small call of some functions."""


@dataclass(frozen=True)
class Report:
    """A fault in one direction of one operation, beside its cure."""

    kind: str
    op: str
    direction: str
    wrong: Function
    right: Function
    small: Small
    """Makes a small call of a function, and gives what shows the fault."""
    due: Any
    """What that is of the right function: numbers, or the exception that it raises."""
    given: Any
    """What it is of the wrong one."""
    dtypes: tuple[str, ...] = DTYPES
    robust: bool = False
    """Whether a strict run alone is to reject it."""
    size: int = 0
    """So many elements its arguments need for the fault to show."""
    seen: str = ""
    """Where it was reported: "owner/repo#N", "owner/repo PR N", or the function and the version that has it."""

    def __str__(self) -> str:
        return f"{self.kind}-{self.op}-{self.direction}".replace(" ", "_")


def sound(op: str, direction: str) -> Function:
    """The reference's function as an implementation: in float32 for the halves, each result rounded once."""
    return widened(operation(op).functions[direction])


def unrounded(op: str, direction: str) -> Function:
    """The same without its conversions."""
    return operation(op).functions[direction]


def refusing_as(op: str, direction: str, function: Function) -> Function:
    """A function that refuses what the reference refuses."""
    reference = sound(op, direction)

    def call(*tensors: Array, **parameters: Any) -> Any:
        reference(*tensors, **parameters)
        return function(*tensors, **parameters)

    return call


def reported(
    direction: str,
    seen: str,
    kind: str,
    op: str,
    wrong: Function,
    right: Function,
    small: Small,
    due: Any,
    given: Any,
    robust: bool = False,
) -> Report:
    """A report whose cure is written out as its repository has it. Both refuse what the reference refuses."""
    pair = (refusing_as(op, direction, widened(function)) for function in (wrong, right))
    return Report(kind, op, direction, *pair, small, due, given, robust=robust, seen=seen)


def at(
    *tensors: Any, dtype: str = "float32", result: int = 0, of: Callable[[Array], Any] = np.asarray, **parameters: Any
) -> Small:
    """Call a function of these tensors, integers being labels; give one of its results, or what `of` makes of it."""

    def call(function: Function) -> Any:
        arrays = [np.asarray(t) if np.asarray(t).dtype.kind == "i" else array(t, dtype) for t in tensors]
        with np.errstate(all="ignore"):
            results = function(*arrays, **parameters)
        return of(np.asarray(results[result] if isinstance(results, tuple) else results).astype(np.float64))

    return call


def array(numbers: Any, dtype: str = "float32") -> Array:
    """Numbers as an array of a dtype."""
    return np.asarray(numbers, np.float64).astype(numpy_dtype(dtype))


def ones(*shape: int) -> Array:
    """An array of ones."""
    return np.ones(shape)


def verdicts(op: str, direction: str, function: Function, families: Iterable[Family]) -> Iterator[Verdict]:
    """The verdicts on a function by families of its operation and direction, one after the other."""
    subject = Implementation("it", "it", "", {(op, direction): function}, dtypes=DTYPES)
    vectors = vectors_of(op)
    often = called_many_times(vectors, DTYPES)
    return (check(family, subject, vectors, many_calls=family.id in often) for family in families)


def families_for(report: Report) -> list[Family]:
    """The families that may reject a report: those that are most likely to first."""
    refused = isinstance(report.due, type)

    def cost(family: Family) -> tuple[bool, bool, bool, int]:
        size = sum(tensor[0, ...].size for tensor in family.inputs.values())
        return (
            (family.level == "robust") is not report.robust,
            (family.result == "invalid") is not refused,
            size < report.size,
            size,
        )

    asked = (f for f in families_of(report.op, report.direction) if f.dtype in report.dtypes)
    return sorted(asked, key=cost)


@cache
def families_of(op: str, direction: str) -> tuple[Family, ...]:
    """The golden families of one direction of an operation."""
    return tuple(family for family in vectors_of(op).families if family.direction == direction)


def asked_until_rejected(report: Report) -> list[Family]:
    """The families that the wrong function is held against, the last of which rejects it and not its cure; empty if
    none does."""
    rejects = {Outcome.FAILED, Outcome.ROBUST_MISS} if report.robust else {Outcome.FAILED}
    families = families_for(report)
    for position, verdict in enumerate(verdicts(report.op, report.direction, report.wrong, families)):
        if verdict.outcome in rejects:
            cured = verdicts(report.op, report.direction, report.right, [families[position]])
            if all(other.outcome is Outcome.PASSED for other in cured):
                return families[: position + 1]
    return []
