"""Check that calls from several threads at once give what calls one after another do.

First with one call in one thread and, before each line of Python that it runs, a whole call in another: that finds what
is shared between two lines, every time. Then with several threads as the interpreter schedules them, for code that runs
without its lock.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

import numpy as np

from ..implementation import watch
from ..implementation.arrays import Arrays
from ..implementation.interrupts import is_users
from .agreement import Held
from .first_case import FirstCase
from .verdict import Miss, MissKind, MissReason

THREADS = 4
SECONDS = 60.0
"""How long threads may take until they are given up."""
_MOST_LINES = 32
"""Before so many lines, calls are made in another thread."""
_LOCKED = 0.05
"""Seconds until a call that is not answered is taken to wait for a lock that the interrupted one holds."""
_HINT = 'if it is not to be called so, declare conventions = {"thread_safe": False}'

Outcome = tuple[int, Arrays | BaseException]
"""A case, and copies of the results of its call or what that raised."""


def from_threads(first: FirstCase, held: Held) -> Iterator[Miss]:
    """Call cases of a family from several threads. The first wrong call is told, and nothing more."""
    for attempt in (_between_lines, _at_once):
        try:
            outcomes = attempt(first)
        except TimeoutError:
            summary = f"several threads at once: no answer within {SECONDS:g} s"
            yield first.miss(MissKind.THREADS, summary, (_HINT,), reason=MissReason.EXCEPTION)
            return
        for case, results in outcomes:
            if case < first.family.count and (misses := list(_misses(first, held, case, results))):
                yield from misses
                return


def _between_lines(first: FirstCase) -> Sequence[Outcome]:
    """Call the first case, and before each of its lines the second case in another thread."""
    asked, answered = SimpleQueue[bool](), SimpleQueue[Outcome]()

    def other() -> None:
        while asked.get():
            answered.put(_called(first, 1))

    outcomes: list[Outcome] = []
    lines = _MOST_LINES
    locked = False

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines, locked
        if frame.f_globals.get("__name__") == watch.__name__:
            return None  # the time limit around the function shares nothing
        if event == "line" and lines and not locked:
            lines -= 1
            asked.put(True)
            try:
                outcomes.append(answered.get(timeout=_LOCKED))
            except Empty:
                locked = True
        return trace

    def traced(*arguments: Any, **parameters: Any) -> object:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return first.call.function(*arguments, **parameters)
        finally:
            sys.settrace(before)

    threading.Thread(target=other, daemon=True).start()
    try:
        outcome = _called(first, 0, traced)
    finally:
        asked.put(False)
    if locked:
        try:
            outcomes.append(answered.get(timeout=SECONDS))
        except Empty:
            raise TimeoutError from None
    return [outcome, *outcomes]


def _at_once(first: FirstCase) -> Sequence[Outcome]:
    """Call all cases in each of several threads, each in an order of its own."""
    outcomes: list[Outcome] = []
    begin = threading.Barrier(THREADS)
    count = first.callable_cases

    def run(start: int) -> None:
        begin.wait()
        for number in range(start, start + count):
            outcomes.append(_called(first, number % count))

    threads = [threading.Thread(target=run, args=(start,), daemon=True) for start in range(THREADS)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + SECONDS
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0.0))
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError
    return outcomes


def _called(first: FirstCase, case: int, function: Callable[..., object] | None = None) -> Outcome:
    """Call a case with arguments of its own. `function` is what is called in place of the implementation's."""
    call = first.call if function is None else replace(first.call, function=function)
    arguments = first.copies(case)
    with np.errstate(all="ignore"):
        try:
            return case, [array.copy() for array in call(arguments)]
        except BaseException as error:
            if is_users(error):
                raise
            return case, error


def _misses(first: FirstCase, held: Held, case: int, results: Arrays | BaseException) -> Iterator[Miss]:
    if isinstance(results, BaseException):
        summary = f"case {case} fails when several threads call at once"
        yield first.failing(MissKind.THREADS, summary, results, case).with_detail(_HINT)
        return
    when = "when several threads call at once"
    for miss in first.wrong(MissKind.THREADS, when, results, *held.of_case(case), case=case):
        yield miss.with_detail(_HINT)
