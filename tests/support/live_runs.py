"""So many live cases of a function, whatever time they take."""

import math
import time
from collections.abc import Callable, Iterator
from functools import cache

from backproof.conformance.check.family import check
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.live.cases import draw_case
from backproof.conformance.live.judging import Judge, Judged, stand_in
from backproof.conformance.live.large import large_cases
from backproof.conformance.live.large_judging import LargeJudge
from backproof.conformance.live.search import Live, drawn, first_failure, search, tried
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.operation import operation
from backproof.vectors import store


@cache
def templates_of(op: str, direction: str, dtype: str) -> tuple[Template, ...]:
    """What live cases of a function are made after."""
    return templates(operation(op), store.read_golden(op), dtype, direction)


def judge_of(op: str, implementation: Implementation) -> Judge:
    """The judge of an implementation's functions of one operation."""
    vectors = store.read_golden(op)
    return Judge(implementation, lambda family: check(family, implementation, vectors))


def large_judge_of(op: str, implementation: Implementation) -> LargeJudge:
    """The judge of their large cases."""
    vectors = store.read_golden(op)
    return LargeJudge(implementation, lambda family, **how: check(family, implementation, vectors, **how))


def judged(
    implementation: Implementation, op: str, direction: str, dtype: str, key: str, cases: int, longest: float = math.inf
) -> Iterator[Judged]:
    """The verdicts on the first cases of a key, without those that cannot be judged or have longer lengths."""
    made_after = templates_of(op, direction, dtype)
    short = (n for n in range(cases) if max(draw_case(made_after, f"{key}#{n}")[1].sizes, default=0) <= longest)
    return tried(judge_of(op, implementation), drawn(made_after, key, short))


def searched(
    implementation: Implementation, op: str, direction: str, dtype: str, key: str, cases: int, seconds: float = math.inf
) -> Live:
    """What comes of the search among so many cases of a key, or as many as take some seconds of the processor."""
    go_on, end = turns(cases), time.process_time() + seconds
    return search(
        judge_of(op, implementation),
        templates_of(op, direction, dtype),
        key,
        lambda: go_on() and time.process_time() < end,
    )


def searched_large(implementation: Implementation, op: str, direction: str, dtype: str, key: str) -> Live:
    """What comes of the large cases of a function, made as small as may be within a minute."""
    made_after = templates_of(op, direction, dtype)
    judge = large_judge_of(op, implementation)
    return first_failure(judge, stand_in(made_after[0].family), large_cases(made_after, key), [], 60.0)


def turns(cases: int) -> Callable[[], bool]:
    """Say so many times that it is to go on."""
    left = iter(range(cases))
    return lambda: next(left, None) is not None
