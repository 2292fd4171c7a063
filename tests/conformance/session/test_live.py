"""`--impl-live` and `--impl-size=large` as a user meets them."""

import gc
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from backproof.conformance import plugin
from backproof.conformance.implementation.load import present
from backproof.conformance.live import large
from backproof.conformance.session.live_cases import stand_ins
from backproof.vectors import store

LONG = """
def square_backward(dL_doutputs, inputs):
    result = 2 * dL_doutputs * inputs
    result.flat[3000:] = 0
    return result
"""
ARGUMENTS = ("-p", "no:cacheprovider", "--impl=wrong", "--impl-dtype=float32")
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, unwatched: None, monkeypatch: pytest.MonkeyPatch) -> Run:
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


BLOCK = """
def square_backward(dL_doutputs, inputs):
    result = 2 * dL_doutputs * inputs
    whole = inputs.size // 1024 * 1024
    if whole:
        result.reshape(-1)[whole:] = 0
    return result
"""


def test_what_a_live_case_looks_like_agrees_with_the_golden_families_of_the_run(run: Run) -> None:
    result = run("--impl-op=square", "--impl-live=10", function=BLOCK)
    result.stdout.fnmatch_lines(["*looks like: square.dL_dinputs_zero*", "*the last whole tile of 1024.*"])
    assert "tile of 4." not in result.stdout.str()


def test_a_case_is_run_again_by_its_node_id(run: Run) -> None:
    again = run("live/square::float32/forward-live#forward-random-n6+1+integers+0")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["outputs is wrong in 1 of 1 element* of case 0"])


LOST_ROW = """
def dense_backward(g, x, w, b):
    lost = x[{row}].T @ g[{row}] * (len(x) > 300)
    return g @ w.T, x.T @ g - lost, g.sum(axis=0, keepdims=True)
"""
BLOCKS = """
import numpy as np
def layer_norm_backward(g, x, weight, bias, *, eps):
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(eps))
    normal, upstream, columns = centred * scale, g * weight, x.shape[-1]
    whole = columns // 1024 * 1024 if columns > 1500 else columns
    mean = (upstream * normal)[..., :whole].sum(axis=-1, keepdims=True) / np.float32(columns)
    rows = tuple(range(x.ndim - 1))
    dx = scale * (upstream - upstream.mean(axis=-1, keepdims=True) - normal * mean)
    return dx, (g * normal).sum(axis=rows), g.sum(axis=rows)
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (LOST_ROW.format(row="-1:"), "last_row_left_out"),
        (LOST_ROW.format(row="256:257"), ""),
        pytest.param(BLOCKS, "mean_over_whole_blocks(g * normal, 1024", marks=pytest.mark.catalogue),
    ],
)
def test_a_small_case_is_explained_by_what_explains_others_beside_it(run: Run, function: str, said: str) -> None:
    result = run("--impl-live=60", "-m", "live", function=function)
    result.assert_outcomes(failed=1)
    text = " ".join(result.stdout.str().split())
    assert ("looks like:" in text) == bool(said)
    assert said in text


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


SQUARE = """
def square_backward(dL_doutputs, inputs):
    return 2 * dL_doutputs * inputs
"""
OWN = (
    '"""Twice.\n\n    outputs = 2 inputs\n"""\nSHAPES = {"inputs": "(N, D)"}\n'
    + """
def forward(inputs):
    return inputs + inputs

def backward(dL_doutputs, inputs):
    return dL_doutputs + dL_doutputs
"""
)


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large cases of a size that tests have time for, after which little is looked through for garbage."""
    cases = [(profile, more, (2**12, 2**16)) for profile, more, _ in large.CASES]
    monkeypatch.setattr(large, "CASES", tuple(cases))
    gc.freeze()


@pytest.mark.usefixtures("smaller")
def test_large_cases_pass_and_the_summary_says_how_large_they_are(run: Run, pytester: pytest.Pytester) -> None:
    result = run("--impl-size=large", "-m", "large", "--impl-op=square", "--impl-report=run.json", function=SQUARE)
    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(
        [
            "backproof: large cases of seed 0",
            "large cases (independent roundings: bias 2, mean square 0.4 at most):",
            "  square_backward: dL_doutputs (64, 64); errors of dL_dinputs: bias *, mean",
        ]
    )
    (family,) = json.loads((pytester.path / "run.json").read_text())["families"]
    assert family["cases"] == 3 + 4  # and along each axis
    assert "dL_doutputs (64, 64)" in family["comment"]


@pytest.mark.usefixtures("smaller")
def test_large_cases_in_a_process_of_its_own(run: Run) -> None:
    wrong = SQUARE + "\n\ndef square_forward(inputs):\n    return inputs + (inputs.size > 1000) * inputs\n"
    result = run("--impl-isolate", "--impl-size=large", "-m", "large", "--impl-op=square", function=wrong)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  square_backward: dL_doutputs (64, 64); errors of dL_dinputs: bias *, mean"])


@pytest.mark.usefixtures("smaller")
def test_a_large_case_that_fails_is_shrunk_and_run_again_by_its_node_id(run: Run) -> None:
    wrong = SQUARE + "    result.flat[33:] = 0\n    return result\n"
    wrong = wrong.replace("return 2", "result = 2", 1)
    result = run("--impl-size=large", "-m", "large", "--impl-op=square", function=wrong)
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [
            "dL_dinputs is wrong in 1 of 34 elements of case 0",
            " rerun: pytest --impl=wrong live/square::float32/backward-large#backward-random-*",
        ]
    )
    again = run("live/square::float32/backward-large#backward-random-n4-f5+1x34+integers+0", function=wrong)
    again.assert_outcomes(failed=1)


def test_cases_of_an_operation_of_the_users_own_are_drawn(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(twice=OWN)
    result = run(
        *("--impl-ops=twice", "--impl-live=2", "-m", "live"), function="def twice_forward(inputs):\n    return inputs\n"
    )
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["outputs is wrong in 1 of 1 element* of case 0"])


def test_what_the_reference_has_no_formula_of_has_no_live_cases() -> None:
    vectors = replace(store.read_golden("square"), op="unheard_of")
    implementation = present("mine", {"unheard_of_forward": abs}, ("unheard_of",))
    assert stand_ins(vectors, implementation, ["float32"], ["live"], []) == ()
    with pytest.raises(pytest.UsageError, match="live/unheard_of: the reference has no formula of it"):
        stand_ins(vectors, implementation, ["float32"], ["live"], ["float32/forward-live"])
