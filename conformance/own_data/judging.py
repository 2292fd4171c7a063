"""Hold results against what is expected of them: at first as cheaply as may be, and in full where something is wrong.

Of a call that is right the first formulation mostly tells so. Where its bound is exceeded, the others are asked, one
after another; then the other answers of the field's conventions, and those of several points at once, each element by
any; and only then it is wrong. Where bounds say next to nothing, how far the formula itself is off does: see
`beyond_bounds`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, product

import numpy as np

from ..check.values import agrees, compare
from .beyond_bounds import LARGEST, Sample, Samples, in_float32
from .call import OwnCall
from .evaluation import SMALL, Answer, Part, parts_of
from .picture import Picture, positions
from .progress import Progress
from .reading import readings

FEW, FAR = 2**10, 100.0
"""Of so many elements of a large result that is right it is read what its errors are like, if they come near their
bounds; it is told from what mean square on, against what independent roundings come to."""
CLEARLY = 2.0**4
"""By so many bounds of one formulation hardly anything is off that another allows."""
KEPT = 2**20
"""What is due is kept of a result that has so many elements or fewer."""
WRONG, OPEN, RIGHT = np.uint8(0), np.uint8(1), np.uint8(2)


@dataclass
class Tally:
    """What is wrong with one result."""

    name: str
    shape: tuple[int, ...]
    got: np.ndarray
    seen: int = 0
    """How many elements were looked at: all of them, or a sample."""
    wrong: int = 0
    unjudged: int = 0
    """Elements of which a sound implementation may give anything."""
    off: float = 0.0
    due: float = 0.0
    """The errors of wrong elements, and what is due of them, added up as magnitudes."""
    largest: float = -1.0
    """The largest error in tolerances."""
    worst: tuple[tuple[int, ...], float, float] = ((), 0.0, 0.0)
    """Index, expected value and tolerance of that element."""
    missed: Sample = field(default_factory=Sample)
    """Some of the elements that are wrong."""
    whole: tuple[np.ndarray, ...] = ()
    """What is due of all elements, and the tolerance, unless they are too many."""
    picture: Picture = field(init=False)

    def __post_init__(self) -> None:
        self.picture = Picture(self.shape)

    def take(self, part: Part, dtype: str, ceiling: float = np.inf) -> None:
        """Add a part of the result. An element may be off by its tolerance, or a ceiling where that is lower."""
        if not part.expected.size:
            return
        if self.seen == 0 and math.prod(self.shape) <= KEPT:
            self.whole = np.full(self.shape, np.nan), np.full(self.shape, np.nan)
        self.seen += part.expected.size
        tolerance = part.bound
        if not agrees(self.got[part.where], part.expected, tolerance)[tolerance < ceiling].all():
            tolerance = part.tolerance
        tolerance = np.minimum(tolerance, ceiling)
        for all_of_it, some in zip(self.whole, (part.expected, tolerance), strict=False):
            all_of_it[part.where] = some
        bounded = tolerance < np.inf
        self.unjudged += int(tolerance.size - np.count_nonzero(bounded))
        found = compare(self.got[part.where], part.expected, tolerance, dtype)
        score = np.where(bounded, found.score, 0.0)
        wrong = ~found.right & bounded
        self.wrong += int(np.count_nonzero(wrong))
        if wrong.any():
            self.missed.take(self.got[part.where], part, np.flatnonzero(wrong))
        self.off += float(found.error[wrong].sum())
        self.due += float(np.abs(part.expected[wrong]).sum())
        self.picture.take(score, part.where)
        place = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[place] > self.largest:
            self.largest = float(score[place])
            lengths = zip(place, part.where, score.shape, strict=True)
            index = tuple(int(positions(w, length)[i]) for i, w, length in lengths)
            self.worst = index, float(part.expected[place]), float(tolerance[place])


@dataclass(frozen=True)
class Judgement:
    """What was found of the results that are judged at one dtype."""

    dtype: str
    precision: str
    wrong: tuple[Tally, ...] = ()
    """Empty where all is right."""
    right: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Results of another shape than is due, which is beside it."""
    unjudged: tuple[tuple[str, int], ...] = ()
    """How many elements of which result have no bound, of those that are right."""
    beyond: tuple[tuple[str, bool], ...] = ()
    """Results whose bounds say next to nothing, and whether they are held to what their formula is off by instead."""
    drifting: tuple[tuple[str, float], ...] = ()
    """Results that are right by the worst case, and how many times what independent roundings come to they are off."""
    samples: Mapping[str, Sample] = field(default_factory=dict)
    """Some elements of each result, right ones and wrong ones."""
    whole: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    """What is due of all elements of results that have not too many, and the tolerance."""


