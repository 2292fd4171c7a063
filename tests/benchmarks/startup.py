"""What an installed backproof costs a pytest run that does not use it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from .measure import Figure, at_most

RUNS = 31


def seconds(folder: Path, *arguments: str) -> float:
    """Time one run of pytest on a single empty test, in a process of its own."""
    start = perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    return perf_counter() - start


def figures() -> Iterator[Figure]:
    """Measure, with and without in turn, and compare the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty():\n    pass\n")
        without, with_it = [], []
        for _ in range(RUNS):
            without.append(seconds(folder, "-p", "no:backproof"))
            with_it.append(seconds(folder))
    extra = (median(with_it) - median(without)) * 1000
    yield at_most(f"start-up of pytest without --impl, median of {RUNS}", extra, 10, "ms more")
