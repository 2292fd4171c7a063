"""Which faults of the catalogue account for what is wrong with an implementation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice, product

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..check.conventions import Tracker
from ..check.family import check
from ..check.verdict import BY_STATE, MissKind, Outcome, Verdict
from ..check.wording import listed
from ..implementation.load import Implementation
from .candidates import Formula, Suspect, difference, suspects
from .conditions import Condition, separating
from .evidence import elements, observe, signatures
from .matching import Account, Wrong

CALLED = (Outcome.PASSED, Outcome.FAILED, Outcome.ROBUST_MISS)
"""What was called to the end: a family that is declared, unsupported or not implemented is no evidence."""
MOST_AT_ONCE = 2
"""So many faults are looked for together; three that fit may as well be chance."""
MOST_FITTING = 24
"""Where more faults than so many fit, each unlike the others, too little is known to name one."""
MOST_ELEMENTS = 20_000
"""Of a family that is called again, all its tensors together."""
MOST_CONFIRMING = 20
"""So many more families are called to confirm that a fault holds."""
MOST_SETTLING = 8
"""So many more families are called at most to tell two faults apart."""
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


@dataclass(frozen=True)
class Known:
    """All that is known when the failures of one function are to be explained."""

    implementation: Implementation
    vectors: OperationVectors
    ran: Sequence[Ran]
    wrong: Sequence[Wrong]
    """The families that were called again."""
    formula: Formula | None


@dataclass(frozen=True)
class Finding:
    """What a failure looks like."""

    name: str
    wrong: str
    """A sentence or two."""
    cure: str
    """What to do, one sentence."""


@dataclass(frozen=True)
class Cause:
    """A fault that accounts for what is wrong, or for what is wrong with some of the results."""

    suspect: Suspect
    condition: Condition | None = None
    """When the implementation has it; None for always."""
    kinds: frozenset[MissKind] = frozenset()
    """What sorts of things it makes go wrong."""

    def finding(self, results: Sequence[str]) -> Finding:
        """The same in words, given the names of all results."""
        fault, wrong = self.suspect.fault, self.suspect.fault.wrong
        if self.suspect.alone:
            wrong = f"{listed([results[position] for position in self.suspect.blamed])}: {wrong}"
        if self.condition is not None:
            wrong = f"{wrong.rstrip('.')}, {self.condition.words} alone."
        return Finding(f"{fault.op}.{fault.name}", wrong, fault.cure)


@dataclass
class Fitting:
    """A suspect that accounts for what is wrong with its results in all families that were called again."""

    suspect: Suspect
    explained: np.ndarray
    """Cell by cell of all of them, bool."""
    distance: float
    sometimes: bool = False
    """Whether it is wrong in some that the implementation gets right."""
    against: list[Ran] = field(default_factory=list)
    """Of all that ran, those; known once it is verified."""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By family, once they are verified."""
    unlike: int | None = 0
    """In how many families that ran the verdict is another; None where it is wrong in what fails otherwise."""


Candidate = tuple[tuple[int, ...], float, tuple[Cause, ...]]
"""An explanation's rank, how far apart it leaves the results, and what it is."""


def fitting(known: Known) -> list[Fitting]:
    """The suspects that fit, no two of which do the same in all that ran; of those that do, the first."""
    if known.formula is None:
        return []
    by_rounding = _explained_by_rounding(known.wrong, known)
    found: list[Fitting] = []
    for suspect in suspects(known.formula, known.wrong):
        if any(not other.sometimes and _same(suspect, other, known) for other in found):
            continue
        one = _fit(suspect, known.wrong, by_rounding, known)
        if one is not None and not any(
            other.sometimes and one.sometimes and _same(suspect, other, known) for other in found
        ):
            found.append(one)
        if sum(not other.sometimes for other in found) > MOST_FITTING:
            return []
    return _settled(_confirmed(found, known), known)


def causes(fits: Sequence[Fitting], known: Known) -> tuple[Cause, ...]:
    """The fault, or the pair of faults, that accounts for every cell and is wrong in nothing else; the nearest of
    several, those that follow the same conventions first. None where two are as good."""
    cells = np.concatenate([one.cells for one in known.wrong])
    always = [one for one in fits if not one.sometimes]
    for of, number in product((always, fits), range(1, MOST_AT_ONCE + 1)):
        found: list[Candidate] = []
        tried: list[tuple[Fitting, ...]] = []
        for together in combinations(of, number):
            explained = np.any([one.explained for one in together], axis=0)
            if (cells & ~explained).any() or any(_idle(one, together) for one in together):
                continue
            named = [cause for one in together if (cause := _cause(one, known)) is not None]
            if any(_breaks_the_same(together, others) for others in tried):
                continue
            tried.append(together)
            unlike = _unlike(together, known) if len(named) == number else None
            if unlike is not None:
                found.append((_rank(named, unlike), sum(one.distance for one in together), tuple(named)))
        if found:
            return _nearest(found)
    return ()


