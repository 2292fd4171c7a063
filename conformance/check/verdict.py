"""The verdict on one family of cases: how it ended, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ...vectors.records import Family
from .heatmap import Heatmap


class MissKind(StrEnum):
    """What sort of thing is wrong."""

    VALUE = "value"
    SIGN = "sign"
    """A result too small for a normal number, where only a part of its digits is due, has the other sign."""
    SHAPE = "shape"
    DTYPE = "dtype"
    COUNT = "count"
    """Another number of results than expected."""
    RESULT_TYPE = "result-type"
    """A result that is not an array."""
    RAISED = "raised"
    ACCEPTED = "accepted"
    """A call returned that must raise."""
    LOST = "lost"
    """A call timed out, or its process died."""
    CHANGED_ARGUMENT = "changed-argument"
    WRITTEN_BESIDE = "written-beside"
    """Memory beside an argument is changed."""
    SHARED_MEMORY = "shared-memory"
    """A result shares memory with an argument, or with another result."""
    OVERWRITTEN_RESULT = "overwritten-result"
    REPEAT = "repeat"
    """The same call, made again at once, gives other bits."""
    STATE = "state"
    """The same call gives other bits after another call."""
    NEW_CONTENTS = "new-contents"
    """A call with the memory of an earlier one, which now holds another case, does not give that case's results."""
    MANY_CALLS = "many-calls"
    """The same call gives other bits after many other calls."""
    THREADS = "threads"
    """Calls from several threads at once do not give the results of calls one after another."""
    LAYOUT = "layout"
    """Wrong values for arguments with another layout in memory."""
    REFUSED_LAYOUT = "refused-layout"
    """An exception for arguments with another layout in memory. It concerns the implementation more than the family:
    the summary lists it once, and it fails a family under --impl-strict only."""
    BATCH = "batch"
    """A permuted batch does not give the permuted results."""
    CONVENTION = "convention"


class MissReason(StrEnum):
    """Which of several things a miss of one kind is about, where code decides by it."""

    READ_ONLY = "read-only"
    FORTRAN_ORDERED = "Fortran-ordered"
    BROADCAST = "broadcast"
    SLICED = "sliced"
    INNER_STRIDED = "inner-strided"
    ROWS_SLICED = "row-sliced"
    AXES_PERMUTED = "axes-permuted"
    BYTE_SWAPPED = "byte-swapped"
    MISALIGNED = "misaligned"
    NEGATIVELY_STRIDED = "negatively strided"
    """These are the layouts of arguments."""
    MADE_AGAIN = "made again"
    """Seen when a call was made again, not the first time."""
    EXCEPTION = "exception"
    """The call raised, where a value was to be compared."""
    UNKNOWN_ANSWER = "unknown answer"
    """The answer that is declared for a convention's point is not one that the vectors have."""
    DECLARED_OTHERWISE = "declared otherwise"
    """Another answer is declared for the point than is followed."""
    MIXED_ANSWERS = "mixed answers"
    """The cases of a family follow different answers."""


OF_THE_WHOLE = frozenset({MissKind.REFUSED_LAYOUT, MissKind.SHARED_MEMORY})
"""Kinds of misses that concern an implementation more than a family: they say nothing of its values."""
OF_VALUES = frozenset(
    {
        MissKind.VALUE,
        MissKind.SIGN,
        MissKind.SHAPE,
        MissKind.DTYPE,
        MissKind.COUNT,
        MissKind.RESULT_TYPE,
        MissKind.RAISED,
        MissKind.ACCEPTED,
    }
)
"""Kinds of misses that the cells of calls, forms and elements tell in full."""
BY_STATE = frozenset(
    {
        MissKind.LAYOUT,
        MissKind.BATCH,
        MissKind.REPEAT,
        MissKind.STATE,
        MissKind.NEW_CONTENTS,
        MissKind.MANY_CALLS,
        MissKind.THREADS,
    }
)
"""Breaches of the contract that a state left over brings with it."""


class Outcome(StrEnum):
    """How a family ended."""

    PASSED = "passed"
    FAILED = "failed"
    ROBUST_MISS = "robust miss"
    """A requirement of level "robust" is missed: shown as xfail, failed under --impl-strict."""
    NOT_IMPLEMENTED = "not implemented"
    UNSUPPORTED = "unsupported"
    DECLARED = "declared"
    """The adapter declares that it does not promise what this family asks."""


class Cause(StrEnum):
    """Why a family was not held against its answers."""

    NO_FUNCTION = "no function"
    """The adapter has no function for the operation and direction."""
    NO_DTYPE = "no dtype"
    """The adapter does not declare the dtype."""
    NO_TOLERANCE = "no tolerance"
    """The vectors have no tolerance at the declared precision."""
    REFUSED = "refused"
    """The function raised NotImplementedError, or does not take a parameter of the family."""
    DECLARED = "declared"
    """A declaration of the adapter excludes it."""


