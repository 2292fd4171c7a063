"""Families of cases for log-softmax."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from ..generation.draws import Shape
from ..kinds.logits import ALONG, long, rows_of_logits
from ..kinds.normalization import AXES, FROM_THE_FRONT, LONG, Rows, along_axes
from ..kinds.paired import families
from ..model.family import Draft

SHAPES: dict[str, dict[str, tuple[Shape, ...]]] = {"float32": {"forward": ((1, 2049), (257, 2))}}
"""By dtype, shapes past the sizes at which kernels switch, beside LONG."""
LOGITS = Rows("logits", cases=3)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    more = chain(along_axes(LOGITS, (*AXES, *FROM_THE_FRONT, (-2, (9, 1))), ALONG), long(LOGITS, SHAPES.get(dtype, {})))
    yield from rows_of_logits(replace(LOGITS, long=LONG[dtype]), dtype, chain(more, beside_large(dtype)))


def beside_large(dtype: str) -> Iterator[Draft]:
    """A class that has all of the probability, under an upstream far above the others', whose sum remains."""
    far, g = 512 if dtype == "float64" else 64, 4096
    for axis, upstream, logits in (
        (-1, [[g, 1, -2.5], [0.5, -3, -g]], [[far, 0, -1], [1, 0, far]]),
        (-2, [[g, 0.5], [1, -3], [-2.5, -g]], [[far, 1], [0, 0], [-1, far]]),
    ):
        case, comment = LOGITS.call(dtype, upstream, logits), f"The sum of an upstream of {g} and small ones: not {g}."
        given: dict[str, Any] = {"parameters": {"axis": axis}} if axis != -1 else {}
        name = "backward-beside-large" + f"-axis{axis}" * (axis != -1)
        yield from families(name, "far-logits cancellation upstream-signed", comment, (case,), **given)
