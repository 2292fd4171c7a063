"""Families of cases for the quotient of two tensors."""

from collections.abc import Iterator

from ..kinds.elementwise import Elementwise
from ..kinds.two_operands import TwoOperands, plain_operand, two_operands
from ..model.family import Draft

OVERFLOWS = {"level": "robust", "overflows": True}
BY_ZERO = {"level": "robust", "comment": "Divisors of exactly 0 and -0, whose sign an infinity has."}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    a, b = (
        plain_operand("a", dtype, Elementwise(spread16=(-3, 3))),
        plain_operand("b", dtype, Elementwise(spread=(-30, 30), spread16=(-3, 3))),
    )
    changes = {
        f"{direction}-{name}-b": change
        for direction in ("forward", "backward")
        for name, change in (("zero", BY_ZERO), ("subnormal", OVERFLOWS), ("one-product", None))
    }
    yield from two_operands(TwoOperands(a, b, changes=changes), dtype)
