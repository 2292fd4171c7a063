"""Families of cases for GEGLU."""

from collections.abc import Iterator

from ..kinds.activation import activation, activation_again
from ..kinds.two_operands import Operand, TwoOperands, two_operands, two_operands_again
from ..model.family import Draft
from .gelu import GELU, NORMAL_UP_TO
from .swiglu import up

OF_SWIGLU = ("forward-spread-up", "backward-spread-up")
"""Families that swiglu has, and that take bytes."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    gate = Operand("gate", activation(GELU, dtype, NORMAL_UP_TO))
    kind = TwoOperands(gate, up(dtype), broadcasts=False, changes=dict.fromkeys(OF_SWIGLU))
    yield from two_operands(kind, dtype)
    by_tanh = Operand("gate", activation_again(GELU, dtype, NORMAL_UP_TO))
    parameters = {"approximate": "tanh"}
    yield from two_operands_again(kind, by_tanh, dtype, parameters, "-tanh")
