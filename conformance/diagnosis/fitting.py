"""Constants that are not known beforehand: fitted to some wrong results, and named where they have a name."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from ...reference.mutations.factors import coming_to, first_step, named, numbers_of, solved
from ...vectors.dtypes import HALF
from .candidates import NOTHING, REFUSED, Candidate, Foretold, of_one, sound_of, tell_alike
from .observation import Observation, Results, alike, called

if TYPE_CHECKING:
    from ...reference.mutations.fitted import Fitted

LEAST, SPAN, SMALLEST, NEAR = 1e-11, 512, 1e-18, 0.03
"""A constant that differs by less, or by so many units in the last place, is the one that is due; an epsilon that is
smaller is none. Nor is a term's factor so near to 1, in one call alone: what is small and left out looks like it."""
SPARED, MOSTLY = 16, 0.5
"""A constant that is fitted to what is wrong by a first step moves no more than such a share of what is right by more
than so many tolerances."""
Kept = dict[tuple[int, float, int], Results | None]
"""What was computed, by what is wrong, the constant, and the observation."""


def fitted(
    some: Sequence[Observation], position: int, others: Sequence[Observation], kept: Kept, is_over: Callable[[], bool]
) -> Iterator[Candidate]:
    """The faults with an open constant that account for what is wrong with a result of some observations, fitted.

    A constant that is a length or a parameter of the observation may be that, where that differs among others; one that
    is multiplied by something is. What was computed is kept for other results of the same observations.
    """
    from ...reference.faults import fitted_of
    from ...reference.mutations.fitted import PARAMETER_IGNORED, of_results

    family, vectors, numbers = some[0].family, some[0].vectors, _numbers(some[0])
    changed = of_results(vectors.arguments[family.direction], vectors.results[family.direction])
    factors, others_of = ([each for each in changed if (each.starts[0] == 1) is first] for first in (True, False))
    known = family.dtype not in HALF and sound_of(vectors.op, family.direction) is not None
    alone = len({other.family.name for other in others}) == 1
    open_ones = (*factors, *(fitted_of(vectors.op, family.direction) if known else ()), *others_of)
    for each in takewhile(lambda _: not is_over(), open_ones):
        if each.of_result not in (None, position):
            continue
        values = list(_values(each, some, position, kept))
        by_size = each.starts[0] == 1 and not values  # which differs from call to call
        for value in values or (_values(each, some[:1], position, kept) if by_size else ()):
            for words, of in coming_to(value, numbers, map(_numbers, others)) if each.starts[0] == 1 else ():
                yield Candidate(each.name, each.says(words), each.cure, partial(_by_size, each, of))
            if by_size or (alone and each.of_result is None and each.starts[0] == 1 and abs(value - 1) < NEAR):
                continue
            digits = 12 if math.isclose(value, each.starts[0], rel_tol=1e-5) else 6
            say = f"{each.says(f'{value:.{digits}g}')}{named(value)}"
            if each.name == PARAMETER_IGNORED and len(values) > 1:
                say += f"; in the calls that failed, values from {min(values):g} to {max(values):g} fit"
            at = partial(_with, each, value)
            free = not (each.grid or (each.of_result is not None and value == 1))  # which is an argument itself
            yield Candidate(each.name, say, each.cure, at, constant=free, threshold=each.threshold, of_sizes=each.sizes)


def _with(each: "Fitted", value: float, one: Observation) -> Foretold:
    if each.of_result is None:
        return called(each.function(value), one)
    if not one.expected:
        return REFUSED
    return of_one(each.of_result, each.function(value)(one.expected[each.of_result], *one.arguments.values()), one)


def _by_size(each: "Fitted", of: Callable[[Mapping[str, float]], float | None], one: Observation) -> Foretold:
    value = of(_numbers(one))
    return NOTHING if value is None else _with(each, value, one)


def _values(each: "Fitted", some: Sequence[Observation], position: int, kept: Kept) -> Iterator[float]:
    """The constants that fit; of other constants than sizes of blocks, the first."""
    got, due = _joined([one.values[position] for one in some]), _joined([one.expected[position] for one in some])
    wrong = _joined([one.wrong[position] for one in some]).astype(bool)
    spared = _joined([one.tolerance[position] for one in some]) * SPARED
    if not each.grid:
        wrong &= np.isfinite(got) & np.isfinite(due)
    if not wrong.any():
        return
    slack, units = max(one.slack[position] for one in some), some[0].units
    start = each.starts[0]

    def whole(value: float) -> np.ndarray | None:
        found = []
        for one in some:
            key = id(each), value, id(one)
            if key not in kept:
                kept[key] = _with(each, value, one)
            results = kept[key]
            array = results[position] if results else None
            if array is None or array.shape != one.expected[position].shape:
                return None
            found.append(array)
        return np.asarray(_joined(found))

    def at(value: float) -> np.ndarray | None:
        found = due if value == start else whole(value)
        return None if found is None else found[wrong]

    def fits(value: float) -> bool:
        if math.isclose(value, start, rel_tol=max(LEAST, SPAN * units)) or (each.positive and value <= SMALLEST):
            return False
        found = at(value)
        if found is None or not alike(got[wrong], found, slack, units):
            return False
        unchanged = whole(start)  # the formula may be wrong without it, as those are that lose digits
        matters = unchanged is None or not alike(unchanged[wrong], found, 0.0, units)
        return matters and tell_alike(got[wrong], found, due[wrong], units)

    def moves_what_is_right() -> bool:
        """Whether such a constant has most of what is right as wrong as the rest of it."""
        step = first_step(start)
        moved = whole(start + step) if each.of_result is None else None
        if moved is None or wrong.all():
            return False
        slope = np.where(np.isfinite(moved - due), moved - due, 0.0)
        size = float(slope[wrong] @ slope[wrong])
        change = slope * (float(slope[wrong] @ (got - due)[wrong]) / size if size else 0.0)
        return not size or float(np.mean(np.abs(change)[~wrong] > spared[~wrong])) > MOSTLY

    if each.grid:  # what does not fit one does not fit all
        tried = each.starts if len(some) == 1 else _values(each, some[:1], position, kept)
        largest = max((tensor.size for one in some for tensor in one.arguments.values()), default=0)
        yield from (value for value in tried if not (each.sizes and value >= largest) and fits(value))
    elif not moves_what_is_right():
        for begun in each.starts:
            value = solved(at, got[wrong], begun, each.positive)
            if value is not None and fits(value):
                rounded = (float(f"{value:.{digits}g}") for digits in range(1, 13))
                yield next(filter(fits, (0.0, *rounded)), value)
                return


def _joined(arrays: Iterable[np.ndarray | None]) -> np.ndarray:
    return np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays if array is not None])


def _numbers(one: Observation) -> dict[str, float]:
    return numbers_of(one.sizes, one.family.parameters, one.arguments)
