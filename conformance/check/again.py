"""Check that the first case of a family gives the same when it is called again.

At once, after another case, after many calls, and after calls with other options. Its memory, once it holds another
case, gives that case's answer.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ..implementation.arrays import Arrays
from ..implementation.batching import Batched
from ..implementation.interrupts import is_users
from ..implementation.timeouts import Lost
from .contract import attempt
from .first_case import FirstCase
from .values import bits_equal
from .verdict import Miss, MissKind

MANY = 64
"""Calls, after which a ring of buffers has come round and a small cache has run over."""


def repeated_calls(first: FirstCase) -> list[Arrays]:
    """The arguments of the calls that `again` uses, in order."""
    memory = first.memory
    return [memory, first.copies(1), memory] if first.alone else [memory, memory]


def again(first: FirstCase, asked: Iterator[Callable[[], Arrays]]) -> Iterator[Miss]:
    """Call it at once and with another case in between. Raises Lost at the first call that is lost."""
    try:
        if first.alone:
            at_once = _called_again(first, asked)
            attempt(next(asked))
            yield from first.overwritten()
            after_another = _called_again(first, asked)
        else:  # the family's other cases have been called in between
            after_another = _called_again(first, asked)
            at_once = _called_again(first, asked)
    except Lost:
        raise
    except BaseException as error:
        if is_users(error):
            raise
        yield first.failing(MissKind.REPEAT, "case 0 fails when it is called again", error)
        return
    if first.alone or not all(map(bits_equal, first.results, at_once)):
        before = first.results if first.alone else after_another
        repeats = list(first.changed(MissKind.REPEAT, before, at_once, "when the same call is made again"))
        if repeats:
            yield from repeats
            return
    when = "once another case was called in between: something is kept"
    yield from first.changed(MissKind.STATE, first.results, after_another, when)


def new_contents(first: FirstCase) -> Iterator[Miss]:
    """Call it with the second case's values in its memory."""
    if first.alone or isinstance(first.call.function, Batched) or first.held is None or not first.held.passed[1]:
        return
    first.fill(1)
    results = attempt(lambda: [array.copy() for array in first.call(first.memory)])  # a result may be an argument
    first.fill(0)
    if isinstance(results, BaseException):
        summary = "case 1 fails in the memory that held case 0"
        yield first.failing(MissKind.NEW_CONTENTS, summary, results)
        return
    when = "in the memory that held case 0: something is kept by address"
    yield from first.wrong(MissKind.NEW_CONTENTS, when, results, *first.held.of_case(1), case=1)


def after_many_calls(first: FirstCase) -> Iterator[Miss]:
    """Call it after many calls of other cases, and see what became of all results."""
    others = [first.copies(case) for case in range(1, first.callable_cases)]
    for number in range(MANY):
        case = 1 + number % len(others)
        results = attempt(partial(first.call, others[case - 1]))
        if isinstance(results, BaseException) and case < first.family.count:
            summary = f"case {case} fails after {number} more calls"
            yield first.failing(MissKind.MANY_CALLS, summary, results)
            return
    yield from first.overwritten()
    results = attempt(partial(first.call, first.memory))
    if isinstance(results, BaseException):
        yield first.failing(MissKind.MANY_CALLS, f"case 0 fails after {MANY} more calls", results)
        return
    yield from first.changed(MissKind.MANY_CALLS, first.results, results, f"after {MANY} more calls: something is kept")


def after_other_options(first: FirstCase, others: Iterable[Callable[[], Arrays]]) -> Iterator[Miss]:
    """Call it after each of some calls of the operation's functions with other options, whatever becomes of these."""
    for other in others:
        attempt(other)
        results = attempt(partial(first.call, first.memory))
        if isinstance(results, BaseException):
            yield first.failing(MissKind.STATE, "case 0 fails once a function was called with other options", results)
            return
        when = "once a function was called with other options: something is kept"
        changed = list(first.changed(MissKind.STATE, first.results, results, when))
        if changed:
            yield from changed
            return


def _called_again(first: FirstCase, asked: Iterator[Callable[[], Arrays]]) -> Arrays:
    """The results of the next call, copied: a function may return the same memory each time."""
    if first.changes_arguments:
        first.fill(0)
    return [array.copy() for array in next(asked)()]