def cause_of(name: str, fits: Sequence[Fitting], known: Known) -> Cause | None:
    """The one fault that accounts for all that is wrong with one result."""
    position = known.vectors.results[known.ran[0].family.direction].index(name)
    found: list[Candidate] = []
    for one in fits:
        cause = _cause(one, known) if position in one.suspect.blamed else None
        if cause is not None and one.unlike is not None:
            found.append((_rank([cause], one.unlike), one.distance, (cause,)))
    return next(iter(_nearest(found)), None)


def _breaks_the_same(one: Sequence[Fitting], other: Sequence[Fitting]) -> bool:
    """Whether faults that leave all values right break the contract in the same ways in all that ran."""
    return not any(fit.suspect.blamed or fit.suspect.remembers for fit in (*one, *other)) and all(
        {id: signatures(verdict) for id, verdict in mine.verdicts.items()}
        == {id: signatures(verdict) for id, verdict in theirs.verdicts.items()}
        for mine, theirs in zip(one, other, strict=True)
    )


def _rank(named: Sequence[Cause], unlike: int) -> tuple[int, ...]:
    """Faults that hold always come before those that hold on a condition, whole ones before those of which some
    results alone are taken, and then those that are otherwise in fewer families."""
    return sum(one.condition is not None for one in named), sum(one.suspect.alone for one in named), unlike


def _nearest(found: Sequence[Candidate]) -> tuple[Cause, ...]:
    """The best of several explanations; empty where two are as good."""
    if not found:
        return ()
    (rank, distance, best), *others = sorted(found, key=lambda entry: entry[:2])  # stable: of equals the first
    as_good = any(other == rank and apart <= 2 * distance + SAME for other, apart, _ in others)
    return () if as_good else best


def _cause(one: Fitting, known: Known) -> Cause | None:
    """A fault that fits, and when; None where it is wrong in what the implementation gets right."""
    _verify(one, known)
    kinds = frozenset(miss.kind for verdict in one.verdicts.values() for miss in verdict.misses)
    if one.suspect.remembers:
        return Cause(one.suspect, kinds=BY_STATE)
    if not one.against:
        return Cause(one.suspect, kinds=kinds)
    names = {known.vectors.results[one.suspect.fault.direction][position] for position in one.suspect.blamed}
    failing = [item.family for item in known.ran if item.fails and _concerns(item, names)]
    condition = separating(failing, [item.family for item in one.against], known.vectors)
    return None if condition is None else Cause(one.suspect, condition, kinds)


def _concerns(item: Ran, names: set[str]) -> bool:
    """Whether something is wrong with one of these results, or with the call as a whole."""
    return any(miss.result is None or miss.result in names for miss in item.verdict.misses)


def _same(suspect: Suspect, other: Fitting, known: Known) -> bool:
    """Whether two faults do the same in all that ran or, where the implementation is sometimes right, that failed.
    Plain calls do not tell where all values are right."""
    if not suspect.blamed or not other.suspect.blamed:
        return False
    families = [item.family for item in known.ran if item.fails or not other.sometimes]
    return difference(suspect, other.suspect, families, known.vectors) is None


