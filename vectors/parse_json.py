"""Parse JSON from files that may come from anyone."""

import json
from math import isfinite
from typing import Any, NoReturn

from .records import VectorError

LONGEST_NUMBER = 19
"""The most characters of a whole number: those of 64 bits have no more."""


def json_object(text: str, where: str) -> dict[str, Any]:
    """Parse a text as a JSON object; VectorError, which begins with `where`, says why it is none."""
    try:
        return parse_object(text)
    except ValueError as error:
        raise VectorError(f"{where} {shortened(text)} {error}") from None


def parse_object(text: str) -> dict[str, Any]:
    """Parse a text as a JSON object.

    Raises ValueError for anything else, a repeated key, a number that is not finite or has more than 64 bits, and half
    of a surrogate pair. The message is the end of a sentence: "is no JSON object".
    """
    try:
        document = json.loads(
            text,
            object_pairs_hook=without_duplicates,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from None
    if "\\" in text and ("\\ud" in text or "\\uD" in text):  # half a pair passes json.loads, and cannot be printed
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise ValueError("contains half of a surrogate pair") from None
    if not isinstance(document, dict):
        raise ValueError("is no JSON object")
    return document


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` that raises ValueError where a key is repeated."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key appears twice")
    return document


def shortened(text: str) -> str:
    """Quote a text for an error message, cut to 60 characters."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text[:LONGEST_NUMBER]}... is too large")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large")
    return value
