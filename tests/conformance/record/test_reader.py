"""Records come back from their files as they were, or with a line that says why not."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backproof.conformance.check.heatmap import MOST_CELLS, NO_RATIO, Heatmap
from backproof.conformance.check.verdict import Cause, Miss, MissKind, MissReason, Outcome
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.implementation.errors import CommandError
from backproof.conformance.record.contents import RECORD_VERSION, STANDINGS, Progress, RunRecord
from backproof.conformance.record.document import text_of
from backproof.conformance.record.reader import SCHEMA, read_record
from backproof.conformance.record.results import Ending
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import RESULTS, Answer
from run_records import absent, failure, family, record


def written(folder: Path, what: RunRecord | dict[str, Any] | str) -> Path:
    path = folder / "run.json"
    path.write_text(
        text_of(what) if isinstance(what, RunRecord) else what if isinstance(what, str) else json.dumps(what)
    )
    return path


def complaint(path: Path) -> str:
    """What `read` says of a file that is none, after the file's name."""
    with pytest.raises(CommandError) as raised:
        read_record(path)
    words = str(raised.value)
    assert len(words.splitlines()) == 1
    assert words.startswith(f"{path}: ")
    return words.removeprefix(f"{path}: ")


def everything() -> RunRecord:
    """A record with something in every field."""
    picture = Heatmap("outputs", 3, (2, 2), 2, 2, ((0.5, "nan"), (4e9, "exact")))
    misses = (
        Miss(MissKind.VALUE, False, 3, "outputs is wrong", ("by much", "everywhere"), picture, "outputs"),
        Miss(MissKind.CONVENTION, True, None, "no answer", reason=MissReason.MIXED_ANSWERS),
    )
    return record(
        family(1, fraction=0.25, point="slope", answers=("0", "1/2")),
        failure(2, *misses, fraction=float("inf"), ulps=float("nan")),
        absent(3, dtype="bfloat16", cause=Cause.NO_DTYPE),
        not_run=7,
        not_asked=2,
        state=Progress.INTERRUPTED,
        reason="Ctrl-C",
        problems=("something is stale",),
        diagnoses=(Diagnosis("dense", "backward", (Finding("dense.x", "is wrong", "mend it"),)),),
        answers=(Answer("slope", "0", True, "nothing passes"),),
    )


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    before = everything()
    after = read_record(written(tmp_path, before))
    assert repr(after) == repr(before)  # NaN is equal to nothing
    assert text_of(after) == text_of(before)


def test_a_record_of_no_family_comes_back_as_it_was(tmp_path: Path) -> None:
    assert read_record(written(tmp_path, record())) == record()


def test_a_file_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    assert complaint(tmp_path / "run.json") == "cannot be read: No such file or directory"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', "<html>"])
def test_a_file_that_is_no_json_object_is_a_line(tmp_path: Path, text: str) -> None:
    assert complaint(written(tmp_path, text)).endswith("; name a file that pytest --impl-report=FILE wrote")


def test_a_file_that_is_not_text_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    assert complaint(path) == "is not UTF-8 text; name a file that pytest --impl-report=FILE wrote"


@pytest.mark.parametrize("version", [None, "1", 0, True])
def test_json_that_is_no_record_is_a_line(tmp_path: Path, version: object) -> None:
    words = complaint(written(tmp_path, {"backproof_run": version} if version is not None else {"families": []}))
    assert words == "is no record of a run; name a file that pytest --impl-report=FILE wrote"


def test_a_record_of_a_later_version_asks_for_a_newer_backproof(tmp_path: Path) -> None:
    words = complaint(written(tmp_path, {"backproof_run": RECORD_VERSION + 1}))
    versions = f"(record version {RECORD_VERSION + 1}, and this one reads {RECORD_VERSION})"
    assert words.startswith(f"was written by a newer backproof {versions}; install a newer one")


