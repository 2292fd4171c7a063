"""Further checks of a family, made of its first case and once of a function at a dtype."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ..implementation.batching import Batched
from .again import after_many_calls, again, new_contents, repeated_calls
from .contract import attempt, changed_arguments
from .first_case import FirstCase
from .rearranged import last_layouts, layouts, permuted_arguments, permuted_batch
from .threads import from_threads
from .verdict import Miss

Once = set[tuple[str, str]]
"""What was called from threads and many times: functions by dtype, "dense_backward" and "float32", or "large"."""
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
    # The last one is that of the permuted batch, however many of the others are made.
    asked = first.call.each([*repeated_calls(first), *([permuted] if permuted else [])])
    yield from again(first, asked)
    changed = []
    if not first.changes_arguments:
        changed = list(
            changed_arguments(first.names, first.arguments, first.originals, robust=first.robust, again=True)
        )
        yield from changed
    rearranged = first.held is not None and allowed.layouts
    if rearranged:
        if not changed:
            yield from new_contents(first)
        yield from layouts(first)
    if permuted:
        yield from permuted_batch(first, deque(asked, 1).pop())
    if rearranged:
        yield from last_layouts(first)
    deque(asked, 0)  # what was asked and is of no use any more


def checked_once(first: FirstCase, allowed: Allowed, once: Once) -> Iterator[Miss]:
    """Call a function many times and from several threads: with the first suitable family of each dtype, and the first
    large one.

    Suitable is a required family in which all is right, whose cases differ in every result.
    """
    family, held = first.family, first.held
    key = f"{family.op}_{family.direction}", "large" if _is_large(first) else family.dtype
    size = sum(original[0, ...].size for original in first.originals)
    if key in once or held is None or size > _MOST_ELEMENTS or family.level != "required":
        return
    if not held.passed.all() or isinstance(first.call.function, Batched) or not _cases_differ(first):
        return
    once.add(key)
    yield from after_many_calls(first)
    if allowed.threads:
        yield from from_threads(first, held)


def _is_large(first: FirstCase) -> bool:
    """Whether an argument is large, and so is the first result, unless that is a single number."""
    largest, result = max(original[0, ...].size for original in first.originals), first.results[0]
    return largest > _LARGE and (result.ndim == 0 or result.size > _LARGE)


def _cases_differ(first: FirstCase) -> bool:
    """Whether no two cases have a result in common. Calls the second one where the family has no such case."""
    stacks = [list(stack) for stack in first.returned.stacks]
    if first.alone:
        others = attempt(partial(first.call, first.copies(1)))
        if isinstance(others, BaseException):
            return False
        stacks = [[*stack, other] for stack, other in zip(stacks, others, strict=True)]
    return all(len({array.tobytes() for array in stack}) == len(stack) for stack in stacks)
