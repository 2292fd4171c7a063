"""Families of cases for the larger of two tensors."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, numpy_dtype
from ..generation.draws import held, nearest_held
from ..kinds.elementwise import REQUIRED, THROUGHOUT, Elementwise
from ..kinds.paired import families
from ..kinds.special_values import ends
from ..kinds.two_operands import TwoOperands, pairs, plain_operand, two_operands, words
from ..model.family import Draft

TIE, AT_NAN = "maximum_tie", {"point": "maximum_at_nan"}
DEAD: dict[str, Any] = {"point": "infinite_times_zero"}
ORDINARY = (0.875, -1.125, 0.625, 1.375, -0.4375, 2.75, -1.625)
"""Numbers that are in no family, so that none of them ties."""
CHANGES: dict[str, dict[str, Any]] = {
    "backward-nan": AT_NAN,
    "backward-nan-b": AT_NAN,
    "backward-infinite-upstream": DEAD,
    "backward-nan-upstream": DEAD,
    **{f"{direction}-largest{of}": REQUIRED for direction in ("forward", "backward") for of in ("", "-b")},
}
TIED = (3.0, -2.0, 0.0, 1.5, -0.0, 0.25, -7.0)
UPSTREAM = (2.1, -3.3, 5.7, 7.9, -1.3, 4.1)
TIED_PAIRS = "7-7 3x3-3x3 2x7-7 7-3x7 7x1-1x7 1x1-3x4"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    a, b = (
        plain_operand(name, dtype, Elementwise(inside=partial(last_bit, dtype, bit)), ordinary=ORDINARY)
        for bit, name in enumerate("ab")
    )
    kind = TwoOperands(a, b, changes=CHANGES)
    yield from two_operands(kind, dtype, ties(kind, dtype))


def last_bit(dtype: str, bit: int, x: np.ndarray) -> np.ndarray:
    """Set the last bit of the significand of what is finite and not 0: numbers that differ in it never tie."""
    bits = held(np.nan_to_num(x, posinf=0, neginf=0), dtype).view(f"i{numpy_dtype(dtype).itemsize}")
    changed = np.asarray((bits & ~1) | bit, bits.dtype).view(numpy_dtype(dtype)).astype(np.float64)
    return np.where(np.isfinite(x) & (x != 0) & (changed != 0), changed, x)


def ties(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Operands that are the same, or nearly so."""
    ordinary = np.array(TIED)
    for pair in pairs(TIED_PAIRS):
        shape = np.broadcast_shapes(*pair)
        upstream = nearest_held(np.resize(UPSTREAM, shape), dtype)
        a, b = (held(np.resize(TIED, shape), dtype) for shape in pair)
        comment = "Operands of which some tie, 0 and -0 among them."
        case = kind.call(upstream, a, b)
        yield from families(f"forward-tie-{words(pair)}", "kink signed-zero", comment, (case,))
        yield from families(f"backward-tie-{words(pair)}", "kink signed-zero", comment, (case,), point=TIE)
    long = held(np.resize(TIED, THROUGHOUT), dtype)
    case = kind.call(nearest_held(np.resize(UPSTREAM, THROUGHOUT), dtype), long, long)
    comment = "Long rows that tie throughout: the last, short part of a loop does as the others do."
    yield from families("backward-tie-throughout", "kink", comment, (case,), point=TIE)
    unit = np.spacing(ordinary) * 2.0 ** (53 - FORMATS[dtype].significand)
    beside = np.where(ordinary == 0, ends(dtype).normal, ordinary + unit)
    upstream = held([2, -3, 5, 7, -1.5, 4, 1], dtype)
    cases = tuple(
        kind.call(upstream, *(held(x, dtype) for x in both)) for both in ((ordinary, beside), (beside, ordinary))
    )
    comment = "The nearest numbers beside one another do not tie: a threshold such as 1e-7 shows."
    yield from families("near-tie", "near-kink", comment, cases)
    nan = float("nan")
    case = kind.call(*(held(x, dtype) for x in ([nan, 3, nan, -2], [1, 2, 4, -3], [3, -1, 2, 5])))
    comment = "A NaN of the upstream passes to the second operand where that is the larger."
    yield from families("backward-nan-upstream-of-b", "nan upstream-signed", comment, (case,), level="robust", **DEAD)
