"""What is known of an implementation when its failures are to be explained: what its calls returned, case by case."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import thread_time
from typing import Any

import numpy as np

from ...vectors.dtypes import DTYPES
from ...vectors.records import Family, OperationVectors
from ..check.family import FURTHER_FORM
from ..check.verdict import MissKind, Outcome, Verdict
from ..implementation.errors import AdapterError
from ..implementation.load import Implementation
from .observation import Observation, alike, called

MOST_FAILING, MOST_CASES = 40, 3
"""So many failing families are called again, and so many cases of each."""
MOST_PASSING, MOST_FURTHER = 80, 4
"""Of more families that passed, one case each is looked at, of fewer two, and of each so many in the end."""
MOST_ROBUST, MOST_REVERSED = 32, 15
"""So many robust families that did not fail; so many wrong cases, in reverse order, to see whether that matters."""
MOST_ELEMENTS = 20_000
"""Of a family that is called again, all its tensors together."""
KEPT = {
    MissKind.THREADS: "calls from several threads reach one another's values",
    MissKind.NEW_CONTENTS: "memory that holds other values gives the results of the former ones",
    MissKind.MANY_CALLS: "gives something else after many other calls",
    MissKind.REPEAT: "gives something else when it is called again",
    MissKind.STATE: "depends on what was called before",
}
"""What a state that is left over does, by what the run saw of it."""
_CALLED = (Outcome.PASSED, Outcome.ROBUST_MISS)


@dataclass(frozen=True, eq=False)
class Ran:
    """A family of the run and what came of it."""

    family: Family
    verdict: Verdict
    fails: bool
    """Whether it counts as failed: under --impl-strict, robust misses do."""


@dataclass
class Evidence:
    """All that is known of one function."""

    implementation: Implementation
    vectors: OperationVectors
    direction: str
    ran: Sequence[Ran]
    wrong: list[Observation] = field(default_factory=list)
    """Cases of families that failed, in the order in which they were called."""
    right: list[Observation] = field(default_factory=list)
    """Cases of required families that passed, some of each."""
    more: list[Observation] = field(default_factory=list)
    """Further ones, with which an explanation has to agree in the end."""
    robust: list[Observation] = field(default_factory=list)
    """Cases of robust families and of conventions that did not fail, as they were called: they tell explanations apart
    that are as good otherwise."""
    began: float = 0.0
    """When all was called, by the thread's own clock."""
    holds: Callable[[Any], bool] = lambda _: True
    """Whether nothing else that is known speaks against an explanation."""
    may: Callable[[Any], bool] = lambda _: True
    """Whether a candidate is asked at all."""

    @property
    def names(self) -> tuple[str, ...]:
        """The results' names."""
        return self.vectors.results[self.direction]

    @property
    def function(self) -> Callable[..., Any]:
        """The implementation's."""
        return self.implementation.functions[self.vectors.op, self.direction]

    @cached_property
    def unsteady(self) -> set[str | None]:
        """The results that depend on other calls."""
        return {miss.result for item in self.misses(*KEPT) for miss in item.verdict.misses if miss.kind in KEPT}

    @cached_property
    def reordered(self) -> set[str]:
        """The results that come otherwise when a few wrong cases are called in reverse order, after a new setup."""
        with suppress(AdapterError):
            self.implementation.teardown()
            self.implementation.setup()
        none = (None,) * len(self.names)
        some = [one for one in self.wrong if not one.lower][:MOST_REVERSED]
        calls = [(one, called(self.function, one) or none, one.results or none) for one in reversed(some)]
        return {
            name
            for one, *both in calls
            for name, slack, was, now in zip(self.names, one.slack, *both, strict=True)
            if not alike(was, now, slack, one.units)
        }

    @cached_property
    def in_order(self) -> list[Observation]:
        """The cases in the order in which the run called them, as far as they are known, but those to be refused."""
        places = {item.family.id: place for place, item in enumerate(self.ran)}
        some = (one for one in (*self.wrong, *self.right, *self.robust) if one.expected)
        return sorted(some, key=lambda one: (places[one.family.id], one.case))

    def misses(self, *kinds: MissKind) -> list[Ran]:
        """The failing families with a miss of one of these kinds."""
        return [item for item in self.ran if item.fails and any(miss.kind in kinds for miss in item.verdict.misses)]


