"""Families of cases for the softmax."""

from collections.abc import Iterator
from itertools import chain

from ..generation.draws import held, nearest_held
from ..kinds.logits import SHAPES, blocks, long, rows_of_logits
from ..kinds.normalization import Rows
from ..kinds.paired import families
from ..model.family import Draft

LESSON = "nnfs.io, chapter on activation functions: softmax"
LOGITS = Rows("logits")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    case = {"logits": nearest_held([[4.8, 1.21, 2.385]], dtype)}
    yield from families("forward-lesson", "lesson", "The lesson's outputs of a layer.", (case,), source=LESSON)
    yield from families(
        "forward-lesson-shifted",
        "lesson shifted-logits",
        "The lesson's example that a shift by the maximum changes nothing, and that a factor does.",
        tuple({"logits": held([z], dtype)} for z in ([1, 2, 3], [-2, -1, 0], [0.5, 1, 1.5])),
        source=LESSON,
    )
    more = chain(long(LOGITS, SHAPES.get(dtype, {})), blocks(LOGITS, dtype, many=True) if dtype == "float32" else ())
    yield from rows_of_logits(LOGITS, dtype, more)
