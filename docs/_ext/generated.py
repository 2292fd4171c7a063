"""What is generated in the documents: the text between `<!-- generated: NAME -->` and `<!-- end -->`.

`python -m _ext` in the folder docs writes it, and a page for each operation. Tests compare it. As an extension of
Sphinx the module puts documents from elsewhere in place of `<!-- include: PATH -->` and what follows it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backproof.conformance.pages.operation import page
from backproof.reference.model.operation import operation_names
from backproof.vectors import store

from . import catalogue, included, operations, vocabulary

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
INCLUDED = re.compile(r"<!-- include: (\S+) -->.*", re.DOTALL)
PARTS: Mapping[str, Callable[[str], str]] = {
    "operation": lambda name: page(store.read_golden(name)),
    "operations": lambda _: operations.overview(),
    "kinds": lambda _: operations.by_kind(),
    "labels": lambda _: operations.shared_formulas(),
    "precisions": lambda _: vocabulary.precisions(),
    "elementary": lambda _: vocabulary.elementary(),
    "conventions": lambda _: vocabulary.conventions(),
    "flags": lambda _: vocabulary.flags(),
    "faults": lambda _: catalogue.page(),
    "kills": lambda _: catalogue.kills(),
}
"""By name in a mark: the function of the page's name that gives its text."""


def filled(page: str, text: str) -> str:
    """Return a page's text with its parts generated anew. Raises KeyError for a name that is none of PARTS."""
    return PART.sub(lambda mark: f"{mark[1]}\n{PARTS[mark[2]](page).strip()}\n\n{mark[3]}", text)


def documents() -> Iterator[Path]:
    """README and the pages, one for each operation among them, whether or not they are there yet."""
    yield included.ROOT / "README.md"
    pages = {*included.DOCS.rglob("*.md"), *(included.DOCS / "operations" / f"{op}.md" for op in operation_names())}
    yield from sorted(pages)


def current(document: Path) -> str:
    """The text that a document has to have."""
    if document.exists():
        return filled(document.stem, document.read_text(encoding="utf-8"))
    return filled(document.stem, f"# {document.stem}\n\n<!-- generated: operation -->\n<!-- end -->\n")


def fill(_: "Sphinx", page: str, source: list[str]) -> None:
    """Put the document that a page includes into it."""
    source[0] = INCLUDED.sub(lambda mark: included.text_of(mark[1], page), source[0])


def setup(app: "Sphinx") -> dict[str, Any]:
    """Register the extension with Sphinx."""
    app.connect("source-read", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
