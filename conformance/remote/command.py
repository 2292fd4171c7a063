"""An implementation in any language: a process that speaks the protocol of PROTOCOL.md, restarted when it breaks.

The calls of a family are written ahead of their answers, so that the pipe's latency is paid once.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from ..implementation.arrays import Arrays
from ..implementation.batching import Batched
from ..implementation.errors import AdapterError
from ..implementation.load import Function, Implementation, present
from ..implementation.timeouts import Lost, LostCalls
from . import wire
from .process import Broken, Process, split_command

SECONDS = 60.0
"""Default time limit of a call; the start always has at least as much."""
_DECLARED = ("name", "version", "dtypes", "precision", "conventions")

Pending = Callable[[], object]
"""Returns the result of a call, or raises what the call raised."""


def load_command(
    command: str, operations: Iterable[str], seconds: float | None, folder: Path, options: Mapping[str, str]
) -> Implementation:
    """The implementation behind a command, which is started in `folder` and runs until teardown.

    `operations` are those that there are vectors for; `seconds` limit each call, None for the default; `options` are
    passed to the process. Raises AdapterError.
    """
    if os.name != "posix":
        raise AdapterError("--impl-cmd needs a POSIX system (Linux, macOS, WSL)")
    try:
        words = split_command(command)
    except ValueError as error:
        raise AdapterError(f"--impl-cmd={command}: {error}") from None
    remote = Remote(words, folder, SECONDS if seconds is None else seconds, options)
    try:
        implementation, language = remote.present(
            command, tuple(operations), lambda operation, direction: Batched(partial(remote.ask, operation, direction))
        )
    except Broken as error:
        hint = "; does it flush standard output after each line?" if error.silent else ""
        raise AdapterError(f"--impl-cmd={command}: {error}{hint}") from None
    return replace(implementation, option="--impl-cmd", language=language, layouts=False)


@dataclass
class Remote:
    """The current process of a command."""

    words: list[str]
    folder: Path
    seconds: float
    options: Mapping[str, str]
    read: Callable[[bytes, int], Pending] = wire.answered
    """Reads the answer to a request. Raises Broken."""
    _process: Process | None = None
    _number: int = 0
    """Number of the last request."""
    _owed: int = 0
    """Number of answers that the process still has to give."""
    _lost: dict[str, LostCalls] = field(default_factory=dict)
    """By function."""

    def start(self) -> Mapping[str, Any]:
        """Start the process. Returns its answer to the start request. Raises Broken."""
        try:
            self._process = Process(self.words, self.folder)
        except OSError as error:
            raise Broken(f"cannot be started: {error.strerror}") from None
        request = wire.start(self._next(), self.options)
        try:
            (line,) = self._process.converse([request], max(self.seconds, SECONDS))
            return wire.started(line, self._number)
        except BaseException:
            self.kill()
            raise

    def present(
        self, spec: str, operations: tuple[str, ...], function_of: Callable[[str, str], Function]
    ) -> tuple[Implementation, str]:
        """Start the process. Returns its implementation, which teardown ends, and the language that it is written in.

        `function_of` gives the function of an operation and direction that the process has. Raises Broken and
        AdapterError.
        """
        told = self.start()
        subject: dict[str, object] = {key: told.get(key) for key in _DECLARED}
        subject |= dict.fromkeys(wire.names(told.get("misspelt")), function_of)
        for operation, directions in told["operations"].items():
            for direction in directions:
                subject[f"{operation}_{direction}"] = function_of(operation, direction)
        try:
            implementation = present(spec, subject, operations)
        except AdapterError:
            self.kill()
            raise

        def stop() -> None:
            if wrong := self.stop():
                raise AdapterError(f"{spec}: {wrong}")

        return replace(implementation, options=self.options, teardown=stop), told["language"]

    def lacks(self, folder: str) -> bool:
        """Whether a folder is empty for the process, which may have another view of the file system."""
        try:
            return self._process is not None and not any(Path(f"/proc/{self._process.number}/root{folder}").iterdir())
        except OSError:
            return False

    def stop(self) -> str:
        """Let the process end. Returns what went wrong, or ""."""
        if self._owed:
            self.kill()
        process, self._process = self._process, None
        return process.stop(wire.stop(self._next())) if process else ""

    def kill(self) -> None:
        """End the process."""
        process, self._process, self._owed = self._process, None, 0
        if process:
            process.kill()

    def ask(
        self, operation: str, direction: str, calls: Sequence[Arrays], parameters: Mapping[str, object]
    ) -> Iterator[Pending]:
        """For each call, in order, a function that returns its result or raises. A process that breaks loses only the
        current call."""
        function = f"{operation}_{direction}"
        lines = [wire.call(operation, direction, arguments, parameters) for arguments in calls]
        return self.exchange(function, lines)

    def exchange(self, function: str, lines: Sequence[str]) -> Iterator[Pending]:
        """The same for requests of calls without their numbers."""
        lost = self._lost.setdefault(function, LostCalls(function))
        lost.begin_family()
        position = 0
        while position < len(lines):
            if words := lost.why_not_called():
                position += 1
                yield partial(_lose, words)
                continue
            try:
                for result in self._converse(lines[position:]):
                    lost.answer()
                    position += 1
                    yield result
            except Broken as broken:
                self.kill()
                lost.lose()
                words = f"{broken}{self._once_more(lines[position]) if broken.died else ''}"
                position += 1
                yield partial(_lose, words)

    def _converse(self, lines: Sequence[str]) -> Iterator[Pending]:
        if self._owed:  # by a conversation that nobody took to its end
            self.kill()
        if self._process is None:
            self.start()
        assert self._process is not None
        first, self._owed = self._number + 1, len(lines)
        requests = [wire.numbered(self._next(), line) for line in lines]
        for number, answer in enumerate(self._process.converse(requests, self.seconds), first):
            result = self.read(answer, number)
            self._owed -= 1
            yield result

    def _once_more(self, line: str) -> str:
        """Repeat in a new process the call that a process died in. Returns the end of a sentence."""
        try:
            for _ in self._converse([line]):
                pass
        except Broken:
            self.kill()
            return "; called again by itself, it broke the process again"
        return "; called again by itself, it was answered"

    def _next(self) -> int:
        self._number += 1
        return self._number


def _lose(words: str) -> NoReturn:
    raise Lost(words)
