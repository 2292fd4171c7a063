"""Which answer an implementation follows at each convention's point, operation by operation over a whole run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .verdict import Miss, MissKind, MissReason, Outcome, Verdict
from .wording import listed

ONE_ANSWER = "an operation follows one answer at a point throughout the run"


@dataclass(frozen=True)
class FollowedBy:
    """The answers that one operation follows at a point."""

    op: str
    answers: tuple[str, ...]
    """Those that agree with all of its families, canonical first; empty where none does: it is undecided."""


@dataclass(frozen=True)
class Followed:
    """The answers followed at one point, by the families seen so far."""

    point: str
    answers: tuple[str, ...]
    """The answers that agree with every family, canonical first; empty where none does."""
    families: tuple[str, ...]
    """Ids of the families that agree with some answer, in the order seen."""
    contradictions: tuple[str, ...] = ()
    """Ids of those that agree with no answer, or with none in common with the families before them."""
    operations: tuple[FollowedBy, ...] = ()

    @property
    def undecided(self) -> tuple[str, ...]:
        """The operations that follow no answer throughout."""
        return tuple(one.op for one in self.operations if not one.answers)

    @property
    def words(self) -> str:
        """What is followed: "0 or 1/2", "undecided", or where operations differ "0 in relu, 1 in mlp"."""
        if self.answers or len(self.operations) < 2:
            return " or ".join(self.answers) or "undecided"
        alike: dict[tuple[str, ...], list[str]] = {}
        for one in sorted(self.operations, key=lambda one: not one.answers):
            alike.setdefault(one.answers, []).append(one.op)
        return ", ".join(f"{' or '.join(answers) or 'undecided'} in {listed(ops)}" for answers, ops in alike.items())


@dataclass
class _Seen:
    families: list[str]
    contradictions: list[str]
    required: tuple[str, ...] | None = None
    """The answers that every required family agrees with; None before the first."""
    overall: tuple[str, ...] | None = None
    """The same, robust families included."""


class Tracker:
    """Intersects the answers that convention families agree with, point by point and operation by operation.

    Operations may differ: a library clips probabilities that it is given, and has no need to in the fused loss.

    It needs the verdicts alone, so that the process that reports can repeat for all workers together what each did for
    its own families. A robust family narrows the answers left for other robust families, never for a required one.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    def add(self, verdict: Verdict) -> Verdict:
        """Add a verdict. Returns it, with one more miss where no answer is left at its point."""
        if verdict.point is None or not (verdict.answers or _against_all(verdict)):
            return verdict
        seen = self._seen.setdefault((verdict.point, verdict.op), _Seen([], []))
        if not verdict.answers:
            seen.contradictions.append(verdict.id)
            return verdict
        seen.families.append(verdict.id)
        robust = verdict.level == "robust"
        before = seen.overall if robust else seen.required
        common = _common(before, verdict.answers)
        if not common:
            seen.contradictions.append(verdict.id)
            return _contradicting(verdict, before or (), robust=robust)
        if robust:
            seen.overall = common
        else:
            seen.required = common
            seen.overall = _common(seen.overall, verdict.answers) or common
        return verdict

    def followed(self) -> tuple[Followed, ...]:
        """What is followed at each point seen, sorted by name: the answers that all operations have in common."""
        return tuple(
            _followed(point, {op: seen for (one, op), seen in self._seen.items() if one == point})
            for point in sorted({point for point, _ in self._seen})
        )


def _followed(point: str, operations: Mapping[str, _Seen]) -> Followed:
    by_operation = tuple(
        FollowedBy(op, () if seen.contradictions else seen.overall or ()) for op, seen in operations.items()
    )
    common: tuple[str, ...] | None = None
    for one in by_operation:
        common = _common(common, one.answers)
    contradictions = tuple(family for seen in operations.values() for family in seen.contradictions)
    families = tuple(family for seen in operations.values() for family in seen.families)
    return Followed(point, common or (), families, contradictions, by_operation)


def followed(verdicts: Iterable[Verdict]) -> tuple[Followed, ...]:
    """What the verdicts of a run say about each point."""
    tracker = Tracker()
    for verdict in verdicts:
        tracker.add(verdict)
    return tracker.followed()


def answers_seen(point: Followed, verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    """The families that speak of a point in the operations that are undecided, ids by the answers they agree with."""
    speaking, undecided = {*point.families, *point.contradictions}, point.undecided
    seen: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.point == point.point and verdict.op in undecided and verdict.id in speaking:
            seen.setdefault(" or ".join(verdict.answers) or "no known answer", []).append(verdict.id)
    return seen


def inconsistencies(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """A line for each point at which families of different processes contradict each other."""
    tracker = Tracker()
    told: set[str | None] = set()
    lines: dict[str | None, str] = {}
    for verdict in verdicts:
        after = tracker.add(verdict)
        if _is_contradicting(verdict):
            told.add(verdict.point)
        elif after is not verdict and after.outcome is Outcome.FAILED:
            lines.setdefault(verdict.point, f"{verdict.id} {after.misses[-1].summary}; {ONE_ANSWER}")
    return (line for point, line in lines.items() if point not in told)


def _against_all(verdict: Verdict) -> bool:
    """Whether the values of a family follow none of the answers at its point; one that raises says nothing of it."""
    return any(miss.kind in (MissKind.VALUE, MissKind.CONVENTION) for miss in verdict.misses)


def _common(before: tuple[str, ...] | None, answers: tuple[str, ...]) -> tuple[str, ...]:
    return answers if before is None else tuple(answer for answer in before if answer in answers)


def _contradicting(verdict: Verdict, before: tuple[str, ...], *, robust: bool) -> Verdict:
    if _is_contradicting(verdict):
        return verdict
    now, then = _listed(verdict.answers), _listed(before)
    summary = f"agrees with {now} at {verdict.point}, where earlier families agree with {then}"
    return verdict.with_miss(
        Miss(MissKind.CONVENTION, robust, None, summary, (ONE_ANSWER,), reason=MissReason.CONTRADICTION)
    )


def _is_contradicting(verdict: Verdict) -> bool:
    return any(miss.reason is MissReason.CONTRADICTION for miss in verdict.misses)


def _listed(words: Iterable[str]) -> str:
    return " and ".join(repr(word) for word in words)
