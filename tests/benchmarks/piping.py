"""The check of the NumPy adapter behind the protocol of --impl-cmd, against the same adapter in this process."""

import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from backproof.conformance.check.family import check
from backproof.conformance.implementation.load import Implementation, load
from backproof.conformance.remote import command
from backproof.vectors import store

from .measure import Figure, at_most, best, told

ADAPTER = "backproof.conformance.adapters.numpy"
HARNESS = Path(__file__).parents[1] / "support" / "python_harness.py"


def figures() -> Iterator[Figure]:
    """Measure."""
    operations = store.golden_operations()
    files = [store.read_golden(op) for op in operations]

    def checked(implementation: Implementation) -> int:
        return sum(check(family, implementation, file).calls for file in files for family in file.families)

    here = load(ADAPTER, operations)
    line = shlex.join([sys.executable, str(HARNESS), ADAPTER])
    started = time.perf_counter()
    beside = command.load_command(line, operations, None, Path.cwd(), {})
    yield told("start of a process with NumPy", time.perf_counter() - started, "s")
    calls = checked(beside)
    through_the_pipe = best(lambda: checked(beside), repeat=3)
    beside.teardown()
    yield told("a call through the pipe, checks included", through_the_pipe / calls * 1e6, "us")
    yield at_most(
        "all families through the pipe, against in this process",
        through_the_pipe / best(lambda: checked(here), repeat=3),
        3,
    )
