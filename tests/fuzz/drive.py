"""Run tries in a process of their own. Where it dies or hangs, that is a fault of one try, and the next goes on."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO

LONGEST = {"file": 10.0, "record": 10.0, "harness": 30.0}
"""Seconds of processor time that a try may take, by target; a harness may be started some twenty times in one."""
WAITED = 6
"""How many times as long the clock on the wall may run, where other work shares the machine, before a try hangs."""
STARTING = 60.0
"""Seconds that a process may take to import what it needs."""
MEMORY = 4 << 30
"""Bytes that the process may have."""


@dataclass(frozen=True)
class Try:
    """One try and what came of it."""

    target: str
    seed: int
    outcome: str
    is_fault: bool

    def __str__(self) -> str:
        again = f" (again: python -m tests.fuzz {self.target} --only {self.seed})" if self.is_fault else ""
        return f"{self.target} {self.seed}: {self.outcome}{again}"


def tries(target: str, first: int, count: int, seconds: float = float("inf")) -> Iterator[Try]:
    """The tries of `count` seeds, as many as begin within the time."""
    end, seed = time.monotonic() + seconds, first
    while seed < first + count and time.monotonic() < end:
        for made in _batch(target, seed, first + count, end):
            yield made
            seed = made.seed + 1


def _batch(target: str, seed: int, stop: int, end: float) -> Iterator[Try]:
    """The tries of one process, up to the first that it does not survive."""
    words = [sys.executable, "-m", "tests.fuzz", target, "--worker", str(seed), str(stop)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(words, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines: Queue[bytes] = Queue()
        Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        try:
            limit = STARTING
            while seed < stop and time.monotonic() < end:
                try:
                    line = lines.get(timeout=limit)
                except Empty:
                    yield Try(target, seed, f"not done after {limit:g} s", True)
                    return
                if not line:
                    status = process.wait()
                    yield Try(target, seed, f"the process ended with status {status}", True)
                    return
                word, _, outcome = line.decode().rstrip("\n").partition(" ")
                yield Try(target, seed, outcome, word != "sound")
                seed, limit = seed + 1, WAITED * LONGEST[target]
        finally:
            process.kill()


def _read(output: IO[bytes], lines: "Queue[bytes]") -> None:
    for line in output:
        lines.put(line)
    lines.put(b"")


def work(target: str, seed: int, stop: int) -> None:
    """Make the tries in this process, and print a line of each."""
    import os
    import resource
    import traceback

    from .targets import TARGETS

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for number in range(seed, stop):
        before = sum(os.times()[:4])
        try:
            line = f"sound {TARGETS[target](number)}"
        except BaseException:
            line = f"fault {traceback.format_exc()!r}"
        if (taken := sum(os.times()[:4]) - before) > LONGEST[target]:
            line = f"fault it takes {taken:.1f} s of processor time, {LONGEST[target]:g} at most"
        print(line.encode("unicode_escape").decode(), flush=True)
