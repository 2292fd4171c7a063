"""What a check says of one family: value types that flow from `check` to the plugin and the report."""

from dataclasses import dataclass
from enum import StrEnum

from .heatmap import Picture

REFUSED_LAYOUT = "refused-layout"
"""The kind of miss that says more of the implementation than of the family: it takes no such arguments at all. It is
told once in the summary, and fails a family under --impl-strict alone."""

LOST = "lost"
"""The kind of miss of a call that came to no end: it hung, or its process is gone."""


class Outcome(StrEnum):
    """How a family ended."""

    PASSED = "passed"
    FAILED = "failed"
    ROBUST_MISS = "robust miss"
    """Something that the design calls robust is off: shown as xfail, failed under --impl-strict."""
    NOT_IMPLEMENTED = "not implemented"
    """The adapter has no function for the operation and direction, or does not declare the dtype."""
    UNSUPPORTED = "unsupported"
    """The adapter raised NotImplementedError, or no tolerance is given at its declared precision."""
    DECLARED = "declared"
    """The adapter says that it does not promise what this family asks."""


@dataclass(frozen=True)
class Miss:
    """One thing that is wrong, in words for the person at the keyboard."""

    kind: str
    """A short word: value, shape, dtype, count, raised, accepted, lost, changed-argument, overwritten-result, repeat,
    state, layout, refused-layout, batch, convention, result-type."""
    robust: bool
    """True where a miss is shown but does not fail the family."""
    case: int | None
    """The case within the family; None where it is the family as a whole."""
    summary: str
    """One line: what was expected, of what, and what came."""
    details: tuple[str, ...] = ()
    """Further lines, already formatted: the worst element with got, expected, error and tolerance, the count of
    elements that are out."""
    picture: Picture | None = None
    """Of a wrong value: where in the tensor the error sits."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one family."""

    id: str
    op: str
    dtype: str
    direction: str
    level: str
    outcome: Outcome
    cases: int
    misses: tuple[Miss, ...] = ()
    reason: str = ""
    """Why it is not implemented, unsupported or declared; empty otherwise."""
    fraction: float | None = None
    """The largest |got - expected| / tolerance over all elements with a finite, positive tolerance."""
    ulps: float | None = None
    """The largest |got - expected| in units in the last place of the case's dtype."""
    point: str | None = None
    """The convention's point, for a family that has one."""
    answers: tuple[str, ...] = ()
    """The answers at that point that every result of the family agrees with ("0", "1/2"), canonical first."""
    calls: int = 0
    """How many calls of the implementation the check made."""
    seconds: float = 0.0
    """Wall time of the check."""
