"""What a golden file is called inside: its tables, their fields and limits, and the spelling of names.

`pack` and `unpack` share it; SCHEMA.md says the same in words.
"""

import re

from .dtypes import PRECISIONS

ATTRIBUTES = (
    "schema_version",
    "operation",
    "vectors_version",
    "generator",
    "arguments",
    "results",
    "batch_axis",
    "aliases",
)
"""The attributes of the root: an integer, three strings and four strings of JSON."""

ATTRIBUTE_BYTES = 16_384
"""The longest string attribute. HDF5 itself ends at 64 kB."""

FAMILIES_TABLE: dict[str, int | None] = {
    "id": 200,
    "direction": 16,
    "first": None,
    "count": None,
    "level": 16,
    "result": 16,
    "flags": 500,
    "parameters": 1000,
    "seed": 200,
    "comment": 1000,
    "source": 500,
}
FLAGS_TABLE: dict[str, int | None] = {"flag": 100, "kind": 500, "effect": 1000, "link": 500}
CONVENTIONS_TABLE: dict[str, int | None] = {"point": 100, "answer": 100, "canonical": None, "meaning": 1000}
"""Fields of the tables in their order: the most bytes a string may have, None for an int64."""

COLUMN = ("values", "shapes", "starts")
LABEL_SUFFIX = ".int64"

LARGEST_RANK = 8
LARGEST_SIZE = 2**31
MOST_CASES = 2**20
"""The most elements that one tensor may declare, sizes of 0 apart, and the most cases that one dtype of a file may:
an empty tensor takes no room, so that the size of its file does not bound them."""

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FAMILY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]*")
WORD = re.compile(r"[!-~]+")
ANSWER_KEY = re.compile(r"[A-Za-z0-9_-]+=[!-~]+")

ALL_PRECISIONS = frozenset(name for names in PRECISIONS.values() for name in names)


def link_of(answer_key: str) -> str:
    """The name of a group for "point=answer": HDF5 keeps "/" to itself, so it is written %2F, and % as %25."""
    return answer_key.replace("%", "%25").replace("/", "%2F")


def answer_key_of(link: str) -> str:
    """The "point=answer" that a group is named for."""
    return link.replace("%2F", "/").replace("%25", "%")
