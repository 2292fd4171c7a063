"""Which candidates account for what is wrong, and when: several may, each for a part."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...vectors.dtypes import DTYPES, HALF
from .candidates import Candidate, Judged, catalogue, hold, on_labels, other_operations, sound_of
from .conditions import Condition, Marked, separating
from .evidence import Evidence
from .fitting import fitted
from .hypotheses import ignored, of_result, zero
from .observation import Observation, State, alike, called

MOST_TOGETHER = 4
"""So many candidates at most account for the failures of one function."""
TRIES = 3
"""So many kinds of wrong results that nothing explains are tried."""
ELEMENTS = 4
"""To so many wrong elements a constant is fitted, where there are as many."""
FEWEST = 3
"""So many wrong elements at least a candidate must explain, or all that there are."""
RIVAL, MOST_COMPARED = 0.9, 40
"""What explains such a share of what the best does is as good; on so many cases that passed they are compared."""
FEWEST_UNTOLD = 2
"""In so many families something holds at least of which nothing is seen but 0, infinities and NaN."""
PENALTY = 0.85
"""What an explanation is worth less for each condition."""
FINE_SHARE, FINE_FEWEST = 0.9, 12
"""Where errors are those of rounding, such a share of what is wrong must be explained, and so many elements."""

Unit = tuple[int, int]
"""An observation's identity, and a result's position."""


@dataclass(frozen=True)
class Explanation:
    """A candidate, when it holds, and what it explains."""

    candidate: Candidate
    positions: tuple[int, ...]
    """The results that it accounts for."""
    conditions: tuple[Condition, ...]
    explained: dict[Unit, np.ndarray]
    gain: float
    """How many results of observations it explains; parts count as parts."""
    alone: bool
    """Whether other results are right that it would have wrong."""
    unlike: int = 0
    """In how many robust families, and conventions, that did not fail something else comes than it foretells."""
    fine: frozenset[str] = frozenset()
    """The dtypes in which errors are those of rounding: the rest of them is by another order of the same sums."""

    @property
    def rank(self) -> tuple[float, int, bool, int]:
        """The lower, the better."""
        return -self.gain * PENALTY ** len(self.conditions), len(self.conditions), self.alone, self.unlike


@dataclass
class Search:
    """What is left to be explained of one function."""

    evidence: Evidence
    wrong: Sequence[Observation]
    left: dict[Unit, np.ndarray] = field(default_factory=dict)
    """By result of an observation, what of it is wrong and not explained."""
    judged: dict[int, Judged] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sound = sound_of(self.evidence.vectors.op, self.evidence.direction)
        for one in self.wrong:
            for position in (p for p, failing in enumerate(one.failing) if failing):
                self.left[id(one), position] = _sure(one, position)
                if sound is not None and one.states[position] is State.WRONG:  # rounding that the reference has as well
                    self._take(one, position, hold(one, called(sound, one), position).explained)

    def settle(self, known: Sequence[Explanation]) -> None:
        """Take off what is explained already, by what was found of other observations."""
        for explanation in known:
            judged = Judged(explanation.candidate)
            if explanation.candidate.remembers:
                judged.replay(self.wrong)
            for one in self.wrong:
                for position in range(len(one.names)):
                    if (id(one), position) in self.left:
                        self._take(one, position, judged.on(one, position).explained)

    def _take(self, one: Observation, position: int, explained: np.ndarray) -> None:
        rest = self.left.pop((id(one), position)) & ~explained
        if rest.any():
            self.left[id(one), position] = rest

    def run(self) -> list[Explanation]:
        """Explain as much as there is an explanation for: one wrong result is taken after another, and the candidates
        asked that explain it; of those, the one that explains most."""
        found: list[Explanation] = []
        known = list(catalogue(self.evidence.vectors.op, self.evidence.direction))
        given_up: set[object] = set()
        while len(found) < MOST_TOGETHER and len(given_up) < TRIES:
            one, position = next(self._open(given_up), (None, 0))
            if one is None:
                break
            best = self._best(known, one, position)
            if best is None:
                given_up.add(_kind(one, position))
                continue
            found.append(best)
            if "labels" in one.arguments and not best.candidate.remembers:
                known += on_labels(best.candidate)
            for other in self.wrong:
                for p in best.positions:
                    if (id(other), p) in best.explained:
                        self._take(other, p, best.explained[id(other), p])
                    elif (id(other), p) in self.left and other.family.dtype in best.fine:
                        self._take(other, p, np.ones((), bool))
        return found

    def _open(self, given_up: Collection[object]) -> Iterator[tuple[Observation, int]]:
        """The results that are not explained, those that tell most first."""
        units = [(one, p) for one in self.wrong for p in range(len(one.names)) if (id(one), p) in self.left]
        units = [(one, p) for one, p in units if _kind(one, p) not in given_up]
        return iter(sorted(units, key=lambda unit: self.left[id(unit[0]), unit[1]].sum() < FEWEST))

    def _best(self, known: Sequence[Candidate], one: Observation, position: int) -> Explanation | None:
        """What explains a result, and most of the others with it; None where two things do equally well that differ
        elsewhere, and what is known is little."""
        best: Explanation | None = None
        rivals: list[Explanation] = []
        for candidate in self._candidates(known, one, position):
            judged = self.judged.setdefault(id(candidate), Judged(candidate))
            if not candidate.remembers and (one.lower if not candidate.of_values else one.layout is not None):
                continue  # rounding where a lower precision is declared; values where the memory's layout matters
            if candidate.remembers:
                if best is not None:
                    break
                if not judged.foretold:
                    judged.replay(self.wrong)
            held, left = judged.on(one, position), self.left[id(one), position]
            if (held.explained & left).sum() <= (left.sum() / 2 if held.fine else 0):
                continue
            explanation = self._weigh(judged, best)
            if explanation is None or (id(one), position) not in explanation.explained:
                continue
            rivals.append(explanation)
            if best is None or explanation.rank < best.rank:
                best = explanation
            if explanation.rank[1:] == (0, False, 0) and not self._rest(explanation) and self._telling(explanation):
                return explanation
        if best is None or (not best.conditions and self._telling(best) and self._families(best) >= FEWEST_UNTOLD):
            return best
        if not self._telling(best) and (best.conditions or self._families(best) < FEWEST_UNTOLD):
            return None
        as_good = [r for r in rivals if r.gain >= RIVAL * best.gain and len(r.conditions) <= len(best.conditions)]
        return best if all(self._same(best, other) for other in as_good) else None

    def _telling(self, one: Explanation) -> bool:
        """Whether what is explained has so many different values that nothing else gives them by chance: 0, infinities
        and NaN come of many things."""
        if any(
            other.states[p] is not State.WRONG
            for other in self.wrong
            for p in one.positions
            if (id(other), p) in one.explained
        ):
            return True
        values: set[float] = set()
        for other in self.wrong:
            for p in one.positions:
                got = other.values[p]
                if (id(other), p) in one.explained and got is not None:
                    values.update(
                        got[np.isfinite(got) & (got != 0) & one.explained[id(other), p]].ravel()[:FEWEST].tolist()
                    )
        return len(values) >= FEWEST

    def _families(self, one: Explanation) -> int:
        """How many families are explained, whatever their dtype."""
        keys = {key for key, _ in one.explained}
        return len({other.family.name for other in self.wrong if id(other) in keys})

    def _same(self, one: Explanation, other: Explanation) -> bool:
        """Whether two explanations foretell the same of all that is looked at."""
        mine, theirs = (self.judged[id(each.candidate)] for each in (one, other))
        for each in (*self.wrong, *self.evidence.right[:MOST_COMPARED]):
            for position in one.positions:
                mine.on(each, position), theirs.on(each, position)
                pair = (judged.foretold[id(each)][0] for judged in (mine, theirs))
                first, second = (results[position] if results else None for results in pair)
                if (
                    first is not None
                    and second is not None
                    and not alike(first, second, each.slack[position], each.units)
                ):
                    return False
        return True

    def _candidates(self, known: Iterable[Candidate], one: Observation, position: int) -> Iterator[Candidate]:
        op, direction = self.evidence.vectors.op, self.evidence.direction
        sound = sound_of(op, direction)
        yield zero(position)
        if sound is not None:
            yield from ignored(sound, (*self.wrong, *self.evidence.right))
        yield from (candidate for candidate in known if not candidate.remembers)
        if one.states[position] in (State.WRONG, State.MALFORMED):
            yield from of_result(position, one, self.wrong)
        if sound is not None and one.states[position] is State.WRONG and one.family.dtype not in HALF:
            some = self._like(one, position)
            yield from fitted(op, direction, some, position)
            yield from other_operations(op, direction)
        yield from (candidate for candidate in known if candidate.remembers)

    def _like(self, one: Observation, position: int) -> list[Observation]:
        """An observation and some others of its dtype and parameters, until there are some elements."""
        some, elements = [one], int(one.wrong[position].sum())
        for other in self.wrong:
            same = (other.family.dtype, other.family.parameters) == (one.family.dtype, one.family.parameters)
            if other is not one and same and elements < ELEMENTS and other.states[position] is State.WRONG:
                some.append(other)
                elements += int(other.wrong[position].sum())
        return some

    def _weigh(self, judged: Judged, best: Explanation | None) -> Explanation | None:
        """What a candidate explains, and when; None where that is less than the best does."""
        true: dict[int, list[Marked]] = {}
        false: dict[int, list[Marked]] = {}

        def mark(one: Observation, position: int) -> None:
            held = judged.on(one, position)
            for marked, elements in ((true, held.explained), (false, held.against)):
                if elements.any():
                    shape = one.expected[position].shape if one.expected else ()
                    marked.setdefault(position, []).append(Marked(one, shape, elements))

        for one in self.wrong:
            for position in range(len(one.names)):
                mark(one, position)
        gaining = [p for p, marks in true.items() if any((id(m.one), p) in self.left for m in marks)]
        if not gaining or not self._enough(true, gaining):
            return None
        only_raises = all(m.one.states[p] is State.RAISED for p in gaining for m in true[p])
        if only_raises and not self.evidence.right:  # which many do that raise always
            return None
        most = sum(self._part(m, p) for p in gaining for m in true[p])
        for one in self.evidence.right if not judged.candidate.remembers else ():
            spoilt = all(p in false for p in gaining)
            if best is not None and (most * (PENALTY if spoilt else 1), not spoilt) < (-best.rank[0], True):
                return None
            for position in range(len(one.names)):
                mark(one, position)
        clean = [p for p in gaining if p not in false]
        found: Explanation | None = None
        for positions in dict.fromkeys([tuple(gaining), tuple(clean), *((p,) for p in gaining)]):
            for_it = [mark for p in positions for mark in true[p]]
            against = [mark for p in positions for mark in false.get(p, ())]
            if not positions or not all(self._likely(judged, true[p], p) for p in positions):
                continue
            conditions = separating(for_it, against) if against else ()
            if conditions is None or (conditions and only_raises):
                continue
            explained = {
                (id(m.one), p): self.left[id(m.one), p] & (m.elements | judged.on(m.one, p).fine)
                for p in positions
                for m in true[p]
                if (id(m.one), p) in self.left
            }
            gain = sum(self._part(m, p) for p in positions for m in true[p])
            alone = any(p not in positions for p in false)
            unlike = 0 if conditions else self._unlike(judged, positions)
            fine = frozenset(m.one.family.dtype for p in positions for m in true[p] if judged.on(m.one, p).fine)
            one_way = Explanation(judged.candidate, positions, conditions, explained, gain, alone, unlike, fine)
            if gain and (found is None or one_way.rank < found.rank):
                found = one_way
        return found

    def _part(self, marked: Marked, position: int) -> float:
        """What share of what is left of a result is marked."""
        left = self.left.get((id(marked.one), position))
        return 0.0 if left is None else float((left & marked.elements).sum() / max(left.sum(), 1))

    def _unlike(self, judged: Judged, positions: Sequence[int]) -> int:
        if judged.candidate.remembers:
            return 0
        unlike = 0
        for one in self.evidence.robust:
            for position in positions:
                held = judged.on(one, position)
                left = one.failing[position] & ~held.explained.any()
                unlike += bool(held.against.any() or left or (one.wrong[position] & ~held.explained).any())
                unlike += one.family.point is not None and not judged.foretells(one, position)
        return unlike

    def _likely(self, judged: Judged, true: Sequence[Marked], position: int) -> bool:
        """Whether what is explained is no chance: of wrong results of the widest dtype some must be, and where errors
        are those of rounding nearly all."""
        left = [one for one in self.wrong if (id(one), position) in self.left]
        parameters = [mark.one.family.parameters for mark in true]
        alike = [one for one in left if one.family.parameters in parameters and one.states[position] is State.WRONG]
        dtypes = {mark.one.family.dtype for mark in true}
        widest = next((dtype for dtype in DTYPES[:2] if any(one.family.dtype == dtype for one in alike)), None)
        if widest is not None and not any(d == widest or d in DTYPES[: DTYPES.index(widest)] for d in dtypes):
            return False
        if not all(judged.on(mark.one, position).fine for mark in true):
            return True
        same = [one for one in left if one.family.dtype in dtypes]
        explained = np.array([judged.on(one, position).explained.sum() for one in same], float)
        wrong = np.array([one.wrong[position].sum() for one in same], float)
        return bool(explained.sum() >= FINE_FEWEST and np.mean(explained / wrong) >= FINE_SHARE)

    def _enough(self, true: dict[int, list[Marked]], positions: Sequence[int]) -> bool:
        """Whether so much is explained that it is no chance."""
        elements = 0
        for position in positions:
            for mark in true[position]:
                left = self.left.get((id(mark.one), position))
                if left is not None:
                    elements += FEWEST if not left.ndim and mark.shape else int((left & mark.elements).sum())
        return elements >= FEWEST or elements >= sum(int(left.sum()) for left in self.left.values())

    def _rest(self, explanation: Explanation) -> bool:
        """Whether an explanation leaves something open."""
        return any(
            unit not in explanation.explained or (wrong & ~explanation.explained[unit]).any()
            for unit, wrong in self.left.items()
        )


def _kind(one: Observation, position: int) -> object:
    """What wrong results have in common of which, if one is not explained, the next may not be either."""
    return position, one.states[position], one.family.dtype == "float64", *one.family.parameters.items()


def _sure(one: Observation, position: int) -> np.ndarray:
    """What of a wrong result wants an explanation: what is off by little does not, where more is."""
    got = one.values[position]
    if one.states[position] is not State.WRONG or got is None:
        return np.ones((), bool)
    certain = one.is_wrong(got, position)
    return certain if certain.any() else one.wrong[position]
