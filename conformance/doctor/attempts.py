"""Calls that find out what a function takes and returns; exceptions are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...vectors.records import Family
from ..diagnosis.evidence import MOST_CASES
from ..diagnosis.observation import copied
from ..implementation.interrupts import is_users

Arguments = list[object]


@dataclass(frozen=True)
class Attempt:
    """One call."""

    arrays: tuple[np.ndarray | None, ...] = ()
    """The results; None for a result that is not an array."""
    error: BaseException | None = None


def attempts(
    function: Callable[..., object],
    family: Family,
    names: Sequence[str],
    change: Callable[[Arguments], Arguments] = list,
) -> list[Attempt]:
    """Call a function with the first cases of a family, each call's arguments changed by `change` first."""
    made = []
    for case in range(min(family.count, MOST_CASES)):
        try:
            arguments = change([np.array(family.inputs[name][case]) for name in names])
            returned = function(*arguments, **family.parameters)
            several = returned if isinstance(returned, tuple | list) else (returned,)
            made.append(Attempt(tuple(map(copied, several))))  # which the next call may overwrite
        except BaseException as error:
            if is_users(error):
                raise
            made.append(Attempt(error=error))
    return made


def is_right(family: Family, made: Sequence[Attempt]) -> bool:
    """Whether calls return what is expected, to a few digits."""
    wanted = family.answer.expected.values()
    return all(
        len(one.arrays) == len(wanted)
        and all(got is not None and near(got, due[case]) for got, due in zip(one.arrays, wanted, strict=True))
        for case, one in enumerate(made)
    )


def near(got: np.ndarray, expected: np.ndarray) -> bool:
    """Whether an array equals what is expected, to a few digits of its precision."""
    if got.shape != expected.shape or got.dtype.kind not in "fiubV":
        return False
    share = 3e-2 if got.dtype.kind == "V" or got.dtype.itemsize == 2 else 1e-3
    size = float(np.abs(expected).max(initial=0.0))
    return bool(np.allclose(got.astype(np.float64), expected, rtol=share, atol=share * size / 10, equal_nan=True))
