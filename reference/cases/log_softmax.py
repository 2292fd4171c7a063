"""Families of cases for log-softmax."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

from ..generation.draws import Shape
from ..kinds.logits import long, rows_of_logits
from ..kinds.normalization import LONG, Rows, ordinary
from ..kinds.paired import families
from ..model.family import Draft

SHAPES: dict[str, dict[str, tuple[Shape, ...]]] = {"float32": {"forward": ((1, 2049), (257, 2))}}
"""By dtype, shapes past the sizes at which kernels switch, beside LONG."""
LOGITS = Rows("logits", cases=3)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    more = chain(along_other_axes(), long(LOGITS, SHAPES.get(dtype, {})))
    yield from rows_of_logits(replace(LOGITS, long=LONG[dtype]), dtype, more)


def along_other_axes() -> Iterator[Draft]:
    """The axis that is not the last, in shapes where no two axes have the same length, and where all have."""
    for axis, shape in ((-2, (3, 4)), (-2, (4, 4)), (-2, (2, 5, 3)), (-3, (4, 2, 3)), (-3, (3, 3, 3)), (-2, (9, 1))):
        name = f"random-{'x'.join(map(str, shape))}-axis{axis}"
        comment = f"Bell-shaped logits of shape {shape}, of which the probabilities along axis {axis} sum to 1."
        draw, parameters = partial(ordinary, LOGITS, shape), {"axis": axis}
        yield from families(name, "random rank upstream-signed", comment, draw=draw, parameters=parameters)
