"""Documents of the repository as pages: their links to one another become links between pages."""

import os
import re
from pathlib import Path

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "conformance/remote/PROTOCOL.md": "protocol.md",
    "docs/operations/index.md": "operations/index.md",
    "conformance/adapters/c": "harnesses.md",
    "conformance/adapters/javascript": "harnesses.md",
    "vectors/SCHEMA.md": "schema.md",
}
"""The page of each document or folder that others link to."""

_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)#\s]+)")


def text_of(path: str, page: str) -> str:
    """Return a document's text for a page of the folder docs. Raises FileNotFoundError where a link leads nowhere."""
    document = ROOT / path
    start = (DOCS / page).parent

    def target(link: re.Match[str]) -> str:
        there = Path(os.path.normpath(document.parent / link[1]))
        if not there.exists():
            raise FileNotFoundError(f"{path} links to {link[1]}, which is not there")
        own = PAGES.get(there.relative_to(ROOT).as_posix())
        return Path(os.path.relpath(DOCS / own if own else there, start)).as_posix()

    return _LINK.sub(target, document.read_text(encoding="utf-8"))
