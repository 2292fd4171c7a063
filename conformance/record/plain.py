"""Dataclasses as plain data, which JSON and pytest-xdist carry, and back by their annotations."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

_AS_IT_IS = {int, float, bool, type(None)}


def pack(value: Any) -> Any:
    """The value in dicts, lists, strings and numbers."""
    kind = type(value)
    if kind in _AS_IT_IS or (kind is str and value.isascii()):
        return value
    if is_dataclass(value):
        return {name: pack(held) for name, held in vars(value).items()}
    if isinstance(value, Mapping):
        return {pack(key): pack(held) for key, held in value.items()}
    if isinstance(value, tuple):
        return [pack(held) for held in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str):  # half of a surrogate pair, which no encoding has, as an escape
        return value.encode(errors="backslashreplace").decode()
    return value


def unpack(kind: Any, packed: Any) -> Any:
    """The value of a type that `pack` packed: a dataclass, an enum, a tuple, an optional one of these, or as it is."""
    for candidate in () if packed is None else (kind, *get_args(kind)):
        if get_origin(candidate) is tuple:
            return tuple(unpack(get_args(candidate)[0], held) for held in packed)
        if isinstance(candidate, type) and is_dataclass(candidate):
            fields = _annotations(candidate)
            return candidate(**{name: unpack(fields[name], held) for name, held in packed.items()})
        if isinstance(candidate, type) and issubclass(candidate, StrEnum):
            return candidate(packed)
    return packed


_annotations = cache(get_type_hints)
