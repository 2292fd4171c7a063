"""What rejects each fault: the check that the plugin makes, run in this process until the verdict is known."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from multiprocessing import get_context

from backproof.conformance.check.conventions import inconsistencies
from backproof.conformance.check.family import check
from backproof.conformance.check.further import called_many_times
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import Implementation, present
from backproof.reference.faults import by_name, every_fault_of
from backproof.reference.model.fault import Fault
from backproof.vectors.records import Family
from proofs import proven, vectors_of

CORES = os.cpu_count() or 1


class Rejected(StrEnum):
    """Which run rejects a fault."""

    BY_DEFAULT = "by default"
    UNDER_STRICT = "under --impl-strict"
    NEVER = "never"


@dataclass(frozen=True)
class Fate:
    """What becomes of a fault."""

    rejected: Rejected
    proven: bool
    """Whether exact arithmetic shows that it computes something else."""


def implementation_of(fault: Fault) -> Implementation:
    """A fault as an implementation of its faulty direction alone."""
    whole = present(f"{fault.op}.{fault.name}", fault, (fault.op,))
    return replace(whole, functions={(fault.op, fault.direction): fault.functions[fault.direction]})


@cache
def likely_killers(op: str, direction: str) -> list[Family]:
    """The families of a direction, those that cost least first; what rejects a fault moves to the front."""
    found = [family for family in vectors_of(op).families if family.direction == direction]
    return sorted(found, key=lambda family: sum(tensor.size for tensor in family.inputs.values()))


def rejected(fault: Fault) -> Rejected:
    """Which run rejects a fault, from a fresh state."""
    families, vectors = likely_killers(fault.op, fault.direction), vectors_of(fault.op)
    implementation = implementation_of(fault)
    fault.setup()
    often, found, strict = called_many_times(vectors, implementation.dtypes), [], False
    for position, family in enumerate(families):
        if strict and family.level == "robust":
            continue
        verdict = check(family, implementation, vectors, many_calls=family.id in often)
        found += [verdict] if verdict.point else []
        if verdict.outcome is Outcome.FAILED or any(inconsistencies(found)):
            families.insert(0, families.pop(position))
            return Rejected.BY_DEFAULT
        strict = strict or verdict.outcome is Outcome.ROBUST_MISS or any(inconsistencies(found, strict=True))
    return Rejected.UNDER_STRICT if strict else Rejected.NEVER


def matrix(op: str) -> dict[str, Fate]:
    """What becomes of each fault of an operation, found out on all cores."""
    names = [fault.name for fault in every_fault_of(op)]
    parts = [names[start::CORES] for start in range(CORES)]
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        found = dict(pair for part in pool.map(_fates, [op] * CORES, parts) for pair in part)
    return {name: found[name] for name in names}


def _fates(op: str, names: Sequence[str]) -> list[tuple[str, Fate]]:
    faults = by_name(op)
    return [(name, Fate(rejected(faults[name]), proven(faults[name]))) for name in names]
