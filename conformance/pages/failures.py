"""Families that fail or miss something, grouped by function and kind of miss: a group often has one cause."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..diagnosis.findings import Diagnosis
from ..record.contents import FamilyRecord
from ..record.results import KINDS


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
    def anchor(self) -> str:
        """What its place on a page is named after."""
        return f"fail-{self.function}-{self.kind}"

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
