"""How the test of one family ended, and the same as plain data, for the record and for pytest-xdist."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..check.heatmap import pack_heatmap, unpack_heatmap
from ..check.verdict import Cause, Miss, MissKind, MissReason, Outcome, Verdict

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


def by_kind(results: Iterable[Result]) -> dict[tuple[str, str, str], list[Result]]:
    """Failures by operation, direction and kind of the gravest miss: those of one kind often have one cause."""
    kinds: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        if result.ending.fails:
            miss = result.verdict.gravest
            kind = str(result.ending) if miss is None else miss.kind
            kinds.setdefault((result.verdict.op, result.verdict.direction, kind), []).append(result)
    return kinds


def pack(result: Result) -> dict[str, Any]:
    """The result in dicts, lists, strings and numbers, as JSON and pytest-xdist carry them."""
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
    return _plain(vars(miss)) | {"heatmap": None if miss.heatmap is None else pack_heatmap(miss.heatmap)}


def _unpack_miss(packed: Mapping[str, Any]) -> Miss:
    shown, reason = packed["heatmap"], packed["reason"]
    more = {
        "kind": MissKind(packed["kind"]),
        "details": tuple(packed["details"]),
        "heatmap": None if shown is None else unpack_heatmap(shown),
        "reason": None if reason is None else MissReason(reason),
    }
    return Miss(**{**packed, **more})


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with a string for each enum and a list for each tuple: pytest-xdist sends nothing else."""
    return {
        key: value.value if isinstance(value, StrEnum) else list(value) if isinstance(value, tuple) else value
        for key, value in fields.items()
    }
