"""Further checks of a family, made of its first case, and of a few families those that take many calls."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..implementation.arrays import Arrays
from ..implementation.batching import Batched
from .again import after_many_calls, after_other_options, again, new_contents, repeated_calls
from .contract import changed_arguments
from .first_case import FirstCase, reversed_values
from .rearranged import last_layouts, layouts, permuted_arguments, permuted_batch
from .threads import from_threads
from .verdict import Miss

_LARGE = 256
"""From more elements than these on, a case is large: memory that calls share may be for those alone."""
_MOST_ELEMENTS = 25_000
"""Of all arguments of a case together, where it is called many times."""


@dataclass(frozen=True)
class Allowed:
    """What an implementation lets be asked of it."""

    layouts: bool
    """Whether the layout of arguments in memory reaches it."""
    threads: bool
    """Whether it may be called from several threads at once."""


def further_checks(first: FirstCase, allowed: Allowed) -> Iterator[Miss]:
    """Check the first case. Raises Lost at the first call that is lost."""
    permuted = permuted_arguments(first)
    rearranged = first.held is not None and allowed.layouts
    read_only = rearranged and not first.changes_arguments
    for array in permuted or () if read_only else ():
        array.flags.writeable = False
    # The last one is that of the permuted batch, however many of the others are made.
    asked = first.call.each([*repeated_calls(first), *([permuted] if permuted else [])])
    yield from again(first, asked)
    changed = []
    if not first.changes_arguments:
        changed = list(
            changed_arguments(first.names, first.arguments, first.family.inputs, robust=first.robust, again=True)
        )
        yield from changed
    if rearranged:
        if not changed:
            yield from new_contents(first)
        yield from layouts(first, read_only=read_only and not permuted)
    if permuted:
        yield from permuted_batch(first, deque(asked, 1).pop(), read_only=read_only)
    if rearranged:
        yield from last_layouts(first)
    deque(asked, 0)  # what was asked and is of no use any more


def checks_of_many_calls(first: FirstCase, allowed: Allowed, others: Iterable[Callable[[], Arrays]]) -> Iterator[Miss]:
    """Call a function many times, from several threads, and between calls with other options, where all values of the
    family are right.

    others: calls of the operation's functions with other options.
    """
    held = first.held
    if held is not None and held.passed.all() and not isinstance(first.call.function, Batched):
        yield from after_many_calls(first)
        if allowed.threads:
            yield from from_threads(first, held)
        yield from after_other_options(first, others)


def called_many_times(vectors: OperationVectors, dtypes: Collection[str]) -> frozenset[str]:
    """Ids of the families with which `checks_of_many_calls` are due: of each direction the first suitable one at each
    of the dtypes, and the first large one at any of them. One of several cases goes before one of a single case.

    The file alone decides, so that the verdict on a family is the same whatever other families run, and in what order.
    """
    found: dict[tuple[str, str], Family] = {}
    for family in vectors.families:
        if family.dtype in dtypes and _is_suitable(family):
            key = family.direction, "large" if _is_large(family) else family.dtype
            if key not in found or found[key].count == 1 < family.count:
                found[key] = family
    return frozenset(family.id for family in found.values())


def _is_suitable(family: Family) -> bool:
    """Whether a family is required and small enough, and no two cases have a result in common, so that results that
    are mixed up are wrong."""
    if family.level != "required" or not family.answer.expected:
        return False
    if not is_small(family):
        return False
    if family.count == 1:
        return any(np.any(reversed_values(tensor) != tensor) for tensor in family.inputs.values())
    return all(len({case.tobytes() for case in stack}) == len(stack) for stack in family.answer.expected.values())


def is_small(family: Family) -> bool:
    """Whether a family's cases may be called often."""
    return sum(_size(tensor) for tensor in family.inputs.values()) <= _MOST_ELEMENTS


def _is_large(family: Family) -> bool:
    """Whether an argument is large, and so is the first result, unless that is a single number."""
    result = next(iter(family.answer.expected.values()))
    return max(map(_size, family.inputs.values())) > _LARGE and (result.ndim == 1 or _size(result) > _LARGE)


def _size(stack: np.ndarray) -> int:
    return stack[0, ...].size
