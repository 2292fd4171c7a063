"""Further checks of a family, made of its first case and once of a function at a dtype."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..implementation.batching import Batched
from .again import after_many_calls, again, new_contents, repeated_calls
from .contract import changed_arguments
from .first_case import FirstCase
from .rearranged import last_layouts, layouts, permuted_arguments, permuted_batch
from .threads import from_threads
from .values import bits_equal
from .verdict import Miss

Once = set[tuple[str, str]]
"""Functions and dtypes, "dense_backward" and "float32", that were called from threads and after many calls."""
_MOST_ELEMENTS = 10_000
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
    """Call the first suitable family of a function and dtype many times, and from several threads.

    Suitable is a small required family of several cases in which all is right, with other results for another case.
    """
    family, held = first.family, first.held
    key = f"{family.op}_{family.direction}", family.dtype
    small = sum(original[0, ...].size for original in first.originals) <= _MOST_ELEMENTS
    if key in once or held is None or not (small and family.level == "required" and family.count > 1):
        return
    if not held.passed.all() or isinstance(first.call.function, Batched):
        return
    if any(bits_equal(stack[0, ...], stack[1, ...]) for stack in first.returned.stacks):
        return
    once.add(key)
    yield from after_many_calls(first)
    if allowed.threads:
        yield from from_threads(first, held)
