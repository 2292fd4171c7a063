"""Which named fault does a wrong implementation look like? Asked of failures alone, once the run is over."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...vectors.records import DIRECTIONS, OperationVectors
from ..check.verdict import MissKind
from ..implementation.load import Implementation
from .candidates import formula
from .evidence import observe
from .matching import Wrong
from .readings import read
from .sample import sample
from .suspects import Finding, Known, Ran, causes, fitting, is_strict

__all__ = ["Diagnosis", "Finding", "diagnose"]


@dataclass(frozen=True)
class Diagnosis:
    """What the failures of one function look like. Several findings hold together: each explains a part."""

    op: str
    direction: str
    findings: tuple[Finding, ...]


def diagnose(ran: Iterable[Ran], implementation: Implementation, vectors: OperationVectors) -> Iterator[Diagnosis]:
    """What the failures of an operation look like, direction by direction; nothing where that is not certain.

    Calls the implementation again on a few of the families that ran, which it has to be set up for; not where one of
    its calls hung or ended the interpreter.
    """
    ran = tuple(ran)
    for direction in DIRECTIONS:
        of_one = [item for item in ran if item.family.direction == direction]
        lost = any(miss.kind is MissKind.LOST for item in of_one for miss in item.verdict.misses)
        if any(item.fails for item in of_one) and not lost:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                findings = tuple(_findings(of_one, direction, implementation, vectors))
            if findings:
                yield Diagnosis(vectors.op, direction, findings)


def _findings(
    ran: Sequence[Ran], direction: str, implementation: Implementation, vectors: OperationVectors
) -> Iterable[Finding]:
    wrong = [Wrong(observe(item.family, implementation, vectors), is_strict(item), item.fails) for item in sample(ran)]
    known = Known(implementation, vectors, ran, wrong, formula(vectors.op, direction))
    fits = fitting(known)
    found = [cause.finding(vectors.results[direction]) for cause in causes(fits, known)]
    return found or read(known, fits)
