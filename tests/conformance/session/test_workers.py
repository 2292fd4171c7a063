"""Workers of pytest-xdist have the processors of the machine together, and no more threads than that."""

import os
from collections.abc import Callable

import pytest
import small_vectors
from backproof.conformance.session.workers import THREADS, USERS

NOTING = f"""
import os
from pathlib import Path
{small_vectors.ADAPTER}
Path("threads").write_text(os.environ.get("{THREADS}", "unset"))
"""


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in USERS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("user", [None, *USERS])
def test_a_worker_has_its_share_of_threads_unless_the_user_says_how_many(
    user: str | None,
    project: pytest.Pytester,
    run_apart: Callable[..., pytest.RunResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if user:
        monkeypatch.setenv(user, "3")
    project.makepyfile(adapter=NOTING)
    run_apart("-n2", "--impl=adapter", "--impl-op=double", "--impl-dtype=float32")
    due = {None: str(max((os.cpu_count() or 1) // 2, 1)), THREADS: "3"}
    assert (project.path / "threads").read_text() == due.get(user, "unset")
