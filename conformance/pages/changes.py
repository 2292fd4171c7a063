"""What got better or worse between two runs, family by family.

What counts is what the implementation did. How strict a run was, and what it expected to fail, makes no difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..check.verdict import Outcome
from ..record.contents import NOT_RUN, FamilyRecord, RunRecord

ABSENT = (*map(str, (Outcome.NOT_IMPLEMENTED, Outcome.UNSUPPORTED)), NOT_RUN)
"""Outcomes of families that were not tried."""
CLOSER = 2.0
"""A family is reported as closer to its bound if its largest error, as a share of its tolerance, grew by this."""
CLOSE = 0.1
"""... and is now above this share."""

GONE = "not in these vectors"
"""The outcome of a family that the other run's vectors do not have."""


class Trend(StrEnum):
    """Whether a change is for the better."""

    WORSE = "worse"
    """It fails and did not, or it passed and does not, or it ran and does not."""
    BETTER = "better"
    OTHER = "changed"
    """Neither: what failed is gone, or what did not run does not run for another reason."""


@dataclass(frozen=True)
class Change:
    """A family with another outcome in the second run than in the first."""

    id: str
    nodeid: str
    before: str
    """The outcome, NOT_RUN or GONE."""
    after: str
    why: str
    """The second run's first miss or its reason; empty where there is none."""
    trend: Trend


@dataclass(frozen=True)
class Closer:
    """A family that passes in both runs, closer to its bound in the second."""

    id: str
    before: float
    after: float
    """Its largest error as a share of its tolerance."""


def same_implementation(one: RunRecord, other: RunRecord) -> bool:
    """Whether two runs are of the same implementation, in any version."""
    mine, yours = one.implementation, other.implementation
    return (mine.option, mine.spec) == (yours.option, yours.spec) or mine.name == yours.name


def changes(before: RunRecord, after: RunRecord) -> Iterator[Change]:
    """Every family with another outcome, in the order of the first run; then those that are new in the second."""
    # A run of the same vectors that lacks a family did not run it. Other vectors may not have it.
    lacking = NOT_RUN if before.versions.manifest == after.versions.manifest else GONE
    first, second = _by_nodeid(before), _by_nodeid(after)
    for nodeid in dict.fromkeys([*first, *second]):
        was, is_ = first.get(nodeid), second.get(nodeid)
        words = _outcome(was) or lacking, _outcome(is_) or lacking
        if words[0] != words[1]:
            one = is_ or was
            assert one is not None
            why = _why(is_) if is_ else ""
            yield Change(one.result.verdict.id, nodeid, *words, why, trend(*words))


def closer(before: RunRecord, after: RunRecord) -> Iterator[Closer]:
    """Families that pass in both runs, with a largest error that has grown by CLOSER."""
    second = _by_nodeid(after)
    for nodeid, was in _by_nodeid(before).items():
        is_ = second.get(nodeid)
        if is_ is None or not _outcome(was) == _outcome(is_) == Outcome.PASSED:
            continue
        then, now = was.result.verdict.fraction or 0.0, is_.result.verdict.fraction or 0.0
        if now > max(CLOSER * then, CLOSE):
            yield Closer(is_.result.verdict.id, then, now)


def trend(before: str, after: str) -> Trend:
    """Whether it is better or worse that a family's outcome was `before` and is `after`."""
    if GONE in (before, after):
        return Trend.WORSE if after == Outcome.FAILED else Trend.OTHER
    if after == Outcome.FAILED or before == Outcome.PASSED:
        return Trend.WORSE
    if after == Outcome.PASSED:
        return Trend.BETTER
    if before == Outcome.FAILED or (before in ABSENT) == (after in ABSENT):
        return Trend.OTHER
    return Trend.WORSE if after in ABSENT else Trend.BETTER


def _outcome(family: FamilyRecord | None) -> str:
    return str(family.result.verdict.outcome) if family else ""


def _why(family: FamilyRecord) -> str:
    verdict = family.result.verdict
    if verdict.gravest:
        return verdict.gravest.summary
    return "" if verdict.outcome is Outcome.NOT_IMPLEMENTED else verdict.reason


def _by_nodeid(record: RunRecord) -> dict[str, FamilyRecord]:
    return {family.result.nodeid: family for family in record.families}
