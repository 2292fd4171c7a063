"""Families of cases for the sum of two tensors."""

from collections.abc import Iterator

from ..generation.draws import Words
from ..kinds.elementwise import Elementwise
from ..kinds.paired import families
from ..kinds.two_operands import TwoOperands, plain_operand, two_operands
from ..kinds.upstreams import FAR
from ..model.family import Draft, Inputs


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    a, b = (plain_operand(name, dtype, Elementwise()) for name in ("a", "b"))
    kind = TwoOperands(a, b)
    yield from two_operands(kind, dtype, tiny(kind, dtype))


def tiny(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Operands of which both are so small that their sum is."""

    def draw(w: Words) -> Inputs:
        between = (-12, -8) if dtype == "float16" else (-FAR, -FAR + 40)
        return kind.call(w.normal((3, 4)), w.spread((3, 4), *between), w.spread((3, 4), *between))

    comment = "Very small operands, beyond float16 from 1e-31 on: their sum is not 0."
    yield from families("forward-tiny", "random small-values", comment, draw=draw, counts=1)
