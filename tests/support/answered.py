"""Golden families of the losses, and whether an implementation is right about them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from backproof.reference.generation.build import build
from backproof.vectors.records import Family

family = cache(build)


def calls(f: Family) -> list[tuple[np.ndarray, ...]]:
    """The arguments of each case."""
    return [tuple(x[i] for x in f.inputs.values()) for i in range(f.count)]


def right(f: Family, case: int, result: Any) -> np.ndarray:
    """Element by element, whether one case's result is within the tolerance of any answer; shapes have to agree."""
    [name] = f.answer.expected
    got = np.asarray(result, dtype=np.float64)
    found = np.zeros(f.answer.expected[name][case].shape, dtype=bool)
    if got.shape != found.shape:
        return np.zeros(1, dtype=bool)
    for answer in (f.answer, *f.alternatives.values()):
        expected, tolerance = answer.expected[name][case], answer.tolerance[f.dtype][name][case]
        with np.errstate(invalid="ignore"):
            found |= (abs(got - expected) <= tolerance) | (got == expected) | (np.isnan(got) & np.isnan(expected))
    return found


def accepts(f: Family, function: Callable[..., Any]) -> bool:
    """Whether an implementation, run in the family's own dtype, is right about every case."""
    with np.errstate(all="ignore"):
        results = [function(*arguments, **f.parameters) for arguments in calls(f)]
    return all(right(f, i, np.asarray(r).astype(f.dtype)).all() for i, r in enumerate(results))
