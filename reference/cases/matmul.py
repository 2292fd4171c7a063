"""Families of cases for the matrix product."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ...vectors.records import DIRECTIONS
from ..generation.draws import Shape, Words, held
from ..kinds.contraction import contraction
from ..kinds.operands import Contraction, Large
from ..kinds.paired import families, refused
from ..kinds.two_operands import Pair, pairs, words
from ..kinds.upstreams import mismatched
from ..model.family import Draft, Inputs

LARGE: Large = {
    ("forward", "float64", "sparse"): ((2, 513, 3), (33, 3, 65)),
    ("forward", "float32", "sparse"): ((2, 781, 3),),
    ("forward", "float32", "integers"): ((33, 40, 65), (1, 1024, 1), (1, 1, 1536)),
    ("forward", "float16", "integers"): ((2, 1025, 3),),
    ("forward", "bfloat16", "integers"): ((2, 2049, 3),),
    ("backward", "float64", "sparse"): ((3, 33, 35), (513, 1, 2)),
    ("backward", "float32", "sparse"): ((781, 1, 1), (2, 1, 513)),
    ("backward", "float32", "integers"): ((33, 40, 65), (1, 2, 257), (1, 1536, 1)),
    ("backward", "float16", "integers"): ((1, 1, 1025),),
}
"""Fewer sizes than those of the kind: what they are to show of a product, the dense layer shows too."""
MATMUL = Contraction(("a", "b"), cases=1, large=LARGE)
SOME = {
    ("float64", "bfloat16"): "n2-i129-o1 n65-i3-o2 n2-i1-o129 n15-i2-o9 n2-i33-o3 n4-i8-o6",
    ("float32", "float16"): "n129-i2-o2 n2-i65-o3 n3-i2-o65 n257-i1-o1 n31-i3-o2 n3-i2-o33 n8-i8-o8 n7-i17-o3",
    ("float32",): "n33-i31-o17 n1025-i1-o1",
}
"""The dtypes of the larger shapes, which would cost more bytes than all others together."""
LONG = 1025
"""Terms of the longest sum."""
VECTORS, STACKS = "4-4 1-1 4-4x3 3-3x3 3x4-4 3x3-3", "2x3x4-2x4x5 3x3x3-3x3x3 2x3x4x5-2x3x5x2"
BROADCAST = (
    "2x3x4-4x5 3x4-2x4x5 3x3x3-3x3 1x3x4-2x4x5 2x3x4-1x4x5 2x1x3x4-5x4x2 3x4x2-2x1x2x3 2x3x4-4 4-2x4x3 1x2x3-1x3x2 "
    "17x2x3-3x2 2x3-33x3x2"
)
EMPTY, MISFITS = "0x3x4-4x2 2x0x4-4x3 2x0-0x3 0-0 1x2x3-0x3x2", "2x3x4-3x4x5 4-3 4-3x4 3x4-3 2x3x4-4x2x5"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    elsewhere = " ".join(names for dtypes, names in SOME.items() if dtype not in dtypes).split()
    omitted = [f"{direction}-random-{name}" for name in elsewhere for direction in DIRECTIONS]
    yield from contraction(replace(MATMUL, changes=dict.fromkeys(omitted)), dtype, shapes(dtype))
    if dtype == "bfloat16":
        comment, draw = f"The sum of {LONG} products.", partial(drawn, ((LONG,), (LONG,)))
        yield from families(f"forward-random-{LONG}-{LONG}", "random many-rows", comment, draw=draw, counts=1)


def shapes(dtype: str) -> Iterator[Draft]:
    """Vectors, stacks and what broadcasts; nothing of something; what does not fit."""
    for flag, comment, names in (
        ("rank", "A vector: as a it stands for a row, as b for a column.", VECTORS),
        ("rank", "Stacks of as many matrices.", STACKS),
        ("broadcast", "One operand is repeated: its gradient is a sum over the repeated axes.", BROADCAST),
    ):
        for pair in pairs(names):
            flags, draw = f"random {flag} upstream-signed", partial(drawn, pair)
            yield from families(f"random-{words(pair)}", flags, comment, draw=draw)
    for pair in pairs(EMPTY):
        comment = "A size of 0: no elements, or sums of no terms, which are 0."
        yield from families(f"empty-{words(pair)}", "empty-batch", comment, (numbered(pair, dtype),), level="robust")
    for pair in pairs(MISFITS):
        for direction, shape in (("forward", ()), ("backward", (*np.broadcast_shapes(pair[0][:-2]), 3, 5))):
            case = numbered(pair, dtype, shape)
            comment = f"Operands of shapes {pair[0]} and {pair[1]}, which make no product."
            yield from refused(f"{direction}-mismatch-{words(pair)}", "size-mismatch", comment, case)
    stacked = ((2, 3, 4), (4, 5))
    _, a, b = numbered(stacked, dtype).values()
    wrong = ((1, 3, 5), (3, 5), (2, 1, 5), (2, 5, 3))
    names = "stack-of-one stack-of-none stack-of-rows stack-transposed"
    yield from mismatched(lambda g: MATMUL.case(held(g, dtype), a, b), names, wrong, (2, 3, 5))


def outputs_of(pair: Pair) -> Shape:
    """The shape of a product."""
    return np.matmul(*(np.zeros(shape) for shape in pair)).shape


def drawn(pair: Pair, w: Words) -> Inputs:
    """Bell-shaped everything."""
    return MATMUL.case(w.normal(outputs_of(pair)), *map(w.normal, pair))


def numbered(pair: Pair, dtype: str, outputs: Shape | None = None) -> Inputs:
    """Small whole numbers."""

    def tensor(shape: Shape) -> np.ndarray:
        return held(np.arange(1, 1 + int(np.prod(shape))).reshape(shape), dtype)

    return MATMUL.case(tensor(outputs_of(pair) if outputs is None else outputs), *map(tensor, pair))
