"""Which answer an implementation follows at each convention's point, operation by operation over a whole run.

A family is judged by itself. Whether families agree with one another is asked of all verdicts together, once there are
no more to come, so that neither their order nor the process that each comes from makes a difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .verdict import MissKind, MissReason, Verdict
from .wording import first_few, listed

NO_ANSWER = "no known answer"
_MOST_NAMED = 2


@dataclass(frozen=True)
class FollowedBy:
    """The answers that one operation follows at a point."""

    op: str
    answers: tuple[str, ...]
    """Those that agree with all of its required families, and with the robust ones that follow any, canonical first;
    empty where none does: it is undecided."""


@dataclass(frozen=True)
class Followed:
    """The answers followed at one point."""

    point: str
    answers: tuple[str, ...]
    """The answers that all operations have in common, canonical first; empty where they have none."""
    families: tuple[str, ...]
    """Ids of the families that agree with some answer."""
    contradictions: tuple[str, ...] = ()
    """Ids of those whose values agree with no answer."""
    operations: tuple[FollowedBy, ...] = ()

    @property
    def undecided(self) -> tuple[str, ...]:
        """The operations that follow several answers, or none in a required family."""
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


def followed(verdicts: Iterable[Verdict]) -> tuple[Followed, ...]:
    """What the verdicts of a run say about each point, sorted by name; ids and operations in the order given."""
    points: dict[str, dict[str, list[Verdict]]] = {}
    for verdict in verdicts:
        if verdict.point is not None and (verdict.answers or _follows_none(verdict)):
            points.setdefault(verdict.point, {}).setdefault(verdict.op, []).append(verdict)
    return tuple(_followed(point, operations) for point, operations in sorted(points.items()))


def _followed(point: str, operations: Mapping[str, Sequence[Verdict]]) -> Followed:
    speaking = [verdict for verdicts in operations.values() for verdict in verdicts]
    by_operation = tuple(
        FollowedBy(op, _common([v.answers for v in verdicts if v.answers or v.level == "required"]))
        for op, verdicts in operations.items()
    )
    return Followed(
        point,
        _common([one.answers for one in by_operation]),
        tuple(verdict.id for verdict in speaking if verdict.answers),
        tuple(verdict.id for verdict in speaking if not verdict.answers),
        by_operation,
    )


def answers_seen(point: Followed, verdicts: Iterable[Verdict]) -> dict[str, list[str]]:
    """What is to be told beside the answers followed at a point, ids by the answers that they agree with: the families
    of undecided operations, and of the others those that agree with no answer."""
    undecided, families, contradictions = set(point.undecided), set(point.families), set(point.contradictions)
    seen: dict[str, list[str]] = {}
    for verdict in verdicts if undecided or contradictions else ():
        if verdict.id in contradictions or (verdict.id in families and verdict.op in undecided):
            seen.setdefault(" or ".join(verdict.answers) or NO_ANSWER, []).append(verdict.id)
    return seen


def inconsistencies(verdicts: Iterable[Verdict], *, strict: bool = False) -> Iterator[str]:
    """A line for each operation and point at which no answer agrees with every family, of the required ones or, where
    `strict`, of all. Families that fail by their convention themselves are left out."""
    cells: dict[tuple[str, str], dict[tuple[str, ...], list[str]]] = {}
    for verdict in verdicts:
        told = any(miss.reason is MissReason.DECLARED_OTHERWISE for miss in verdict.misses)
        if verdict.point is not None and verdict.answers and not told and (strict or verdict.level == "required"):
            cells.setdefault((verdict.op, verdict.point), {}).setdefault(verdict.answers, []).append(verdict.id)
    for (op, point), seen in cells.items():
        if not _common(list(seen)):
            which = listed(
                f"{' or '.join(map(repr, answers))} in {first_few(ids, _MOST_NAMED)}" for answers, ids in seen.items()
            )
            yield f"{op} follows {which}, at {point}; an operation follows one answer at a point throughout the run"


def _follows_none(verdict: Verdict) -> bool:
    """Whether the values of a family follow none of the answers at its point; one that raises says nothing of it."""
    return any(miss.kind in (MissKind.VALUE, MissKind.CONVENTION) for miss in verdict.misses)


def _common(answers: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The answers that are in all of these, in the order of the first."""
    return tuple(answer for answer in answers[0] if all(answer in one for one in answers)) if answers else ()
