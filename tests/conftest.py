"""What the tests of all three packages share: pytester, and the helpers that lie beside this file."""

import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a test are no step of the workflow that the tests may be one of: they write no annotations."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
