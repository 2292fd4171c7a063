"""The Sphinx extension: `<!-- generated: NAME -->` in a page becomes the Markdown that the function of that name gives.

A page of `operations/` is named after its operation, which `operation` takes from there.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import catalogue, included, operations, vocabulary

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARK = re.compile(r"<!-- generated: (\S+)(?: (\S+))? -->")

PARTS: Mapping[str, Callable[[str, str], str]] = {
    "operation": lambda page, _: operations.page(page.rpartition("/")[2]),
    "operations": lambda *_: operations.overview(),
    "labels": lambda *_: operations.shared_formulas(),
    "precisions": lambda *_: vocabulary.precisions(),
    "elementary": lambda *_: vocabulary.elementary(),
    "conventions": lambda *_: vocabulary.conventions(),
    "flags": lambda *_: vocabulary.flags(),
    "faults": lambda *_: catalogue.page(),
    "kills": lambda *_: catalogue.kills(),
    "include": lambda page, path: included.text_of(path, page),
}
"""By name in a mark: the function of the page's name, and of what follows in the mark, that gives its text."""


def filled(page: str, text: str) -> str:
    """Return a page's text with its marks replaced. Raises KeyError for a name that is none of PARTS."""
    return MARK.sub(lambda mark: PARTS[mark[1]](page, mark[2] or ""), text)


def fill(app: "Sphinx", page: str, source: list[str]) -> None:
    """Replace the marks of a page that Sphinx has read, and have it read again in every build."""
    if MARK.search(source[0]):
        app.env.note_reread()
        source[0] = filled(page, source[0])


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("source-read", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
