"""`backproof report`."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from backproof.conformance import cli
from backproof.conformance.pages import render
from backproof.conformance.record.document import text_of
from run_records import family, record


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.json"
    path.write_text(text_of(record(family(1))))
    return path


def test_a_page_is_written_beside_the_record(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(run)]) == 0
    page = run.with_suffix(".html")
    assert capsys.readouterr().out == f"{page}\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert sorted(path.name for path in run.parent.iterdir()) == ["run.html", "run.json"]


def test_a_page_is_written_where_it_is_wanted_and_over_an_older_one(run: Path) -> None:
    page = run.with_name("page.html")
    page.write_text("an older one")
    assert cli.main(["report", str(run), "-o", str(page)]) == 0
    assert "an older one" not in page.read_text(encoding="utf-8")
    assert not run.with_suffix(".html").exists()


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that the command says, which exits with 2."""
    assert cli.main(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


def test_the_record_itself_is_never_overwritten(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = run.read_text()
    line = complaint(capsys, str(run), "-o", f"{run.parent}/../{run.parent.name}/run.json")
    assert line.endswith("would be written over; give what is written another name: -o NAME")
    assert run.read_text() == before


def test_a_record_that_is_none_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, str(tmp_path / "nothing.json"))
    assert line == f"backproof: {tmp_path}/nothing.json: cannot be read: No such file or directory"


def test_a_place_that_is_none_is_a_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, str(run), "-o", str(run.parent / "nowhere" / "page.html"))
    assert line.endswith("nowhere/page.html: cannot be written: No such file or directory")


@pytest.mark.parametrize("kind", [Path.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_never_replaced(
    run: Path, kind: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    place = run.parent / "place"
    kind(place)
    assert complaint(capsys, str(run), "-o", str(place)).endswith("place: is no regular file; name a file to write")
    assert not place.is_file()


LONG = "x" * 300


@pytest.mark.parametrize("command", ["report", "badge", "compare"])
@pytest.mark.parametrize("place", ["/", ".", "", "..", "loop", LONG, "/dev/zero", "run.json/x", "\udcff\x1b[2J.json"])
def test_what_is_no_file_is_a_line(
    run: Path, command: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(run.parent)
    Path("loop").symlink_to("loop")
    assert cli.main([command, *([run.name] if command == "compare" else []), place]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert "cannot be read: " in line or line.endswith(
        "is no regular file; name a file that pytest --impl-report=FILE wrote"
    )


@pytest.mark.parametrize("command", ["report", "badge"])
@pytest.mark.parametrize("place", ["/", ".", "", LONG])
def test_where_nothing_can_be_written_is_a_line(
    run: Path, command: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, str(run), "-o", place]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(("is no regular file; name a file to write", "cannot be written: File name too long"))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_a_file_whose_name_is_no_text_has_a_page(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = run.rename(run.with_name("odd\udcff.json"))
    assert cli.main(["report", str(odd)]) == 0
    assert odd.with_suffix(".html").exists()
    assert capsys.readouterr().out.endswith("odd\\udcff.html\n")


def test_what_would_steer_a_terminal_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.json"
    made = record(family(1))
    path.write_text(text_of(replace(made, implementation=replace(made.implementation, name="\x1b[2J\ud800"))))
    assert cli.main(["compare", str(path), str(path)]) == 0
    assert "A  \\x1b[2J\\ud800 3.1" in capsys.readouterr().out


def test_without_jinja2_a_line_says_what_to_install(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    render._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    line = complaint(capsys, str(run))
    assert line == "backproof: a page needs jinja2, which is not installed: pip install jinja2 jsonschema"
    assert not run.with_suffix(".html").exists()


def test_a_run_that_is_written_down_needs_neither_jinja2_nor_jsonschema(
    project: pytest.Pytester, run_apart: Callable[..., pytest.RunResult]
) -> None:
    project.makeconftest("import sys\nsys.modules['jinja2'] = sys.modules['jsonschema'] = None")
    assert run_apart("--impl=adapter", "--impl-report=run.json").ret == 0
    assert (project.path / "run.json").exists()


def test_from_a_real_run_to_its_page(project: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    project.runpytest("--impl=adapter", "--impl-report=run.json")
    assert cli.main(["report", str(project.path / "run.json")]) == 0
    assert "<h1>small " in (project.path / "run.html").read_text(encoding="utf-8")
