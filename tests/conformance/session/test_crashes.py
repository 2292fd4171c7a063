"""Python adapters that end the interpreter, or do not come to an end: the run goes on, and says which case it was."""

from collections.abc import Callable

import pytest
import small_vectors
from backproof.conformance.implementation.timeouts import MOST_CALLS, MOST_FAMILIES, Lost, LostCalls

RunApart = Callable[..., pytest.RunResult]

PASSED, ABSENT = 12, 6
FAMILY = "vectors/double.h5::float32/backward-plain"

THIRD = """
def double_backward(dL_doutputs, inputs):
    if inputs.dtype == "float32" and inputs[0] == np.float32(7 / 8):
        {misdeed}
    return 2 * dL_doutputs
"""
"""The third case of FAMILY, and no other, comes to no good."""
ABORTING = f"import os\n{small_vectors.ADAPTER}{THIRD.format(misdeed='os.abort()')}"
HANGING = f"import time\n{small_vectors.ADAPTER}{THIRD.format(misdeed='time.sleep(1000)')}"
STUBBORN = """
{adapter}
def stubborn():
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass
{third}
"""
HOLDING = """
{adapter}
{third}
"""
"""Hangs with the interpreter's lock held, where no signal is seen."""


# Crashes


def test_an_interpreter_that_ends_fails_the_family_at_hand_and_the_rest_goes_on(
    run_apart: RunApart, project: pytest.Pytester
) -> None:
    project.makepyfile(adapter=ABORTING)
    result = run_apart("-n2", "--maxprocesses=1", "--impl=adapter", "--junitxml=out.xml")
    result.assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)
    result.stdout.fnmatch_lines(
        [
            "*double/float32/backward-plain*",
            "case 2: the interpreter ended in the call",
            "    in pytest-xdist's worker gw[01]; its last words are on standard error",
            f"  show: backproof show {FAMILY}#2",
            "* float32 * 3 * 1 *",
        ]
    )
    result.stdout.fnmatch_lines([f"FAILED {FAMILY}*"])
    result.stderr.fnmatch_lines(["Fatal Python error: Aborted*"])
    assert "case 2: the interpreter ended" in (project.path / "out.xml").read_text()


def test_a_function_that_ends_interpreters_is_given_up_and_may_be_expected_to(
    run_apart: RunApart, project: pytest.Pytester
) -> None:
    project.makepyfile(
        adapter=f"""
import os
{small_vectors.ADAPTER}
def double_forward(inputs):
    os.abort()
"""
    )
    project.makeconftest("from backproof.conformance.implementation import timeouts\ntimeouts.MOST_FAMILIES = 1")
    (project.path / "known.txt").write_text("double/*/forward-*  # aborts\n")
    result = run_apart(
        "-n2", "--maxprocesses=1", "--impl=adapter", "--impl-xfails=known.txt", "-rx", "vectors/double.h5"
    )
    result.assert_outcomes(passed=2, xfailed=6, skipped=4)
    result.stdout.fnmatch_lines(
        ["replacing crashed worker gw0", "XFAIL vectors/double.h5::float64/forward-plain - aborts (known.txt:1)"]
    )
    result.stdout.no_fnmatch_line("replacing crashed worker gw1")


# Standard output


@pytest.mark.parametrize(
    "misdeed", ["sys.stdout.close(); sys.stderr.close()", "sys.stdout = sys.stderr = None", "sys.stdout.detach()"]
)
def test_an_adapter_that_closes_standard_output_costs_nothing(project: pytest.Pytester, misdeed: str) -> None:
    project.makepyfile(adapter=f"import sys\n{small_vectors.ADAPTER}{THIRD.format(misdeed=misdeed)}")
    result = project.runpytest("--impl=adapter")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)


# Hangs


