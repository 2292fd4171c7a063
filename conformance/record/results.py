"""How the test of one family ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ..check.verdict import Miss, MissKind, MissReason, Verdict

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
    def kind_of_failure(self) -> tuple[str, str, str]:
        """Operation, direction, and kind of the gravest miss, or the ending where nothing is wrong."""
        miss = self.verdict.gravest
        return self.verdict.op, self.verdict.direction, str(self.ending) if miss is None else miss.kind


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
