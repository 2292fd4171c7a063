"""The whole check of the NumPy adapter, against a bare loop of the same calls in as many empty pytest items."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backproof.conformance.check.family import check
from backproof.conformance.implementation.load import load
from backproof.vectors import store

from .measure import Figure, at_most, told

ADAPTER = "backproof.conformance.adapters.numpy"

TIMER = """
import time

def pytest_collection(session):
    session.config.started = time.perf_counter()

def pytest_sessionfinish(session):
    print(f"\\nSECONDS {time.perf_counter() - session.config.started}")
"""

WITHOUT = """
from backproof.conformance.check import family

family.further_checks = family.checks_of_many_calls = lambda *_: iter(())
"""
"""A plugin that leaves the contract's further checks out."""

BARE = '''
import json
import os
import pathlib

import numpy as np
import pytest
from backproof.conformance.implementation.load import load
from backproof.vectors import store

adapter = load("%(adapter)s", operations=store.golden_operations())
families = [family for op in store.golden_operations() for family in store.read_golden(op).families]

EXTRA = json.loads(pathlib.Path(os.environ["EXTRA"]).read_text()) if os.environ["EXTRA"] else {}
"""By family: how many calls a check makes besides one a case. They repeat its first case."""

@pytest.mark.parametrize("family", families, ids=[family.id for family in families])
def test_bare(family):
    function = adapter.functions.get((family.op, family.direction))
    if function is None:
        return
    stacks = [np.ascontiguousarray(family.inputs[name]).copy() for name in family.inputs]
    with np.errstate(all="ignore"):
        for case in [*range(family.count), *[0] * EXTRA.get(family.id, 0)]:
            try:
                function(*[stack[case, ...] for stack in stacks], **family.parameters)
            except Exception:
                pass
'''


def seconds(folder: Path, *arguments: str, extra: str = "") -> float:
    """Time collection and tests of one pytest run, start-up apart: the best of three, in a process each."""
    times = []
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "timer", "-p", "no:cacheprovider", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "EXTRA": extra},
            capture_output=True,
            text=True,
            check=True,
        )
        times += [float(line.split()[1]) for line in run.stdout.splitlines() if line.startswith("SECONDS")]
    return min(times)


def further_calls() -> dict[str, int]:
    """Count by family the calls that a check makes besides one a case."""
    adapter = load(ADAPTER, operations=store.golden_operations())
    files = [store.read_golden(op) for op in store.golden_operations()]
    return {f.id: max(check(f, adapter, file).calls - f.count, 0) for file in files for f in file.families}


def figures() -> Iterator[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "timer.py").write_text(TIMER)
        (folder / "without.py").write_text(WITHOUT)
        (folder / "test_bare.py").write_text(BARE % {"adapter": ADAPTER})
        whole = seconds(folder, f"--impl={ADAPTER}")
        without = seconds(folder, f"--impl={ADAPTER}", "-p", "without")
        extra = folder / "extra.json"
        extra.write_text(json.dumps(further_calls()))
        same, first = seconds(folder, "test_bare.py", extra=str(extra)), seconds(folder, "test_bare.py")
    yield told("the whole check of the NumPy adapter", whole, "s")
    yield at_most("the whole check, against a bare loop of the same calls in as many items", whole / same, 1.5)
    yield told("the same, against one call a case (without the contract's further calls)", whole / first, "x")
    yield at_most("the whole check, against one without the contract's further checks", whole / without, 1.25)
