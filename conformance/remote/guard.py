"""End what a process has started: its group, and what carries its mark in the environment.

`python guard.py GROUP MARK`: wait until standard input is closed, which the system does however the process at its
other end is ended, and do that then. Imports no other module of backproof, so that it starts fast.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "BACKPROOF_PROCESS"
"""The environment variable of the mark. A process that has left the group still has it, unless it took care not to."""
_ROUNDS = 5
"""How often those are looked for, since one that is being ended may just have started another."""


def end(group: int, mark: str) -> None:
    """Kill a process group, and where there is /proc all processes with a mark, whatever group they have moved to."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    for _ in range(_ROUNDS):
        found = list(_marked(f"{MARK}={mark}".encode()))
        for number in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        if not found:
            return


def _marked(entry: bytes) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


if __name__ == "__main__":
    for name in ("SIGHUP", "SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(int(sys.argv[1]), sys.argv[2])
