"""Families of cases for the softmax."""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..generation.draws import held, nearest_held
from ..kinds.logits import ALONG, SHAPES, blocks, long, rows_of_logits
from ..kinds.normalization import AXES, FROM_THE_FRONT, Rows, along_axes
from ..kinds.paired import families
from ..model.family import Draft

LESSON = "nnfs.io, chapter on activation functions: softmax"
LOGITS = Rows("logits")
FURTHER = "further-form rank"
MAY_REFUSE = "An implementation may refuse it."


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    case = {"logits": nearest_held([[4.8, 1.21, 2.385]], dtype)}
    yield from families("forward-lesson", "lesson", "The lesson's outputs of a layer.", (case,), source=LESSON)
    comment = "The lesson's example that a shift by the maximum changes nothing, and that a factor does."
    cases = tuple({"logits": held([z], dtype)} for z in ([1, 2, 3], [-2, -1, 0], [0.5, 1, 1.5]))
    yield from families("forward-lesson-shifted", "lesson shifted-logits", comment, cases, source=LESSON)
    many = blocks(LOGITS, dtype, many=True) if dtype == "float32" else ()
    more = chain(long(LOGITS, SHAPES.get(dtype, {})), many, other_axes(dtype))
    yield from rows_of_logits(LOGITS, dtype, more)


def other_axes(dtype: str) -> Iterator[Draft]:
    """An axis that is not the last, and one that is counted from the front. An implementation may refuse either."""
    places = (*AXES, *FROM_THE_FRONT)
    yield from along_axes(LOGITS, places, f"{ALONG} {MAY_REFUSE}", f"random {FURTHER}", counts=2)
    upstream, far = [[3, -1], [-5, 2], [0.5, 4]], 512 if dtype == "float64" else 64
    columns = [[far, -far], [far - 1, -far - 2], [far - 3, 1 - far]]
    usual = "robust" if dtype == "bfloat16" else "required"
    apart = "Columns far apart, along axis -2: with the maximum of a row the exponentials of one are all 0."
    masked = "A class of two columns, along axis -2, is masked by -inf: its probability is 0."
    for name, flag, comment, level, logits in (
        ("columns-apart", "far-logits", apart, usual, columns),
        ("masked-class", "masked-logits", masked, "robust", [[-math.inf, -math.inf], [0.5, -1], [2, 0.25]]),
    ):
        given: dict[str, Any] = {"level": level, "parameters": {"axis": -2}}
        case, flags = LOGITS.call(dtype, upstream, logits), f"{FURTHER} {flag}"
        yield from families(f"{name}-axis-2", flags, f"{comment} {MAY_REFUSE}", (case,), **given)
