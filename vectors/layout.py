"""Names and limits inside a golden file, as SCHEMA.md describes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .dtypes import PRECISIONS_OF, numpy_dtype
from .records import OperationVectors, Parameter

CONTENTS = "contents"
"""The dataset that holds a JSON document: everything but the numbers."""
TEXT = np.dtype("u1")
"""The dtype of the contents, bytes of UTF-8, and of no column of numbers."""
LARGEST_CONTENTS = 2**24

LABEL_SUFFIX = ".int64"
"""Suffix of a column of index labels, whatever the dtype of the case."""

LARGEST_RANK = 8
LARGEST_SIZE = 2**31
MOST_CASES = 2**16
"""The most elements that one tensor may declare, sizes of 0 apart, and the most cases that one dtype of a file may:
an empty tensor takes no room, so that the size of its file does not bound them."""

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,149}")
FAMILY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]{0,149}")
WORD = re.compile(r"[!-~]{1,150}")
ANSWER_KEY = re.compile(r"[A-Za-z0-9_-]{1,150}=[!-~]{1,150}")

ID = "{id}"
"""Placeholder for the family's id in the seed of an entry."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Entry:
    """A family as the contents describe it, once for all dtypes in which only its numbers differ."""

    name: str
    dtypes: tuple[str, ...]
    direction: str
    count: int
    inputs: Mapping[str, Shape]
    """The shape of one case by column, in the order of the call."""
    results: Mapping[str, Shape]
    """The shape of one case by result, in the order of the return; empty where the call must be refused."""
    level: str = "required"
    result: str = "valid"
    flags: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] | None = None
    seed: str = ""
    comment: str = ""
    source: str = ""
    alternatives: tuple[str, ...] = ()
    """The other right answers, "point=answer"."""
    without: tuple[str, ...] = ()
    """Precisions for which the file has tolerances and this family has none."""


def columns(vectors: OperationVectors, dtype: str) -> dict[str, np.dtype]:
    """Return the columns that the group of a dtype may have: the dtype of the elements by path within the group."""
    found = {}
    for name in {name for names in vectors.arguments.values() for name in names}:
        found[f"inputs/{name}"] = stored_dtype(dtype)
        found[f"inputs/{name}{LABEL_SUFFIX}"] = np.dtype("<i8")
    for name in {name for names in vectors.results.values() for name in names}:
        found[f"expected/{name}"] = np.dtype("<f8")
        found |= {f"tolerance/{precision}/{name}": np.dtype("<u2") for precision in PRECISIONS_OF[dtype]}
    return found


def stored_dtype(dtype: str) -> np.dtype:
    """Return the dtype in which tensors of a dtype are stored: uint16, its 16 bits, for bfloat16."""
    return np.dtype("<u2") if dtype == "bfloat16" else numpy_dtype(dtype).newbyteorder("<")