def test_a_call_that_hangs_is_bounded(project: pytest.Pytester) -> None:
    project.makepyfile(adapter=HANGING)
    result = project.runpytest("--impl=adapter", "--impl-timeout=0.2")
    result.assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)
    result.stdout.fnmatch_lines(["case 2: no answer within 0.2 s", "    in 1 of 4 cases"])


def test_an_adapter_that_catches_every_exception_is_bounded_too(project: pytest.Pytester) -> None:
    project.makepyfile(adapter=STUBBORN.format(adapter=small_vectors.ADAPTER, third=THIRD.format(misdeed="stubborn()")))
    result = project.runpytest("--impl=adapter", "--impl-timeout=0.2")
    result.assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)


def test_a_hang_is_no_refusal(project: pytest.Pytester) -> None:
    project.makepyfile(
        adapter="import time\n" + small_vectors.ADAPTER.replace('raise ValueError("refused")', "time.sleep(1000)")
    )
    result = project.runpytest("--impl=adapter", "--impl-timeout=0.1", "vectors/double.h5", "-k", "refused")
    result.assert_outcomes(failed=2, skipped=1)


@pytest.mark.parametrize("seconds", [5, 86_400])
def test_a_timeout_costs_a_right_adapter_nothing(project: pytest.Pytester, seconds: int) -> None:
    project.runpytest("--impl=adapter", f"--impl-timeout={seconds}").assert_outcomes(passed=PASSED, skipped=ABSENT)


def test_without_a_timeout_a_family_that_takes_long_is_told_while_it_runs(
    run_apart: RunApart, project: pytest.Pytester
) -> None:
    once = HANGING.replace("time.sleep(1000)", "slept or slept.append(time.sleep(0.6))")
    project.makepyfile(adapter=f"slept = []\n{once}")
    project.makeconftest("from backproof.conformance.implementation import watch\nwatch.LONG = 0.5\n")
    result = run_apart("--impl=adapter")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    result.stderr.fnmatch_lines([f"backproof: {FAMILY} has taken 0.5 s so far; --impl-timeout=SECONDS bounds a call"])


@pytest.mark.catalogue
def test_a_hang_inside_compiled_code_costs_the_interpreter(run_apart: RunApart, project: pytest.Pytester) -> None:
    third = THIRD.format(misdeed="sum(range(10**15))")
    project.makeconftest("from backproof.conformance.implementation import watch\nwatch.LAST_RESORT = 0.0")
    project.makepyfile(adapter=HOLDING.format(adapter=small_vectors.ADAPTER, third=third))
    result = run_apart("-n2", "--maxprocesses=1", "--impl=adapter", "--impl-timeout=0.2")
    result.assert_outcomes(passed=PASSED - 1, failed=1, skipped=ABSENT)
    result.stdout.fnmatch_lines(["case 2: the interpreter ended in the call"])
    result.stderr.fnmatch_lines(["Timeout (0:00:00.500000)!", "*adapter.py*in double_backward"])


# How long it goes on


def lose(lost: LostCalls, calls: int) -> None:
    """Lose calls, each of which was to be made."""
    for _ in range(calls):
        assert lost.why_not_called() == ""
        lost.lose()


def test_lost_calls_end_a_family_and_a_function_that_never_answers() -> None:
    lost = LostCalls("f")
    for _ in range(MOST_FAMILIES - 1):
        lost.begin_family()
        lose(lost, MOST_CALLS)
        assert lost.why_not_called() == "not called: 2 calls before it were lost"
    lost.begin_family()
    lose(lost, 1)
    lost.begin_family()
    assert lost.why_not_called() == "not called: f answered nothing in 5 families in a row"


def test_an_answer_starts_the_count_anew() -> None:
    lost = LostCalls("f")
    for _ in range(3 * MOST_FAMILIES):
        lost.begin_family()
        lose(lost, 1)
        lost.answer()
        lose(lost, 1)


def test_what_is_lost_is_no_exception() -> None:
    """Else an adapter's own `except Exception` would take it for its own."""
    assert not issubclass(Lost, Exception)
