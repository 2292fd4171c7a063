"""The commands `backproof compare` and `backproof badge`."""

import json
from html.parser import HTMLParser

import pytest
from backproof.conformance import cli
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.record.document import text_of
from made_records import family, record

RIGHT = record(family("a"), family("b"))
WORSE = record(
    family("a"),
    family("b", Outcome.FAILED, summary="loss is <b>wrong</b>"),
    diagnoses=(Diagnosis("double", "backward", (Finding("double.halved", "It is half.", "Double it."),)),),
)
OTHER = record(family("a"), family("b", Outcome.ROBUST_MISS), name="<Other>")


class Words(HTMLParser):
    """What stands in a page, and what of it would ask for something from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.words, self.addresses, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attrs if name in ("href", "src") and not value.startswith(("#", "data:"))
        ]

    def handle_data(self, data):
        self.words += data.split()

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, run in (("right", RIGHT), ("worse", WORSE), ("other", OTHER)):
        (tmp_path / f"{name}.json").write_text(text_of(run))
    return tmp_path


def test_two_runs_of_one_implementation_are_then_and_now(files, capsys):
    assert cli.main(["compare", "right.json", "worse.json"]) == 0
    out = capsys.readouterr().out
    assert "worse: 1 family" in out
    assert "double/float32/b: loss is <b>wrong</b>" in out


def test_a_ratchet_fails_on_what_is_worse_and_on_nothing_else(files):
    assert cli.main(["compare", "--fail-on-worse", "right.json", "worse.json"]) == 1
    assert cli.main(["compare", "--fail-on-worse", "worse.json", "right.json"]) == 0
    assert cli.main(["compare", "--fail-on-worse", "worse.json", "worse.json"]) == 0


def test_different_implementations_are_not_then_and_now(files, capsys):
    assert cli.main(["compare", "right.json", "other.json"]) == 0
    out = capsys.readouterr().out
    assert "worse" not in out
    assert "B  <Other> 1.0 conforms." in out


def test_the_page_says_who_conforms_and_what_is_wrong(files, capsys):
    assert cli.main(["compare", "right.json", "worse.json", "other.json", "-o", "page.html"]) == 0
    assert capsys.readouterr().out.endswith("\npage.html\n")
    page = Words((files / "page.html").read_text())
    assert "Mine 1.0 conforms." in page.text
    assert "Mine 1.0 does not conform." in page.text
    assert "double_backward B Mine 1.0: 1 family with wrong values; looks like double.halved" in page.text
    assert "<Other> 1.0" in page.text
    assert "other" not in page.tags
    assert page.addresses == []


def test_the_page_of_then_and_now_lists_the_changes(files):
    cli.main(["compare", "right.json", "worse.json", "-o", "page.html"])
    page = Words((files / "page.html").read_text())
    assert "Mine 1.0: then and now" in page.text
    assert "double/float32/b: passed → failed (loss is <b>wrong</b>)" in page.text
    assert "b" not in page.tags


def test_a_badge_is_two_files(files, capsys):
    assert cli.main(["badge", "worse.json", "-o", "shown.svg"]) == 0
    assert capsys.readouterr().out.split() == ["shown.svg", "shown.json"]
    assert "wrong in 1 of 1 operations" in (files / "shown.svg").read_text()
    assert json.loads((files / "shown.json").read_text())["isError"] is True


def test_a_badge_without_a_name_does_not_replace_the_record(files, capsys):
    before = (files / "right.json").read_bytes()
    assert cli.main(["badge", "right.json"]) == 0
    assert capsys.readouterr().out.split() == ["right.svg", "right.badge.json"]
    assert (files / "right.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "right.json"], "right.json: is one run; name at least two to compare"),
        (["compare", "right.json", "worse.json", "other.json", "--fail-on-worse"], "takes two runs"),
        (["compare", "right.json", "worse.json", "-o", "worse.json"], "worse.json: would be written over"),
        (["compare", "right.json", "none.json"], "none.json: cannot be read"),
        (["compare", "right.json", "worse.json", "-o", "no/page.html"], "no/page.html: cannot be written"),
        (["badge", "right.json", "-o", "right.json"], "right.json: would be written over"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(files, capsys, arguments, words):
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before
