"""Whether a harness speaks the protocol: a conversation with it, up to the first line that is wrong."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ...vectors import store
from ...vectors.records import DIRECTIONS, Family
from ..implementation.errors import AdapterError
from ..implementation.timeouts import Lost
from . import wire
from .process import GRACE, Broken, Process, shortened, split_command

FLUSH = "flush standard output after each answer: a program that writes into a pipe fills a buffer first"
DIED = (
    "find what ends it: give it the first line and this one on standard input by itself, in a debugger; what it cannot "
    'compute it answers with "error" or "unsupported"'
)
_CURES = {
    "start": 'answer the first line with {"id": 1, "protocol": 1, "name": ..., "language": ..., "operations": ...}',
    "call": 'answer with the id of the request and "results", "unsupported" or "error", and print all else on standard '
    "error",
    "stop": 'end with status 0 at the line of "stop", and at the end of standard input',
}
SECONDS = 20.0
"""Time limit of an answer."""
_LATER = 100_003
"""An id far from the one before."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class WrongLine:
    """The first answer that is wrong."""

    number: int
    """Counted from 1, over all answers."""
    words: str
    request: str
    cure: str


def wrong_line(command: str, folder: Path, options: Mapping[str, str]) -> WrongLine | None:
    """The first line of a command that is none of the protocol. Raises AdapterError where it cannot be started."""
    try:
        words = split_command(command)
    except ValueError as error:
        raise AdapterError(f"--impl-cmd={command}: {error}") from None
    found = converse(words, folder, options, SECONDS)
    return found if isinstance(found, WrongLine) else None


class _Talk:
    """The answers so far of a process."""

    def __init__(self, process: Process, seconds: float) -> None:
        self._process, self._seconds = process, seconds
        self.answers = 0
        self.request = b""

    def ask(self, requests: Sequence[bytes], read: Callable[[bytes, int], Read], numbers: Sequence[int]) -> list[Read]:
        """Send lines at once, and read an answer to each. Raises Broken."""
        lines = self._process.converse(requests, self._seconds)
        found = []
        for self.request, number in zip(requests, numbers, strict=True):
            found.append(read(next(lines), number))
            self.answers += 1
        return found


def converse(words: list[str], folder: Path, options: Mapping[str, str], seconds: float) -> WrongLine | int:
    """Talk to a harness as pytest does: the first answer that is wrong, or how many came. Raises AdapterError."""
    try:
        process = Process(words, folder)
    except OSError as error:
        raise AdapterError(f"{words[0]} cannot be started: {error.strerror}") from None
    talk, asked = _Talk(process, seconds), "start"
    try:
        (told,) = talk.ask([wire.start(1, options)], wire.started, [1])
        asked = "call"
        if call := _call(told):
            talk.ask([wire.numbered(2, call)], _usable, [2])
            talk.ask([wire.numbered(n, call) for n in (3, _LATER)], _usable, [3, _LATER])
    except Broken as error:
        process.kill()
        buffered = asked == "start" and error.silent and _answers_at_the_end(words, folder, talk.request)
        said = "it answers when its input ends, and not before" if buffered else str(error)
        cure = FLUSH if error.silent else DIED if error.died and asked == "call" else _CURES[asked]
        return WrongLine(talk.answers + 1, said, shortened(talk.request.decode().strip()), cure)
    request = wire.stop(_LATER + 1)
    if wrong := process.stop(request) or _outlives_its_input(words, folder, wire.start(1, options), seconds):
        return WrongLine(talk.answers + 1, wrong, request.decode().strip(), _CURES["stop"])
    return talk.answers


def _usable(line: bytes, number: int) -> None:
    """Read an answer to a call, refused or not. Raises Broken."""
    try:
        wire.answered(line, number)()
    except (NotImplementedError, wire.ImplementationError):
        return
    except Lost as lost:
        raise Broken(str(lost)) from None


def _call(told: Mapping[str, Any]) -> str:
    """A small call of the first function that a harness says it has; empty where there are no vectors of any."""
    dtypes = told.get("dtypes", ("float64", "float32"))
    for op in store.golden_operations():
        for direction in (way for way in DIRECTIONS if way in told["operations"].get(op, ())):
            of_one = (f for f in store.read_golden(op).families if f.direction == direction and f.dtype in dtypes)
            usual = [family for family in of_one if family.level == "required" and family.result == "valid"]
            if usual:
                family: Family = min(usual, key=lambda family: family.elements)
                arguments = [family.inputs[name][0] for name in store.read_golden(op).arguments[direction]]
                return wire.call(op, direction, arguments, family.parameters)
    return ""


def _answers_at_the_end(words: list[str], folder: Path, request: bytes) -> bool:
    """Whether a process answers once its standard input has ended."""
    try:
        done = subprocess.run(words, cwd=folder, input=request, capture_output=True, timeout=GRACE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(done.stdout)


def _outlives_its_input(words: list[str], folder: Path, request: bytes, seconds: float) -> str:
    """What is wrong with a process that does not end with its standard input; empty where it ends."""
    try:
        subprocess.run(words, cwd=folder, input=request, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"the process did not end within {seconds:g} s of the end of its standard input, and was killed"
    return ""
