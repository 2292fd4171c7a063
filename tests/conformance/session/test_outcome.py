"""What a verdict comes to, and its way from a worker to the process that reports."""

import json

import pytest
from backproof.conformance.check.verdict import Cause, Miss, MissKind, MissReason, Outcome, Verdict
from backproof.conformance.record.plain import pack, unpack
from backproof.conformance.record.results import Ending, Result
from backproof.conformance.session.outcome import conclude
from backproof.conformance.session.xfails import ExpectedFailure

EXPECTED = ExpectedFailure("dense/*", "a reason", "expected.txt:1")
MISSES = (
    Miss(MissKind.VALUE, True, 3, "outputs is wrong", ("worst at [1]", "out in 2"), result="outputs"),
    Miss(MissKind.CHANGED_ARGUMENT, False, None, "kept", reason=MissReason.MADE_AGAIN),
)


REFUSAL = (Miss(MissKind.REFUSED_LAYOUT, True, 0, "read-only arguments are refused"),)


def verdict(outcome: Outcome, misses: tuple[Miss, ...] = MISSES) -> Verdict:
    """A verdict with something in every field."""
    return Verdict(
        id="dense/float32/forward-x",
        op="dense",
        dtype="float32",
        direction="forward",
        level="required",
        outcome=outcome,
        cases=5,
        misses=() if outcome is Outcome.PASSED and misses is MISSES else misses,
        cause=Cause.REFUSED,
        reason="because",
        fraction=1.5,
        ulps=3.0,
        point="slope",
        answers=("0", "1/2"),
        calls=9,
        seconds=0.25,
    )


@pytest.mark.parametrize(
    ("outcome", "expected", "strict", "ending"),
    [
        (Outcome.PASSED, None, False, Ending.PASSED),
        (Outcome.PASSED, None, True, Ending.PASSED),
        (Outcome.PASSED, EXPECTED, False, Ending.UNEXPECTED_PASS),
        (Outcome.FAILED, None, False, Ending.FAILED),
        (Outcome.FAILED, EXPECTED, True, Ending.EXPECTED_FAILURE),
        (Outcome.ROBUST_MISS, None, False, Ending.ROBUST_MISS),
        (Outcome.ROBUST_MISS, None, True, Ending.FAILED),
        (Outcome.ROBUST_MISS, EXPECTED, False, Ending.EXPECTED_FAILURE),
        (Outcome.ROBUST_MISS, EXPECTED, True, Ending.EXPECTED_FAILURE),
        (Outcome.NOT_IMPLEMENTED, None, True, Ending.SKIPPED),
        (Outcome.UNSUPPORTED, EXPECTED, False, Ending.SKIPPED),
        (Outcome.DECLARED, EXPECTED, True, Ending.SKIPPED),
    ],
)
def test_an_outcome_ends_as_expectation_and_strictness_have_it(
    outcome: Outcome, expected: ExpectedFailure | None, strict: bool, ending: Ending
) -> None:
    assert conclude("vectors/dense.h5::x", verdict(outcome), expected, strict=strict).ending is ending


@pytest.mark.parametrize(
    ("expected", "strict", "ending"),
    [
        (None, False, Ending.PASSED),
        (None, True, Ending.FAILED),
        (EXPECTED, False, Ending.EXPECTED_FAILURE),
        (EXPECTED, True, Ending.EXPECTED_FAILURE),
    ],
)
def test_a_refused_layout_fails_under_strictness_alone(
    expected: ExpectedFailure | None, strict: bool, ending: Ending
) -> None:
    refusing = verdict(Outcome.PASSED, REFUSAL)
    assert conclude("vectors/dense.h5::x", refusing, expected, strict=strict).ending is ending


@pytest.mark.parametrize("outcome", Outcome)
def test_a_packed_result_is_plain_data_and_comes_back_the_same(outcome: Outcome) -> None:
    result = conclude("vectors/dense.h5::float32/forward-x", verdict(outcome), None, strict=False)
    packed = pack(result)
    assert json.loads(json.dumps(packed)) == packed
    assert {type(value) for value in packed["verdict"].values()} <= {str, int, float, list, dict}
    assert type(packed["ending"]) is str
    assert unpack(Result, packed) == result
