"""The catalogue of wrong implementations: what was seen, and what is made by rule.

`backproof.reference.faults:dense.dbiases_sum_to_mean` names one of them after `--impl`. A module of this package is
named for an operation and holds what somebody shipped and no rule makes; an operation needs none.
"""

import json
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ...vectors.hints import meant
from ..model.fault import Fault
from ..model.operation import OWN, operation_names
from ..mutations.fitted import fitted_of
from ..mutations.formula import has_text
from ..mutations.formula import mutants as mutants_of
from ..mutations.further import few_of, further_of, losing_digits
from ..mutations.misread import misread
from ..mutations.misread_parameters import ignored
from ..mutations.often import often
from ..mutations.related import overflowing
from ..mutations.wrappers import wrappers as wrappers_of

__all__ = [
    "describe",
    "every_fault_of",
    "faults_of",
    "few_of",
    "fitted_of",
    "further_of",
    "ignored",
    "losing_digits",
    "misread",
    "mutants_of",
    "often",
    "overflowing",
    "wrappers_of",
]
SORTS = {"seen": "seen", "mutant": "mutants of the formula", "wrapper": "wrappers"}


class OperationFaults:
    """All faults of one operation as attributes, under their own names and those that they had before."""

    def __init__(self, op: str) -> None:
        self._op = op

    def __getattr__(self, name: str) -> Fault:
        seen = {fault.name: fault for fault in faults_of(self._op)}
        if name in seen:
            return seen[name]  # at once, since making all others takes time
        named = by_name(self._op)
        found = named.get(name) or named.get(former(self._op).get(name, ""))
        if found is None:
            raise AttributeError(f"no fault {self._op}.{name}")
        return found

    def __dir__(self) -> list[str]:
        return sorted({*by_name(self._op), *former(self._op)})


def __getattr__(op: str) -> OperationFaults:
    if op not in operation_names():
        raise AttributeError(f"module {__name__!r} has no attribute {op!r}")
    faults_of(op)
    return OperationFaults(op)


@cache
def faults_of(op: str) -> tuple[Fault, ...]:
    """The faults of one operation that were seen. Raises ValueError for an unknown operation."""
    if op not in operation_names():
        raise ValueError(f"no operation {op!r}; {meant(op, operation_names())}")
    name = f"{__name__}.{op}"
    if find_spec(name) is None:
        return ()
    found = tuple(value for value in vars(import_module(name)).values() if isinstance(value, Fault))
    globals()[op] = OperationFaults(op)  # in place of the module, which importing it put here
    return found


def every_fault_of(op: str) -> tuple[Fault, ...]:
    """All faults of one operation: seen, mutants of the formula, wrappers.

    Raises ValueError as `faults_of` does, and where the text of a user's own operation cannot be read.
    """
    if op in OWN and not all(map(has_text, OWN[op].functions.values())):
        raise ValueError(f"{op}: forward and backward are no functions of a module, so that their text cannot be read")
    return faults_of(op) + mutants_of(op) + wrappers_of(op)


@cache
def by_name(op: str) -> dict[str, Fault]:
    """All faults of one operation by name."""
    return {fault.name: fault for fault in every_fault_of(op)}


@cache
def _former() -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = json.loads((Path(__file__).parent / "former.json").read_text())
    return found


def former(op: str) -> dict[str, str]:
    """The present names of an operation's faults that once had another, by that."""
    return _former().get(op, {}).get("now", {})


def gone(op: str) -> dict[str, str]:
    """Why faults of an operation that once were are no more, by name."""
    return _former().get(op, {}).get("gone", {})


def describe(op: str | None = None) -> str:
    """List all faults, or one operation's, a line each. Raises ValueError as `faults_of` does."""
    ops = operation_names() if op is None else (op,)
    lines = []
    for name in ops:
        found = every_fault_of(name)
        for sort, title in SORTS.items():
            group = [fault for fault in found if fault.sort == sort]
            if group:
                lines += [f"{name}: {len(group)} {title}", *map(_described, group), ""]
    count = sum(len(every_fault_of(name)) for name in ops)
    one = every_fault_of(ops[0])[0]
    return "\n".join([*lines, f"{count} faults; run one: pytest --impl={__name__}:{one.op}.{one.name}"])


def _described(fault: Fault) -> str:
    line = f"  {fault.name}: {fault.after or fault.wrong}{f' [{fault.seen}]' if fault.seen else ''}"
    return line if len(line) <= 120 else f"{line[:117]}..."
