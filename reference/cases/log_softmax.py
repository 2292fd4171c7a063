"""Families of cases for log-softmax."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from ..generation.draws import Shape
from ..kinds.logits import ALONG, long, rows_of_logits
from ..kinds.normalization import AXES, LONG, Rows, along_axes
from ..model.family import Draft

SHAPES: dict[str, dict[str, tuple[Shape, ...]]] = {"float32": {"forward": ((1, 2049), (257, 2))}}
"""By dtype, shapes past the sizes at which kernels switch, beside LONG."""
LOGITS = Rows("logits", cases=3)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    more = chain(along_axes(LOGITS, (*AXES, (-2, (9, 1))), ALONG), long(LOGITS, SHAPES.get(dtype, {})))
    yield from rows_of_logits(replace(LOGITS, long=LONG[dtype]), dtype, more)
