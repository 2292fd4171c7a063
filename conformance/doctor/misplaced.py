"""Results that are right but in another order, another shape, or off by a factor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..check.wording import listed
from .attempts import Attempt, due, near
from .fit import Misfit


@dataclass(frozen=True)
class Found:
    """The position of an expected result among the returned ones, and how it differs."""

    name: str
    position: int
    misfit: Misfit | None


def misplaced(family: Family, vectors: OperationVectors, tries: Sequence[Attempt]) -> tuple[Misfit, ...] | None:
    """What to correct so that the results are right; empty if nothing; None where no such correction is enough."""
    names = vectors.results[family.direction]
    counts = {len(one.arrays) for one in tries}
    if len(counts) != 1 or not counts.isdisjoint({0}):
        return None
    (count,) = counts
    found: list[Found] = []
    for index, name in enumerate(names):
        taken = {one.position for one in found}
        free = [position for position in range(count) if position not in taken]
        own_first = sorted(free, key=lambda position: position != index)
        one = _find(name, own_first, family, tries)
        if one is None:
            return None
        found.append(one)
    return tuple(_told(found, names, count))


def _find(name: str, positions: Sequence[int], family: Family, tries: Sequence[Attempt]) -> Found | None:
    expected = due(family, name, len(tries))
    for mend in (lambda got, _: got, _turned, _reshaped):
        for position in positions:
            pairs = list(zip((one.arrays[position] for one in tries), expected, strict=True))
            if all(got is not None and near(mend(got, right), right) for got, right in pairs):
                first, right = pairs[0]
                assert first is not None
                return Found(name, position, _shape(name, first, right, turned=mend is _turned))
    return None


def _turned(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    return got.T if got.ndim == 2 and min(right.shape, default=0) > 1 else got


def _reshaped(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    return got.reshape(right.shape) if got.size == right.size else got


def _told(found: Sequence[Found], names: Sequence[str], count: int) -> Iterator[Misfit]:
    order = [one.position for one in found]
    if count > len(names):
        of = (
            f"the {_nth(order[0])} of them is"
            if len(names) == 1
            else f"the {listed([_nth(p) for p in order])} of them are"
        )
        them = "it alone" if len(names) == 1 else "them alone"
        yield Misfit(f"{count} results come, where {listed(names)} is due; {of} right", f"return {them}")
    elif order != sorted(order):
        came = ", ".join(one.name for one in sorted(found, key=lambda one: one.position))
        yield Misfit(f"right gradients in another order: {came}", f"return {', '.join(names)}")
    yield from (one.misfit for one in found if one.misfit is not None)


def _nth(position: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth", "sixth")
    return words[position] if position < len(words) else f"{position + 1}th"


def _shape(name: str, got: np.ndarray, right: np.ndarray, *, turned: bool) -> Misfit | None:
    """What is wrong with a result's shape, None for nothing."""
    if turned:
        return Misfit(
            f"{name} comes transposed, {got.shape} where {right.shape} is due", f"return its transpose, {name}.T"
        )
    if got.shape == right.shape:
        return None
    words = f"{name} has shape {got.shape}, where {right.shape} is due; its values are right"
    if got.size != right.size or right.ndim <= got.ndim:
        return Misfit(words, f"return it reshaped to {right.shape}")
    return Misfit(words, "keep the axes of length 1: keepdims=True in the sum, or a reshape")
