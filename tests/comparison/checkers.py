"""The checkers side by side: what each is given, and what it rejects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from time import process_time

import numpy as np
from backproof.conformance.check.verdict import Outcome

from . import ours
from .calls import LARGE, SMALL, Call, calls
from .differences import check_grads, gradcheck
from .subjects import PLAIN, Subject, reference, subjects
from .values import gpucheck_default, numpy_default, on_the_same_inputs, same_values, torch_default, twice_the_framework


@dataclass(frozen=True)
class Found:
    """What one run found of one subject."""

    rejected: Mapping[str, Mapping[str, str]]
    """By column and dtype, the first reason. A dtype that is accepted is absent."""
    seconds: float
    """Of processor time, which what else runs on the machine does not change much."""
    kind: str = ""
    """One of ours.KINDS, of a fault that backproof rejects."""


@dataclass(frozen=True)
class Checker:
    """One that checks call by call."""

    dtypes: tuple[str, ...]
    """Those that its documentation gives tolerances for, or that it is usually taken for."""
    one: Callable[[Subject, Call], None]
    """Raises where it rejects. What the code under it raises counts too: its user sees it either way."""
    size: str = SMALL
    of_differences: bool = False
    """Whether it needs a forward and a backward of one operation."""
    one_by_one: bool = False
    """Whether it goes through the inputs element by element: it is given the first call of each form alone."""

    def calls(self, op: str, dtype: str) -> list[Call]:
        """The calls that it is given."""
        found = [call for call in calls(op, dtype, self.size) if call.differentiable or not self.of_differences]
        return [call for call in found if not (call.draw and self.one_by_one)]

    def rejects(self, subject: Subject, call: Call) -> str:
        """Why a call is rejected, in a line; empty where it is not."""
        try:
            self.one(subject, call)
        except Exception as error:
            return " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return ""


HALVES = ("float16", "bfloat16")
_SMALL = {
    "same-inputs": Checker(("float64", "float32", *HALVES), on_the_same_inputs),
    "gradcheck": Checker(("float64",), partial(gradcheck, fast=False), of_differences=True, one_by_one=True),
    "gradcheck-fast": Checker(("float64",), partial(gradcheck, fast=True), of_differences=True),
    "check_grads": Checker(("float64",), check_grads, of_differences=True),
    "check_grads-float32": Checker(("float32",), check_grads, of_differences=True),
    "numpy": Checker(("float64", "float32"), partial(same_values, compare=numpy_default)),
    "torch": Checker(("float64", "float32", *HALVES), partial(same_values, compare=torch_default)),
    "flash": Checker(("float32", *HALVES), twice_the_framework),
    "gpucheck": Checker(("float64", "float32", *HALVES), partial(same_values, compare=gpucheck_default)),
}
OF_LARGE = " large"
CHECKERS = _SMALL | {
    f"{name}{OF_LARGE}": Checker(one.dtypes, one.one, LARGE, one.of_differences)
    for name, one in _SMALL.items()
    if not one.one_by_one
}
OURS, STRICT = "backproof", "backproof-strict"
"""Two columns of one run."""
COLUMNS = (OURS, STRICT, *CHECKERS)
ALL = "all"
"""In place of a dtype, where a run stops at the first rejection."""

MOST_SPOILED = 0.1
"""A dtype of which a larger share of calls is spoiled than this is not used with a checker."""


def check(name: str, subject: Subject) -> Found:
    """Run one checker, by its name in CHECKERS or OURS, over one subject."""
    with np.errstate(all="ignore"):
        return _ours(subject) if name == OURS else _call_by_call(name, subject)


def _ours(subject: Subject) -> Found:
    started = process_time()
    outcome, kind = ours.rejection(subject, whole=subject.group == PLAIN)
    failing = {OURS: (Outcome.FAILED,), STRICT: (Outcome.FAILED, Outcome.ROBUST_MISS)}
    rejected = {column: {ALL: kind} for column, outcomes in failing.items() if outcome in outcomes}
    return Found(rejected, process_time() - started, kind)


def _call_by_call(name: str, subject: Subject) -> Found:
    """Check every call that the plain implementation passes, up to the first that is rejected."""
    checker, rejected = CHECKERS[name], {}
    skipped = {dtype: spoiled(name, subject.op, dtype) for dtype in checker.dtypes}
    started = process_time()
    for dtype in (dtype for dtype in checker.dtypes if dtype in subject.dtypes):
        subject.fresh()
        for position, call in enumerate(checker.calls(subject.op, dtype)):
            if position not in skipped[dtype] and (reason := checker.rejects(subject, call)):
                rejected[dtype] = reason
                break
    return Found({name: rejected}, process_time() - started)


@cache
def spoiled(name: str, op: str, dtype: str) -> frozenset[int]:
    """The calls at which a checker rejects the plain implementation or the reference: a user would draw others.

    Differences step over a kink, or a probability is small and the loss bends too much; values differ in the last
    digits, or nearly cancel.
    """
    checker, sound = CHECKERS[name], (subjects(op)[f"{PLAIN}: {op}"], reference(op))
    return frozenset(
        position
        for position, call in enumerate(checker.calls(op, dtype))
        if any(checker.rejects(subject, call) for subject in sound)
    )


def spoiled_share(name: str, op: str, dtype: str) -> tuple[int, int]:
    """How many calls of an operation are spoiled, and of how many."""
    return len(spoiled(name, op, dtype)), len(CHECKERS[name].calls(op, dtype))
