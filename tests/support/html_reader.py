"""What a page says, as a browser without style would have it."""

from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "wbr", "path", "img", "hr", "input"}


class Element:
    """An element of a page."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.inside: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name) or ""

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """The elements within that have this tag and these attributes; of a class, this among others."""
        return [element for element in self._walk() if element._is(tag, attributes)]

    def one(self, tag: str = "", **attributes: str) -> "Element":
        """The only one."""
        (element,) = self.all(tag, **attributes)
        return element

    def text(self) -> str:
        """All text within, each run of blanks one blank."""
        return " ".join("".join(self._texts()).replace("\u00ad", "").split())

    def _walk(self) -> Iterator["Element"]:
        for inner in self.inside:
            if isinstance(inner, Element):
                yield inner
                yield from inner._walk()

    def _texts(self) -> Iterator[str]:
        for inner in self.inside:
            if isinstance(inner, str):
                yield inner
            elif inner.tag != "style":
                yield from inner._texts()

    def _is(self, tag: str, attributes: dict[str, str]) -> bool:
        if tag and self.tag != tag:
            return False
        kind = attributes.get("kind")
        if kind is not None and kind not in self["class"].split():
            return False
        return all(self[name] == value for name, value in attributes.items() if name != "kind")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read_html(text: str) -> Element:
    """The page; every element that is opened must be closed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    return root
