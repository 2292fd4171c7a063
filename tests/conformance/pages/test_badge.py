"""The badge of a run."""

import json
from xml.etree import ElementTree

import pytest
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.pages.assessment import Rating
from backproof.conformance.pages.badge import COLOURS, endpoint, message, svg, width
from backproof.conformance.record.contents import Progress
from made_records import family, record

SVG = "{http://www.w3.org/2000/svg}"

RIGHT = record(family("a"))
WRONG = record(family("a"), family("b", Outcome.FAILED), family("c", op="triple"))
PART = record(family("a"), family("b", Outcome.NOT_IMPLEMENTED, op="triple"))
CUT = record(family("a"), not_run=3, state=Progress.INTERRUPTED)


@pytest.mark.parametrize(
    ("run", "words", "colour"),
    [
        (RIGHT, "conforms", "brightgreen"),
        (WRONG, "wrong in 1 of 2 operations", "red"),
        (PART, "1 of 2 operations, 1 of 2 families", "yellow"),
        (CUT, "did not complete", "lightgrey"),
    ],
)
def test_a_badge_says_what_the_run_says(run, words, colour):
    assert message(run) == words
    fields = json.loads(endpoint(run))
    assert fields["message"] == words
    assert fields["color"] == colour
    assert fields.get("isError", False) is (run is WRONG)


def test_the_json_is_what_shields_io_reads():
    assert json.loads(endpoint(RIGHT)) == {
        "schemaVersion": 1,
        "label": "gradients",
        "message": "conforms",
        "color": "brightgreen",
    }


def test_every_answer_has_a_colour():
    assert set(COLOURS) == set(Rating)


def test_the_picture_is_whole_in_itself_and_says_the_words():
    text = svg(WRONG)
    root = ElementTree.fromstring(text)
    assert root.get("aria-label") == "gradients: wrong in 1 of 2 operations"
    assert [t.text for t in root.iter(f"{SVG}text")] == ["gradients", "wrong in 1 of 2 operations"]
    assert int(root.get("width", "0")) == width("gradients") + width("wrong in 1 of 2 operations")
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def contrast(colour: str) -> float:
    """Of white on a colour, by WCAG 2.2's definition of contrast ratio."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@pytest.mark.parametrize("word", Rating)
def test_its_words_are_readable(word):
    assert contrast(COLOURS[word][1]) >= 4.5
