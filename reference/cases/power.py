"""Families of cases for powers."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..generation.draws import held
from ..kinds.elementwise import Elementwise
from ..kinds.paired import families
from ..kinds.two_operands import TwoOperands, plain_operand, two_operands
from ..model.family import Draft, Inputs

EXPONENTS = (0.5, 1.5, 0.75, 1.25, 0.25, 1.75, 0.625)
LEFT_OUT = ("forward-zero", "backward-zero", "forward-largest-b", "backward-largest-b")
"""Bases of 0 have families of their own, and exponents without end no bound."""
OF_B = "power_exponent_gradient"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    bases = Elementwise(inside=np.abs, spread=(-20, 20), spread16=(-3, 3))
    a = plain_operand("a", dtype, bases, ordinary=(1.5, 2, 0.75, 1.25, 0.5, 3, 1.75))
    b = plain_operand("b", dtype, Elementwise(spread=(-30, 2), spread16=(-6, 1)), ordinary=EXPONENTS)
    kind = TwoOperands(a, b, changes=dict.fromkeys(LEFT_OUT))
    yield from two_operands(kind, dtype, special_bases(kind, dtype))


def special_bases(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Bases of 0, and below 0 with whole exponents."""
    g = np.array([2, -3, 5, 7])

    def case(bases: Sequence[float], exponents: Sequence[float]) -> Inputs:
        return kind.call(*(held(x, dtype) for x in (g, bases, exponents)))

    zero, to_zero = (case([0, 0, 0, 2], [1, 2, 1.5, 3]),), (case([0, 2, 0.5, 3], [0, 0, 2, 1]),)
    yield from families("forward-base-zero", "power-base", "Bases of exactly 0.", zero)
    yield from families("backward-base-zero", "power-base", "Bases of exactly 0.", zero, stable=True, point=OF_B)
    comment = "0 to the power of 0, which is 1, beside others."
    yield from families("forward-zero-to-zero", "power-base", comment, to_zero, level="robust")
    yield from families("backward-zero-to-zero", "power-base", comment, to_zero, level="robust", point="power_of_zero")
    negative = tuple(case([-2, -3, -0.5, -1], exponents) for exponents in ([3, 2, -1, 1], [1, -1, 2, 3]))
    comment = "Bases below 0, with whole exponents."
    yield from families("forward-base-negative", "power-base", comment, negative)
    yield from families("backward-base-negative", "power-base", comment, negative, point=OF_B)
