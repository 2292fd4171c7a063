"""Generating everything, and a whole check: wall time and the largest resident set, children included."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from time import perf_counter, sleep

import psutil

from .measure import Figure, at_most


def watched(*command: str) -> tuple[float, float]:
    """Run a command to its end. Returns seconds and MiB, the largest sum over its processes."""
    start = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        largest = 0

        def watch() -> None:
            nonlocal largest
            while process.poll() is None:
                largest = max(largest, _resident(process.pid))
                sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        process.wait()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    return perf_counter() - start, largest / 2**20


def _resident(pid: int) -> int:
    try:
        parent = psutil.Process(pid)
        return sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True)))
    except psutil.Error:
        return 0


def figures() -> Iterator[Figure]:
    """Measure."""
    seconds, mebibytes = watched(sys.executable, "-m", "backproof.conformance.cli", "generate", "--check")
    yield at_most(f"generating everything on {os.cpu_count()} cores", seconds, 60, "s")
    yield at_most("generating everything", mebibytes, 1024, "MiB")
    adapter = "backproof.conformance.adapters.numpy"
    seconds, mebibytes = watched(sys.executable, "-m", "pytest", f"--impl={adapter}", "-q", "-p", "no:cacheprovider")
    yield at_most(f"a check of the NumPy adapter ({seconds:.2g} s)", mebibytes, 300, "MiB")