def gather(
    ran: Sequence[Ran], direction: str, implementation: Implementation, vectors: OperationVectors, more: float = 0.0
) -> Evidence:
    """Call an implementation again on some of the families that failed.

    What was unsupported or not implemented is no evidence; nor is a family that passed with a robust miss.
    """
    found = Evidence(implementation, vectors, direction, ran)

    def blank(item: Ran, case: int, **fields: Any) -> Observation:
        precision = implementation.working_precision(item.family.dtype, vectors.op)
        return Observation(item.family, vectors, case, precision, **fields)

    def call(one: Observation, into: list[Observation]) -> None:
        with suppress(NotImplementedError):
            results = called(found.function, one)
            if results is not None or FURTHER_FORM not in one.family.flags:
                into.append(replace(one, results=results))

    failing = [item for item in ran if item.fails and item.verdict.misses]
    levels = ([i for i in failing if (i.family.level == "required") is required] for required in (True, False))
    chosen = [item for some in levels for item in sampled(some, MOST_FAILING)]  # of what is required as many if strict
    small = sorted((i for i in failing if i.family.elements <= MOST_ELEMENTS), key=lambda item: item.family.elements)
    chosen += [item for item in small[-1:] if item not in chosen]  # the largest shows the sizes of blocks
    for item in chosen:
        for case in cases_of(item):
            call(blank(item, case, verdict=item.verdict), found.wrong)
    others = [i for i in ran if not i.fails and i.verdict.outcome in _CALLED and i.family.elements <= MOST_ELEMENTS]
    required = [item for item in others if item.family.level == "required" and item.family.result != "invalid"]
    passed = [item for item in required if item.verdict.outcome is Outcome.PASSED]
    for item in sorted(passed, key=worth):
        every = [blank(item, case, called=False) for case in range(min(item.family.count, MOST_FURTHER))]
        some = 1 if len(passed) > MOST_PASSING else 2
        found.right += every[:some]
        found.more += every[some:]
    robust = [item for item in others if item not in required or item.family.point]
    for item in sampled(robust, MOST_ROBUST, by_flags=True):
        for case in range(item.family.count)[:MOST_CASES]:
            call(blank(item, case, verdict=item.verdict), found.robust)
    found.began = thread_time() + more
    return found


def cases_of(item: Ran) -> list[int]:
    """The cases of a family to call: those that were missed first, in order."""
    missed = [miss.case for miss in item.verdict.misses if miss.case is not None]
    chosen = list(dict.fromkeys([*missed, *range(item.family.count)]))[:MOST_CASES]
    return sorted(case for case in chosen if case < item.family.count)


def worth(item: Ran) -> tuple[object, ...]:
    """A sort key: families that tell most, and cost least, first."""
    family = item.family
    large, drawn, dtype = family.elements > MOST_ELEMENTS, "random" in family.name, DTYPES.index(family.dtype)
    return large, family.level == "robust", dtype, not drawn, family.count < 2, family.elements


def sampled(items: Iterable[Ran], most: int, by_flags: bool = False) -> list[Ran]:
    """At most so many families, taken in turn from every kind of failure, dtype and parameters, or flags."""
    seen: Counter[object] = Counter()
    turns: list[tuple[int, int, Ran]] = []
    for item in sorted(items, key=worth):
        family, labels = item.family, item.family.inputs.get("labels", np.zeros(0))
        misses = frozenset((miss.kind, miss.result) for miss in item.verdict.misses)
        by_form = *family.parameters.items(), labels.dtype.kind, family.level
        kind = misses, family.dtype, *((family.result,) if by_flags else by_form)
        seen.update([kind, (kind, family.flags)])
        turns.append((seen[kind, family.flags], seen[kind], item))
    turns.sort(key=lambda turn: turn[:2])
    return sorted((item for _, _, item in turns[:most]), key=worth)
