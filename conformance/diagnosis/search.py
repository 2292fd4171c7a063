"""Which candidates account for what is wrong, and when: several may, each for a part."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, product, takewhile
from time import thread_time

import numpy as np

from ...vectors.dtypes import DTYPES
from .candidates import NEITHER, Candidate, Judged, beside, catalogue, hold, of_result, on_labels, sound_of
from .conditions import Condition, Marked, separating
from .evidence import Evidence
from .fitting import Kept, fitted
from .observation import Observation, State, alike, called

MOST_TOGETHER = 4
"""So many candidates at most account for the failures of one function."""
PROBES = 5
"""On so many cases that fail, and that passed, candidates are tried first."""
TRIES = 3
"""So many kinds of wrong results that nothing explains are tried, and so often another explanation for one."""
LEAST, COVERED = 0.1, 0.5
"""Such a share of what is left of a result an explanation must explain at least; of what is wrong with it, all
together, for any to be told."""
ELEMENTS, FEWEST = 4, 3
"""To so many wrong elements a constant is fitted, so many at least a candidate explains, where there are as many."""
OF_SIZES = 8
"""So many values a size of blocks must explain: there are many blocks, and many sizes."""
RIVAL, MOST_COMPARED = 0.9, 40
"""What explains such a share of what the best does is as good; on so many cases that passed they are compared."""
FEWEST_UNTOLD, UNTOLD_WHEN = 2, 6
"""In so many families something holds at least of which nothing is seen but 0, infinities and NaN; with a condition."""
MANY, MOST_APART = 200, 40
"""After so many candidates it is asked whether a result depends on other calls; after so many that hold on no condition
that there are words for, conditions are looked for no more."""
ENOUGH_SECONDS, MOST_SECONDS = 0.5, 0.9
"""Of processor after which no further wrong result is tried, and after which no more is looked for."""
LONG = 8
"""Candidates are tried on tensors with no longer axis where there are such: a recurrence has so many steps."""
PENALTY = 0.85
"""What an explanation is worth less for each condition."""
FINE_SHARE, FINE_FEWEST = 0.9, 12
"""Where errors are those of rounding, such a share of each result must be explained, and so many elements of all."""

Unit = tuple[int, int]
"""An observation's identity, and a result's position."""


@dataclass(frozen=True)
class Explanation:
    """A candidate, when it holds, and what it explains."""

    judged: Judged
    positions: tuple[int, ...]
    """The results that it accounts for."""
    conditions: tuple[Condition, ...]
    explained: dict[Unit, np.ndarray]
    gain: float
    """How many results of observations it explains; parts count as parts."""
    alone: bool
    """Whether other results are right that it would have wrong."""
    unlike: int = 0
    """In how many robust families, and conventions, that did not fail something else comes than it foretells; of what
    depends on the calls before, in how many cases of the run as well."""
    fine: frozenset[str] = frozenset()
    """The dtypes in which errors are those of rounding: the rest of them is by another order of the same sums."""

    @property
    def candidate(self) -> Candidate:
        """What explains them."""
        return self.judged.candidate

    @property
    def rank(self) -> tuple[float, int, bool, int, bool, int]:
        """The lower, the better; of two that explain as much, one without a fitted number."""
        conditions, of = len(self.conditions), self.candidate
        return -self.gain * PENALTY**conditions, conditions, self.alone, self.unlike, of.constant, self.judged.order


@dataclass
class Search:
    """What is left to be explained of one function."""

    evidence: Evidence
    wrong: Sequence[Observation]
    settled: Sequence[Explanation]
    """What was found of other observations."""
    left: dict[Unit, np.ndarray] = field(default_factory=dict)
    """By result of an observation, what of it is wrong and not explained."""
    judged: dict[int, Judged] = field(default_factory=dict)
    kept: Kept = field(default_factory=dict)
    on_labels: list[Candidate] = field(default_factory=list)
    """What was found, and labels read wrong besides."""
    apart: int = 0
    """Of how many candidates there is no condition that says when they hold."""
    reached: dict[object, Sequence[bool]] = field(default_factory=dict)
    """By function and observation, which results noise reaches."""
    found: list[Explanation] = field(default_factory=list)
    given_up: list[tuple[Observation, int]] = field(default_factory=list)
    """Results for which there is no explanation."""

    def __post_init__(self) -> None:
        sound = sound_of(self.evidence.vectors.op, self.evidence.direction)
        for one in self.wrong:
            for position in (p for p, failing in enumerate(one.failing) if failing):
                self.left[id(one), position] = _sure(one, position)
                if sound is not None and one.states[position] is State.WRONG:  # rounding that the reference has as well
                    self._take(one, position, hold(one, called(sound, one), position).explained)
        for explanation in self.settled:
            judged = Judged(explanation.candidate)
            if explanation.candidate.remembers:
                judged.replay((*self.wrong, *self.evidence.robust))
            for one, position in self._open():
                self._take(one, position, judged.on(one, position).explained)

    def _take(self, one: Observation, position: int, explained: np.ndarray) -> None:
        rest = self.left.pop((id(one), position)) & ~explained
        if rest.any():
            self.left[id(one), position] = rest

    def run(self) -> list[Explanation]:
        """Explain as much as there is an explanation for: one wrong result is taken after another, and the candidates
        asked that explain it; of those, the one that explains most."""
        found = self.found
        if not self.evidence.right and all(one.results is None for one in self.wrong):
            return found  # many candidates raise always
        while (
            not self._is_over(ENOUGH_SECONDS if self.given_up else MOST_SECONDS)
            and len(found) < MOST_TOGETHER
            and len(self.given_up) < TRIES
            and (units := self._open())
        ):
            one, position = units[0]
            tried = (self._best(one, position) for _ in range(TRIES))
            best = next((each for each in tried if each is None or self._stands(each)), None)
            if best is None:
                self.given_up.append((one, position))
                continue
            found.append(best)
            if "labels" in one.arguments and not best.candidate.remembers:
                self.on_labels += on_labels(best.candidate)
            for other, p in product(self.wrong, best.positions):
                if (id(other), p) in best.explained:
                    self._take(other, p, best.explained[id(other), p])
                elif (id(other), p) in self.left and other.family.dtype in best.fine:
                    self._take(other, p, np.ones((), bool))
        return [one for one in found if self._covers(one, (*self.settled, *found)) and not self._gainsaid(one)]

    def _is_over(self, seconds: float | None = None) -> bool:
        return thread_time() > self.evidence.began + (MOST_SECONDS if seconds is None else seconds)

    def _stands(self, found: Explanation) -> bool:
        """Whether an explanation has no case wrong that passed, of all that did; the first is looked at from now on."""
        for one, position in product(self.evidence.more, found.positions) if not found.candidate.remembers else ():
            against = found.judged.on(one, position).against
            mark = Marked(one, one.expected[position].shape, against)
            if against.any() and not any(condition.spares([mark])[0] for condition in found.conditions):
                self.evidence.right.append(one)
                return False
        return True

    def _covers(self, found: Explanation, known: Sequence[Explanation]) -> bool:
        """Whether most of what is wrong with its results, where it is to hold, is explained, by it or by others: what
        fits a few cases alone among many is chance."""
        for p in found.positions:
            wrong = [o for o in self.evidence.wrong if o.states[p] is State.WRONG]
            wrong = [o for o in wrong if o.family.level == "required" or o in self.wrong]
            marks = [Marked(o, o.wrong[p].shape, _sure(o, p)) for o in wrong]
            inside = [m for m in marks if not any(condition.spares([m])[0] for condition in found.conditions)]
            by_any = [np.asarray(sum(one.explained.get((id(m.one), p), 0) for one in known)) > 0 for m in inside]
            both = [np.broadcast_arrays(told, m.elements) for told, m in zip(by_any, inside, strict=True)]
            if inside and sum(np.mean(told[marked]) >= COVERED for told, marked in both) <= COVERED * len(inside):
                return False
        return True

    def _gainsaid(self, found: Explanation) -> bool:
        """Whether its results are wrong where its conditions do not hold, or beyond its threshold, and nothing explains
        that: it comes near what is wrong, and is not that."""
        return not found.candidate.remembers and any(
            found.candidate.threshold
            or bool((found.judged.on(one, p).against & left).any())
            or (
                one.states[p] is State.WRONG
                and any(c.spares([Marked(one, left.shape, left)])[0] for c in found.conditions)
            )
            for one, p in product(self.wrong, found.positions)
            if (left := self.left.get((id(one), p))) is not None
        )

    def _open(self) -> list[tuple[Observation, int]]:
        """The results that are not explained, nor given up, those that tell most first."""
        given_up = {_kind(*unit) for unit in self.given_up}
        units = [(one, p) for one in self.wrong for p in range(len(one.names)) if (id(one), p) in self.left]
        units = [unit for unit in units if _kind(*unit) not in given_up]
        sizes = {id(one): max((n for x in one.arguments.values() for n in x.shape), default=0) for one, _ in units}
        return sorted(units, key=lambda u: (self.left[id(u[0]), u[1]].sum() < FEWEST, sizes[id(u[0])] > LONG))

    def _best(self, one: Observation, position: int) -> Explanation | None:
        """What explains a result, and most of the others with it; None where two things do equally well that differ
        elsewhere, and what is known is little."""
        best: Explanation | None = None
        rivals: list[Explanation] = []
        for judged in self._likely_first(one, position):
            if judged is None:
                if best is not None and not best.conditions and self._settles(best):
                    break
                continue
            if judged.candidate.remembers:
                if best is not None and not (best.candidate.remembers or (best.conditions and not self._settles(best))):
                    break
                judged.replay((*self.wrong, *self.evidence.robust))
            if best is not None and judged.doubtful and judged.order > best.judged.order and self._settles(best):
                continue  # it holds on a condition at best
            explanation = self._weigh(judged, best)
            if not (explanation and (id(one), position) in explanation.explained and self.evidence.holds(explanation)):
                continue
            rivals.append(explanation)
            if best is None or explanation.rank < best.rank:
                best = explanation
            if explanation.rank[1:4] == (0, False, 0) and self._settles(explanation):
                return explanation
            if explanation is best and best.candidate.plainest and self._explains_all(best) and not any(best.rank[1:4]):
                break  # nothing is better
        known = best is not None and "." in best.candidate.name  # a fault of the catalogue
        if best is None or (self._is_over() and not self._is_sure(best, known)):
            return None  # others may be better
        if self._telling(best) and self._families(best) >= FEWEST_UNTOLD + len(best.conditions):
            return best
        fits_any = best.candidate.of_sizes or (best.candidate.constant and not self.evidence.right)
        if not self._telling(best) and fits_any:
            return None
        another = one.family.level == "robust" and not known  # right, but for what overflows
        fewest = UNTOLD_WHEN if best.conditions or another else FEWEST_UNTOLD
        beside = any(position in other.positions for other in self.found)  # the rest of what is NaN there
        if not self._values(best) and (self._families(best) < fewest or beside):
            return None
        share = 1.0 if self._explains_all(best) else RIVAL
        as_good = [r for r in rivals if r.gain >= share * best.gain and r.rank[1:5] <= best.rank[1:5]]
        return best if best.candidate.plainest or all(self._same(best, other) for other in as_good) else None

    def _likely_first(self, one: Observation, position: int) -> Iterator[Judged | None]:
        """The candidates that explain a result; those that a few other cases speak against after constants. None after
        the catalogue, after constants, and before those that change what is right, too."""
        marks = 0
        doubtful: list[Judged] = []
        failing = [o for o in self.wrong if o.failing[position]]
        few = [*failing[:: 1 + len(failing) // PROBES], *self.evidence.right[:: 1 + len(self.evidence.right) // PROBES]]
        for candidate in chain(self._candidates(one, position), (None,)):
            if candidate is None or candidate.remembers:
                marks += 1
                if marks > 1:
                    yield from takewhile(lambda _: self.apart < MOST_APART and not self._is_over(), doubtful)
                    doubtful = []
                yield None if candidate is None else self._judged(candidate)
                continue
            if (one.lower and not candidate.of_values) or not self.evidence.may(candidate):
                continue  # rounding where a lower precision is declared
            judged = self._judged(candidate)
            held, left = judged.on(one, position), self.left[id(one), position]
            if (held.explained & left).sum() <= COVERED * left.sum():
                continue
            judged.doubtful = any(judged.on(other, position).against.any() for other in few)
            if not judged.doubtful:
                yield judged
            elif one.states[position] is not State.RAISED:  # exceptions are told on no condition
                doubtful.append(judged)

    def _judged(self, candidate: Candidate) -> Judged:
        return self.judged.setdefault(id(candidate.fault or candidate), Judged(candidate, order=len(self.judged)))

    def _telling(self, one: Explanation) -> bool:
        """Whether what is explained has so many different values that nothing else gives them by chance."""
        return self._values(one) >= (OF_SIZES if one.candidate.of_sizes else FEWEST)

    def _values(self, one: Explanation) -> int:
        """How many different values are explained, up to some; 0, infinities and NaN come of many things, and do not
        count, unless they are at some places alone, and nothing overflows there: then these count."""
        values, most, places = set[float](), FEWEST if self.evidence.right else OF_SIZES, 0
        for other, p in product(self.wrong, one.positions):
            explained, got = one.explained.get((id(other), p)), other.values[p]
            if explained is not None and other.states[p] is not State.WRONG:
                return FEWEST
            if explained is not None and got is not None:
                values.update(np.unique(got[np.isfinite(got) & (got != 0) & explained])[:most].tolist())
                if np.sum(~other.wrong[p] & (got != 0)) >= FEWEST:
                    odd = (got == 0) | ~np.isfinite(got) if "random" in other.family.name else got == 0
                    places += int((explained & odd).sum())
        return len(values) + places

    def _families(self, one: Explanation) -> int:
        """How many families are explained, robust misses too, whatever their dtype; or how many dtypes less one."""
        keys, missed = {key for key, _ in one.explained}, product(self.evidence.robust, one.positions)
        families = [other.family for other in self.wrong if id(other) in keys]
        families += [other.family for other, p in missed if other.failing[p] and one.judged.foretells(other, p)]
        return max(len({family.name for family in families}), len({family.dtype for family in families}) - 1)

    def _same(self, one: Explanation, other: Explanation) -> bool:
        """Whether two explanations foretell the same of all that is looked at."""
        for each in (*self.wrong, *self.evidence.right[:MOST_COMPARED]):
            for position in one.positions:
                pair = (explanation.judged.told(each) for explanation in (one, other))
                told = [results[position] for results in pair if results and results[position] is not None]
                if len(told) > 1 and not alike(told[0], told[1], each.slack[position], each.units):
                    return False
        return True

    def _candidates(self, one: Observation, position: int) -> Iterator[Candidate | None]:
        name, wrong = one.names[position], one.states[position] is State.WRONG
        of = self.evidence.vectors.op, self.evidence.direction
        likely = chain(
            beside(*of, "often"),
            (candidate for candidate in catalogue(*of) if not candidate.remembers),
            beside(*of, "overflowing", "few_of"),
            self.on_labels,
            (None,),
            of_result(position, one) if wrong or one.states[position] is State.MALFORMED else (),
            fitted(self._like(one, position), position, self.wrong, self.kept, self._is_over) if wrong else (),
            (None,),
            beside(*of, "misread"),
        )
        for formulas in (likely, beside(*of, "further_of")) if name not in self.evidence.unsteady else ():
            if self._is_over():  # to make them takes time
                return
            later: list[Candidate] = []
            for count, candidate in enumerate(formulas):
                if self._is_over():
                    return
                if count == MANY and name in self.evidence.reordered:
                    break  # no formula gives what depends on other calls
                if candidate is None:
                    yield candidate
                    continue
                reach = self._reach(candidate, one)
                spoilt = any(reached and not wrong for reached, wrong in zip(reach, one.failing, strict=True))
                if reach[position] and not spoilt:
                    yield candidate
                elif reach[position]:
                    later.append(candidate)
            yield None
            yield from takewhile(lambda _: not self._is_over(), later)
        yield from (candidate for candidate in catalogue(*of) if candidate.remembers)

    def _reach(self, candidate: Candidate, one: Observation) -> Sequence[bool]:
        """Which results of a case a candidate may change; those that are wrong, where that is not known."""
        disturbed = candidate.fault.disturbed if candidate.fault is not None else None
        if disturbed is None or len(one.names) == 1 or not one.expected:
            return one.failing
        if (disturbed, id(one)) not in self.reached:
            found = called(disturbed, one) or ()
            self.reached[disturbed, id(one)] = [
                now is None
                or now.shape != due.shape
                or bool((one.score(now.astype(np.float64), p) > 1).any())
                or (one.failing[p] and not np.isfinite(due).all())  # which noise in NaN is not
                for p, (now, due) in enumerate(zip(found, one.expected, strict=False))
            ] or one.failing
        return self.reached[disturbed, id(one)]

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
        true, false = dict[int, list[Marked]](), dict[int, list[Marked]]()
        if judged.hopeless:
            return None

        def mark(one: Observation, position: int) -> None:
            held = judged.on(one, position)
            for marked, elements in ((true, held.explained), (false, held.against)) if held is not NEITHER else ():
                if elements.any():
                    shape = one.expected[position].shape if one.expected else ()
                    marked.setdefault(position, []).append(Marked(one, shape, elements))

        to_beat = -best.rank[0] if best and self.evidence.right and not judged.candidate.remembers else 0.0
        possible = len(self.left)
        for one in self.wrong:
            for position in range(len(one.names)):
                mark(one, position)
                possible -= (id(one), position) in self.left and not judged.on(one, position).explained.any()
            if possible < to_beat:
                return None
        gaining = [p for p, marks in true.items() if any((id(m.one), p) in self.left for m in marks)]
        if not gaining:
            return None
        only_raises = all(m.one.states[p] is State.RAISED for p in gaining for m in true[p])
        if only_raises and not self.evidence.right:  # which many do that raise always
            return None
        most = sum(self._part(m, p) for p in gaining for m in true[p])
        if most < LEAST * max(sum(p == q for _, q in self.left) for p in gaining):
            return None
        later = best is not None and judged.order > best.judged.order
        for one in self.evidence.right if not judged.candidate.remembers else ():
            spoilt = all(p in false for p in gaining)
            if spoilt and (only_raises or self.apart >= MOST_APART):
                return None
            if best is not None and (most * (PENALTY if spoilt else 1), not (spoilt and later)) < (-best.rank[0], True):
                return None
            for position in range(len(one.names)):
                mark(one, position)
        clean = [p for p in gaining if p not in false]
        found: Explanation | None = None
        for positions in dict.fromkeys([tuple(gaining), tuple(clean), *((p,) for p in gaining)]):
            units = [(mark, p) for p in positions for mark in true[p]]
            against = [mark for p in positions for mark in false.get(p, ())]
            certain = [self._certain(judged, true[p], p) for p in positions]
            if not all(certain) or sum(certain) < FINE_FEWEST:
                continue
            conditions = () if not against else None if only_raises else self._when(judged, units, against)
            if conditions is None:
                continue
            left = [(m, p) for m, p in units if (id(m.one), p) in self.left]
            refusing = [(m, p) for m, p in left if m.one.states[p] is not State.ACCEPTED]  # many refuse nothing
            if not (refusing or (judged.candidate.fault and judged.candidate.fault.of_refusals)):
                continue
            left = refusing or left
            explained = {
                (id(m.one), p): self.left[id(m.one), p] & (m.elements | judged.on(m.one, p).fine) for m, p in left
            }
            parts = [self._part(m, p) for m, p in left]
            if np.median(parts) <= COVERED:
                continue
            alone = any(p not in positions for p in false)
            unlike = 0 if conditions else self._unlike(judged, positions)
            by_calls = only_raises and all(self.evidence.names[p] in self.evidence.reordered for p in positions)
            sure = by_calls if judged.candidate.remembers else not (unlike or by_calls)
            if only_raises and not (sure and "." in judged.candidate.name):
                continue  # another exception is as good
            fine = frozenset(m.one.family.dtype for m, p in units if judged.on(m.one, p).fine)
            one_way = Explanation(judged, positions, conditions, explained, sum(parts), alone, unlike, fine)
            if found is None or one_way.rank < found.rank:
                found = one_way
        return found

    def _when(
        self, judged: Judged, units: Sequence[tuple[Marked, int]], false: Sequence[Marked]
    ) -> tuple[Condition, ...] | None:
        """Conditions on which a candidate may be told: no memory, no slip of rounding, no block of one; no constant or
        tile on another number, or on two conditions; nothing of one family, unless nothing else is wrong and no length
        tells it apart. They are not looked for any more after so many candidates that have none."""
        found, candidate, names = None, judged.candidate, {marked.one.family.name for marked, _ in units}
        if self.apart < MOST_APART:
            found = separating([marked for marked, _ in units], false)
        self.apart += found is None
        of_lengths = any(each.of_lengths for each in found or ())
        sized = candidate.constant or "_beyond_" in candidate.name
        fixed = sized and (len(found or ()) > 1 or any(c.of_lengths or c.of_number for c in found or ()))
        few = len(names) < FEWEST_UNTOLD and (candidate.constant or of_lengths or self._others(names, units))
        fine = candidate.of_values and all(judged.on(marked.one, p).fine for marked, p in units)
        of_one = candidate.of_sizes and any(each.words.endswith((" one", " 1")) for each in found or ())
        return None if candidate.remembers or fixed or few or fine or of_one else found

    def _others(self, names: Collection[str], units: Sequence[tuple[Marked, int]]) -> bool:
        """Whether families of other names have wrong values of the same results."""
        positions = {p for _, p in units}
        wrong = (one for one in self.evidence.wrong if one.family.name not in names)
        return any(one.states[p] is State.WRONG for one in wrong for p in positions)

    def _part(self, marked: Marked, position: int) -> float:
        """What share of what is left of a result is marked."""
        left = self.left.get((id(marked.one), position))
        return 0.0 if left is None else float((left & marked.elements).sum() / max(left.sum(), 1))

    def _unlike(self, judged: Judged, positions: Sequence[int]) -> int:
        unlike = sum(not judged.foretells(one, position) for one, position in product(self.evidence.robust, positions))
        if judged.candidate.remembers:
            assert judged.candidate.fault is not None
            judged.candidate.fault.setup()
            for one in self.evidence.in_order:
                told, was = judged.candidate.foretell(one), replace(one, called=False)
                so = [(told is None, bool(hold(was, told, p).against.any())) == one.missed(p) for p in positions]
                unlike += not all(so)
        return unlike

    def _certain(self, judged: Judged, true: Sequence[Marked], position: int) -> float:
        """How many elements are explained, 0 where that may be chance: of wrong results of the widest dtype some must
        be, and where errors are those of rounding nearly all; infinite where they are not."""
        left = [one for one in self.wrong if (id(one), position) in self.left]
        parameters = [mark.one.family.parameters for mark in true]
        alike = [one for one in left if one.family.parameters in parameters and one.states[position] is State.WRONG]
        dtypes = {mark.one.family.dtype for mark in true}
        widest = next((dtype for dtype in DTYPES[:2] if any(one.family.dtype == dtype for one in alike)), None)
        if widest is not None and not any(d == widest or d in DTYPES[: DTYPES.index(widest)] for d in dtypes):
            return 0.0
        if not all(judged.on(mark.one, position).fine for mark in true):
            return np.inf
        same = [one for one in left if one.family.dtype in dtypes]
        explained = np.array([judged.on(one, position).explained.sum() for one in same], float)
        wrong = np.array([one.wrong[position].sum() for one in same], float)
        return float(explained.sum()) if np.mean(explained / wrong) >= FINE_SHARE else 0.0

    def _settles(self, one: Explanation) -> bool:
        """Whether an explanation on one condition at most is no chance, as a constant may be where nothing is right."""
        sure = self._telling(one) and (self.evidence.right or not one.candidate.constant)
        return bool(sure) and len(one.conditions) <= 1 and self._explains_all(one)

    def _is_sure(self, one: Explanation, known: bool) -> bool:
        """Whether to tell it although not all was tried: it is known, on no condition, or of many families on one."""
        seen = known or not one.conditions or (len(one.conditions) == 1 and self._families(one) >= UNTOLD_WHEN)
        return seen and self._explains_all(one)

    def _explains_all(self, one: Explanation) -> bool:
        return not any((wrong & ~one.explained.get(unit, np.False_)).any() for unit, wrong in self.left.items())


def _kind(one: Observation, position: int) -> object:
    """What wrong results have in common of which, if one is not explained, the next may not be either."""
    return position, one.states[position], one.family.dtype == "float64", *one.family.parameters.items()


def _sure(one: Observation, position: int) -> np.ndarray:
    """What of a wrong result wants an explanation: what is off by little does not, where more is."""
    got = one.values[position]
    if one.states[position] is not State.WRONG or got is None:
        return np.ones((), bool)
    certain = one.is_wrong(one.score(got, position), got, position)
    return certain if certain.any() else one.wrong[position]
