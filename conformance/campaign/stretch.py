"""A stretch of a campaign: some live cases of one function, tried one after another in whatever process.

A stretch is a function of the implementation and of its numbers alone, so that one whose process died is tried again
elsewhere and finds the same.
"""

import atexit
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ...vectors import store
from ...vectors.records import Family, OperationVectors
from ..check.family import check
from ..check.verdict import Verdict
from ..diagnosis.evidence import MOST_ELEMENTS, Ran
from ..diagnosis.findings import Finding, diagnose
from ..implementation.load import Implementation
from ..live.judging import Judge, Judged, stand_in
from ..live.search import drawn, failing, shrunk, together, tried, unjudged, witnesses
from ..live.templates import Template, templates
from ..own_data.call import operation_of
from ..record.contents import FamilyRecord
from ..remote.loading import ended, loaded
from ..session.outcome import conclude
from ..session.selection import CASE, item_name, live_nodeid

MOST_PASSING = 12
"""So many cases that passed are looked at when a failure is diagnosed."""
OPERATIONS = 4
"""Of so many operations a process keeps the golden families."""

Function = tuple[str, str, str]
"""Operation, dtype and direction."""


@dataclass(frozen=True)
class Subject:
    """How the implementation is loaded, in each process anew."""

    spec: str
    option: str
    """--impl or --impl-cmd."""
    folder: str
    """Where the campaign was started."""
    options: tuple[tuple[str, str], ...] = ()
    """What --impl-option gave."""
    isolate: bool = False
    timeout: float | None = None

    def load(self) -> Implementation:
        """Load it. Raises AdapterError."""
        known, folder, options = store.golden_operations(), Path(self.folder), dict(self.options)
        is_command = self.option == "--impl-cmd"
        return loaded(
            self.spec, known, folder, options, is_command=is_command, isolate=self.isolate, timeout=self.timeout
        )


@dataclass(frozen=True)
class Stretch:
    """Which cases are tried: of a function, those of a seed with some numbers."""

    number: int
    """Among the stretches of the campaign."""
    function: Function
    seed: int
    first: int
    cases: int


@dataclass(frozen=True)
class Found:
    """A case that fails, shrunk."""

    family: Family
    record: FamilyRecord
    findings: tuple[Finding, ...]
    """What it looks like."""

    @property
    def key(self) -> str:
        """What findings that look alike have in common: the diagnosis, or else the dtype and what is wrong."""
        verdict, miss = self.record.result.verdict, self.record.result.verdict.gravest
        words = [finding.name for finding in self.findings]
        if not words and miss is not None:
            words = [verdict.dtype, miss.kind, miss.result or ""]
        return " ".join([verdict.function, *words])


@dataclass(frozen=True)
class Tried:
    """What came of a stretch."""

    stretch: Stretch
    cases: int
    """How many cases could be judged."""
    passed: FamilyRecord
    """All that are right, as one family; if there is none, why."""
    found: tuple[Found, ...]


def try_stretch(subject: Subject, stretch: Stretch) -> Tried:
    """Try the cases of a stretch; the first that fails of each kind is shrunk and diagnosed. Raises AdapterError."""
    op, dtype, direction = stretch.function
    implementation = _implementation(subject)
    vectors, made_after = _golden(op), _templates(op, dtype, direction)
    judge = Judge(implementation, lambda family: check(family, implementation, vectors))
    standing = stand_in(made_after[0].family)
    numbers = range(stretch.first, stretch.first + stretch.cases)
    cases, passed, small = 0, list[Verdict](), list[Judged]()
    wrong: dict[tuple[object, object], Judged] = {}
    for judged in tried(judge, drawn(made_after, f"{stretch.seed}/{standing.id}", numbers)):
        cases += 1
        miss = judged.verdict.gravest
        if judged.fails and miss is not None:
            wrong.setdefault((miss.kind, miss.result), judged)
        else:
            passed.append(judged.verdict)
            small += [judged] if len(small) < MOST_PASSING and judged.family.elements <= MOST_ELEMENTS else []
    found = [_found(judge, one, [one, *small], vectors) for one in wrong.values()]
    return Tried(stretch, cases, _record(standing, together(passed or [unjudged(standing)])), tuple(found))


def _found(judge: Judge, judged: Judged, others: Iterable[Judged], vectors: OperationVectors) -> Found:
    live = failing(judge, shrunk(judge, judged))
    smallest = live.judged or judged
    ran = [
        Ran(replace(one.family, name=f"{one.family.name}-{place}"), one.verdict, one.fails)
        for place, one in enumerate((smallest, *witnesses(judge, smallest), *others))
    ]
    diagnoses = diagnose(ran, judge.implementation, vectors)
    findings = tuple(finding for diagnosis in diagnoses for finding in diagnosis.findings)
    return Found(smallest.family, _record(smallest.family, smallest.verdict, f"{CASE}{smallest.case}"), findings)


def _record(family: Family, verdict: Verdict, case: str = "") -> FamilyRecord:
    result = conclude(f"{live_nodeid(family.op)}::{item_name(family)}{case}", verdict, None, strict=False)
    return FamilyRecord(result, family.flags, family.result, family.parameters, family.comment)


@lru_cache(maxsize=1)
def _implementation(subject: Subject) -> Implementation:
    """The implementation, loaded and set up once in a process."""
    implementation = subject.load()
    implementation.setup()
    atexit.register(ended, implementation)
    return implementation


@lru_cache(maxsize=OPERATIONS)
def _golden(op: str) -> OperationVectors:
    return store.read_golden(op)


@lru_cache(maxsize=8 * OPERATIONS)
def _templates(op: str, dtype: str, direction: str) -> tuple[Template, ...]:
    return templates(operation_of(op, direction), _golden(op), dtype, direction)
