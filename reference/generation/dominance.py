"""Leave out formulations that cannot have the largest bound.

The bounds after a step grow with those of what it reads. So where two formulations differ in one part alone, and what
it gives has bounds that are nowhere larger in one of the two, all that follows has none that are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arithmetic.rounding import Rounding
from ..model.formulations import Formulation, Function

Calls = list[Any]
"""What a part gave, call by call."""


class DominatedError(ArithmeticError):
    """Another formulation has bounds that are as large."""


class Dominance:
    """What the parts of formulations gave that have been evaluated over the same rounding arrays."""

    def __init__(self) -> None:
        self._seen: dict[Any, list[Calls]] = defaultdict(list)
        """By formulation without one of its parts: what each that was put there gave."""
        self._lengths: dict[Function | None, list[int]] = {}
        """How often a formulation's function calls each of its parts."""
        self.left_out: list[Formulation] = []

    def evaluate(self, formulation: Formulation, arguments: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        """Evaluate a formulation. Raises DominatedError as soon as one that came before turns out to dominate it."""
        calls: list[Calls] = [[] for _ in formulation.parts]

        def watched(place: int, part: Function) -> Function:
            siblings, own = self._seen[_without(formulation, place)], calls[place]

            def call(*arguments: Any, **parameters: Any) -> Any:
                own.append(part(*arguments, **parameters))
                if any(len(own) == len(other) and all(map(_covers, other, own)) for other in siblings):
                    raise DominatedError
                return own[-1]

            return call

        try:
            results = formulation.with_parts(watched)(*arguments, **parameters)
            self._lengths.setdefault(formulation.outer, [len(own) for own in calls])
        except DominatedError:
            self.left_out.append(formulation)
            self._remember(formulation, calls)
            raise
        self._remember(formulation, calls)
        return results

    def _remember(self, formulation: Formulation, calls: list[Calls]) -> None:
        """Remember what parts gave that were called as often as they are in the whole."""
        for place, own in enumerate(calls):
            if self._lengths[formulation.outer][place] == len(own):
                self._seen[_without(formulation, place)].append(own)


def _without(formulation: Formulation, place: int) -> Any:
    return formulation.outer, place, tuple(id(p) for k, p in enumerate(formulation.parts) if k != place)


def _covers(one: Any, other: Any) -> bool:
    """Say whether the bounds of one result are nowhere below those of another of the same exact values."""
    if one is other:
        return True
    if isinstance(one, tuple):
        return all(map(_covers, one, other))
    return one.covers(other) if isinstance(one, Rounding) else np.array_equal(one, other)
