"""Text that every report writes alike: counts with their nouns, lists, lines that fit a terminal."""

import difflib
import textwrap
from collections.abc import Iterable

WIDTH = 80
"""Columns of a terminal."""


def plural(count: int, one: str, many: str) -> str:
    """A count and its noun: "1 family", "1,200 families"."""
    return f"{count:,} {one if count == 1 else many}"


def listed(words: Iterable[str], conjunction: str = "and") -> str:
    """ "a, b and c"."""
    *most, last = words
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def full_name(name: str, version: str) -> str:
    """An implementation's name, with its version where there is one."""
    return " ".join(word for word in (name, version) if word)


def first_few(words: Iterable[str], most: int) -> str:
    """The first few words, and how many more there are."""
    named = list(words)
    rest = len(named) - most
    return ", ".join(named[:most]) + (f" and {rest} more" if rest > 0 else "")


def close_to(name: str, known: Iterable[str], cutoff: float, prefix: str = "") -> str:
    """Which known families a misspelt name is close to, as the end of a sentence."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=cutoff)
    return f"; close to it: {', '.join(prefix + name for name in close)}" if close else "; `backproof list` prints all"


def wrapped(text: str, first: str, then: str) -> list[str]:
    """A text in lines of at most WIDTH columns, the first indented by `first` and the others by `then`. Ids, which
    are copied, are not broken."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=False
    )
