"""Which golden families reject which wrong implementations, found out by the check that the plugin makes."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context

from backproof.conformance.check.conventions import Tracker
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import load
from backproof.reference import faults
from backproof.reference.model.fault import Fault, faults_of
from backproof.vectors import store
from backproof.vectors.records import Family, OperationVectors


@dataclass(frozen=True)
class Kills:
    """The families that one fault fails."""

    fault: Fault
    required: tuple[Family, ...]
    robust: tuple[Family, ...]
    """Those that fail it under --impl-strict alone."""

    @property
    def families(self) -> tuple[Family, ...]:
        """All of them."""
        return self.required + self.robust

    @property
    def deciding(self) -> tuple[Family, ...]:
        """Those of a default run, or where none of it fails the fault, of a strict one."""
        return self.required or self.robust

    @property
    def flags(self) -> frozenset[str]:
        """Every flag that one of them has."""
        return frozenset(flag for family in self.families for flag in family.flags)

    @property
    def names(self) -> tuple[str, ...]:
        """What the deciding families are called whatever their dtype, in the file's order."""
        return tuple(dict.fromkeys(family.name for family in self.deciding))


@cache
def vectors_of(op: str) -> OperationVectors:
    """The golden vectors of one operation, read once."""
    vectors = store.read_golden(op)
    return OperationVectors(**{**vars(vectors), "families": tuple(vectors.families)})


@cache
def matrix(op: str) -> tuple[Kills, ...]:
    """The kills of every fault of an operation, found out on all cores."""
    found, families = faults_of(op), vectors_of(op).families
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        outcomes = list(pool.map(outcomes_of, [op] * len(found), [fault.name for fault in found], chunksize=4))
    return tuple(
        Kills(fault, _ended(families, ends, Outcome.FAILED), _ended(families, ends, Outcome.ROBUST_MISS))
        for fault, ends in zip(found, outcomes, strict=True)
    )


def outcomes_of(op: str, name: str) -> list[Outcome | None]:
    """Run a fault from a fresh state against the golden families of its faulty direction; None for the others."""
    vectors = vectors_of(op)
    direction = next(fault.direction for fault in faults_of(op) if fault.name == name)
    implementation = load(f"{faults.__name__}:{op}.{name}", [op])
    implementation.setup()
    tracker = Tracker()
    return [
        tracker.add(check(family, implementation, vectors)).outcome if family.direction == direction else None
        for family in vectors.families
    ]


def _ended(families: Iterable[Family], ends: Iterable[Outcome | None], outcome: Outcome) -> tuple[Family, ...]:
    return tuple(family for family, end in zip(families, ends, strict=True) if end is outcome)


def alone(flag: str, found: Iterable[Kills]) -> list[str]:
    """The faults that would be rejected never, or by strict runs alone, if families with this flag were not there."""
    return [
        f"{one.fault.op}.{one.fault.name}"
        for one in found
        if one.families and all(flag in family.flags for family in one.deciding)
    ]


def recorded(one: Kills) -> Mapping[str, object]:
    """What is recorded of one fault."""
    return {
        "rejected": "by default" if one.required else "under --impl-strict" if one.robust else "never",
        "families": len(one.families),
        "first": ", ".join(f"{family.dtype}/{family.name}" for family in one.deciding[:3]),
        "flags": ", ".join(sorted(one.flags)),
    }
