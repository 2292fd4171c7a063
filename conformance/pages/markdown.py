"""Pieces of Markdown: escaped text, code, tables, blocks."""

import re
from collections.abc import Iterable, Sequence

_ISSUE = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_ADDRESS = re.compile(r"https?://[^\s,;)]+")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#$~^{}])")


def safe(text: str) -> str:
    """Escape plain text for Markdown."""
    return _SPECIAL.sub(r"\\\1", text)


def prose(text: str) -> str:
    """Escape plain text for Markdown, but for what stands between backticks, which stays code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part.startswith("`") else safe(part) for part in parts)


def linked(text: str) -> str:
    """Escape plain text, and make links of its addresses and of issues as owner/repo#N."""
    parts, end = [], 0
    for match in re.finditer(f"{_ADDRESS.pattern}|{_ISSUE.pattern}", text):
        parts.append(safe(text[end : match.start()]))
        if match[2]:
            parts.append(f"[{safe(match[0])}](https://github.com/{match[1]}/issues/{match[2]})")
        else:
            parts.append(f"<{match[0]}>")
        end = match.end()
    return "".join([*parts, safe(text[end:])])


def code(word: str) -> str:
    """A word as code."""
    return f"`{word}`"


def codes(words: Iterable[str]) -> str:
    """Words as code, with commas between."""
    return ", ".join(map(code, words))


def table(heading: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A table; columns of `numbers` are set to the right. A bar in a cell must be escaped, as `safe` does."""
    right = set(numbers)
    rule = ["---:" if column in right else "---" for column in range(len(heading))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heading, rule, *rows))


def fenced(text: str, language: str = "text") -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"


def paragraphs(*parts: str) -> str:
    """Blocks one after another; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"
