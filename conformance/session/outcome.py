"""How a family ended as a test, and how that travels from a worker process to the one that reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..check.heatmap import pack_picture, unpack_picture
from ..check.verdict import Cause, Miss, MissKind, MissReason, Outcome, Verdict
from .xfails import ExpectedFailure

RESULT = "backproof_result"
"""The attribute of a test report that brings a result to the process that reports."""


class Ending(StrEnum):
    """What a verdict comes to once it is known what was expected and how strict the run is."""

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


def conclude(nodeid: str, verdict: Verdict, expected: ExpectedFailure | None, *, strict: bool) -> Result:
    """What a verdict comes to. `strict` lets robust misses fail; an expected failure that passes fails always."""
    refuses = verdict.outcome is Outcome.PASSED and bool(verdict.misses)
    match verdict.outcome:
        case Outcome.PASSED if refuses and strict and expected is None:
            return Result(nodeid, verdict, Ending.FAILED, "a layout is refused, and robust misses are to fail")
        case Outcome.PASSED if refuses and expected is not None:
            return Result(nodeid, verdict, Ending.EXPECTED_FAILURE, f"{expected.reason} ({expected.place})")
        case Outcome.PASSED if expected is not None:
            note = f"unexpected pass: {expected.place} expects a failure ({expected.reason}); delete the line"
            return Result(nodeid, verdict, Ending.UNEXPECTED_PASS, note)
        case Outcome.PASSED:
            return Result(nodeid, verdict, Ending.PASSED)
        case Outcome.FAILED | Outcome.ROBUST_MISS if expected is not None:
            return Result(nodeid, verdict, Ending.EXPECTED_FAILURE, f"{expected.reason} ({expected.place})")
        case Outcome.FAILED:
            return Result(nodeid, verdict, Ending.FAILED)
        case Outcome.ROBUST_MISS if strict:
            return Result(nodeid, verdict, Ending.FAILED, "a robust miss, and robust misses are to fail")
        case Outcome.ROBUST_MISS:
            summary = verdict.misses[0].summary if verdict.misses else verdict.reason
            return Result(nodeid, verdict, Ending.ROBUST_MISS, f"robust miss: {summary}")
        case _:
            return Result(nodeid, verdict, Ending.SKIPPED, f"{verdict.outcome}: {verdict.reason}")


def gravest(result: Result) -> Miss | None:
    """The first miss that is not robust, or else the first."""
    return min(result.verdict.misses, key=lambda miss: miss.robust, default=None)


def by_kind(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    """The failures of a function that are of one kind: they tend to have one cause, and the next ones another."""
    kinds: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if result.ending.fails:
            miss = gravest(result)
            kind = str(result.ending) if miss is None else miss.kind
            kinds.setdefault((result.verdict.op, result.verdict.direction, kind), []).append(result)
    return kinds


def pack(result: Result) -> dict[str, Any]:
    """The result in dicts, lists, strings and numbers, as pytest-xdist sends them between processes."""
    verdict = result.verdict
    fields = _plain(vars(verdict)) | {"misses": [_pack_miss(miss) for miss in verdict.misses]}
    return _plain(vars(result)) | {"verdict": fields}


def unpack(packed: Mapping[str, Any]) -> Result:
    """The result that `pack` packed."""
    verdict = packed["verdict"]
    misses = tuple(_unpack_miss(miss) for miss in verdict["misses"])
    cause = None if verdict["cause"] is None else Cause(verdict["cause"])
    more = {"outcome": Outcome(verdict["outcome"]), "cause": cause, "answers": tuple(verdict["answers"])}
    fields = {**verdict, **more, "misses": misses}
    return Result(packed["nodeid"], Verdict(**fields), Ending(packed["ending"]), packed["note"])


def _pack_miss(miss: Miss) -> dict[str, Any]:
    return _plain(vars(miss)) | {"picture": None if miss.picture is None else pack_picture(miss.picture)}


def _unpack_miss(packed: Mapping[str, Any]) -> Miss:
    shown, reason = packed["picture"], packed["reason"]
    more = {
        "kind": MissKind(packed["kind"]),
        "details": tuple(packed["details"]),
        "picture": None if shown is None else unpack_picture(shown),
        "reason": None if reason is None else MissReason(reason),
    }
    return Miss(**{**packed, **more})


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with a string for each enum and a list for each tuple: pytest-xdist sends nothing else."""
    return {
        key: value.value if isinstance(value, StrEnum) else list(value) if isinstance(value, tuple) else value
        for key, value in fields.items()
    }
