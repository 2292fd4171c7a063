"""What diagnosis says of an implementation, without pytest: what a run would have found out, then the diagnosis."""

import warnings
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import MissKind, Outcome
from backproof.conformance.diagnosis.candidates import LOWER
from backproof.conformance.diagnosis.evidence import Ran
from backproof.conformance.diagnosis.findings import Finding, diagnose
from backproof.conformance.implementation.load import Implementation
from backproof.reference.faults import every_fault_of, further_of, ignored, losing_digits, misread
from backproof.reference.model.fault import Fault
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, FORMATS
from backproof.vectors.records import Family, OperationVectors

Function = Callable[..., Any]

BESIDE, SHARED = "memory shared", MissKind.SHARED_MEMORY
"""What is said beside a name; where nothing else is missed, the sound function is as well."""


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
    found = []
    for family in vectors.families:
        if (family.op, family.direction) in subject.functions:
            verdict = check(family, subject, vectors)
            fails = verdict.outcome is Outcome.FAILED or (strict and verdict.outcome is Outcome.ROBUST_MISS)
            found.append(Ran(family, verdict, fails))
    return found


def findings(subject: Implementation, vectors: OperationVectors, *, strict: bool = False) -> list[Finding]:
    """What the failures of a run look like."""
    families = ran(subject, vectors, strict=strict)
    subject.setup()
    return [finding for diagnosis in diagnose(families, subject, vectors) for finding in diagnosis.findings]


@cache
def few(op: str) -> OperationVectors:
    """The same in float64 and float32 alone."""
    kept = tuple(family for family in thinned(op).families if family.dtype in ("float64", "float32"))
    return replace(thinned(op), families=kept)


def of_fault(fault: Fault) -> Implementation:
    """A fault as an implementation of its faulty direction alone."""
    subject = implementation(fault.op, **{fault.direction: fault.functions[fault.direction]})
    return replace(subject, setup=fault.setup)


@dataclass(frozen=True)
class Told:
    """What a fault of the catalogue looks like, by the shortest run that fails it."""

    fault: Fault
    findings: tuple[Finding, ...]
    ran: tuple[Ran, ...]

    @property
    def names(self) -> list[str]:
        return [finding.name for finding in self.findings]

    @property
    def is_right(self) -> bool:
        """Whether the one fault that is described is this one, or does the same in all that it supports.

        That memory is shared may be said besides: a fault can return an argument."""
        described = [finding for finding in self.findings if finding.name != BESIDE]
        fault = self._described(described[0]) if len(described) == 1 else None
        return fault is not None and self._does_the_same(fault)

    def _described(self, finding: Finding) -> Fault | None:
        """The fault that a finding describes, in all results or in those that it is told of."""
        op, direction = self.fault.op, self.fault.direction
        for fault in every_fault_of(op):
            if finding.name == f"{op}.{fault.name}":
                return fault
        others = [further_of] if finding.name in ("another formula", LOWER) else [ignored, misread, losing_digits]
        for fault in chain(*(of(op, direction) for of in others)):
            of, found, _ = finding.wrong.partition(fault.wrong)
            if found == finding.wrong:
                return fault
            if f"{of}{found}" == finding.wrong and of.endswith(": "):
                return self._in_some(fault, of.removesuffix(": ").replace(" and ", ", ").split(", "))
        return None

    def _in_some(self, fault: Fault, results: list[str]) -> Fault:
        """A fault in some results alone; the others are right."""
        names, direction = whole(fault.op).results[fault.direction], fault.direction
        if {*results} == {*names}:
            return fault
        wrong = fault.functions[direction]
        sound = next(other for other in every_fault_of(fault.op) if other.direction != direction).functions[direction]

        def function(*tensors: np.ndarray, **parameters: Any) -> Any:
            both = zip(names, wrong(*tensors, **parameters), sound(*tensors, **parameters), strict=True)
            return tuple(found if name in results else due for name, found, due in both)

        return replace(fault, functions={direction: function})

    @property
    def is_wrong(self) -> bool:
        """Whether a name is given that is another fault's, which does something else. A condition, or that it is so of
        some results alone, makes it another function that may do the same."""
        named = {f"{self.fault.op}.{one.name}": one for one in every_fault_of(self.fault.op)}
        found = {finding.name: finding.wrong for finding in self.findings if finding.name in named}
        return any(wrong == named[name].wrong and not self._does_the_same(named[name]) for name, wrong in found.items())

    def _does_the_same(self, other: Fault) -> bool:
        if other is self.fault:
            return True
        vectors = whole(self.fault.op)
        asked = [item for item in self.ran if item.verdict.outcome is not Outcome.UNSUPPORTED]
        families = tuple(item.family for item in asked)
        others = ran(of_fault(other), replace(vectors, families=families))
        beside = {SHARED} if BESIDE in self.names else set[MissKind]()
        if [outline(item, beside) for item in asked] != [outline(item, beside) for item in others]:
            return False
        self.fault.setup()
        other.setup()
        return all(
            same_call(self.fault, other, family, vectors, case) for family in families for case in range(family.count)
        )


def outline(item: Ran, beside: Set[MissKind]) -> set[object]:
    """What is wrong with a family, without the figures, and without what is told `beside` the name."""
    return {(miss.kind, miss.result, miss.reason) for miss in item.verdict.misses if miss.kind not in beside}


def same_call(one: Fault, other: Fault, family: Family, vectors: OperationVectors, case: int) -> bool:
    """Whether two faults return the same for one case, up to rounding, and leave the same in its arguments."""
    outcomes = []
    for fault in (one, other):
        arguments = [np.array(family.inputs[name][case]) for name in vectors.arguments[family.direction]]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = fault.functions[fault.direction](*arguments, **family.parameters)
        except Exception:
            outcomes.append(None)
            continue
        outcomes.append([*map(np.asarray, results if isinstance(results, tuple) else (results,)), *arguments])
    if None in outcomes:
        return outcomes[0] is outcomes[1]
    share = 64 * float(FORMATS[family.dtype].unit_roundoff)
    return all(
        a.shape == b.shape and a.dtype == b.dtype and near(a.astype(np.float64), b.astype(np.float64), share)
        for a, b in zip(*outcomes, strict=True)
    )


def near(one: np.ndarray, other: np.ndarray, share: float) -> bool:
    """Whether arrays are the same up to a share of their largest element."""
    finite = np.abs(one[np.isfinite(one)])
    return bool(np.allclose(one, other, rtol=share, atol=share * finite.max(initial=0.0), equal_nan=True))


def told(fault: Fault) -> Told | None:
    """What a fault of the catalogue looks like; None where no run fails it."""
    subject = of_fault(fault)
    for vectors, strict in ((few(fault.op), False), (whole(fault.op), False), (whole(fault.op), True)):
        families = ran(subject, vectors, strict=strict)
        if any(item.fails and {miss.kind for miss in item.verdict.misses} != {SHARED} for item in families):
            subject.setup()
            found = [finding for told in diagnose(families, subject, vectors) for finding in told.findings]
            return Told(fault, tuple(found), tuple(families))
    return None
