"""`--impl-size=large` over all operations with the NumPy adapter, in two processes: time, and memory of each."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from .measure import Figure, at_most, told

COMMAND = (
    *("-q", "-p", "no:cacheprovider", "-n2", "--impl=backproof.conformance.adapters.numpy"),
    *("--impl-size=large", "-m", "large", "--impl-dtype=float32"),
)
SECONDS, MEMORY = 300, 4096
"""What the run may take, on two cores; and MiB of a process."""


def figures() -> Iterator[Figure]:
    """Measure."""
    start = time.perf_counter()
    run = subprocess.run([sys.executable, "-m", "pytest", *COMMAND], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    found = re.search(r"(\d+) families, (\d+) cases", run.stdout)
    assert found is not None
    yield told("large cases in float32", int(found[2]), "cases")
    yield at_most("the same in two processes", seconds, SECONDS, "s")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield at_most("the largest process of it", largest, MEMORY, "MiB")
