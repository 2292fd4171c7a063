"""A time limit for the calls of a Python adapter, and a count of them that survives the interpreter.

A call that hangs is interrupted by SIGALRM, where there is one and pytest runs in the main thread. Python sees a signal
only between two of its own instructions, so a call that hangs inside compiled code is beyond it: then, and where there
is no SIGALRM, faulthandler's thread writes the stack and ends the interpreter. Under pytest-xdist that costs a worker,
and the run goes on.
"""

import faulthandler
import mmap
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .load import Function, Implementation
from .streams import kept_streams
from .timeouts import Lost, LostCalls

LONG = 60.0
"""After so many seconds a family without a time limit is told."""
LAST_RESORT = 5.0
"""The interpreter is ended this many seconds after two and a half time limits."""
_DIGITS = 8


class Watch:
    """Limits the calls of an implementation to `seconds`, and counts those of a family in the file `trace`.

    `errors` is the descriptor of the standard error that faulthandler writes to.
    """

    def __init__(self, seconds: float | None, trace: Path | None, errors: int) -> None:
        self.seconds = seconds
        self._errors = errors
        self._made = 0
        self._trace = _mapped(trace) if trace else None
        self._armed_at = 0.0
        self._lost: dict[str, LostCalls] = {}
        self._signals = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()

    def watched(self, implementation: Implementation) -> Implementation:
        """The implementation with each function limited and counted."""
        functions = dict(implementation.functions)
        if self.seconds is not None:
            functions = {key: self._bounded(function, "_".join(key)) for key, function in functions.items()}
        if self._trace is not None:
            functions = {key: self._noted(function) for key, function in functions.items()}
        return replace(implementation, functions=functions)

    @contextmanager
    def family(self, name: str = "a family") -> Iterator[None]:
        """A context for the calls of one family. Without a time limit, standard error is told once it takes long."""
        with kept_streams(), self._limited(name):
            yield

    @contextmanager
    def _limited(self, name: str) -> Iterator[None]:
        self._note(0)
        for lost in self._lost.values():
            lost.begin_family()
        if self.seconds is None:
            with self._telling(name):
                yield
            return
        before = signal.signal(signal.SIGALRM, self._interrupt) if self._signals else None
        try:
            self._arm()
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            if self._signals:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Say so once a family takes long, unless the alarm is somebody else's."""
        words = f"\nbackproof: {name} has taken {LONG:g} s so far; --impl-timeout=SECONDS bounds a call\n".encode()

        def tell(_number: int, _frame: FrameType | None) -> None:
            os.write(self._errors, words)

        if not self._signals or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
            yield
            return
        signal.signal(signal.SIGALRM, tell)
        signal.setitimer(signal.ITIMER_REAL, LONG)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGALRM) is tell:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def _bounded(self, function: Function, name: str) -> Function:
        seconds = self.seconds
        assert seconds is not None
        lost = self._lost[name] = LostCalls(name)

        def call(*arguments: object, **parameters: object) -> object:
            if words := lost.why_not_called():
                raise Lost(words)
            # faulthandler starts a thread each time, which would cost more than most calls.
            if time.monotonic() - self._armed_at > seconds / 2:
                self._arm()
            if not self._signals:
                return function(*arguments, **parameters)
            try:
                # Again and again, since what is raised where nobody can catch it (__del__, a callback) is lost.
                signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
                result = function(*arguments, **parameters)
            except Lost:
                lost.lose()
                raise
            except BaseException:
                lost.answer()
                raise
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            lost.answer()
            return result

        return named_as(function, call)

    def _noted(self, function: Function) -> Function:
        def call(*arguments: object, **parameters: object) -> object:
            self._note(self._made + 1)
            return function(*arguments, **parameters)

        return named_as(function, call)

    def _note(self, made: int) -> None:
        self._made = made
        if self._trace is not None:
            self._trace[:_DIGITS] = made.to_bytes(_DIGITS, "little")

    def _arm(self) -> None:
        assert self.seconds is not None
        self._armed_at = time.monotonic()
        faulthandler.dump_traceback_later(2.5 * self.seconds + LAST_RESORT, exit=True, file=self._errors)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> NoReturn:
        raise Lost(f"no answer within {self.seconds:g} s")


def named_as(function: Function, call: Function) -> Function:
    """`call` with the name and signature of `function`, as far as that lets them be read."""
    with suppress(Exception):
        return wraps(function)(call)
    return call


def calls_noted(trace: Path) -> int:
    """How many calls of the current family have begun, read from the file."""
    return int.from_bytes(trace.read_bytes()[:_DIGITS], "little")


def _mapped(trace: Path) -> mmap.mmap:
    trace.write_bytes(bytes(_DIGITS))
    with trace.open("r+b") as file:
        return mmap.mmap(file.fileno(), _DIGITS)
