"""What to say of a word that is none of those there are."""

import difflib
from collections.abc import Collection


def meant(word: str, known: Collection[str]) -> str:
    """The end of a sentence: which of the known words are close to this one, or else all of them."""
    near = difflib.get_close_matches(word, known, n=3)
    return f"was {' or '.join(near)} meant?" if near else f"known are {', '.join(known)}"
