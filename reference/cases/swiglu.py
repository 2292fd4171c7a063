"""Families of cases for SwiGLU."""

from collections.abc import Iterator

from ..kinds.activation import NORMAL_UP_TO, activation
from ..kinds.elementwise import Elementwise
from ..kinds.two_operands import Operand, TwoOperands, plain_operand, two_operands
from ..model.family import Draft
from .silu import SILU


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    gate = Operand("gate", activation(SILU, dtype, NORMAL_UP_TO))
    yield from two_operands(TwoOperands(gate, up(dtype), broadcasts=False), dtype)


def up(dtype: str) -> Operand:
    """What is gated: powers of two where the gate is so large that its product with one is not settled otherwise."""
    return plain_operand("up", dtype, Elementwise(), ordinary=(2.0, -0.5, 0.25, -1.0, 0.5, -2.0, -0.25))
