"""Families that fail or miss something, grouped by function and kind of miss: a group often has one cause."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..check.verdict import MissKind
from ..diagnosis.findings import Diagnosis
from ..record.contents import FamilyRecord
from ..record.results import Ending

KINDS: dict[str, str] = {
    MissKind.VALUE: "wrong values",
    MissKind.SIGN: "wrong signs of subnormal numbers",
    MissKind.SHAPE: "wrong shapes",
    MissKind.DTYPE: "wrong dtypes",
    MissKind.COUNT: "another number of results",
    MissKind.RESULT_TYPE: "results that are no tensors",
    MissKind.RAISED: "exceptions",
    MissKind.ACCEPTED: "calls accepted that should be refused",
    MissKind.LOST: "calls that timed out, or whose process died",
    MissKind.CHANGED_ARGUMENT: "changed arguments",
    MissKind.WRITTEN_BESIDE: "writes beside an argument",
    MissKind.SHARED_MEMORY: "results that share memory",
    MissKind.OVERWRITTEN_RESULT: "overwritten results",
    MissKind.REPEAT: "other results when called again",
    MissKind.STATE: "results that depend on the call before",
    MissKind.NEW_CONTENTS: "other contents of the same memory missed",
    MissKind.MANY_CALLS: "other results after many calls",
    MissKind.THREADS: "wrong results when threads call at once",
    MissKind.LAYOUT: "wrong values for some memory layout",
    MissKind.REFUSED_LAYOUT: "refused memory layouts",
    MissKind.BATCH: "results that depend on the order of the batch",
    MissKind.CONVENTION: "no one convention",
    Ending.UNEXPECTED_PASS: "passes that were expected to fail",
}
"""Titles of groups by kind of miss; a kind that is absent is its own title."""


@dataclass(frozen=True)
class FailureGroup:
    """Families of one function with the same kind of miss, in their order."""

    op: str
    direction: str
    kind: str
    families: tuple[FamilyRecord, ...]
    diagnosis: Diagnosis | None = None
    """The function's diagnosis, in its first group only."""

    @property
    def function(self) -> str:
        """Its name: "dense_backward"."""
        return f"{self.op}_{self.direction}"

    @property
    def title(self) -> str:
        """What went wrong."""
        return KINDS.get(self.kind, self.kind)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes of the families."""
        return tuple(dict.fromkeys(family.result.verdict.dtype for family in self.families))


def failure_groups(
    families: Iterable[FamilyRecord],
    wanted: Callable[[FamilyRecord], bool],
    diagnoses: Iterable[Diagnosis] = (),
) -> tuple[FailureGroup, ...]:
    """The families that `wanted` is true of, grouped by operation, direction and kind of their gravest miss."""
    found: dict[tuple[str, str, str], list[FamilyRecord]] = {}
    for family in families:
        if wanted(family):
            found.setdefault(family.result.kind_of_failure, []).append(family)
    look = {(diagnosis.op, diagnosis.direction): diagnosis for diagnosis in diagnoses}
    return tuple(
        FailureGroup(op, direction, kind, tuple(alike), look.pop((op, direction), None))
        for (op, direction, kind), alike in found.items()
    )


def show_command(family: FamilyRecord) -> str:
    """The command that prints the case of the first miss."""
    case = family.result.verdict.first_case
    name = family.result.nodeid + ("" if case is None else f"#{case}")
    return f"backproof show {shlex.quote(name)}"


def rerun_command(family: FamilyRecord, argument: str) -> str:
    """The command that runs the family alone."""
    return f"pytest {argument} {shlex.quote(family.result.nodeid)}"
