"""`--impl-live` as a user meets it."""

import json
from collections.abc import Callable

import pytest
from backproof.conformance import plugin

LONG = """
def square_backward(dL_doutputs, inputs):
    result = 2 * dL_doutputs * inputs
    result.flat[3000:] = 0
    return result
"""
ARGUMENTS = ("-p", "no:cacheprovider", "--impl=wrong", "--impl-dtype=float32")
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest with an adapter, of which `function` is the only one."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p backproof.conformance.plugin")
    monkeypatch.setattr(plugin, "__doc__", "PYTEST_DONT_REWRITE")
    monkeypatch.syspath_prepend(pytester.path)

    def run(
        *arguments: str, function: str = "def square_forward(inputs):\n    return inputs + inputs\n"
    ) -> pytest.RunResult:
        pytester.makepyfile(wrong=function)
        return pytester.runpytest(*ARGUMENTS, *arguments)

    return run


def test_the_golden_files_pass_and_live_cases_do_not(run: Run) -> None:
    result = run("--impl-op=square", "--impl-live=60", function=LONG)
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "backproof: live cases of seed 0 for 60 s",
            "dL_dinputs is wrong in 1 of 3001 elements of case 0",
            "family: Drawn after backward-*",
            " rerun: pytest --impl=wrong live/square::float32/backward-live#*+integers+0",
            "rerun these: pytest --impl=wrong --lf --impl-live",
        ]
    )


def test_a_case_is_run_again_by_its_node_id(run: Run) -> None:
    again = run("live/square::float32/forward-live#forward-random-n6+1+integers+0")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["outputs is wrong in 1 of 1 element* of case 0"])


def test_live_cases_alone_in_several_processes(run: Run, pytester: pytest.Pytester) -> None:
    result = run(
        "-p", "xdist.plugin", "-n2", "--impl-op=square", "--impl-live=5", "-m", "live", "--impl-report=run.json"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*looks like: *"])
    record = json.loads((pytester.path / "run.json").read_text())
    (family,) = record["families"]
    assert family["nodeid"].startswith("live/square::float32/forward-live#forward-")
    assert family["ending"] == "failed"


def test_isolated(run: Run) -> None:
    result = run("--impl-isolate", "live/square::float32/forward-live")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["outputs is wrong in 1 of 1 element* of case 0"])


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("live/square::float32/sideways-live", "*live/square: no live cases 'float32/sideways-live'; there are *"),
        ("live/square::float32/forward-live#odd", "*'odd' is no live case; *"),
        ("--impl-live=-1", "*--impl-live=-1: give a number of seconds above 0*"),
    ],
)
def test_what_is_no_live_case_is_told_in_a_line(run: Run, argument: str, said: str) -> None:
    result = run(argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])