def judge(
    call: OwnCall,
    names: tuple[str, ...],
    dtype: str,
    precision: str,
    progress: Progress,
    *,
    quick: bool = False,
    unlike_first: bool = False,
) -> Judgement:
    """Hold some of a call's results against what is expected. With `quick` it is not told in full what is wrong.

    unlike_first: whether it is known that they are not as the first answer has them.
    """
    own = call.operation.formulations[call.direction]
    others = call.operation.others(call.direction, call.parameters, call.conventions)
    declared = {said: others[said] for said in call.conventions.items() if said in others}
    canonical = [] if declared else [own]
    alternatives = declared or others
    answers = [*canonical, *alternatives.values()]

    def parts(answer: Answer, what: str) -> Iterator[Part]:
        return parts_of(call, answer, dtype, precision, progress.of(what))

    shapes = {name: call.results[name].shape for name in names}
    large = sum(x.size for x in call.arguments.values()) > SMALL
    unjudged: dict[str, int] = {}
    ceilings: dict[str, float] = {}
    far: list[str] = []
    near: list[str] = []
    last = Samples()
    first: dict[str, float] = {}

    def holds(answer: Answer, what: str, most: float = np.inf) -> bool:
        """Whether all is as an answer has it; not if it is off by so many bounds of the first formulation, which others
        may allow: that is found out when all that is wrong is told."""
        nonlocal last
        unjudged.clear()
        last = samples = Samples()
        for part in parts(answer, what):
            if part.result in shapes:
                if part.shape != shapes[part.result]:
                    return False
                if is_far(call.results[part.result][part.where], part, most):
                    return False
                right, open_ones = is_right(call.results[part.result][part.where], part)
                if not right:
                    return False
                if open_ones:
                    unjudged[part.result] = unjudged.get(part.result, 0) + open_ones
                if large or quick:
                    samples.take(call.results[part.result][part.where], part)
        ceilings.clear()
        ceilings.update(samples.ceilings(call, answer, dtype, precision) if large else {})
        far.extend(beyond := samples.beyond(ceilings))
        near[:] = samples.near_bounds() if answer is answers[0] else []
        return not beyond

    def fates(answer: Answer) -> dict[str, np.ndarray]:
        """Of each element whether it is wrong, has no bound, or is right: `WRONG`, `OPEN` or `RIGHT`."""
        found = {name: np.full(shape, RIGHT) for name, shape in shapes.items()}
        for part in parts(answer, "again, by conventions together"):
            if part.result in shapes and part.shape != shapes[part.result]:
                found[part.result][...] = WRONG
            elif part.result in shapes:
                right, unbounded = rightness(call.results[part.result][part.where], part)
                found[part.result][part.where] = np.where(unbounded, OPEN, np.where(right, RIGHT, WRONG))
        return found

    def hold_together(met: Sequence[Answer]) -> bool:
        """Whether each element is as the own answer has it, or as one answer of each point has it: elements may meet
        one point each. What one answer has no bound for is for the others to say."""
        by_point: dict[str, list[Answer]] = {}
        for (point, _), answer in alternatives.items():
            if any(answer is one for one in met):
                by_point.setdefault(point, []).append(answer)
        if far or len(by_point) < 2:
            return False
        first = [fates(answer) for answer in canonical]
        found = [[fates(answer) for answer in of_point] for of_point in by_point.values()]
        return any(
            all(is_right_together([each[name] for each in (*first, *chosen)]) for name in shapes)
            for chosen in product(*found)
        )

    def held() -> bool:
        if not unlike_first and holds(answers[0], "", np.inf if quick else CLEARLY):
            return True
        first.update({name: ceilings[name] for name in far})
        met = [*unlike(call, answers)]
        return any(holds(one, "again, by other conventions") for one in met) or hold_together([answers[0], *met])

    if held():
        read = readings(call, answers[0], dtype, precision, FEW) if near and not quick else []
        return Judgement(
            dtype,
            precision,
            right=names,
            unjudged=tuple(unjudged.items()),
            beyond=tuple((name, not np.isnan(most)) for name, most in ceilings.items()),
            drifting=tuple((r.result, r.mean_square**0.5) for r in read if r.mean_square > FAR and r.result in near),
            samples=last.by_result,
        )
    if quick:
        return Judgement(dtype, precision, misshapen=((names[0], ()),))
    again = "once more, to say what is wrong"
    tallies, misshapen, samples = tallied(call, names, parts(answers[0], again), dtype, first)
    most = samples.ceilings(call, answers[0], dtype, precision) if large else {}
    beyond = {name: most[name] for name in samples.beyond(most)}
    if beyond.keys() != first.keys():
        tallies, misshapen, _ = tallied(call, names, parts(answers[0], again), dtype, beyond)
    ordered = [tallies[name] for name in names if name in tallies]
    return Judgement(
        dtype,
        precision,
        wrong=tuple(t for t in ordered if t.wrong),
        right=tuple(t.name for t in ordered if not t.wrong),
        misshapen=tuple(misshapen.items()),
        unjudged=tuple((t.name, t.unjudged) for t in ordered if t.unjudged),
        beyond=tuple((name, not np.isnan(limit)) for name, limit in most.items()),
        samples=samples.by_result,
        whole={t.name: t.whole for t in ordered if t.whole and t.seen == t.got.size},
    )


