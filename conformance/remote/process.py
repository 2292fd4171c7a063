"""A child process that answers lines with lines, whatever they mean. POSIX only.

It ends with this process, whatever ends that: `guard` sees to it. One loop looks after reading, writing, standard error
and the clock, so neither side can block the other: a process that does not read, does not answer or writes without end
is noticed within the time that it is given.
"""

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from . import guard

LONGEST_LINE, LONGER = 1 << 26, 16
"""The most bytes of one answer, or how often those of the request, where that is more."""
MOST_ERRORS = 1 << 20
"""The most bytes on standard error before an answer."""
GRACE = 5.0
"""Seconds that a process has to end after it is told to."""
_CHUNK = 1 << 16
_GLANCE = 0.1
"""Seconds between two checks that the process is still there."""
_TAIL = 2000


class Broken(Exception):
    """A process that cannot be used any more. The message says why: "the process ended with status 3"."""

    def __init__(self, words: str, *, died: bool = False, silent: bool = False) -> None:
        super().__init__(words)
        self.died = died
        """Whether it ended by itself."""
        self.silent = silent
        """Whether no answer came in time."""


def split_command(command: str) -> list[str]:
    """The words of a command, split as by a shell. Raises ValueError."""
    words = shlex.split(command)
    if not words:
        raise ValueError("the command is empty")
    if os.sep not in words[0] and shutil.which(words[0]) is None:
        raise ValueError(f"there is no program {words[0]!r} on PATH")
    return words


class Process:
    """A running command, in a process group of its own, which whatever it starts ends with. Raises OSError."""

    def __init__(self, words: list[str], folder: Path | None) -> None:
        self._mark = uuid4().hex
        self._process = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, guard.MARK: self._mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        watching = [sys.executable, "-I", "-S", guard.__file__, str(self._process.pid), self._mark]
        try:
            self._guard = subprocess.Popen(
                watching,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            guard.end(self._process.pid, self._mark)
            self._process.wait()
            raise
        self._stdin, self._stdout, self._stderr = map(
            _pipe, (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._stdout, selectors.EVENT_READ, self._read_answers)
        self._selector.register(self._stderr, selectors.EVENT_READ, self._read_errors)
        self._outgoing = memoryview(b"")
        self._lines: deque[bytes] = deque()
        self._rest = bytearray()
        """The line that has not come to its end."""
        self._longest = LONGEST_LINE
        self._stopping = False
        """Whether it was told to stop: what it writes from then on is read and dropped."""
        self._errors = b""
        """The end of what came on standard error."""
        self._flood = 0
        """Bytes on standard error since the last answer."""

    @property
    def number(self) -> int:
        """The system's number of the process."""
        return self._process.pid

    def converse(self, requests: Iterable[bytes], seconds: float) -> Iterator[bytes]:
        """Send lines and yield one answer for each, which may take `seconds` after the one before. Raises Broken."""
        lines = list(requests)
        self._longest = max(LONGEST_LINE, LONGER * max(map(len, lines), default=0))
        self._send(b"".join(lines))
        for _ in lines:
            self._flood = 0
            self._attend(lambda: bool(self._lines) or not self._is_open(self._stdout), seconds)
            if not self._lines:
                raise Broken(f"the process {self._how_it_ended()}{self.last_words()}", died=True)
            yield self._lines.popleft()

    def stop(self, request: bytes) -> str:
        """Send a last line and let the process end. Returns what went wrong, or ""."""
        wrong = ""
        self._stopping = True
        try:
            end = time.monotonic() + GRACE
            self._send(request)
            self._attend(lambda: not self._outgoing, GRACE)
            self._close(self._stdin)
            self._attend(lambda: not self._is_open(self._stdout), end - time.monotonic())
            if self._process.wait(max(end - time.monotonic(), _GLANCE)) != 0:
                wrong = f"the process {self._how_it_ended()}{self.last_words()} when it was told to stop"
        except (Broken, subprocess.TimeoutExpired):
            wrong = f"the process did not end within {GRACE:g} s of being told to stop, and was killed"
        self.kill()
        return wrong

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        guard.end(self._process.pid, self._mark)
        self._process.wait()
        self._guard.kill()
        self._guard.communicate()
        for pipe in (self._stdin, self._stdout, self._stderr):
            self._close(pipe)
        self._selector.close()

    def last_words(self) -> str:
        """The last line on standard error, as the end of a sentence; empty where there is none."""
        lines = self._errors.decode(errors="replace").split("\n")
        spoken = [line.strip() for line in lines if line.strip()]
        return f", saying {shortened(spoken[-1])}" if spoken else ""

    def _send(self, data: bytes) -> None:
        if not self._outgoing:
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
        self._outgoing = memoryview(bytes(self._outgoing) + data if self._outgoing else data)

    def _attend(self, done: Callable[[], bool], seconds: float) -> None:
        """Read and write until a condition holds. Raises Broken where that takes too long."""
        deadline = time.monotonic() + seconds
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken(f"no answer within {seconds:g} s{self.last_words()}", silent=True)
            events = self._selector.select(min(left, _GLANCE))
            for key, _ in events:
                key.data()
            if not events and self._is_open(self._stdout) and self._process.poll() is not None:
                self._selector.unregister(self._stdout)  # what it has started may hold the pipe open

    def _write(self) -> None:
        try:
            written = os.write(self._stdin.fileno(), self._outgoing[:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:  # whether it has ended is seen where its output does
            written = len(self._outgoing)
        self._outgoing = self._outgoing[written:]
        if not self._outgoing:
            self._selector.unregister(self._stdin)

    def _read_answers(self) -> None:
        chunk = self._read(self._stdout)
        if self._stopping:
            return
        first, *others = chunk.split(b"\n")
        self._rest += first
        if others:
            self._lines += (bytes(self._rest), *others[:-1])
            self._rest = bytearray(others[-1])
        if len(self._rest) > self._longest:
            raise Broken(f"{self._longest >> 20} MiB of an answer came, and no end of the line")

    def _read_errors(self) -> None:
        chunk = self._read(self._stderr)
        self._errors = (self._errors + chunk)[-_TAIL:]
        self._flood += 0 if self._stopping else len(chunk)
        if self._flood > MOST_ERRORS:
            raise Broken(f"more than {MOST_ERRORS >> 20} MiB came on standard error, and no answer{self.last_words()}")

    def _read(self, pipe: IO[bytes]) -> bytes:
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            self._selector.unregister(pipe)
        return chunk

    def _is_open(self, pipe: IO[bytes]) -> bool:
        return pipe in self._selector.get_map()

    def _close(self, pipe: IO[bytes]) -> None:
        if not pipe.closed and self._is_open(pipe):
            self._selector.unregister(pipe)
        pipe.close()

    def _how_it_ended(self) -> str:
        with suppress(Broken):
            self._attend(lambda: not self._is_open(self._stderr), 0.2)
        midway = " in the midst of an answer" if self._rest else ""
        try:
            status = self._process.wait(2 * _GLANCE)
        except subprocess.TimeoutExpired:
            return f"closed its standard output{midway}"
        if status >= 0:
            return f"ended with status {status}{midway}"
        return f"was ended by {signal.Signals(-status).name} ({signal.strsignal(-status)}){midway}"


def shortened(text: str) -> str:
    """A text in quotes, cut to 120 characters."""
    return repr(text if len(text) <= 120 else text[:117] + "...")


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None
    os.set_blocking(end.fileno(), False)
    return end
