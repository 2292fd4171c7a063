"""--impl-cmd: an implementation that is a process, and everything that a process may do wrong."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import small_harness
from backproof.conformance.remote import command, process
from processes import is_running

HARNESS = Path(small_harness.__file__)
FAMILIES, PASSED, ABSENT = 12, 8, 4
"""Of the small golden files: all, those that the harness passes, and those that it does not implement."""
CALL = "vectors/double.h5::float32/backward-plain"
"""The family whose second case is the misdeed's."""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """The folder that the harness writes to; none of its processes may outlive the test."""
    yield tmp_path
    noted = tmp_path / "processes"
    left = [number for number in noted.read_text().split() if is_running(int(number))] if noted.exists() else []
    assert left == []


def harness(notes: Path, misdeed: str = "") -> str:
    return shlex.join([sys.executable, "-I", "-S", str(HARNESS), str(notes), *([misdeed] if misdeed else [])])


@pytest.fixture
def run(project: pytest.Pytester, notes: Path) -> Run:
    """Run pytest with the harness and a misdeed of its."""

    def run(misdeed: str = "", *arguments: str) -> pytest.RunResult:
        return project.runpytest("--impl-cmd", harness(notes, misdeed), *arguments)

    return run


def processes(notes: Path) -> int:
    return len((notes / "processes").read_text().split())


# As it should be


def test_a_right_process_passes_what_it_implements(run: Run, notes: Path) -> None:
    result = run()
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    result.stdout.fnmatch_lines(["backproof: small 1.2 (*small_harness.py*) against vectors 9.8.7"])
    result.stdout.fnmatch_lines(["backproof: written in Esperanto"])
    assert result.ret == 0
    assert processes(notes) == 1


def test_ids_options_and_summary_are_those_of_a_python_adapter(run: Run) -> None:
    result = run("", "-v", "--impl-op=double", "--impl-dtype=float32", "-k", "backward")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines([f"{CALL} *PASSED*", "double * float32 * 1 *"])


@pytest.mark.catalogue
def test_workers_of_xdist_have_a_process_each(
    project: pytest.Pytester, run_apart: Callable[..., pytest.RunResult], notes: Path
) -> None:
    result = run_apart("-n2", "--impl-cmd", harness(notes))
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    assert processes(notes) == 3


def test_nothing_is_left_running_where_no_test_is_run(run: Run, notes: Path) -> None:
    assert run("", "--collect-only", "-q").ret == 0
    assert processes(notes) == 1


def test_a_layout_in_memory_is_not_asked_for(run: Run) -> None:
    run("", "--impl-strict").assert_outcomes(passed=PASSED, skipped=ABSENT)


# Misdeeds in a call


@pytest.mark.parametrize(
    ("misdeed", "says", "starts"),
    [
        ("ends", "the process ended with status 3, saying 'out of luck'; *by itself, it broke the process again", 3),
        ("aborts", "the process was ended by SIGABRT (Aborted); called again by itself, it broke *", 3),
        ("ends-once", "the process ended with status 3; called again by itself, it was answered", 2),
        ("hangs", "no answer within 0.3 s, saying 'thinking'", 2),
        ("garbage", "the process printed 'weights are fine', which is no answer: it is no JSON: Expecting *", 2),
        ("half-a-line", "the process ended with status 0 in the midst of an answer; *", 3),
        ("out-of-order", "the process answered request *, where an answer to * is due", 2),
        ("floods", "more than 1 MiB came on standard error, and no answer, saying '*'", 2),
        ("closes", "the process closed its standard output; *", 3),
        ("malformed", "results[[]0].data holds 0 bytes, where float32 of shape (3,) takes 12", 1),
    ],
)
def test_a_misdeed_fails_the_case_at_hand_and_the_rest_goes_on(
    run: Run, notes: Path, misdeed: str, says: str, starts: int
) -> None:
    result = run(misdeed, "--impl-timeout=0.3", "-v")
    result.assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)
    result.stdout.fnmatch_lines([f"{CALL} *FAILED*", f"case 1: {says}", "    in 1 of 4 cases"])
    assert processes(notes) == starts


