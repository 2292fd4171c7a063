"""Examine all functions of an implementation: which fit, and what is wrong with the others."""

import warnings
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ...vectors.records import DIRECTIONS, Family, OperationVectors
from ..check.family import check
from ..check.verdict import OF_THE_WHOLE, Miss, MissKind, MissReason, Outcome
from ..check.wording import listed
from ..implementation.load import Implementation
from .explain import explain_misfit
from .fit import Fit, FunctionFit
from .probes import probes

MOST_ASKED = 2
"""Of the parameters with which a function raised NotImplementedError, where these are not all alike."""


def examine(
    implementation: Implementation, files: Iterable[OperationVectors], directions: Sequence[str] = DIRECTIONS
) -> Iterator[FunctionFit]:
    """How each function fits that there are vectors for. The implementation has to be set up."""
    for vectors in files:
        families = tuple(vectors.families)
        for direction in directions:
            of_one = [family for family in families if family.direction == direction]
            if of_one:
                yield _opinion(implementation, vectors, direction, of_one)


def _opinion(
    implementation: Implementation, vectors: OperationVectors, direction: str, families: list[Family]
) -> FunctionFit:
    name = f"{vectors.op}_{direction}"
    if (vectors.op, direction) not in implementation.functions:
        meant = (str(misspelt) for misspelt in implementation.misspelt if misspelt.meant == name)
        return FunctionFit(name, Fit.ABSENT, notes=tuple(meant))
    unsupported: dict[str, set[frozenset[str]]] = {}
    notes: dict[str, None] = {}
    fitting = 0
    for family in probes(families, implementation.dtypes):
        verdict = check(family, implementation, vectors)
        if verdict.outcome is Outcome.UNSUPPORTED:
            asked = frozenset(f"{name}={value!r}" for name, value in family.parameters.items())
            unsupported.setdefault(verdict.reason, set()).add(asked)
            continue
        if any(miss.kind not in OF_THE_WHOLE for miss in verdict.misses) or verdict.outcome is Outcome.NOT_IMPLEMENTED:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                misfit = explain_misfit(family, verdict, implementation, vectors)
            return FunctionFit(name, Fit.MISFIT, misfit, family.id)
        fitting += 1
        notes |= {_note(miss): None for miss in verdict.misses}
    if not fitting:
        why = next(iter(unsupported), "none of its dtypes is one that there are vectors of")
        return FunctionFit(name, Fit.UNFILLED, notes=(why,))
    lacking = (f"not supported: {why}{_asked(asked)}" for why, asked in unsupported.items())
    return FunctionFit(name, Fit.OK, notes=(*lacking, *notes))


def _asked(parameters: Iterable[frozenset[str]]) -> str:
    """The parameters that all refused calls had in common; else those of each, where they are few."""
    common = sorted(frozenset.intersection(*parameters))
    told = common or sorted({one for asked in parameters for one in asked})
    return f", with {listed(told, 'and' if common else 'or')}" if common or 0 < len(told) <= MOST_ASKED else ""


def _note(miss: Miss) -> str:
    if miss.kind is MissKind.SHARED_MEMORY:
        return miss.summary
    # Both keep the shape of an array without axes, of which np.ascontiguousarray makes (1,).
    made = ".astype(array.dtype.newbyteorder('='))" if miss.reason is MissReason.BYTE_SWAPPED else ".copy()"
    return f"{miss.reason} arguments are refused; array{made} makes a plain one"
