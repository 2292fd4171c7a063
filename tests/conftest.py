"""What the tests of all three packages share: pytester, and the helpers in support/."""

import sys
from pathlib import Path

import backproof.conformance.session.run  # noqa: F401  # pytester forgets modules that its runs were the first to import
import pytest

pytest_plugins = ["pytester"]

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "support")]


@pytest.fixture(autouse=True)
def _no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a test are no step of the workflow that the tests may be one of: they write no annotations."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
