"""How a family's test ends: its verdict, in the light of expected failures and of --impl-strict."""

from ..check.verdict import Outcome, Verdict
from ..record.results import Ending, Result
from .xfails import ExpectedFailure

_HELD = (Outcome.PASSED, Outcome.FAILED, Outcome.ROBUST_MISS)


def conclude(nodeid: str, verdict: Verdict, expected: ExpectedFailure | None, *, strict: bool) -> Result:
    """The result of a test. `strict` lets robust misses fail; an expected failure that passes fails always."""
    outcome, missed = verdict.outcome, bool(verdict.misses)
    note = ""
    if outcome not in _HELD:
        ending, note = Ending.SKIPPED, f"{outcome}: {verdict.reason}"
    elif expected is not None and not missed:
        ending = Ending.UNEXPECTED_PASS
        note = f"unexpected pass: {expected.place} expects a failure ({expected.reason}); delete the line"
    elif expected is not None:
        ending, note = Ending.EXPECTED_FAILURE, f"{expected.reason} ({expected.place})"
    elif outcome is Outcome.FAILED:
        ending = Ending.FAILED
    elif missed and strict:
        ending = Ending.FAILED
        what = "a layout is refused" if outcome is Outcome.PASSED else "a robust miss"
        note = f"{what}, and robust misses are to fail"
    elif outcome is Outcome.PASSED:
        ending = Ending.PASSED
    else:
        ending, note = Ending.ROBUST_MISS, f"robust miss: {verdict.misses[0].summary}"
    return Result(nodeid, verdict, ending, note)
