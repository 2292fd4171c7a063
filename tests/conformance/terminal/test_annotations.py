"""Failures as annotations of GitHub Actions: escaped, few, and in a step of a workflow alone."""

import re

import pytest
import small_vectors
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.record.results import Ending, Result
from backproof.conformance.terminal.annotations import MOST_ERRORS, annotations

WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 3 * dL_doutputs")


def failed(op: str, number: int = 0, kind: MissKind = MissKind.VALUE, summary: str = "it is wrong") -> Result:
    """A family that fails."""
    misses = (Miss(kind, False, 0, summary, ("by much",)),)
    name = f"backward-{number}"
    verdict = Verdict(f"{op}/float32/{name}", op, "float32", "backward", "required", Outcome.FAILED, 4, misses)
    return Result(f"vectors/{op}.h5::float32/{name}", verdict, Ending.FAILED)


def unescaped(text: str) -> str:
    """What GitHub shows of a value."""
    for escape, character in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def parsed(line: str) -> tuple[str, str]:
    """Title and message of a line, as GitHub's runner reads them."""
    found = re.fullmatch(r"::error title=([^,:\r\n]*)::([^\r\n]*)", line)
    assert found
    return unescaped(found[1]), unescaped(found[2])


def test_each_kind_of_failure_of_a_function_is_annotated_once() -> None:
    results = [failed("dense", 1), failed("dense", 2), failed("dense", 3, MissKind.SHAPE), failed("relu")]
    told = [parsed(line) for line in annotations(results, [], [], "--impl=mine")]
    assert [title for title, _ in told] == ["dense_backward fails", "dense_backward fails", "relu_backward fails"]
    assert told[0][1].splitlines() == [
        "it is wrong",
        "by much",
        "2 families fail so; the first: vectors/dense.h5::float32/backward-1",
        "rerun it: pytest --impl=mine vectors/dense.h5::float32/backward-1",
    ]


def test_the_diagnosis_is_told_with_the_first_kind_of_a_function() -> None:
    look = Diagnosis("dense", "backward", (Finding("dense.halved", "Half of it.", "Double it."),))
    first, second = annotations([failed("dense"), failed("dense", 1, MissKind.SHAPE)], [look], [], "--impl=mine")
    assert "\nlooks like: dense.halved - Half of it. Cure: Double it.\n" in parsed(first)[1]
    assert "looks like" not in second


def test_what_would_end_a_line_or_a_property_is_escaped() -> None:
    (line,) = annotations([failed("dense", summary="100% wrong,\r\n::error::twice: %0A")], [], [], "--impl=mine")
    assert "\n" not in line
    assert "\r" not in line
    assert parsed(line)[1].startswith("100% wrong,\r\n::error::twice: %0A\n")
    assert line.startswith("::error title=dense_backward fails::100%25 wrong,%0D%0A::error::twice: %250A%0A")


def test_problems_of_the_run_are_annotated_too() -> None:
    assert [parsed(line) for line in annotations([], [], ["no family passed"], "--impl=mine")] == [
        ("backproof", "no family passed")
    ]


def test_no_more_are_written_than_github_shows_and_the_last_says_so() -> None:
    exact = annotations([failed(f"op{n}") for n in range(MOST_ERRORS)], [], [], "--impl=mine")
    assert len(exact) == MOST_ERRORS
    assert "further" not in exact[-1]
    more = annotations([failed(f"op{n}") for n in range(MOST_ERRORS + 3)], [], ["a problem"], "--impl=mine")
    assert len(more) == MOST_ERRORS
    assert parsed(more[-1])[1].startswith("5 further kinds of failure; ")


@pytest.mark.parametrize("options", [[], ["-q"], ["-v", "--tb=no"], ["--color=yes"]], ids=str)
def test_a_step_of_a_workflow_is_annotated(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong", *options)
    lines = [line for line in result.outlines if line.startswith("::")]
    assert [parsed(line)[0] for line in lines] == ["double_backward fails"]
    assert "rerun it: pytest --impl=wrong vectors/double.h5::float" in parsed(lines[0])[1]


@pytest.mark.parametrize("value", [None, "", "false"])
def test_elsewhere_nothing_is_annotated(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", value)
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong").stdout.no_re_match_line("^::")


def test_a_right_implementation_is_not_annotated(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.runpytest("--impl=adapter").stdout.no_re_match_line("^::")
