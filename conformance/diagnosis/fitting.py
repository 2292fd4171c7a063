"""Constants that are not known beforehand: fitted to some wrong results, and named where they have a name."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...reference.mutations.factors import expressions, named
from .candidates import APART, NOTHING, Candidate, Foretold
from .observation import Observation, alike, called, middle

if TYPE_CHECKING:
    from ...reference.mutations.fitted import Fitted

STEPS = 10
LEAST = 1e-6
"""A constant that differs by less is the one that is due; its cube is too small an epsilon."""


def fitted(op: str, direction: str, some: Sequence[Observation], position: int) -> Iterator[Candidate]:
    """The faults with an open constant that account for what is wrong with a result of some observations, fitted.

    A constant that is a length or a parameter of the observation may be that; one that is multiplied by something is.
    """
    from ...reference.faults import fitted_of

    for each in fitted_of(op, direction):
        value = _value(each, some, position)
        if value is None and each.starts[0] == 1:
            value = _value(each, some[:1], position)
        if value is None:
            continue
        if each.starts[0] == 1:
            for words, of in size_factors(some[0]):
                found = of(some[0])
                if found is not None and found != 1 and abs(found - value) <= 1e-5 * abs(value):
                    yield Candidate(each.name, each.says(words), each.cure, partial(_by_size, each, of))
        said = f"{each.says(f'{value:.6g}')}{named(value)}"
        yield Candidate(each.name, said, each.cure, partial(_with, each, value))


def _with(each: "Fitted", value: float, one: Observation) -> Foretold:
    return called(each.function(value), one)


def _by_size(each: "Fitted", of: Callable[[Observation], float | None], one: Observation) -> Foretold:
    value = of(one)
    return NOTHING if value is None else _with(each, value, one)


def in_words(value: float) -> str:
    """A number, and its name where it has one."""
    return f"{value:.6g}{named(value)}"


def _value(each: "Fitted", some: Sequence[Observation], position: int) -> float | None:
    got, due = _joined([one.values[position] for one in some]), _joined([one.expected[position] for one in some])
    wrong = _joined([one.wrong[position] for one in some]).astype(bool) & np.isfinite(got) & np.isfinite(due)
    if not wrong.any():
        return None
    got, due = got[wrong], due[wrong]
    slack, units = max(one.slack[position] for one in some), some[0].units

    def at(value: float) -> np.ndarray | None:
        found = []
        for one in some:
            results, _ = called(each.function(value), one)
            array = results[position] if results else None
            if array is None or array.shape != one.expected[position].shape:
                return None
            found.append(array)
        return np.asarray(_joined(found)[wrong])

    def fits(value: float) -> bool:
        found = at(value)
        start = each.starts[0]
        if found is None or abs(value - start) <= LEAST * abs(start) or (each.positive and value <= LEAST**3):
            return False
        near = alike(got, found, slack, units)
        return near and middle(np.abs(found - got) / np.abs(due - got)) < APART

    if each.grid:
        return next(filter(fits, each.starts), None)
    for start in each.starts:
        value = _solved(at, got, start)
        if value is not None and fits(value):
            rounded = (float(f"{value:.{digits}g}") for digits in range(1, 8))
            return next(filter(fits, rounded), value)
    return None


def _joined(arrays: Iterable[np.ndarray | None]) -> np.ndarray:
    return np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays if array is not None])


def _solved(at: Callable[[float], np.ndarray | None], got: np.ndarray, value: float) -> float | None:
    """The constant by Gauss and Newton; None where it does not matter, or there is none."""
    for _ in range(STEPS):
        step = max(1e-4 * abs(value), 1e-7)
        here, there = at(value), at(value + step)
        if here is None or there is None:
            return None
        slope, rest = (there - here) / step, got - here
        usable = np.isfinite(slope) & np.isfinite(rest)
        slope, rest = slope[usable], rest[usable]
        square = float(slope @ slope)
        if not square or not math.isfinite(square):
            return None
        move = float(slope @ rest) / square
        value += move
        if not math.isfinite(value) or abs(move) <= 1e-12 * abs(value):
            break
    return value if math.isfinite(value) else None


def size_factors(one: Observation) -> Iterator[tuple[str, Callable[[Observation], float | None]]]:
    """What a result may be multiplied by that depends on lengths, parameters or the upstream, in words."""
    for words, of in expressions(list(_numbers(one))):
        yield words, partial(_of_numbers, of)


def _of_numbers(of: Callable[[Mapping[str, float]], float | None], one: Observation) -> float | None:
    return of(_numbers(one))


def _numbers(one: Observation) -> dict[str, float]:
    """The numbers of a call, by name: lengths, parameters, an upstream that is one."""
    numbers = {name: value for name, value in one.family.parameters.items() if type(value) in (int, float)}
    scalars = {name: float(t) for name, t in one.arguments.items() if name.startswith("dL_d") and not t.ndim}
    return {**one.sizes, **numbers, **scalars}  # type: ignore[dict-item]
