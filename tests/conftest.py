"""What the tests of all three packages share: pytester, the installed golden files, and the helpers in support/."""

import gc
import os
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Before NumPy is imported: several processes with as many threads each as there are processors wait for one another in
# a loop, in matrix products; see `conformance.session.workers`.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import backproof.conformance.session.run  # pytester forgets modules that its runs were the first to import
import backproof.reference.generation.generate  # noqa: F401  # likewise
import pytest
from backproof.reference.model.operation import OWN, operation_names
from backproof.vectors import store
from backproof.vectors.records import OperationVectors

pytest_plugins = ["pytester"]

# Runs within a run make many objects that live as long as it does, which the collector would look through each time.
gc.set_threshold(3_000_000, 10, 50)

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "support")]

import shares  # noqa: E402 - it stands in support/


def pytest_configure(config: pytest.Config) -> None:
    """Have no test made that is of the catalogue alone, where it is not asked for."""
    shares.left_out = "not catalogue" in config.option.markexpr


def pytest_pycollect_makeitem(name: str, obj: object) -> list[pytest.Item] | None:
    """Likewise a whole function of it."""
    marks = getattr(obj, "pytestmark", []) if shares.left_out and name.startswith("test_") else []
    return [] if any(mark.name == "catalogue" for mark in marks) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one operation together at the end: of several processes the one that is handed them reads its
    golden file, draws its cases and builds its mutants once, and no other does."""
    known = frozenset(operation_names())
    items.sort(key=lambda item: operation_of(item, known))


def pytest_collection_finish() -> None:
    """Keep the collector from what has been imported and collected, which lives as long as the tests do: a run within a
    run ends with five full collections."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Likewise at the end, when pytest collects, several times before its version 9, and Python once more."""
    gc.freeze()


def operation_of(item: pytest.Item, known: Collection[str]) -> str:
    """The operation among a test's parameters, or that one of them is of; "" of a test without one."""
    parameters = getattr(item, "callspec", None)
    ops = (getattr(value, "op", value) for value in (parameters.params.values() if parameters else ()))
    return next((op for op in ops if isinstance(op, str) and op in known), "")


def pytest_runtest_teardown() -> None:
    """Operations of a user's own that a test reads are known to no other test."""
    OWN.clear()


@pytest.fixture(scope="session", autouse=True)
def _no_workflow() -> Iterator[None]:
    """Runs of a test are no step of the workflow that the tests may be one of: they write no annotations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GITHUB_ACTIONS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[set[Path]]:
    """The folders whose golden files no test changes. What is called in this process shares their records, which are
    immutable, their arrays read-only; files of other folders are read each time."""
    folders, read = {store.golden_folder()}, store.read_golden
    read_and_kept = cache(read)

    def read_golden(op: str, folder: Path | None = None) -> OperationVectors:
        folder = folder or store.golden_folder()
        return (read_and_kept if folder in folders else read)(op, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "read_golden", read_golden)
        yield folders


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of several processes each begins with a part of its own, and takes from the others' ends once it is through: what
    is made once for tests that stand together is made by one."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None
