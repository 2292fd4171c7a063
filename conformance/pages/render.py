"""Fill in templates, and write files."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...vectors.files import replace_atomically
from ..check.messages import how_to_declare
from ..check.wording import plural
from ..implementation.errors import CommandError
from .heatmap_cells import ratio

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> str:
    """The text of a template filled with values, which are escaped. Raises CommandError without Jinja2."""
    return _environment().get_template(template).render(values)


def write_page(path: Path, text: str) -> None:
    """Write a file atomically: after an error the old one is still there. Raises CommandError."""
    try:
        if path.exists() and not path.is_file():
            raise CommandError(f"{path}: is no regular file; name a file to write")
        replace_atomically(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror or error}") from None


@cache
def _environment() -> "Environment":
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ModuleNotFoundError as error:
        needed = f"a page needs {error.name}, which is not installed: pip install jinja2 jsonschema"
        raise CommandError(needed) from None
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,  # names and messages are the implementation's
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(slug=slug, ratio=ratio, web_address=web_address, coded=coded, breakable=breakable)
    environment.globals.update(plural=plural, how_to_declare=how_to_declare)
    return environment


def coded(text: str) -> "Markup":
    """A text, escaped, whose parts between backticks are code."""
    from markupsafe import Markup

    parts = text.split("`")
    if len(parts) % 2 == 0:
        return breakable(text)
    marked = (Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts))
    return Markup("").join(marked)


def breakable(text: str) -> "Markup":
    """A text, escaped, whose names may be broken behind underscores."""
    from markupsafe import Markup

    return Markup("_<wbr>").join(text.split("_"))


def slug(text: str) -> str:
    """A text as the id of an element."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def web_address(text: str) -> str:
    """The address if it is http or https, else "": it comes from vector files, which anybody may write."""
    try:
        return text if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""