@pytest.mark.parametrize(
    "misdeed",
    [
        "starts-another",
        pytest.param(
            "starts-a-daemon",
            marks=pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
        ),
    ],
)
def test_what_a_process_started_is_not_left_running(run: Run, notes: Path, misdeed: str) -> None:
    run(misdeed).assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)
    assert processes(notes) == 5  # three that were started by us, two by them


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_signal_to_pytest_leaves_a_process_running(
    project: pytest.Pytester, small_golden_folder: Path, notes: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(small_golden_folder.parent), prepend=os.pathsep)
    misdeed = "hangs-with-a-daemon" if Path("/proc/self/environ").exists() else "hangs"
    run = project.popen([sys.executable, "-m", "pytest", "-psmall_golden", "--impl-cmd", harness(notes, misdeed)])
    while not (notes / "hangs").exists():
        time.sleep(0.02)
    run.send_signal(number)
    assert run.wait() == -number


def test_a_failure_can_be_run_again_as_it_says(run: Run, project: pytest.Pytester) -> None:
    result = run("garbage")
    rerun = next(line for line in result.outlines if line.startswith(" rerun: pytest "))
    again = project.runpytest(*shlex.split(rerun)[2:])
    again.assert_outcomes(failed=1)


# Start and stop


@pytest.mark.parametrize(
    ("misdeed", "says"),
    [
        ("no-start", "the process ended with status 7, saying 'Segmentation fault, or some such'"),
        ("start-error", "the process does not start: no GPU found"),
        ("start-hangs", "no answer within 0.3 s; does it flush standard output after each line?"),
        ('{"protocol": true}', "the process speaks protocol True, where 1 is known"),
        ('{"protocol": 2}', "the process speaks protocol 2, where 1 is known"),
        ('{"operatoins": {}}', "the answer to start has an unknown key 'operatoins'; known are conventions, *"),
        ('{"operations": ["dense"]}', '"operations" in the answer to start is to be like {*'),
        ('{"operations": {}}', "no operation found; *"),
        (
            '{"operations": {"duoble": ["forward"]}}',
            "*duoble_forward is no operation's name; was double_forward meant?*",
        ),
        ('{"dtypes": ["float31"]}', "dtypes has an unknown dtype 'float31'; known are *"),
        ('{"conventions": {"kink_slope": "2"}}', "conventions[[]'kink_slope'] is '2'; known answers are '0', '1'"),
    ],
)
def test_a_process_that_does_not_start_properly_is_a_usage_error_of_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, misdeed: str, says: str
) -> None:
    monkeypatch.setattr(command, "SECONDS", 0.3 if misdeed == "start-hangs" else 60.0)
    result = run(misdeed)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *: {says}"])


@pytest.mark.parametrize(
    ("command_line", "says"),
    [
        ("", "the command is empty"),
        ("no-such-program --fast", "there is no program 'no-such-program' on PATH"),
        ("./no-such-file", "* No such file or directory"),
        ("echo 'unbalanced", "No closing quotation"),
    ],
)
def test_a_command_that_cannot_be_run_is_a_usage_error(project: pytest.Pytester, command_line: str, says: str) -> None:
    result = project.runpytest(f"--impl-cmd={command_line}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --impl-cmd={command_line}: {says}"])


@pytest.mark.parametrize(
    ("misdeed", "says"),
    [
        ("stop-status", "the process ended with status 23, saying 'leaked 12 bytes' when it was told to stop"),
        ("stop-hangs", "the process did not end within 0.2 s of being told to stop, and was killed"),
        ("stop-floods", "the process did not end within 0.2 s of being told to stop, and was killed"),
    ],
)
def test_a_process_that_does_not_stop_properly_fails_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, misdeed: str, says: str
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.2)
    result = run(misdeed)
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    result.stdout.fnmatch_lines([f"backproof: *small_harness.py*: {says}"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
