"""Draw live cases of a function for some time, and shrink the first that fails to the smallest that does.

The cases are those of the seed, one after another; time decides how many of them are tried, and nothing else.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile

from ...vectors.records import Family
from ..check.verdict import Cause, Outcome, Verdict, verdict_on
from .cases import MOST_ELEMENTS, LiveCase, alone, draw_case, elements, in_one, simpler
from .judging import Judge, Judged, UnjudgedError, stand_in
from .templates import Template

MOST_UNJUDGED = 50
"""A function is given up when the time is over and none of so many cases could be judged."""
MOST_SHRINKS = 400
"""Cases that are tried to find the smallest."""
WITNESSED, SEVERAL = 2**17, 3
"""Elements of all arguments up to which a case has others beside it, and what a length of 1 is in half of these."""


@dataclass(frozen=True)
class Live:
    """What came of a function's live cases."""

    verdict: Verdict
    """That of the smallest case that fails, or of all of them together."""
    judged: Judged | None = None
    """The smallest case that fails; None where none does."""


def search(
    judge: Judge, templates: Sequence[Template], key: str, go_on: Callable[[], bool], shrink_for: float = math.inf
) -> Live:
    """Try the cases of a key while it is to go on, at least one; the first that fails is shrunk, for some seconds at
    most."""
    passed: list[Verdict] = []
    numbers = takewhile(lambda number: go_on() or (not passed and number < MOST_UNJUDGED), count())
    return first_failure(judge, stand_in(templates[0].family), drawn(templates, key, numbers), passed, shrink_for)


def first_failure(
    judge: Judge,
    standing: Family,
    cases: Iterable[tuple[Template, LiveCase]],
    passed: list[Verdict],
    shrink_for: float = math.inf,
) -> Live:
    """Try cases, of which `standing` stands for all; the first that fails is shrunk, for some seconds at most.

    passed: gets the verdict on each that does not fail.
    """
    for found in tried(judge, cases):
        if found.fails:
            live = failing(judge, shrunk(judge, found, shrink_for))
            return replace(live, verdict=replace(live.verdict, cases=len(passed) + 1))
        passed.append(found.verdict)
    return Live(together(passed or [unjudged(standing)]))


def drawn(templates: Sequence[Template], key: str, numbers: Iterable[int]) -> Iterator[tuple[Template, LiveCase]]:
    """The cases of a key that have these numbers."""
    return (draw_case(templates, f"{key}#{number}") for number in numbers)


def tried(judge: Judge, cases: Iterable[tuple[Template, LiveCase]]) -> Iterator[Judged]:
    """Judge cases, but those that cannot be judged."""
    for template, case in cases:
        try:
            yield judge.judge(template, case)
        except UnjudgedError:
            continue


def within(seconds: float) -> Callable[[], bool]:
    """Say whether so many seconds from now have not passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def failing(judge: Judge, found: Judged) -> Live:
    """What is told of a case that fails: its family with the tolerances of every precision, and the verdict by it."""
    judged = judge.in_full(found.template, found.case)
    return Live(judged.verdict, judged)


def witnesses(judge: Judge, found: Judged) -> Iterator[Judged]:
    """Cases beside the smallest that fails, which gainsay what fits that one by chance, as any factor fits one element.

    They have other numbers, of the same lengths and of longer ones where a length is 1; some may be right.
    """
    case, longer = found.case, tuple(max(size, SEVERAL) for size in found.case.sizes)
    others = (
        replace(case, key=case.key + 1),
        replace(case, profile="bell"),
        replace(case, profile="bell", sizes=longer),
    )
    some = dict.fromkeys(other for other in (*others, replace(case, sizes=longer)) if other != case)
    few = (other for other in some if elements(found.template, other.sizes) <= WITNESSED)
    return tried(judge, ((found.template, other) for other in few))


def unjudged(standing: Family) -> Verdict:
    """The verdict on a function of which no case can be judged, by what stands for its cases."""
    return verdict_on(standing, cause=Cause.NO_TOLERANCE, reason="none of the cases drawn can be judged")


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for many cases of a function, none of which fails: for those that were compared, if there are any."""
    held = [v for v in verdicts if v.cause is None] or verdicts[:1]
    names = held[0].kept.keys()
    return replace(
        held[0],
        cases=sum(v.cases for v in held),
        reason="; ".join(dict.fromkeys(v.reason for v in held if v.reason)),
        fraction=max((v.fraction for v in held if v.fraction is not None), default=None),
        ulps=max((v.ulps for v in held if v.ulps is not None), default=None),
        kept={name: all(v.kept.get(name, False) for v in held) for name in names},
        calls=sum(v.calls for v in held),
        seconds=sum(v.seconds for v in held),
        outcome=Outcome.ROBUST_MISS if any(v.outcome is Outcome.ROBUST_MISS for v in held) else held[0].outcome,
        misses=next((v.misses for v in held if v.misses), ()),
    )


def shrunk(judge: Judge, found: Judged, seconds: float = math.inf) -> Judged:
    """The smallest case that fails in one of the same ways: one length alone where that is enough, simpler numbers,
    then each length as short as may be; of a large case, whose calls are slow, lengths before numbers.

    seconds: how long further cases are tried.
    """
    ways = _ways(found)
    largest = max(MOST_ELEMENTS, elements(found.template, found.case.sizes))
    tries, go_on = 0, within(seconds)

    def fails(case: LiveCase) -> Judged | None:
        nonlocal tries
        tries += 1
        if tries > MOST_SHRINKS or not go_on() or elements(found.template, case.sizes) > largest:
            return None
        try:
            judged = judge.judge(found.template, case)
        except UnjudgedError:
            return None
        return judged if judged.fails and not ways.isdisjoint(_ways(judged)) else None

    def simplified(best: Judged) -> Judged:
        while judged := next((one for case in simpler(best.case) + in_one(best.case) if (one := fails(case))), None):
            best = judged
        return best

    def shortened(best: Judged) -> Judged:
        before = None
        while best is not before:
            before = best
            for place in range(len(best.case.sizes)):
                best = _shorter(best, place, fails)
            if sum(size > 1 for size in best.case.sizes) <= 1:
                break
        return best

    best, short = next((judged for case in alone(found.case) if (judged := fails(case))), found), None
    if largest > MOST_ELEMENTS:
        best = shortened(best)
    while (best := simplified(best)) is not short:
        short = best = shortened(best)
    return best


def _shorter(found: Judged, place: int, fails: Callable[[LiveCase], Judged | None]) -> Judged:
    """Try 1, then halve the way between a length that is right and one that fails, until they are neighbours.

    A fault need not show at each length and with all numbers: one more of either is tried before a length is right.
    """
    best, sizes = found, found.case.sizes
    right, wrong, size = 0, sizes[place], 1
    while wrong - right > 1:
        near = (
            replace(best.case, sizes=(*sizes[:place], length, *sizes[place + 1 :]), key=best.case.key + more)
            for length in (size, size + 1)
            for more in (0, 1)
            if length < wrong
        )
        if judged := next((one for case in near if (one := fails(case))), None):
            best, wrong = judged, judged.case.sizes[place]
        else:
            right = size
        size = (right + wrong) // 2
    return best


def _ways(judged: Judged) -> set[tuple[object, object]]:
    """In which ways a case fails."""
    return {(miss.kind, miss.result) for miss in judged.verdict.misses}
