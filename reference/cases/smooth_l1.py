"""Families of cases for the smooth absolute error."""

from collections.abc import Iterator
from dataclasses import replace

from ..kinds.targets import EQUAL, ROUNDED, Kink, by_element, by_element_again, with_a_bend
from ..model.family import Draft


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from by_element(with_a_bend(1.5), dtype, changes=ROUNDED, parameters={"beta": 1.5})
    for beta in (1.0, 0.25):
        yield from by_element_again(with_a_bend(beta), dtype, {"beta": beta}, f"-beta-{beta:g}")
    sharp = replace(with_a_bend(0.0), kinks={"equal": Kink(EQUAL, EQUAL, "abs_slope_at_zero")})
    for draft in by_element_again(sharp, dtype, {"beta": 0.0}, "-beta-0", "near-equal"):
        yield replace(draft, level="robust")
