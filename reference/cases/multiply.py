"""Families of cases for the product of two tensors."""

from collections.abc import Iterator

from ..kinds.elementwise import Elementwise
from ..kinds.two_operands import TwoOperands, plain_operand, two_operands
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    a, b = (plain_operand(name, dtype, Elementwise()) for name in ("a", "b"))
    yield from two_operands(TwoOperands(a, b), dtype)
