"""Workers of pytest-xdist have the processors of the machine together, and no more threads than that."""

import os
from collections.abc import Callable

import pytest
import small_vectors
from backproof.conformance.session.workers import THREADS, USERS, share_processors
from execnet import XSpec

NOTING = f"""
import os
from pathlib import Path
{small_vectors.ADAPTER}
Path("threads").write_text(os.environ.get("{THREADS}", "unset"))
"""

SHARE = str(max((os.cpu_count() or 1) // 2, 1))
"""How many threads each of two workers has."""


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in USERS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("unset")
def test_workers_that_are_about_to_start_get_their_share_of_threads(project: pytest.Pytester) -> None:
    specs = [XSpec("popen"), XSpec("popen")]
    config = project.parseconfigure("-pxdist.plugin", "--impl=adapter")
    config.hook.pytest_xdist_setupnodes(config=config, specs=specs)
    assert [spec.env for spec in specs] == [{THREADS: SHARE}, {THREADS: SHARE}]


@pytest.mark.catalogue
@pytest.mark.usefixtures("unset")
def test_a_worker_has_its_share_of_threads(
    project: pytest.Pytester, run_apart: Callable[..., pytest.RunResult]
) -> None:
    project.makepyfile(adapter=NOTING)
    run_apart("-n2", "--impl=adapter", "--impl-op=double", "--impl-dtype=float32")
    assert (project.path / "threads").read_text() == SHARE


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("user", USERS)
def test_the_user_says_how_many_threads_a_worker_has(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user, "3")
    specs = [XSpec("popen"), XSpec("popen")]
    share_processors(specs)
    assert [spec.env for spec in specs] == [{}, {}]


@pytest.mark.usefixtures("unset")
def test_what_a_spec_says_counts_and_workers_on_other_machines_are_let_alone() -> None:
    specs = [XSpec(f"popen//env:{THREADS}=5"), XSpec("ssh=elsewhere")]
    share_processors(specs)
    assert [spec.env for spec in specs] == [{THREADS: "5"}, {}]
