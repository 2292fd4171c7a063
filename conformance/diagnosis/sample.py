"""Which families of a run are called again when failures are to be explained: few, small, and of every kind."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ...vectors.dtypes import DTYPES
from ..check.verdict import Outcome
from .evidence import elements, grave, signature
from .suspects import MOST_ELEMENTS, Ran

MOST_FAILING = 20
MOST_PASSING = 12
FIRST = 4


def sample(ran: Sequence[Ran]) -> tuple[Ran, ...]:
    """Families to call again, those that tell most first: failing ones of every kind, and some that pass.

    Robust misses that do not fail the run are neither.
    """
    failing = [item for item in ran if item.fails and item.verdict.misses]
    passing = [item for item in ran if item.verdict.outcome is Outcome.PASSED and not item.verdict.misses]
    failing, passing = _spread(failing, _kind, MOST_FAILING), _spread(passing, _flags, MOST_PASSING)
    return (*failing[:FIRST], *passing[:FIRST], *failing[FIRST:], *passing[FIRST:])


def _kind(item: Ran) -> tuple[object, ...]:
    return tuple(sorted({signature(miss) for miss in grave(item.verdict.misses)})), item.family.dtype, item.family.point


def _flags(item: Ran) -> tuple[object, ...]:
    return item.family.flags, tuple(item.family.parameters.items())


def _spread(items: Iterable[Ran], kind: Callable[[Ran], object], most: int) -> list[Ran]:
    """At most so many, taken in turn from each kind: widest dtype first, then those that are cheap and tell much."""
    groups: dict[object, list[Ran]] = {}
    for item in sorted(items, key=_worth):
        groups.setdefault(kind(item), []).append(item)
    chosen: list[Ran] = []
    turns = [_flag_by_flag(group) for group in groups.values()]
    while turns and len(chosen) < most:
        chosen += [group.pop(0) for group in turns][: most - len(chosen)]
        turns = [group for group in turns if group]
    return chosen


def _flag_by_flag(items: Sequence[Ran]) -> list[Ran]:
    """The same, the first of each flags before the second of any."""
    seen: Counter[object] = Counter()
    turn = []
    for item in items:
        turn.append(seen[_flags(item)])
        seen[_flags(item)] += 1
    return [item for _, item in sorted(zip(turn, items, strict=True), key=lambda pair: pair[0])]


def _worth(item: Ran) -> tuple[object, ...]:
    family = item.family
    size = elements(family)
    return (
        size > MOST_ELEMENTS,
        item.family.level == "robust",
        DTYPES.index(family.dtype),
        family.count < 2,
        "random" not in family.name,
        size,
    )
