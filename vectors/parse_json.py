"""JSON that came in a string of somebody's file."""

import json
from math import isfinite
from typing import Any, NoReturn

from .records import VectorError


def json_object(text: str, where: str) -> dict[str, Any]:
    """The object that the text holds.

    Raises VectorError for anything else, a repeated key, a number that is not finite or half of a surrogate pair.
    """
    try:
        document = json.loads(text, object_pairs_hook=without_duplicates, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise VectorError(f"{where} {shortened(text)} is no JSON: {error}") from None
    if "\\ud" in text.lower():  # an escape of half a character, which json.loads lets pass and nobody can print
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise VectorError(f"{where} contain half of a surrogate pair") from None
    if not isinstance(document, dict):
        raise VectorError(f"{where} {shortened(text)} is no JSON object")
    return document


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` that raises ValueError where a key is repeated."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key appears twice")
    return document


def shortened(text: str) -> str:
    """A text as it may stand in a message of one line."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large")
    return value
