"""Parameters of live cases: those of the golden families, and other numbers between theirs."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeGuard

from ...vectors.records import Family, Parameter
from ..check.family import FURTHER_FORM
from .profiles import Stream

RANDOM = "random"
FAR_APART = 16.0
"""Numbers of which one is more than so many times another have others between them by powers of 2."""
PARTS = 8
"""Into how many equal parts the way between others is divided."""
DIGITS = 3
"""Of a number between others."""
Ranges = Mapping[str, tuple[float, ...]]
"""For each keyword that may be another number the family's own, and then all that the golden families show."""


def key_of(family: Family) -> str:
    """What families of the same parameters have in common."""
    return repr(sorted(family.parameters.items()))


def made_after(families: Sequence[Family]) -> list[Family]:
    """The families of a function and dtype that live cases are made after: ordinary drawn ones, and the others of
    parameters or ranks that none of these has, drawn ones if there are any: what is drawn after them is ordinary too.
    """
    found = [f for f in families if RANDOM in f.flags]
    names = {name for f in found for name in f.inputs}
    others = [f for f in families if names.issuperset(f.inputs)]
    for some in ([f for f in others if f.seed], others):
        known = {_form(f) for f in found}
        found += [f for f in some if _form(f) not in known]
    return found


def _form(family: Family) -> tuple[str, tuple[int, ...]]:
    return key_of(family), tuple(x.ndim for x in family.inputs.values())


def ranges_of(family: Family, families: Collection[Family]) -> Ranges:
    """The numbers that a family's parameters may be, by all required families of its function.

    At one point of a convention, not at two: families at other points than its own are left out, and so are forms that
    may be refused, unless it is one of them.
    """
    alike = [
        other.parameters
        for other in families
        if other.point in (None, family.point) and (FURTHER_FORM in family.flags or FURTHER_FORM not in other.flags)
    ]
    shown = {name: sorted({x for p in alike for x in [p.get(name)] if _is_number(x)}) for name in family.parameters}
    return {n: (x, *shown[n]) for n, x in family.parameters.items() if _is_number(x) and len(shown[n]) > 1}


def _is_number(value: Parameter) -> TypeGuard[float]:
    """Whether a parameter is a number among others; a whole one counts or chooses something, as an axis does."""
    return isinstance(value, float) and math.isfinite(value)


def varied(ranges: Ranges, variation: int) -> dict[str, float]:
    """The numbers of a variation; of the first, 0, the family's own."""
    w = Stream(f"parameters/{variation}", "float64")
    return {name: _number(w, own, shown) if variation else own for name, (own, *shown) in ranges.items()}


def _number(w: Stream, own: float, shown: Sequence[float]) -> float:
    """Draw the family's own number, another that is shown, or as often as both one between two neighbours."""
    how, place, part = (int(n) for n in w.integers((3,), 0, 2**20))
    if how % 4 < 2:
        return shown[place % len(shown)] if how % 2 else own
    low, high = shown[place % (len(shown) - 1) :][:2]
    if low > 0 and high > FAR_APART * low:
        between = math.ldexp(low, 1 + part % (math.frexp(high / low)[1] - 2))
    else:
        between = low + (high - low) * (1 + part % (PARTS - 1)) / PARTS
    return float(f"{between:.{DIGITS}g}")


def in_turn(some: Sequence[Family]) -> Iterator[tuple[int, bool]]:
    """The places of families of different parameters, the first one first, in an order in which keywords soon have had
    two values, and then as many as may be; and whether one gives a keyword its second. What may be refused comes last.
    """
    had: dict[str, set[str]] = {name: set() for family in some for name in family.parameters}
    left = list(range(len(some)))
    while left:

        def worth(place: int) -> tuple[bool, int, int]:
            new = [had[name] for name in had if repr(some[place].parameters.get(name, ...)) not in had[name]]
            return FURTHER_FORM not in some[place].flags, sum(len(values) == 1 for values in new), len(new)

        best = max(left, key=worth) if any(had.values()) else left[0]
        yield best, worth(best)[1] > 0
        left.remove(best)
        for name, values in had.items():
            values.add(repr(some[best].parameters.get(name, ...)))