def test_a_record_of_an_earlier_version_asks_for_another_run(tmp_path: Path) -> None:
    words = complaint(written(tmp_path, {"backproof_run": 1}))
    assert words.startswith(
        f"was written by an older backproof (record version 1, and this one reads {RECORD_VERSION}); run pytest"
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"state": "finished"}, "at $.state: 'finished' is not one of"),
        ({"surplus": 1}, "at $: Additional properties are not allowed ('surplus' was unexpected)"),
        ({"counts": {}}, "at $.counts: "),
        ({"families": [{}]}, "at $.families[0]: "),
        ({"started": "today"}, "at $.started: 'today' does not match"),
    ],
)
def test_what_the_schema_does_not_allow_is_told_with_its_place(
    tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    words = complaint(written(tmp_path, json.loads(text_of(record(family()))) | change))
    assert words.startswith(f"does not hold to the schema of records, {place}")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["counts"].update({"passed": 6}), "it counts 6 families as passed, and has 1"),
        (lambda d: d["counts"].update({"failed": 0, "passed": 2}), "it counts 2 families as passed, and has 1"),
        (lambda d: d["families"].pop(), "it counts 1 families as failed, and has 0"),
        (lambda d: d["families"].append(d["families"][0]), "of 2 families of dense_backward in float32, 2 were asked"),
        (
            lambda d: d["planned"][0].update(asked=3),
            "of 2 families of dense_backward in float32, 3 were asked for and 2",
        ),
        (lambda d: d["planned"].clear(), "families of dense_backward in float32 ran that were not planned"),
        (
            lambda d: d["families"][0].update(op="a\nb"),
            "families of a\\nb_backward in float32 ran that were not planned",
        ),
        (
            lambda d: d["families"].__setitem__(1, d["families"][0]),
            "vectors/dense.h5::float32/backward-random-n1 is there",
        ),
        (lambda d: d["families"][1].update(ending="passed"), "it counts 1 families as passed, and has 2"),
        (lambda d: d["families"][1].update(outcome="passed"), "float32/backward-random-n2 failed and its misses say"),
        (
            lambda d: d["families"][1].update(misses=[]),
            "float32/backward-random-n2 failed and its misses say otherwise",
        ),
    ],
)
def test_a_record_that_contradicts_itself_is_a_line(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    document = json.loads(text_of(record(family(1), failure(2))))
    change(document)
    words = complaint(written(tmp_path, document))
    assert words.startswith("contradicts itself: ")
    assert says in words


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400, "1" * 5000, "NaN"])
@pytest.mark.parametrize("field", ["seconds", "exit_status"])
def test_a_number_beyond_all_is_a_line(tmp_path: Path, number: str, field: str) -> None:
    text = json.dumps(json.loads(text_of(record())) | {field: "NUMBER"}).replace('"NUMBER"', number)
    assert "is no JSON" in complaint(written(tmp_path, text))


def test_a_text_that_no_encoding_has_is_written_escaped(tmp_path: Path) -> None:
    path = written(tmp_path, record(problems=("raised \ud800", "größer \U0001f600")))
    assert read_record(path).problems == ("raised \\ud800", "größer \U0001f600")


def test_the_schema_knows_the_same_words_as_the_code() -> None:
    schema = json.loads(SCHEMA.read_text())
    kinds = schema["$defs"]
    assert tuple(schema["properties"]["counts"]["properties"]) == STANDINGS
    assert schema["properties"]["state"]["enum"] == list(Progress)
    assert schema["properties"]["backproof_run"]["const"] == RECORD_VERSION
    assert kinds["family"]["properties"]["ending"]["enum"] == list(Ending)
    assert kinds["family"]["properties"]["outcome"]["enum"] == list(Outcome)
    assert kinds["family"]["properties"]["kind"]["enum"] == list(RESULTS)
    assert kinds["family"]["properties"]["cause"]["enum"] == [*Cause, None]
    assert kinds["miss"]["properties"]["kind"]["enum"] == list(MissKind)
    assert kinds["miss"]["properties"]["reason"]["enum"] == list(MissReason)
    assert kinds["dtype"]["enum"] == list(DTYPES)
    cells = kinds["heatmap"]["properties"]["cells"]
    assert cells["items"]["items"]["oneOf"][1]["enum"] == list(NO_RATIO)
    assert cells["maxItems"] == cells["items"]["maxItems"] == MOST_CELLS


def test_without_jsonschema_a_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(CommandError) as raised:
        read_record(written(tmp_path, record()))
    assert str(raised.value) == (
        "reading a record needs jsonschema, which is not installed: pip install jinja2 jsonschema"
    )
