"""Tiny families to try a function on: one for each form of call at each dtype."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ...vectors.records import Family
from ..check.family import FURTHER_RANK

FIRST_DTYPE = "float32"
"""Tried first: a result that was widened to float64 is seen by its dtype."""
MOST_ELEMENTS = 400
"""The largest size of a small family: elements of all arguments of a case together."""


def probes(families: Iterable[Family], dtypes: Sequence[str]) -> Iterator[Family]:
    """One family of each form at each dtype, the commonest form and the first dtype first."""
    forms: dict[tuple[object, ...], list[Family]] = {}
    for family in (f for f in families if f.dtype in dtypes and _is_small(f)):
        if family.result == "valid" and family.answer.expected:
            forms.setdefault(_form(family), []).append(family)
    common = sorted(forms.values(), key=len, reverse=True)
    for dtype in sorted(dtypes, key=lambda dtype: dtype != FIRST_DTYPE):
        for alike in common:
            of_one = [family for family in alike if family.dtype == dtype]
            yield from sorted(of_one, key=_telling)[-1:]


def small(families: Iterable[Family], dtypes: Sequence[str]) -> list[Family]:
    """The families of a function that are small, at the first dtype."""
    dtype = FIRST_DTYPE if FIRST_DTYPE in dtypes else next(iter(dtypes), "")
    return [f for f in families if f.dtype == dtype and _is_small(f)]


def _is_small(family: Family) -> bool:
    """Whether it is also required, in a form that an operation has to take."""
    due = family.level == "required" and not {*family.flags} >= FURTHER_RANK
    return due and family.elements <= MOST_ELEMENTS * family.count


def _form(family: Family) -> tuple[object, ...]:
    """Parameters, ranks, and kinds of labels: what a function may treat differently."""
    tensors = ((name, tensor.ndim, tensor.dtype.kind, is_one_hot(tensor)) for name, tensor in family.inputs.items())
    return (*family.parameters.items(), *tensors)


def is_one_hot(tensor: np.ndarray) -> bool:
    """Whether every row has a single 1 and 0 elsewhere."""
    return tensor.ndim == 3 and bool(((tensor == 0) | (tensor == 1)).all() and (tensor.sum(axis=-1) == 1).all())


def _telling(family: Family) -> tuple[float, ...]:
    """A sort key: sizes that differ, several cases, results that are not 0, and few elements are best."""
    lengths = {length for tensor in family.inputs.values() for length in tensor.shape[1:] if length > 1}
    results = np.concatenate([tensor.reshape(-1) for tensor in family.answer.expected.values()])
    shown = round(float(np.count_nonzero(results) / max(results.size, 1)), 1)
    return (len(lengths), min(family.count, 3), shown, -family.elements / family.count)
