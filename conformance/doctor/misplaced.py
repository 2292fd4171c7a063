"""Results that are right but in another order, another shape, or off by a factor."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...vectors.records import Family, OperationVectors
from ..check.wording import listed
from .attempts import Attempt, near
from .fit import Misfit


def misplaced(family: Family, vectors: OperationVectors, tries: Sequence[Attempt]) -> tuple[Misfit, ...] | None:
    """What to correct so that the results are right; empty if nothing; None where no such correction is enough."""
    names = vectors.results[family.direction]
    count = len(tries[0].arrays)
    if not count or any(len(one.arrays) != count for one in tries):
        return None
    order: list[int] = []
    misfits: list[Misfit] = []
    for index, name in enumerate(names):
        free = [position for position in range(count) if position not in order]
        found = _find(name, sorted(free, key=lambda position: position != index), family, tries)
        if found is None:
            return None
        order.append(found[0])
        misfits += found[1]
    return (*_told(order, names, count), *misfits)


def _find(
    name: str, positions: Sequence[int], family: Family, tries: Sequence[Attempt]
) -> tuple[int, list[Misfit]] | None:
    """The position of an expected result among the returned ones, and what is wrong with its shape."""
    expected = family.answer.expected[name][: len(tries)]
    for mend in (lambda got, _: got, _turned, _reshaped):
        for position in positions:
            pairs = [(one.arrays[position], right) for one, right in zip(tries, expected, strict=True)]
            found = [(got, right) for got, right in pairs if got is not None and near(mend(got, right), right)]
            if len(found) == len(pairs):
                return position, _shape(name, *found[0], turned=mend is _turned)
    return None


def _turned(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    return got.T if got.ndim == 2 and min(right.shape, default=0) > 1 else got


def _reshaped(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    return got.reshape(right.shape) if got.size == right.size else got


def _told(order: Sequence[int], names: Sequence[str], count: int) -> Iterator[Misfit]:
    if count > len(names):
        which = listed([_NTH[p] if p < len(_NTH) else f"{p + 1}th" for p in order])
        are, them = ("is", "it") if len(names) == 1 else ("are", "them")
        words = f"{count} results come, where {listed(names)} is due; the {which} of them {are} right"
        yield Misfit(words, f"return {them} alone")
    elif list(order) != sorted(order):
        came = ", ".join(name for _, name in sorted(zip(order, names, strict=True)))
        yield Misfit(f"right gradients in another order: {came}", f"return {', '.join(names)}")


_NTH = ("first", "second", "third", "fourth", "fifth", "sixth")


def _shape(name: str, got: np.ndarray, right: np.ndarray, *, turned: bool) -> list[Misfit]:
    """What is wrong with a result's shape."""
    if turned:
        words = f"{name} comes transposed, {got.shape} where {right.shape} is due"
        return [Misfit(words, f"return its transpose, {name}.T")]
    if got.shape == right.shape:
        return []
    flat = got.size != right.size or right.ndim <= got.ndim
    cure = f"return it reshaped to {right.shape}" if flat else "keep the axes of length 1: keepdims=True, or a reshape"
    return [Misfit(f"{name} has shape {got.shape}, where {right.shape} is due; its values are right", cure)]
