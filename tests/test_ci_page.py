"""The workflow that docs/ci.md shows is one that GitHub and the commands in it take."""

import re
import shlex

import documents
import pytest
import yaml
from backproof.conformance import cli

PAGE = documents.DOCS / "ci.md"
(WORKFLOW,) = (yaml.safe_load(block.text) for block in documents.blocks(PAGE) if block.language == "yaml")
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
LINES = [line for step in STEPS for line in step.get("run", "").splitlines()]


def arguments(program: str) -> list[list[str]]:
    """What a program is called with."""
    return [words[1:] for words in map(shlex.split, LINES) if words[0] == program]


def test_every_step_either_runs_something_or_uses_an_action_of_a_version() -> None:
    for step in STEPS:
        assert ("run" in step) != ("uses" in step)
        assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/none@v0"))


def test_every_call_of_backproof_is_one_that_its_parser_takes() -> None:
    assert {words[0] for words in arguments("backproof")} == {"report", "badge"}
    for words in arguments("backproof"):
        assert callable(cli.command_parser().parse_args(words).run)


def test_the_check_writes_the_record_that_page_and_badge_are_made_of(pytester: pytest.Pytester) -> None:
    (check,) = arguments("pytest")
    assert "--impl-report=run.json" in check
    assert all("run.json" in words for words in arguments("backproof"))
    pytester.makepyfile(
        mylayer="import numpy as np\n\ndef relu_forward(inputs):\n    return np.maximum(inputs, 0) + 1\n"
    )
    here = [word.replace("mypkg.adapter", "mylayer") for word in check]
    result = pytester.runpytest_inprocess(*here, "--impl-op=relu", "--impl-dtype=float32")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (pytester.path / "site").mkdir()
    for words in arguments("backproof"):
        assert cli.main(words) == 0
    assert (pytester.path / "site" / "index.html").read_text().startswith("<!DOCTYPE html>")
    assert "<svg" in (pytester.path / "site" / "badge.svg").read_text()


def test_what_a_failed_check_leaves_is_kept_and_published_all_the_same() -> None:
    after = STEPS[1 + next(n for n, step in enumerate(STEPS) if step.get("run", "").startswith("pytest")) :]
    for step in after:
        if "id" not in step or step["id"] != "deployment":
            assert re.match(r"\$\{\{ (always\(\)|!cancelled\(\)) && ", step["if"])
    uploaded = [step["with"]["path"] for step in STEPS if "upload" in step.get("uses", "")]
    assert [path.split() for path in uploaded] == [["run.json", "site"], ["site"]]
    publish = WORKFLOW["jobs"]["publish"]
    assert publish["needs"] == "check"
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert "!cancelled()" in publish["if"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
