"""Tiny families to try a function on: one for each form that its arguments and parameters have, and each dtype."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ...vectors.records import Family

FIRST_DTYPE = "float32"
"""Which shows best what is widened to float64 on the way."""
MOST_ELEMENTS = 400
"""Of a family that is small: all arguments of a case together."""

CallForm = tuple[object, ...]


def probes(families: Iterable[Family], dtypes: Sequence[str]) -> Iterator[Family]:
    """Of the families of a function: each form at one dtype, the commonest form first; then that one at the others."""
    usual = [family for family in families if family.level == "required" and family.result == "valid"]
    usual = [family for family in usual if family.answer.expected and family.dtype in dtypes]
    first = FIRST_DTYPE if any(family.dtype == FIRST_DTYPE for family in usual) else next(iter(dtypes), "")
    forms: dict[CallForm, list[Family]] = {}
    for family in usual:
        if family.dtype == first:
            forms.setdefault(_form(family), []).append(family)
    common = sorted(forms.values(), key=len, reverse=True)
    yield from (max(alike, key=_telling) for alike in common)
    for dtype in dtypes:
        others = [f for f in usual if f.dtype == dtype != first and common and _form(f) == _form(common[0][0])]
        if others:
            yield max(others, key=_telling)


def small(families: Iterable[Family], dtypes: Sequence[str]) -> list[Family]:
    """The families of a function that cost little to try, at the dtype that is looked at first."""
    dtype = FIRST_DTYPE if FIRST_DTYPE in dtypes else next(iter(dtypes), "")
    return [f for f in families if f.dtype == dtype and f.level == "required" and _elements(f) <= MOST_ELEMENTS]


def _form(family: Family) -> CallForm:
    """What a function may have to tell apart: parameters, ranks, and what labels are."""
    tensors = ((name, tensor.ndim, tensor.dtype.kind, _one_hot(tensor)) for name, tensor in family.inputs.items())
    return (*family.parameters.items(), *tensors)


def _one_hot(tensor: np.ndarray) -> bool:
    """Whether all that a tensor holds is 0 or 1, in rows with a single 1."""
    return tensor.ndim == 3 and bool(((tensor == 0) | (tensor == 1)).all() and (tensor.sum(axis=-1) == 1).all())


def _telling(family: Family) -> tuple[float, ...]:
    """How much a family tells: sizes that differ, several cases, results that are no zeros, and few of all."""
    lengths = {length for tensor in family.inputs.values() for length in tensor.shape[1:] if length > 1}
    results = np.concatenate([tensor.reshape(-1) for tensor in family.answer.expected.values()])
    shown = round(float(np.count_nonzero(results) / max(results.size, 1)), 1)
    return (len(lengths), min(family.count, 3), shown, -_elements(family))


def _elements(family: Family) -> int:
    return sum(int(np.prod(tensor.shape[1:])) for tensor in family.inputs.values())
