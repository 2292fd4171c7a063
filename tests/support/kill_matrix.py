"""What rejects each fault: the check that the plugin makes, run in this process until the verdict is known."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from enum import StrEnum
from functools import cache
from multiprocessing import get_context

from backproof.conformance.check.conventions import Tracker
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import Implementation, present
from backproof.reference.faults import every_fault_of
from backproof.reference.model.fault import Fault
from backproof.vectors import store
from backproof.vectors.records import Family, OperationVectors


class Rejected(StrEnum):
    """Which run rejects a fault."""

    BY_DEFAULT = "by default"
    UNDER_STRICT = "under --impl-strict"
    NEVER = "never"


@cache
def vectors_of(op: str) -> OperationVectors:
    """The golden vectors of one operation, read once."""
    vectors = store.read_golden(op)
    return OperationVectors(**{**vars(vectors), "families": tuple(vectors.families)})


def implementation_of(fault: Fault) -> Implementation:
    """A fault as an implementation of its faulty direction alone."""
    whole = present(f"{fault.op}.{fault.name}", fault, (fault.op,))
    return replace(whole, functions={(fault.op, fault.direction): fault.functions[fault.direction]})


@cache
def likely_killers(op: str, direction: str) -> list[Family]:
    """The families of a direction, those that cost least first; what kills moves to the front."""
    found = [family for family in vectors_of(op).families if family.direction == direction]
    return sorted(found, key=lambda family: sum(tensor.size for tensor in family.inputs.values()))


def rejected(fault: Fault) -> tuple[Rejected, str]:
    """Which run rejects a fault from a fresh state, and the name of a family that does."""
    families, vectors, implementation = (
        likely_killers(fault.op, fault.direction),
        vectors_of(fault.op),
        implementation_of(fault),
    )
    fault.setup()
    tracker, strict = Tracker(), None
    for position, family in enumerate(families):
        if family.level == "robust" and strict:
            continue
        outcome = tracker.add(check(family, implementation, vectors)).outcome
        if outcome is Outcome.FAILED:
            families.insert(0, families.pop(position))
            return Rejected.BY_DEFAULT, family.name
        if outcome is Outcome.ROBUST_MISS:
            strict = strict or family.name
    return (Rejected.UNDER_STRICT, strict) if strict else (Rejected.NEVER, "")


def matrix(op: str) -> dict[str, tuple[Rejected, str]]:
    """What rejects each fault of an operation, found out on all cores."""
    names = [fault.name for fault in every_fault_of(op)]
    parts = [names[start::CORES] for start in range(CORES)]
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        found = {name: how for part in pool.map(_rejected, [op] * CORES, parts) for name, how in part}
    return {name: found[name] for name in names}


CORES = os.cpu_count() or 1


def _rejected(op: str, names: Sequence[str]) -> list[tuple[str, tuple[Rejected, str]]]:
    wanted = set(names)
    return [(fault.name, rejected(fault)) for fault in every_fault_of(op) if fault.name in wanted]
