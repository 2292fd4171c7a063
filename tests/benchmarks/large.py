"""`--impl-size=large` over all operations with the NumPy adapter, in two processes: time, and memory of both."""

import sys
from collections.abc import Iterator

from .measure import Figure, at_most
from .memory import watched

COMMAND = (
    *("-q", "-p", "no:cacheprovider", "-n2", "--impl=backproof.conformance.adapters.numpy"),
    *("--impl-size=large", "-m", "large", "--impl-dtype=float32"),
)
SECONDS, MEMORY = 300, 4096
"""What the run may take, on two cores; and MiB."""


def figures() -> Iterator[Figure]:
    """Measure."""
    seconds, mebibytes = watched(sys.executable, "-m", "pytest", *COMMAND)
    yield at_most("large cases in float32, in two processes", seconds, SECONDS, "s")
    yield at_most("all processes of it together", mebibytes, MEMORY, "MiB")
