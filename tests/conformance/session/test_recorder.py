"""--impl-report: what is written down of a run, however it ends."""

import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import small_harness
import small_vectors
from backproof.conformance.record.reader import SCHEMA
from backproof.conformance.session import recorder
from backproof.vectors import store

RunApart = Callable[..., pytest.RunResult]

FAMILIES, PASSED, ABSENT = 18, 12, 6
"""Of the small golden files."""

WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 3 * dL_doutputs")


def record(project: pytest.Pytester, name: str = "run.json") -> dict[str, Any]:
    """What a run has written, which the schema holds of."""
    document: dict[str, Any] = json.loads((project.path / name).read_text(), parse_constant=pytest.fail)
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def counted(document: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {word: count for word, count in document["counts"].items() if count}


def test_a_run_is_written_down(project: pytest.Pytester) -> None:
    project.runpytest("--impl=adapter", "--impl-report=run.json").assert_outcomes(passed=PASSED, skipped=ABSENT)
    written = record(project)
    assert (written["state"], written["reason"], written["exit_status"]) == ("complete", "", 0)
    assert counted(written) == {"passed": PASSED, "not implemented": ABSENT}
    assert written["implementation"]["name"] == "small"
    assert written["implementation"]["argument"] == "--impl=adapter"
    assert written["implementation"]["functions"] == ["double_forward", "double_backward", "kink_backward"]
    assert written["versions"]["vectors"] == "9.8.7"
    assert written["machine"]["processor"] == platform.machine()
    assert sum(planned["families"] for planned in written["planned"]) == FAMILIES
    assert [point["answers"] for point in written["conventions"]] == [["0"]]
    assert {flag["name"] for flag in written["flags"]} == {"plain", "two-words", "label-range"}
    assert [answer["meaning"] for answer in written["answers"]] == ["the middle", "the slope from the right"]
    assert len(written["families"]) == FAMILIES
    assert written["started"] <= written["ended"]


def test_a_family_is_written_down_with_all_that_was_found(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong", "--impl-report=run.json", "vectors/double.h5::float32/backward-plain")
    written = record(project)
    (family,) = written["families"]
    (miss,) = family.pop("misses")
    assert family.pop("seconds") > 0
    assert family.pop("calls") >= 4
    assert family == {
        "nodeid": "vectors/double.h5::float32/backward-plain",
        "ending": "failed",
        "note": "",
        "id": "double/float32/backward-plain",
        "op": "double",
        "dtype": "float32",
        "direction": "backward",
        "level": "required",
        "outcome": "failed",
        "cases": 4,
        "cause": None,
        "reason": "",
        "fraction": 2.0**22,
        "ulps": pytest.approx(2.0**22, rel=1),
        "kept": {"float32": False, "tf32": False},
        "point": None,
        "answers": [],
        "flags": ["plain"],
        "kind": "valid",
        "parameters": {},
        "comment": "backward plain, as small as can be",
    }
    assert (miss["kind"], miss["robust"], miss["case"]) == ("value", False, 0)
    assert (miss["result"], "reason" in miss, "looser" in miss) == ("dL_dinputs", False, False)
    assert written["precisions"] == [
        {"op": "double", "dtype": "float32", "declared": "float32", "strictest": None, "looser": None}
    ]
    assert miss["heatmap"]["cells"] == [[4190000.0, 4190000.0, 4190000.0]]
    assert counted(written) == {"failed": 1, "not asked": FAMILIES - 1}


def test_what_is_deselected_is_counted(project: pytest.Pytester) -> None:
    project.runpytest("--impl=adapter", "--impl-report=run.json", "--impl-op=double", "-k", "float64 and plain")
    written = record(project)
    assert (written["state"], written["asked"]["ops"]) == ("complete", ["double"])
    assert written["asked"]["keyword"] == "float64 and plain"
    assert counted(written) == {"passed": 3, "not run": 9, "not asked": 6}


def test_what_fails_a_run_besides_is_written_down(project: pytest.Pytester) -> None:
    project.runpytest("--impl=adapter", "--impl-report=run.json", "vectors/kink.h5", "-k", "forward")
    written = record(project)
    assert written["problems"] == ["no family passed (2 not implemented), and that is a failure"]
    assert written["exit_status"] == 1


def test_families_of_operations_that_are_not_asked_about_are_counted_and_not_read(
    project: pytest.Pytester, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--impl=adapter", "--impl-op=double", "--impl-report=run.json")
    project.runpytest(*arguments)
    written = record(project)["planned"]
    assert {row["op"] for row in written} == {"double", "kink"}
    without = tmp_path / "golden"
    without.mkdir()
    for name in ("double.h5", "MANIFEST.json"):
        (without / name).write_bytes((golden / name).read_bytes())
    monkeypatch.setattr(store, "golden_folder", lambda: without)
    (project.path / "run.json").unlink()
    project.runpytest(*arguments)
    assert record(project)["planned"] == written


def test_diagnoses_are_written_down_though_the_terminal_says_nothing(pytester: pytest.Pytester) -> None:
    arguments = ("--impl-report=run.json", "--impl-op=relu", "--impl-dtype=float32", "-qq")
    pytester.runpytest("--impl=backproof.reference.faults:relu.backward_branches_exchanged", *arguments)
    (diagnosis,) = record(pytester)["diagnoses"]
    assert (diagnosis["op"], diagnosis["direction"]) == ("relu", "backward")
    assert all(finding["name"] and finding["wrong"] and finding["cure"] for finding in diagnosis["findings"])


def test_a_run_of_a_command_is_written_down(project: pytest.Pytester, tmp_path: Path) -> None:
    command = f"{sys.executable} -I -S {small_harness.__file__} {tmp_path}"
    project.runpytest("--impl-cmd", command, "--impl-report=run.json")
    written = record(project)
    assert (written["implementation"]["option"], written["implementation"]["language"]) == ("--impl-cmd", "Esperanto")
    assert counted(written) == {"passed": 8, "not implemented": 10}


def test_a_run_that_stops_at_a_failure_says_so(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong", "--impl-report=run.json", "-x")
    written = record(project)
    assert (written["state"], written["reason"]) == ("interrupted", "stopping after 1 failures")
    assert written["counts"]["failed"] >= 1
    assert written["counts"]["not run"] > 0


def test_a_run_that_stops_at_its_last_family_is_complete(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    project.runpytest("--impl=wrong", "--impl-report=run.json", "-x", "vectors/double.h5::float32/backward-plain")
    assert record(project)["state"] == "complete"


def test_an_interrupted_run_says_so_and_tears_down(run_apart: RunApart, project: pytest.Pytester) -> None:
    project.makepyfile(
        interrupted=small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "signal.raise_signal(signal.SIGINT)")
        + "\nimport signal"
        + "\nfrom pathlib import Path\ndef teardown(): Path('log').write_text('teardown')\n"
    )
    assert run_apart("--impl=interrupted", "--impl-report=run.json").ret == pytest.ExitCode.INTERRUPTED
    assert (project.path / "log").read_text() == "teardown"
    written = record(project)
    assert (written["state"], written["reason"], written["exit_status"]) == ("interrupted", "Ctrl-C", 2)
    assert counted(written) == {"passed": 1, "not run": 17}


def test_a_run_that_cannot_be_set_up_says_so(project: pytest.Pytester) -> None:
    project.makepyfile(broken=small_vectors.ADAPTER + "\ndef setup(): raise OSError('no device')\n")
    project.runpytest("--impl=broken", "--impl-report=run.json")
    written = record(project)
    assert written["state"] == "interrupted"
    assert written["reason"].startswith("broken: setup() raised OSError: no device")


def test_a_run_that_is_killed_leaves_a_record_without_an_end(run_apart: RunApart, project: pytest.Pytester) -> None:
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    project.makepyfile(killed=small_vectors.ADAPTER.replace("return 2 * dL_doutputs", killed))
    (project.path / "run.json").write_text("an older one")
    run_apart("--impl=killed", "--impl-report=run.json")
    written = record(project)
    assert (written["state"], written["ended"], written["exit_status"]) == ("running", None, None)
    assert counted(written) == {"not run": FAMILIES}
    assert [path.name for path in project.path.glob("*run.json*")] == ["run.json"]


def test_a_long_run_is_written_down_on_the_way(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SECONDS", 0.0)
    monkeypatch.setattr(recorder, "PACE", 0.0)
    project.makepyfile(
        watching=f"""
import json
{small_vectors.ADAPTER}
def kink_backward(dL_doutputs, inputs):
    written = json.load(open("run.json"))
    assert written["state"] == "running"
    assert written["counts"]["passed"] >= 8
    return dL_doutputs * np.sign(inputs)
"""
    )
    result = project.runpytest("--impl=watching", "--impl-report=run.json")
    result.assert_outcomes(passed=PASSED, skipped=ABSENT)
    assert record(project)["state"] == "complete"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere/run.json", "there is no folder */nowhere; create it first"),
        ("folder", "is a folder; name a file in it, such as folder/run.json"),
        ("pipe", "is no regular file; name a file to write"),
    ],
)
def test_a_place_that_is_none_is_told_before_anything_runs(project: pytest.Pytester, name: str, words: str) -> None:
    project.mkdir("folder")
    os.mkfifo(project.path / "pipe")
    result = project.runpytest("--impl=adapter", f"--impl-report={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --impl-report={name}: {words}"])
    result.stdout.no_fnmatch_line("*passed*")


def test_a_place_that_is_lost_on_the_way_is_told_at_the_end(project: pytest.Pytester) -> None:
    project.mkdir("folder")
    remove = "\ndef teardown():\n    import shutil\n    shutil.rmtree('folder')\n"
    project.makepyfile(removing=small_vectors.ADAPTER + remove)
    result = project.runpytest("--impl=removing", "--impl-report=folder/run.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--impl-report=folder/run.json: cannot be written: No such file or directory"])


@pytest.mark.parametrize("option", ["--collect-only", "--fixtures"])
def test_nothing_is_written_where_nothing_is_to_run(project: pytest.Pytester, option: str) -> None:
    (project.path / "run.json").write_text("an older one")
    project.runpytest("--impl=adapter", "--impl-report=run.json", option)
    assert (project.path / "run.json").read_text() == "an older one"
