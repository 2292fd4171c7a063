"""How the test of one family ended."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ..check.verdict import Cause, Miss, MissKind, MissReason, Outcome, Verdict
from ..check.wording import plural

if TYPE_CHECKING:
    from ..diagnosis.findings import Diagnosis

RESULT = "backproof_result"
"""The attribute of a pytest report that holds the packed result."""


class Ending(StrEnum):
    """How a family's test ended, given its verdict, the expected failures and whether the run is strict."""

    PASSED = "passed"
    FAILED = "failed"
    UNEXPECTED_PASS = "unexpected pass"
    EXPECTED_FAILURE = "expected failure"
    ROBUST_MISS = "robust miss"
    SKIPPED = "skipped"

    @property
    def fails(self) -> bool:
        """Whether the test fails."""
        return self in (Ending.FAILED, Ending.UNEXPECTED_PASS)


@dataclass(frozen=True)
class Result:
    """One family's test."""

    nodeid: str
    verdict: Verdict
    ending: Ending
    note: str = ""
    """Why it is skipped, or expected to fail, or fails although nothing is wrong."""

    @property
    def headline(self) -> str:
        """One line that stands for a failure: the summary of its gravest miss."""
        miss = self.verdict.gravest
        return self.note if miss is None else miss.summary

    @property
    def drawn_by(self) -> str:
        """The option that draws it, if it is that of a live case, which no file holds; else nothing."""
        standing, case, _ = self.nodeid.partition("#")
        return "" if not case else "--impl-size=large" if standing.endswith("-large") else "--impl-live"

    @property
    def kind_of_failure(self) -> tuple[str, str, str]:
        """Operation, direction, and kind of the gravest miss, or the ending where nothing is wrong."""
        miss = self.verdict.gravest
        return self.verdict.op, self.verdict.direction, str(self.ending) if miss is None else miss.kind


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
"""Titles of kinds of miss; a kind that is absent is its own title."""


@dataclass(frozen=True)
class FailingFunction:
    """What is wrong with a function in a run."""

    op: str
    direction: str
    words: str
    """How many families fail, of those that were called, and how: "wrong values of dL_dbiases in 34 of 80 families"."""
    worst: Result
    """That of the family with the largest error; the first where none has any."""
    named: bool
    """Whether its diagnosis names what is wrong."""

    @property
    def name(self) -> str:
        """The function's name."""
        return f"{self.op}_{self.direction}"

    @property
    def told(self) -> str:
        """What is wrong with it, in a line without its name."""
        return f"{self.words}; {'what it looks like is told' if self.named else 'no known fault fits'}"

    @property
    def line(self) -> str:
        """All of it in a line."""
        return f"{self.name}: {self.told}"


def is_left_out(verdict: Verdict, dtypes: Container[str]) -> bool:
    """Whether a family did not run that should, given the dtypes that the implementation declares."""
    lacks = verdict.outcome is Outcome.NOT_IMPLEMENTED and verdict.dtype in dtypes
    return lacks or (verdict.cause is Cause.REFUSED and verdict.level == "required")


def right_in_full(results: Iterable[Result], dtypes: Container[str]) -> list[str]:
    """The operations of which something passed, and nothing failed or was left out."""
    by_op: dict[str, list[Result]] = {}
    for result in results:
        by_op.setdefault(result.verdict.op, []).append(result)
    return [
        op
        for op, of_one in by_op.items()
        if any(one.ending is Ending.PASSED for one in of_one)
        and not any(
            one.ending.fails or one.ending is Ending.EXPECTED_FAILURE or is_left_out(one.verdict, dtypes)
            for one in of_one
        )
    ]


def failing_functions(results: Iterable[Result], diagnoses: Iterable["Diagnosis"]) -> list[FailingFunction]:
    """The functions that fail, each with what is wrong with it, and whether a diagnosis says why."""
    named = {(diagnosis.op, diagnosis.direction) for diagnosis in diagnoses}
    functions: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.ending is not Ending.SKIPPED:
            functions.setdefault((result.verdict.op, result.verdict.direction), []).append(result)
    found = []
    for (op, direction), called in functions.items():
        failing = [result for result in called if result.ending.fails]
        kinds: dict[str, dict[str, list[str]]] = {}
        for result in failing:
            for kind, names in _missed(result).items():
                for name in names or ("",):
                    kinds.setdefault(kind, {}).setdefault(name, []).append(result.nodeid)
        parts = []
        for kind, by_name in kinds.items():
            of = ", ".join(name for name in by_name if name)
            count = len({nodeid for nodeids in by_name.values() for nodeid in nodeids})
            parts.append(f"{KINDS.get(kind, kind)}{f' ({of})' if of else ''} in {count}")
        if failing:
            parts[0] += f" of {plural(len(called), 'family', 'families')}"
            worst = max(failing, key=lambda result: (result.verdict.fraction or 0.0) if result.verdict.misses else -1.0)
            found.append(FailingFunction(op, direction, ", ".join(parts), worst, (op, direction) in named))
    return found


def _missed(result: Result) -> dict[str, list[str]]:
    """What is wrong with a family: the results by kind of miss."""
    kinds: dict[str, list[str]] = {}
    for miss in result.verdict.misses:
        names = kinds.setdefault(miss.kind, [])
        if miss.result and miss.result not in names:
            names.append(miss.result)
    return kinds or {str(result.ending): []}


def by_kind(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    """Failures by operation, direction and kind of the gravest miss: those of one kind often have one cause."""
    kinds: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if result.ending.fails:
            kinds.setdefault(result.kind_of_failure, []).append(result)
    return kinds


def refused_layouts(results: Iterable[Result]) -> dict[tuple[str, MissReason | None], list[Miss]]:
    """The misses for layouts that are refused, by function and layout: one for each family."""
    refused: dict[tuple[str, MissReason | None], list[Miss]] = {}
    for result in results:
        for miss in result.verdict.misses:
            if miss.kind is MissKind.REFUSED_LAYOUT:
                refused.setdefault((result.verdict.function, miss.reason), []).append(miss)
    return refused