_OUTCOME_BY_CAUSE = {
    None: Outcome.PASSED,
    Cause.NO_FUNCTION: Outcome.NOT_IMPLEMENTED,
    Cause.NO_DTYPE: Outcome.NOT_IMPLEMENTED,
    Cause.NO_TOLERANCE: Outcome.UNSUPPORTED,
    Cause.REFUSED: Outcome.UNSUPPORTED,
    Cause.DECLARED: Outcome.DECLARED,
}
"""The outcome of a family of which nothing is wrong."""


@dataclass(frozen=True)
class Miss:
    """One thing that is wrong. Code decides by `kind`, `result` and `reason`; people read `summary` and `details`."""

    kind: MissKind
    robust: bool
    """True where a miss is shown but does not fail the family."""
    case: int | None
    """The case within the family; None where it is the family as a whole."""
    summary: str
    """One line: what was expected, of what, and what came."""
    details: tuple[str, ...] = ()
    """Further lines, already formatted: the worst element with got, expected, error and tolerance, the count of
    elements that are out."""
    heatmap: Heatmap | None = None
    """Of a wrong value: where in the tensor the error sits."""
    result: str | None = None
    """The result that it concerns, or of a changed argument the argument; None where it concerns the whole call."""
    reason: MissReason | None = None
    looser: str | None = None
    """Of a wrong value: the strictest precision looser than the declared one that allows all values of the family."""

    def with_detail(self, line: str) -> "Miss":
        """The miss with one more line."""
        return replace(self, details=(*self.details, line))


@dataclass(frozen=True)
class Verdict:
    """What is said of one family. Made by `verdict_on`."""

    id: str
    op: str
    dtype: str
    direction: str
    level: str
    outcome: Outcome
    cases: int
    misses: tuple[Miss, ...] = ()
    cause: Cause | None = None
    """Why it is not implemented, unsupported or declared; None otherwise."""
    reason: str = ""
    """The same as a text for people; of large cases that are right, their size and what their errors are like."""
    fraction: float | None = None
    """The largest |got - expected| / tolerance over all elements with a finite, positive tolerance."""
    ulps: float | None = None
    """The largest |got - expected| in units in the last place of the case's dtype."""
    point: str | None = None
    """The convention's point, for a family that has one."""
    kept: Mapping[str, bool] = field(default_factory=dict)
    """By precision of the dtype that the family has tolerances for: whether every value is within them. Empty where
    no values were compared."""
    answers: tuple[str, ...] = ()
    """The answers at that point that every result of the family agrees with ("0", "1/2"), canonical first."""
    calls: int = 0
    """How many calls of the implementation the check made."""
    seconds: float = 0.0
    """Wall time of the check."""

    @property
    def function(self) -> str:
        """The name of the function that was called: "dense_backward"."""
        return f"{self.op}_{self.direction}"

    @property
    def by_gravity(self) -> list[Miss]:
        """The misses, those that are not robust first."""
        return sorted(self.misses, key=lambda miss: miss.robust)

    @property
    def gravest(self) -> Miss | None:
        """The first miss that is not robust, or else the first."""
        return next(iter(self.by_gravity), None)

    @property
    def first_case(self) -> int | None:
        """The case of the gravest miss that has one."""
        return next((miss.case for miss in self.by_gravity if miss.case is not None), None)

    @property
    def looser(self) -> str | None:
        """The precision that all that is wrong names as `looser`; None where there is none, or something else is
        wrong."""
        named = {miss.looser for miss in self.misses if miss.kind not in OF_THE_WHOLE}
        return named.pop() if len(named) == 1 else None


def verdict_on(family: Family, misses: Sequence[Miss] = (), cause: Cause | None = None, **fields: Any) -> Verdict:
    """The verdict on a family; `fields` are further fields of `Verdict`. The outcome follows from misses and cause."""
    return Verdict(
        id=family.id,
        op=family.op,
        dtype=family.dtype,
        direction=family.direction,
        level=family.level,
        outcome=_outcome(misses, cause),
        cases=family.count,
        misses=tuple(misses),
        cause=cause,
        point=family.point,
        **fields,
    )


def _outcome(misses: Sequence[Miss], cause: Cause | None) -> Outcome:
    """Failed if any miss is not robust; a refused layout alone leaves the outcome as it would be without it."""
    if any(not miss.robust for miss in misses):
        return Outcome.FAILED
    if any(miss.kind is not MissKind.REFUSED_LAYOUT for miss in misses):
        return Outcome.ROBUST_MISS
    return _OUTCOME_BY_CAUSE[cause]
