"""What diagnosis says of an implementation, without pytest: what a run would have found out, then the diagnosis."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from backproof.conformance.check.conventions import Tracker
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.diagnosis.findings import Finding, diagnose
from backproof.conformance.diagnosis.suspects import Ran
from backproof.conformance.implementation.load import Implementation, load
from backproof.reference import faults
from backproof.reference.model.fault import Fault
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import Family, OperationVectors

Function = Callable[..., Any]


@cache
def whole(op: str) -> OperationVectors:
    """The golden vectors of an operation, read once."""
    vectors = store.read_golden(op)
    return replace(vectors, families=tuple(vectors.families))


@cache
def thinned(op: str) -> OperationVectors:
    """Of families with the same dtype, direction, result and flags the first alone: a run in a fraction of the
    time, which most faults fail as well."""
    kinds: dict[object, list[Family]] = {}
    for family in whole(op).families:
        kinds.setdefault((family.dtype, family.direction, family.result, family.flags), []).append(family)
    kept = {family.id for alike in kinds.values() for family in alike[:1]}
    return replace(whole(op), families=tuple(family for family in whole(op).families if family.id in kept))


def implementation(op: str, **functions: Function) -> Implementation:
    """Functions by direction as an implementation of one operation, in all dtypes."""
    named = {(op, direction): function for direction, function in functions.items()}
    return Implementation("it", "it", "", named, dtypes=DTYPES)


def ran(subject: Implementation, vectors: OperationVectors, *, strict: bool = False) -> list[Ran]:
    """What a run finds out."""
    subject.setup()
    tracker = Tracker()
    found = []
    for family in vectors.families:
        if (family.op, family.direction) in subject.functions:
            verdict = tracker.add(check(family, subject, vectors))
            fails = verdict.outcome is Outcome.FAILED or (strict and verdict.outcome is Outcome.ROBUST_MISS)
            found.append(Ran(family, verdict, fails))
    return found


def findings(subject: Implementation, vectors: OperationVectors, *, strict: bool = False) -> list[Finding]:
    """What the failures of a run look like."""
    families = ran(subject, vectors, strict=strict)
    subject.setup()
    return [finding for diagnosis in diagnose(families, subject, vectors) for finding in diagnosis.findings]


def findings_of_fault(fault: Fault) -> list[Finding] | None:
    """What a fault of the catalogue looks like, by the shortest run that fails it; None where none does."""
    subject = load(f"{faults.__name__}:{fault.op}.{fault.name}", [fault.op])
    subject = replace(subject, functions={(fault.op, fault.direction): subject.functions[fault.op, fault.direction]})
    for vectors, strict in ((thinned(fault.op), False), (whole(fault.op), False), (whole(fault.op), True)):
        families = ran(subject, vectors, strict=strict)
        if any(item.fails for item in families):
            subject.setup()
            return [finding for told in diagnose(families, subject, vectors) for finding in told.findings]
    return None
