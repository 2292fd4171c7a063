"""Failures on the terminal are held to what a person reads; every other account of the run has all of them."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
import small_vectors
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict
from backproof.conformance.record.results import Ending, Result
from backproof.conformance.terminal.truncation import MOST_ALIKE, MOST_SHOWN, failures_to_show

BROKEN = """
import numpy as np

dtypes = ["float64", "float32", "float16"]
precision = {}

def double_forward(inputs):
    raise RuntimeError("broken")

def double_backward(dL_doutputs, inputs):
    return 3 * dL_doutputs

def kink_forward(inputs):
    return inputs * 7
"""


def failed(op: str, number: int, kind: MissKind = MissKind.VALUE) -> Result:
    """A family that fails."""
    verdict = Verdict(
        f"{op}/float32/{number}", op, "float32", "forward", "required", Outcome.FAILED, 1, (Miss(kind, False, 0, "no"),)
    )
    return Result(f"vectors/{op}.h5::float32/{number}", verdict, Ending.FAILED)


def blocks(result: pytest.RunResult) -> list[str]:
    """The titles in the section of failures."""
    return [found[1] for line in result.outlines if (found := re.fullmatch(r"_+ (\S+) _+", line))]


def listed(result: pytest.RunResult) -> list[str]:
    """The ids in the short test summary."""
    return [line.split()[1] for line in result.outlines if line.startswith("FAILED ")]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few are shown that the small vectors have more."""
    monkeypatch.setattr("backproof.conformance.terminal.truncation.MOST_ALIKE", 1)


def test_the_first_of_each_kind_is_shown_before_the_second_of_any() -> None:
    many = [failed("dense", n) for n in range(30)]
    other = [failed(f"op{n}", 0) for n in range(MOST_SHOWN - 2)]
    shown = failures_to_show([*many, *other])
    assert len(shown) == MOST_SHOWN
    assert [result for result in shown if result in other] == other
    assert shown[:2] == many[:2]


def test_of_one_kind_a_few_are_shown_in_their_order() -> None:
    results = [failed("dense", n, kind) for n in range(9) for kind in (MissKind.VALUE, MissKind.SHAPE)]
    assert failures_to_show(results) == results[: 2 * MOST_ALIKE]
    assert failures_to_show([]) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("option", ["-q", "-v", "--tb=short", "--tb=line"])
def test_both_sections_are_short_and_say_how_to_see_the_rest(project: pytest.Pytester, option: str) -> None:
    project.makepyfile(broken=BROKEN)
    result = project.runpytest("--impl=broken", option)
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] > 5  # the count at the end is that of all
    assert len(listed(result)) == 3  # of three kinds
    if option != "--tb=line":
        assert len(blocks(result)) == 3
    hidden = outcomes["failed"] - 3
    result.stdout.fnmatch_lines([f"{hidden} more failures are not shown: -vv shows all, -rf lists them, *"])


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("option", "shown", "ids", "told"), [("--tb=no", 0, 3, True), ("-rf", 3, None, True), ("-vv", None, None, False)]
)
def test_sections_are_as_long_as_is_asked_for(
    project: pytest.Pytester, option: str, shown: int | None, ids: int | None, told: bool
) -> None:
    project.makepyfile(broken=BROKEN)
    result = project.runpytest("--impl=broken", option)
    every = result.parseoutcomes()["failed"]
    assert (len(blocks(result)), len(listed(result))) == tuple(every if n is None else n for n in (shown, ids))
    assert ("more failures are not shown: " in result.stdout.str()) == told


@pytest.mark.usefixtures("few")
def test_junit_and_the_record_have_all(project: pytest.Pytester) -> None:
    project.makepyfile(broken=BROKEN)
    result = project.runpytest("--impl=broken", "--junitxml=junit.xml", "--impl-report=run.json")
    count = result.parseoutcomes()["failed"]
    suite = ET.parse(project.path / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.get("failures") == str(count)
    failures = suite.findall("testcase/failure")
    assert len(failures) == count
    assert all("rerun: pytest --impl=broken" in (failure.text or "") for failure in failures)
    record = (project.path / "run.json").read_text()
    assert json.loads(record)
    assert all(nodeid.partition("::")[2] in record for nodeid in listed(result))


@pytest.mark.usefixtures("few")
def test_failures_of_the_users_own_tests_are_never_left_out(project: pytest.Pytester) -> None:
    project.makepyfile(
        broken=BROKEN,
        test_many="import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_n(n): assert n < 0\n",
    )
    result = project.runpytest("--impl=broken", "test_many.py", "vectors/double.h5")
    assert len([nodeid for nodeid in listed(result) if nodeid.startswith("test_many")]) == 30


def test_few_failures_are_all_shown(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 3 * dL_doutputs"))
    result = project.runpytest("--impl=wrong")
    assert len(blocks(result)) == len(listed(result)) == 2
    result.stdout.no_fnmatch_line("*not shown*")


# Colour


def test_colour_is_for_terminals_and_never_alone(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    project.makepyfile(broken=BROKEN)
    plain = project.runpytest("--impl=broken", "--color=no").outlines
    painted = project.runpytest("--impl=broken", "--color=yes").outlines
    assert not any("\x1b" in line for line in plain)
    (row,) = (line for line in painted if line.startswith("all  "))
    assert re.search(r"\x1b\[31m\x1b\[1m +\d+\x1b\[0m", row)
    assert re.search(r"\x1b\[32m +\d+\x1b\[0m", row)
    assert re.sub(r"\x1b\[\d*m", "", row) in plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any("\x1b" in line for line in project.runpytest("--impl=broken").outlines)
