"""Whatever an adapter does, a run ends in a clear line and a status that is not 0, and what is right still passes."""

from collections.abc import Callable

import pytest
from misbehaviours import MISBEHAVIOURS, Misbehaviour
from processes import is_running
from shares import one_in

RunApart = Callable[..., pytest.RunResult]

PASSED, ABSENT = 12, 6
MOST_OUTPUT = 20_000
"""Characters that a run of the few small families may print."""


@pytest.fixture
def unwatched() -> None:
    """What adapters replace is looked for here."""


each_misbehaviour = pytest.mark.parametrize("row", MISBEHAVIOURS, ids=lambda row: row.name)


def assert_told(result: pytest.RunResult, line: str) -> None:
    """A line says it, the status is not 0, and there is no traceback of ours, nor output without end."""
    output = result.stdout.str() + "\n" + result.stderr.str()
    pytest.LineMatcher(output.splitlines()).fnmatch_lines([line])
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.INTERNAL_ERROR)
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    assert len(output) < MOST_OUTPUT


@pytest.mark.parametrize(
    "row",
    [*(row for row in MISBEHAVIOURS if not row.ends), *one_in(8, [row for row in MISBEHAVIOURS if row.ends])],
    ids=lambda row: row.name,
)
def test_in_process(run_apart: RunApart, project: pytest.Pytester, row: Misbehaviour) -> None:
    project.makepyfile(adapter=row.adapter)
    result = run_apart("--impl=adapter") if row.ends else project.runpytest("--impl=adapter")
    assert_told(result, row.line)
    if row.one_fails and not row.ends:
        result.assert_outcomes(failed=1, passed=PASSED - 1, skipped=ABSENT)


@pytest.mark.catalogue
@each_misbehaviour
def test_in_several_processes(run_apart: RunApart, project: pytest.Pytester, row: Misbehaviour) -> None:
    if "folder" in row.name:
        pytest.skip("pytester keeps the output of a process in the folder that is removed")
    project.makepyfile(adapter=row.adapter)
    result = run_apart("--impl=adapter", "-n2", "--maxprocesses=1")
    assert_told(result, row.line_of_a_worker)
    if row.one_fails:
        result.assert_outcomes(failed=1, passed=PASSED - 1, skipped=ABSENT)


@pytest.mark.catalogue
@each_misbehaviour
def test_isolated(project: pytest.Pytester, row: Misbehaviour) -> None:
    project.makepyfile(adapter=row.adapter)
    result = project.runpytest("--impl=adapter", "--impl-isolate")
    if row.harmless_apart:
        result.assert_outcomes(passed=PASSED, skipped=ABSENT)
        assert result.ret == pytest.ExitCode.OK
        return
    assert_told(result, row.line_apart)
    if row.one_fails:
        result.assert_outcomes(failed=1, passed=PASSED - 1, skipped=ABSENT)


@pytest.mark.parametrize(
    "several", [pytest.param(False, id="alone"), pytest.param(True, id="xdist", marks=pytest.mark.catalogue)]
)
def test_what_an_adapter_has_started_ends_with_the_run(
    run_apart: RunApart, project: pytest.Pytester, several: bool
) -> None:
    project.makepyfile(
        adapter=f"""
import os, time
from pathlib import Path
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        with Path("started").open("a") as file:
            file.write(f"{{os.getpid()}}\\n")
        os.close(1), os.close(2)
        time.sleep(1000)
time.sleep(0.1)
{MISBEHAVIOURS[0].adapter}
"""
    )
    run_apart("--impl=adapter", *(["-n2", "--maxprocesses=1"] if several else []))
    started = (project.path / "started").read_text().split()
    assert len(started) >= 3
    assert [number for number in started if is_running(int(number))] == []
