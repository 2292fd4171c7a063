"""A user's project, beside an installed backproof whose golden files are small."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import small_vectors
from backproof.conformance import plugin
from backproof.conformance.session import integrity
from backproof.vectors import store

STUB = "small_golden"
"""A pytest plugin for runs in a process of their own, where a monkeypatch does not reach."""
UNUSED = (
    "debugging",
    "doctest",
    "legacypath",
    "logging",
    "pastebin",
    "recwarn",
    "setuponly",
    "setupplan",
    "stepwise",
    "subtests",
    "threadexception",
    "unittest",
    "unraisableexception",
)
"""Plugins of pytest's own that no run here has to do with, and that each would set up."""


@pytest.fixture(scope="session")
def small_golden_folder(tmp_path_factory: pytest.TempPathFactory, read_once: set[Path]) -> Path:
    """A folder of golden files: two operations of few families. No test changes it."""
    folder = tmp_path_factory.mktemp("installed") / "golden"
    small_vectors.write_golden(folder)
    stub = f"""
from pathlib import Path
from backproof.vectors import store
store.golden_folder = lambda: Path({str(folder)!r})
"""
    (folder.parent / f"{STUB}.py").write_text(stub)
    read_once.add(folder)
    return folder


@pytest.fixture
def golden(small_golden_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden files of this backproof are the small ones, in this process."""
    monkeypatch.setattr(store, "golden_folder", lambda: small_golden_folder)
    return small_golden_folder


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What adapters replace in this process is not looked for, which takes a sixth of a small run; the tests of
    misbehaviours have a fixture of this name that lets it be, and runs in processes of their own look for it."""
    monkeypatch.setattr(integrity, "watch_what_verdicts_need", lambda: (list, list))


@pytest.fixture
def project(
    pytester: pytest.Pytester, golden: Path, unwatched: None, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project with an adapter that is right, `adapter`, and a test of its own that fails."""
    # No plugin but backproof's: every run would look for all installed ones, and import them.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = " ".join(f"-p no:{name}" for name in UNUSED)
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-p backproof.conformance.plugin {options}")
    monkeypatch.setattr(plugin, "__doc__", "PYTEST_DONT_REWRITE")  # it is imported already, which pytest warns of
    pytester.makepyfile(
        adapter=small_vectors.ADAPTER, test_own="def test_own():\n    raise AssertionError('the user\\'s own')\n"
    )
    return pytester


@pytest.fixture
def run_apart(
    project: pytest.Pytester, small_golden_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., pytest.RunResult]:
    """Run pytest in the project in a process of its own; with -n in several."""

    def run(*arguments: str) -> pytest.RunResult:
        path = os.pathsep.join(filter(None, [str(small_golden_folder.parent), os.environ.get("PYTHONPATH")]))
        monkeypatch.setenv("PYTHONPATH", path)
        plugins = [STUB, "xdist.plugin"] if "-n2" in arguments else [STUB]
        return project.runpytest_subprocess(*(f"-p{plugin}" for plugin in plugins), *arguments)

    return run
