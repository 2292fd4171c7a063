"""The checkers side by side: what each is given, and what it rejects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from time import process_time

import numpy as np
from backproof.conformance.check.verdict import Outcome

from . import ours
from .calls import OPERATIONS, TYPICAL, Call, calls
from .differences import check_grads, gradcheck, lesson
from .subjects import PLAIN, Subject, reference, subjects
from .values import numpy_default, onnx, same_values, torch_default


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
    typical: bool = True
    """Whether a typical batch is within its means."""

    def calls(self, op: str, dtype: str) -> list[Call]:
        """The calls that it is given."""
        return [call for call in calls(op, dtype) if self.typical or call.sizes != TYPICAL]

    def rejects(self, subject: Subject, call: Call) -> str:
        """Why a call is rejected, in a line; empty where it is not."""
        try:
            self.one(subject, call)
        except Exception as error:
            return " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return ""


CHECKERS = {
    "gradcheck": Checker(("float64",), partial(gradcheck, fast=False), typical=False),
    "gradcheck-fast": Checker(("float64",), partial(gradcheck, fast=True)),
    "check_grads": Checker(("float64",), check_grads),
    "check_grads-float32": Checker(("float32",), check_grads),
    "lesson": Checker(("float64",), lesson, typical=False),
    "numpy": Checker(("float64", "float32"), partial(same_values, compare=numpy_default)),
    "onnx": Checker(("float64", "float32", "float16"), partial(same_values, compare=onnx)),
    "torch": Checker(("float64", "float32", "float16", "bfloat16"), partial(same_values, compare=torch_default)),
}
OURS, STRICT = "backproof", "backproof-strict"
"""Two columns of one run."""
COLUMNS = (OURS, STRICT, *CHECKERS)

MOST_SPOILED = 0.1
"""A dtype of which a larger share of calls is spoiled than this is not used with a checker."""


def check(name: str, subject: Subject) -> Found:
    """Run one checker, by its name in RUNS or OURS, over one subject."""
    with np.errstate(all="ignore"):
        return _ours(subject) if name == OURS else _call_by_call(name, subject)


def _ours(subject: Subject) -> Found:
    started = process_time()
    found = ours.verdicts(subject)
    seconds = process_time() - started
    rejected = {
        OURS: ours.rejected(found, Outcome.FAILED),
        STRICT: ours.rejected(found, Outcome.FAILED, Outcome.ROBUST_MISS),
    }
    return Found(rejected, seconds, ours.kind_of(subject, found))


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

    Differences step over a kink of ReLU, or a probability is small and the loss bends too much; values differ in the
    last digits, or nearly cancel.
    """
    checker, sound = CHECKERS[name], (subjects()[f"{PLAIN}: {op}"], reference(op))
    reasons = [[checker.rejects(subject, call) for subject in sound] for call in checker.calls(op, dtype)]
    if dtype == checker.dtypes[0] and all(map(any, reasons)):
        raise RuntimeError(f"{name} rejects all calls of {op} as NumPy has it: {reasons[0]}")
    return frozenset(position for position, found in enumerate(reasons) if any(found))


def spoiled_share(name: str, dtype: str) -> tuple[int, int]:
    """How many calls of all operations are spoiled, and of how many."""
    ops = OPERATIONS
    return sum(len(spoiled(name, op, dtype)) for op in ops), sum(len(CHECKERS[name].calls(op, dtype)) for op in ops)
