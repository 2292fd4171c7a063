"""Which faults of the catalogue account for what is wrong with an implementation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..check.conventions import Tracker
from ..check.family import check
from ..check.verdict import Verdict
from ..implementation.load import Implementation
from .evidence import observe, signatures
from .matching import Account, Wrong
from .misread import reference

if TYPE_CHECKING:
    from ...reference.model.fault import Fault

MOST_AT_ONCE = 2
"""So many faults are looked for together; three that fit may as well be chance."""
MOST_VERIFIED = 6
SAME = 1e-9
"""How near to each other the distances of two explanations may be, of which neither is then told."""
SMALL, NEAR = 16, 0.1
"""The largest errors of a family are compared beyond so many tolerances, and may differ by such a share."""
FAR = 0.02
"""The share of families in which they may differ by more: where a fault decides which answer is the nearest."""


@dataclass(frozen=True)
class Ran:
    """A family of the run and what came of it."""

    family: Family
    verdict: Verdict
    fails: bool
    """Whether it counts as failed: under --impl-strict, robust misses do."""


@dataclass
class Suspect:
    """One fault of the catalogue, tried."""

    fault: "Fault"
    implementation: Implementation
    vectors: OperationVectors
    order: int

    def start(self) -> None:
        """Forget earlier calls."""
        self.fault.setup()

    @property
    def remembers(self) -> bool:
        """Whether it keeps a state, so that what it does depends on what ran before."""
        return bool(self.fault.memory)


@dataclass(frozen=True)
class Explanation:
    """Faults that together account for all that is wrong."""

    faults: tuple["Fault", ...]


@dataclass
class _Fitting:
    """A suspect that accounts for a part of the trials."""

    suspect: Suspect
    explained: np.ndarray
    distance: float
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By family, once they are verified."""
    unlike: int | None = 0
    """None where it is wrong in what the implementation gets right."""

    def verify(self, ran: Sequence[Ran]) -> None:
        """See what it comes to in all families that ran. What it does from memory depends on what ran before, and in
        which process: nothing is asked then but the trials."""
        if self.verdicts or self.suspect.remembers:
            return
        self.suspect.start()
        tracker = Tracker()
        unlike = 0
        for item in ran:
            verdict = tracker.add(check(item.family, self.suspect.implementation, self.suspect.vectors))
            self.verdicts[item.family.id] = verdict
            as_it_was = signatures(verdict, certain=True) <= signatures(item.verdict)
            if not as_it_was and is_strict(item):
                self.unlike = None
                return
            unlike += not as_it_was or verdict.answers != item.verdict.answers
        self.unlike = unlike


def suspects(op: str, direction: str, implementation: Implementation, vectors: OperationVectors) -> list[Suspect]:
    """The faults of an operation in one direction, as implementations that declare what the given one does."""
    from ...reference.faults import every_fault_of
    from ...reference.model.operation import operation_names

    if op not in operation_names():
        return []
    found = []
    for order, fault in enumerate(every_fault_of(op)):
        if fault.direction == direction:
            functions = {(op, direction): getattr(fault, f"{op}_{direction}")}
            found.append(Suspect(fault, replace(implementation, functions=functions), vectors, order))
    return found


def sound(op: str, direction: str, implementation: Implementation) -> Implementation | None:
    """The reference as an implementation that declares what the given one does; None where it has no such function."""
    formula = reference(op, direction)
    if formula is None:
        return None
    return replace(implementation, functions={(op, direction): formula.function})


def explain(
    wrong: Sequence[Wrong], ran: Sequence[Ran], tried: Sequence[Suspect], right: Implementation | None
) -> Explanation | None:
    """The fault, or the pair of faults, that accounts for every cell and is wrong in nothing else; the nearest of
    several, those that follow the same conventions first. None where two are as good."""
    cells = np.concatenate([one.cells for one in wrong])
    beside = _explained_by_rounding(wrong, right)
    fitting = [one for suspect in tried if (one := _fit(suspect, wrong, beside)) is not None]
    fitting.sort(key=lambda one: (one.distance, one.suspect.order))
    for number in range(1, MOST_AT_ONCE + 1):
        found: list[tuple[int, float, Explanation]] = []
        verified = 0
        for together in combinations(fitting, number):
            explained = np.any([one.explained for one in together], axis=0)
            if (cells & ~explained).any() or any(_idle(one, together) for one in together):
                continue
            verified += 1
            if verified > MOST_VERIFIED:
                break
            unlike = _unlike(together, ran)
            if unlike is not None:
                faults = tuple(one.suspect.fault for one in together)
                found.append((unlike, sum(one.distance for one in together), Explanation(faults)))
        if found:
            (unlike, distance, best), *others = sorted(found, key=lambda entry: entry[:2])
            as_good = any(other == unlike and apart <= 2 * distance + SAME for other, apart, _ in others)
            return None if as_good else best
    return None


def _idle(one: _Fitting, together: Sequence[_Fitting]) -> bool:
    """Whether the others explain all that it explains."""
    others = [other.explained for other in together if other is not one]
    return bool(others) and not (one.explained & ~np.any(others, axis=0)).any()


def _explained_by_rounding(wrong: Sequence[Wrong], right: Implementation | None) -> np.ndarray:
    """The cells that the reference itself has wrong: no fault, all being built on it, explains those."""
    nothing = [np.zeros(len(one.cells), bool) for one in wrong]
    if right is not None:
        for one, explained in zip(wrong, nothing, strict=True):
            account = one.account(observe(one.trial.family, right, one.trial.vectors))
            if account is not None:
                explained |= account.explained
    return np.concatenate(nothing)


def _fit(suspect: Suspect, wrong: Sequence[Wrong], beside: np.ndarray) -> _Fitting | None:
    """How far a suspect accounts for the trials, None where it is wrong otherwise or explains nothing."""
    suspect.start()
    accounts: list[Account] = []
    for one in wrong:
        account = one.account(observe(one.trial.family, suspect.implementation, suspect.vectors))
        if account is None:
            return None
        accounts.append(account)
    explained = np.concatenate([account.explained for account in accounts]) & ~beside
    if not explained.any():
        return None
    return _Fitting(suspect, explained, float(np.mean([account.distance for account in accounts])))


def _unlike(together: Sequence[_Fitting], ran: Sequence[Ran]) -> int | None:
    """In how many families that ran, robust and passing, the verdict is another with these faults, or another answer
    at a convention is followed; None where the verdicts are not what these faults would have them be."""
    unlike = 0
    for one in together:
        one.verify(ran)
        if one.unlike is None:
            return None
        unlike += one.unlike
    if any(one.suspect.remembers for one in together):
        return unlike
    failing = [item for item in ran if item.fails]
    far = 0
    for item in failing:
        told = frozenset().union(*(signatures(one.verdicts[item.family.id]) for one in together))
        if not signatures(item.verdict, certain=True) <= told:
            return None
        largest = max(one.verdicts[item.family.id].fraction or 0.0 for one in together)
        far += not _near(item.verdict.fraction or 0.0, largest)
    if far > FAR * len(failing):
        return None
    return unlike


def _near(one: float, other: float) -> bool:
    """Whether the largest errors of a family, in tolerances, are alike; small ones are a matter of rounding."""
    return one == other or max(one, other) < SMALL or abs(one - other) <= NEAR * max(one, other)


def is_strict(item: Ran) -> bool:
    """Whether what accounts for the run may be wrong here in nothing else."""
    return item.fails or item.family.level == "required"