def is_right_together(fates: list[np.ndarray]) -> bool:
    """Whether each element is right by some answer, or has no bound by any."""
    return bool(((reduce(np.maximum, fates) == RIGHT) | (reduce(np.minimum, fates) == OPEN)).all())


def unlike(call: OwnCall, answers: Sequence[Answer]) -> Iterator[Answer]:
    """The answers after the first that give other results than that, to the last bit: of most calls none does, as where
    no query is without a key."""
    if sum(x.size for x in call.arguments.values()) > LARGEST:
        yield from answers[1:]
        return
    first: dict[str, np.ndarray] = {}
    for one in answers[1:]:
        first = first or in_float32(call, answers[0][0].function)
        other = in_float32(call, one[0].function)
        alike = first.keys() == other.keys() and all(np.array_equal(x, other[n], True) for n, x in first.items())
        if not first or not alike:
            yield one


def tallied(
    call: OwnCall,
    names: tuple[str, ...],
    parts: Iterator[Part],
    dtype: str,
    ceilings: Mapping[str, float] | None = None,
) -> tuple[dict[str, Tally], dict[str, tuple[int, ...]], Samples]:
    """Count what is wrong with each result; and the shape that is due of those that have another."""
    tallies: dict[str, Tally] = {}
    misshapen: dict[str, tuple[int, ...]] = {}
    samples = Samples()
    for part in (part for part in parts if part.result in names):
        got = call.results[part.result]
        if part.shape != got.shape:
            misshapen[part.result] = part.shape
            continue
        if part.result not in tallies:
            tallies[part.result] = Tally(part.result, part.shape, got)
        tallies[part.result].take(part, dtype, (ceilings or {}).get(part.result, np.inf))
        samples.take(got[part.where], part)
    return tallies, misshapen, samples


def is_far(got: np.ndarray, part: Part, most: float) -> bool:
    """Whether an element of a part is off by more than so many bounds of the first formulation."""
    with np.errstate(all="ignore"):
        return most < np.inf and bool((np.abs(got.astype(np.float64) - part.expected) > most * part.bound).any())


def is_right(got: np.ndarray, part: Part) -> tuple[bool, int]:
    """Whether each element of a part is right by some formulation, and how many have no bound by one that was asked."""
    right, unbounded = rightness(got, part)
    return bool(right.all()), int(np.count_nonzero(unbounded))


def rightness(got: np.ndarray, part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Which elements of a part are right by some formulation, and which have no bound by one that was asked."""
    right, unbounded = np.asarray(False), np.asarray(False)
    with np.errstate(all="ignore"):
        for bound in chain([part.bound], part.others()):
            right = right | agrees(got, part.expected, bound)
            if bound.size and not bound.max() < np.inf:
                unbounded = unbounded | ~(bound < np.inf)
                right = right | unbounded
            if right.all():
                break
    return right, unbounded
