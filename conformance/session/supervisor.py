"""A run's status is the plugin's to give, whatever ends the process that the implementation runs in.

On Linux the `pytest` command forks before anything of the user's is imported: the child is pytest, and the parent waits
for it, passes signals on, and ends with the status that the child has noted. A child that ends without one (`os._exit`,
`exit` of C, a crash) gives status 1 or its own, and one line. Whatever the implementation started ends with the run.

Elsewhere, and where a program calls `pytest.main`, there is no parent: `os._exit` alone is caught.
"""

import ctypes
import os
import signal
import stat
import sys
import threading
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

_ENDED, _STATUS, _TEXT = 0, 1, 2
"""Offsets in the memory that both processes share: whether the run ended, its status, where it is (UTF-8)."""
_SIZE = 4096
_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36
"""PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of prctl."""
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")

_memory: mmap | None = None


def at(place: str) -> None:
    """Note where the run is, "in setup()", for the line that tells where it ended."""
    if _memory is not None:
        text = place.encode(errors="replace")[: _SIZE - _TEXT - 1]
        _memory[_TEXT : _TEXT + len(text) + 1] = text + b"\0"


def is_attended() -> bool:
    """Whether a parent waits for this process, which then is a run and nothing else."""
    return _memory is not None


def ended(status: int) -> None:
    """Note that the run ended as pytest ends, with this status."""
    if _memory is not None:
        _memory[_ENDED:_TEXT] = bytes([1, status])


def supervise(spec: str) -> None:
    """Fork, where this is the `pytest` command on Linux: the parent never returns. Called before conftests are read."""
    global _memory
    if sys.platform != "linux" or not _is_command(sys._getframe()) or threading.active_count() > 1:
        return  # a child would not have a plugin's threads
    prctl = ctypes.CDLL(None).prctl
    memory = mmap(-1, _SIZE)
    sys.stdout.flush()
    sys.stderr.flush()
    waited = {signal.SIGCHLD, *(signal.Signals[name] for name in _FORWARDED)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    parent = os.getpid()
    child = os.fork()
    if child:
        prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)
        _attend(child, waited, spec, memory)
    prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    _memory = memory


def catch_exit(config: pytest.Config) -> None:
    """Where no parent waits, end with a line and status 1 in `os._exit(0)` as well, until the run has ended."""
    if _memory is not None or hasattr(config, "workerinput"):
        return
    ours, errors, leave = os.getpid(), os.dup(2), os._exit

    def leave_with_a_line(status: int) -> NoReturn:
        if os.getpid() == ours:
            os.write(errors, _line(config.option.impl, f"os._exit({status}) was called"))
            status = status or 1
        leave(status)

    os._exit = leave_with_a_line

    def restore() -> None:
        os._exit = leave
        os.close(errors)

    config.add_cleanup(restore)


def keep_pipes(config: pytest.Config) -> None:
    """In a worker of pytest-xdist, let no process that the implementation forks keep the worker's pipes open: the run
    would wait for that process where the worker has ended."""
    folder = Path("/proc/self/fd")
    if not hasattr(config, "workerinput") or not folder.exists():
        return
    pipes = [fd for fd in (int(entry.name) for entry in folder.iterdir()) if fd > 2 and _is_pipe(fd)]

    def close() -> None:
        for fd in pipes:
            with suppress(OSError):
                os.close(fd)

    os.register_at_fork(after_in_child=close)


def _is_pipe(fd: int) -> bool:
    with suppress(OSError):
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    return False  # that of the listing


def _is_command(frame: FrameType | None) -> bool:
    """Whether pytest was started as a command, `pytest` or `python -m pytest`, and not by a program's `pytest.main`."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "_pytest.config" and frame.f_code.co_name in ("main", "_main"):
            caller = frame.f_back
            return caller is not None and caller.f_code.co_name in ("console_main", "_console_main")
        frame = frame.f_back
    return False


def _attend(child: int, waited: set[signal.Signals], spec: str, memory: mmap) -> NoReturn:
    """Wait for the child, pass on what is sent to this process alone, and end as it did."""
    code = None
    while code is None:
        info = signal.sigwaitinfo(waited)
        if info.si_signo == signal.SIGCHLD:
            code = _reaped(child)
        elif info.si_code <= 0:  # sent by a process; what the terminal sends, the child gets as well
            os.kill(child, info.si_signo)
    _end_orphans()
    place = bytes(memory[_TEXT:]).partition(b"\0")[0].decode(errors="replace")
    if memory[_ENDED]:
        place = "after the verdict"
    if place and (code < 0 or not memory[_ENDED]):  # else pytest has told a usage error, or the verdict
        how = f"ended with status {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
        os.write(2, _line(spec, f"the process {how} {place}"))
    if code == 0:
        code = memory[_STATUS] if memory[_ENDED] else int(bool(place))
    os._exit(code if code >= 0 else 128 - code)


def _reaped(child: int) -> int | None:
    """The exit code of the child if it has ended, negative for a signal. Orphans of its that have ended go."""
    while True:
        number, status = os.waitpid(-1, os.WNOHANG)
        if number == child:
            return os.waitstatus_to_exitcode(status)
        if number == 0:
            return None


def _end_orphans() -> None:
    """Kill what the child has left running, and what that has left."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(OSError):
        while left := [int(number) for number in children.read_text().split()]:
            for number in left:
                os.kill(number, signal.SIGKILL)
            for number in left:
                os.waitpid(number, 0)


def _line(spec: str, words: str) -> bytes:
    return f"\nbackproof: --impl={spec}: {words}: the run counts as failed\n".encode(errors="backslashreplace")
