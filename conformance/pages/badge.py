"""A badge of a run: an SVG to show, and the JSON that badge services read."""

import json

from ..record.contents import RunRecord
from .assessment import Rating, assess, shares
from .overview import cells

LABEL = "gradients"
COLOURS = {
    Rating.CONFORMS: ("brightgreen", "#2f7d32"),
    Rating.IN_PART: ("yellow", "#7a5d00"),
    Rating.FAILS: ("red", "#b3261e"),
    Rating.INCOMPLETE: ("lightgrey", "#5f6368"),
    Rating.UNDECIDED: ("lightgrey", "#5f6368"),
}
"""By rating: the name that badge services use, and the colour of the SVG, on which white text is readable."""

LETTER = 6.6
"""Average width of a letter in pixels, at font size 11; the SVG stretches its text to the computed width."""
PADDING = 12


def message(record: RunRecord) -> str:
    """The text of the badge."""
    word = assess(record).word
    if word is Rating.FAILS:
        by_op = cells(record)
        wrong = sum(any(cell.counts["failed"] for cell in by_dtype.values()) for by_dtype in by_op.values())
        return f"wrong in {wrong} of {len(by_op)} operations"
    if word is Rating.IN_PART:
        return shares(record)
    return str(word)


def endpoint(record: RunRecord) -> str:
    """The badge as JSON, by the schema of shields.io's endpoint badge (https://shields.io/badges/endpoint-badge)."""
    word = assess(record).word
    fields = {"schemaVersion": 1, "label": LABEL, "message": message(record), "color": COLOURS[word][0]}
    return json.dumps(fields | ({"isError": True} if word is Rating.FAILS else {})) + "\n"


def svg(record: RunRecord) -> str:
    """The badge as an SVG without external files, with a title for screen readers."""
    from .render import render

    words = message(record)
    return render(
        "badge.svg",
        label=LABEL,
        message=words,
        colour=COLOURS[assess(record).word][1],
        left=width(LABEL),
        right=width(words),
        padding=PADDING,
    )


def width(words: str) -> int:
    """Width of a text on the badge in pixels, with its padding."""
    return round(LETTER * len(words)) + PADDING
