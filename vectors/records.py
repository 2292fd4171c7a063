"""Records that the three packages share: families of golden cases, and what else an operation's file holds.

Nothing here knows HDF5; `store` turns these records into files and back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

DIRECTIONS = ("forward", "backward")
LEVELS = ("required", "robust")
RESULTS = ("valid", "convention", "invalid")

Parameter = str | int | float | bool | None | tuple["Parameter", ...]
"""A keyword argument. In a file it is JSON, where a tuple is a list."""
Tensors = Mapping[str, np.ndarray]


class VectorError(Exception):
    """A vector file that cannot be used. The message is one line: what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Flag:
    """A flag: what the cases that carry it are there to catch."""

    name: str
    kind: str
    """The kind of bug."""
    effect: str
    """What a user of the faulty implementation observes."""
    link: str
    """Where it was seen, or where it is explained."""


@dataclass(frozen=True)
class Answer:
    """One of the right answers at a point where the field has several."""

    point: str
    answer: str
    canonical: bool
    meaning: str

    @property
    def key(self) -> str:
        """Its name in alternatives and reports: "point=answer"."""
        return f"{self.point}={self.answer}"


@dataclass(frozen=True)
class Expectation:
    """Exact results and their tolerances, each an array of shape (count, *shape of the tensor), float64."""

    expected: Tensors
    """By result name: the exact value correctly rounded, or NaN, inf or -inf."""
    tolerance: Mapping[str, Tensors]
    """By precision, then by result name: float64 of 16 significant bits. A family may lack a precision."""


@dataclass(frozen=True)
class Family:
    """A run of cases with one direction, one set of shapes and one set of parameters."""

    op: str
    dtype: str
    name: str
    """Unique within operation and dtype, never reused: "backward-random-n4-i8-o6"."""
    direction: str
    count: int
    level: str
    result: str
    flags: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    seed: str
    """Key of the random words that the inputs were made from; empty for curated cases."""
    comment: str
    source: str
    """Where the case's figures come from; empty where they are our own."""
    inputs: Tensors
    """By argument name in the order of the call, each (count, *shape). Index labels are int64, all else has `dtype`."""
    answer: Expectation
    """The canonical answer; empty for result "invalid"."""
    alternatives: Mapping[str, Expectation] = field(default_factory=dict)
    """For result "convention": the other right answers by "point=answer"; all of one family share one point."""

    @property
    def id(self) -> str:
        """Unique among all vectors: "dense/float32/backward-random-n4-i8-o6"."""
        return f"{self.op}/{self.dtype}/{self.name}"

    @property
    def elements(self) -> int:
        """How many elements its inputs have, all together."""
        return sum(tensor.size for tensor in self.inputs.values())

    @property
    def point(self) -> str | None:
        """The convention's point, None unless `result` is "convention"."""
        for key in self.alternatives:
            return key.partition("=")[0]
        return None


@dataclass(frozen=True)
class OperationVectors:
    """The contents of one golden file."""

    op: str
    vectors_version: str
    generator: str
    arguments: Mapping[str, tuple[str, ...]]
    """By direction, in the order of the call."""
    results: Mapping[str, tuple[str, ...]]
    """By direction, in the order of the return."""
    batch_axis: Mapping[str, int | None]
    """By tensor: the axis along which its rows are independent, or None. An axis that a tensor's rank lacks counts as
    None, so -2 means "rows, if there are at least two axes"."""
    aliases: Mapping[str, str]
    """Precisions not stored because all their tolerances are those of another: {"tf32": "float32"}."""
    flags: tuple[Flag, ...]
    answers: tuple[Answer, ...]
    families: Iterable[Family]
