"""The outcome of a family follows from what is wrong with it and from why it was not held against its answers."""

import pytest
from backproof.conformance.check.verdict import Cause, Miss, MissKind, Outcome, verdict_on
from hand_built import slope_forward_family

FAMILY = slope_forward_family([[1.0]], [[1.0]])
REQUIRED = Miss(MissKind.VALUE, False, 0, "outputs is wrong")
ROBUST = Miss(MissKind.LAYOUT, True, 0, "outputs is wrong for read-only arguments")
REFUSED = Miss(MissKind.REFUSED_LAYOUT, True, 0, "read-only arguments are refused")


@pytest.mark.parametrize(
    ("misses", "cause", "outcome"),
    [
        ([], None, Outcome.PASSED),
        ([REFUSED], None, Outcome.PASSED),
        ([REFUSED, ROBUST], None, Outcome.ROBUST_MISS),
        ([ROBUST, REQUIRED], None, Outcome.FAILED),
        ([], Cause.NO_FUNCTION, Outcome.NOT_IMPLEMENTED),
        ([], Cause.NO_DTYPE, Outcome.NOT_IMPLEMENTED),
        ([], Cause.NO_TOLERANCE, Outcome.UNSUPPORTED),
        ([REFUSED], Cause.REFUSED, Outcome.UNSUPPORTED),
        ([ROBUST], Cause.REFUSED, Outcome.ROBUST_MISS),
        ([REQUIRED], Cause.REFUSED, Outcome.FAILED),
        ([], Cause.DECLARED, Outcome.DECLARED),
    ],
)
def test_the_gravest_of_what_was_found_is_the_outcome(
    misses: list[Miss], cause: Cause | None, outcome: Outcome
) -> None:
    assert verdict_on(FAMILY, misses, cause).outcome is outcome