def _confirmed(found: list[Fitting], known: Known) -> list[Fitting]:
    """The same without those that do not account for more of what fails, of all sizes."""
    seen = {one.trial.family.id for one in known.wrong}
    left = [item.family for item in known.ran if item.fails and item.family.id not in seen]
    left = sorted((family for family in left if elements(family) <= MOST_ELEMENTS), key=elements, reverse=True)
    chosen = left[:: 1 + len(left) // MOST_CONFIRMING] if found else []
    more = [Wrong(observe(family, known.implementation, known.vectors)) for family in chosen]
    by_rounding = _explained_by_rounding(more, known)
    return [
        one for one in found if one.suspect.remembers or not more or _accounts(one.suspect, more, by_rounding, known)
    ]


def _settled(found: list[Fitting], known: Known) -> list[Fitting]:
    """The same without those that more families rule out: what was missed where two of them differ."""
    seen = {one.trial.family.id for one in known.wrong}
    missed = [item.family for item in known.ran if item.verdict.misses and item.family.id not in seen]
    left = list({family.name: family for family in reversed(missed)}.values())  # one of each name, whatever its dtype
    ruled_out: list[int] = []
    for pair in combinations(range(len(found)), 2):
        one, other = (found[index].suspect for index in pair)
        alike = one.alone is other.alone and set(one.blamed) & set(other.blamed)
        if not alike or one.remembers or other.remembers or set(pair) & set(ruled_out):
            continue
        telling = (family for family in left if difference(one, other, [family], known.vectors) is not None)
        for family in islice(telling, MOST_SETTLING):
            more = [Wrong(observe(family, known.implementation, known.vectors))]
            by_rounding = _explained_by_rounding(more, known)
            out = [index for index in pair if not _accounts(found[index].suspect, more, by_rounding, known)]
            if len(out) == 1:
                ruled_out += out
                break
    return [one for index, one in enumerate(found) if index not in ruled_out]


def _idle(one: Fitting, together: Sequence[Fitting]) -> bool:
    """Whether the others explain all that it explains."""
    others = [other.explained for other in together if other is not one]
    return bool(others) and not (one.explained & ~np.any(others, axis=0)).any()


def _explained_by_rounding(wrong: Sequence[Wrong], known: Known) -> list[np.ndarray]:
    """The cells that the reference itself has wrong: no fault, all being built on it, explains those."""
    assert known.formula is not None
    functions = {(known.vectors.op, known.formula.direction): known.formula.function}
    right = replace(known.implementation, functions=functions)
    found = []
    for one in wrong:
        account = one.account(observe(one.trial.family, right, one.trial.vectors))
        found.append(np.zeros(len(one.cells), bool) if account is None else account.explained)
    return found


def _fit(suspect: Suspect, wrong: Sequence[Wrong], by_rounding: Sequence[np.ndarray], known: Known) -> Fitting | None:
    """How a suspect accounts for the families that were called again; None where it explains nothing of them, leaves
    something of its results unexplained, or is wrong otherwise in what fails."""
    accounts = _accounts(suspect, wrong, by_rounding, known)
    if not accounts:
        return None
    none = (np.zeros(len(one.cells), bool) for one in wrong)
    parts = zip(accounts, none, by_rounding, strict=True)
    cells = np.concatenate([(zeros if one is None else one.explained) & ~beside for one, zeros, beside in parts])
    if cells.sum() <= sum(beside.sum() for beside in by_rounding):  # the reference itself is as wrong
        return None
    distances = [one.distance for one in accounts if one is not None]
    return Fitting(suspect, cells, float(np.mean(distances)), None in accounts)


def _accounts(
    suspect: Suspect, wrong: Sequence[Wrong], by_rounding: Sequence[np.ndarray], known: Known
) -> list[Account | None]:
    """How a suspect accounts for each family: None for one that is right where the suspect is not. Empty where it
    leaves something of its results unexplained, or is wrong otherwise in what fails."""
    suspect.fault.setup()
    implementation = suspect.like(known.implementation)
    found: list[Account | None] = []
    for one, beside in zip(wrong, by_rounding, strict=True):
        account = one.account(observe(one.trial.family, implementation, known.vectors))
        if account is None and (one.fails or suspect.remembers):
            return []
        if account is not None and one.fails:
            left = one.cells_of(suspect.blamed) & ~beside & ~account.explained
            if left.any() or not (suspect.blamed or account.explained.any()):
                return []
        found.append(account)
    return found


def _verify(one: Fitting, known: Known) -> None:
    """See what a fault comes to in all families that ran. What it does from memory depends on what ran before, and in
    which process: nothing is asked then but the families that were called again."""
    if one.verdicts or one.suspect.remembers:
        return
    one.suspect.fault.setup()
    implementation = one.suspect.like(known.implementation)
    tracker = Tracker()
    unlike = 0
    for item in known.ran:
        if item.verdict.outcome not in CALLED:
            continue
        verdict = tracker.add(check(item.family, implementation, known.vectors))
        one.verdicts[item.family.id] = verdict
        as_it_was = signatures(verdict, certain=True) <= signatures(item.verdict)
        if not as_it_was and item.fails:
            one.unlike = None
            return
        if not as_it_was and is_strict(item):
            one.against.append(item)
            continue
        unlike += not as_it_was or verdict.answers != item.verdict.answers
    one.unlike = unlike


def _unlike(together: Sequence[Fitting], known: Known) -> int | None:
    """In how many families that ran, robust and passing, the verdict is another with these faults, or another answer
    at a convention is followed; None where the verdicts are not what these faults would have them be."""
    if any(one.unlike is None for one in together):
        return None
    unlike = sum(one.unlike or 0 for one in together)
    if any(one.suspect.remembers for one in together):
        return unlike
    failing = [item for item in known.ran if item.fails]
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
