"""The answer of a run in a word and a sentence."""

import pytest
from backproof.conformance.check.verdict import Cause, Outcome
from backproof.conformance.pages.assessment import Assessment, Rating, assess, shares
from backproof.conformance.record.contents import FamilyRecord, Progress, RunRecord
from backproof.conformance.record.results import Ending
from run_records import absent, failure, family, record

ROBUST = family(7, ending=Ending.ROBUST_MISS, outcome=Outcome.ROBUST_MISS)
EXPECTED = family(8, ending=Ending.EXPECTED_FAILURE, outcome=Outcome.FAILED)
SURPRISE = family(9, ending=Ending.UNEXPECTED_PASS)
DECLARED = family(6, ending=Ending.SKIPPED, outcome=Outcome.DECLARED)


@pytest.mark.parametrize(
    ("run", "word", "sentence"),
    [
        (record(family(1), family(2)), Rating.CONFORMS, "2 families pass, none fails."),
        (record(family(1), DECLARED), Rating.CONFORMS, "1 family passes, none fails."),
        (record(family(1), ROBUST), Rating.CONFORMS, "1 family passes, 1 misses something robust, none fails."),
        (
            record(family(1), absent(2, dtype="bfloat16"), not_run=3, not_asked=4),
            Rating.IN_PART,
            "0 of 1 operation, 1 of 9 families pass, none fails. "
            "Left out: 1 not implemented (bfloat16), 3 not run, 4 not asked.",
        ),
        (record(family(1), failure(2)), Rating.FAILS, "1 of 2 families that ran fails: in dense_backward."),
        (
            record(failure(1), EXPECTED, failure(2, op="relu"), absent(3)),
            Rating.FAILS,
            "3 of 3 families that ran fail, 1 as expected: in dense_backward, relu_backward.",
        ),
        (record(EXPECTED), Rating.FAILS, "1 of 1 family that ran fails, as expected: in dense_backward."),
        (
            record(family(1), not_run=5, state=Progress.INTERRUPTED, reason="Ctrl-C"),
            Rating.INCOMPLETE,
            "The run was interrupted (Ctrl-C); 5 families were not reached. Of 1 that ran, none fails.",
        ),
        (
            record(family(1), not_run=1, state=Progress.RUNNING, ended=None),
            Rating.INCOMPLETE,
            "The run was still going, or was killed, when this was written; 1 family was not reached. "
            "Of 1 that ran, none fails.",
        ),
        (
            record(failure(1), not_run=1, state=Progress.INTERRUPTED, reason="-x"),
            Rating.FAILS,
            "1 of 1 family that ran fails: in dense_backward.",
        ),
        (
            record(absent(1), problems=("no family passed",)),
            Rating.UNDECIDED,
            "No family fails, and yet the run did: no family passed.",
        ),
        (
            record(family(1), SURPRISE),
            Rating.UNDECIDED,
            "No family fails, and yet the run did: families pass that were expected to fail.",
        ),
    ],
)
def test_the_answer(run: RunRecord, word: Rating, sentence: str) -> None:
    assert assess(run) == Assessment(word, sentence)


def test_an_operation_counts_where_all_of_it_is_right() -> None:
    run = record(family(1), family(2), family(3, op="relu"), absent(4, op="relu"), failure(5, op="mlp"))
    assert shares(run) == "1 of 3 operations, 3 of 5 families"


UNSUPPORTED = {"ending": Ending.SKIPPED, "outcome": Outcome.UNSUPPORTED}


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (absent(2, dtype="bfloat16"), Rating.CONFORMS),
        (absent(2, op="relu"), Rating.IN_PART),
        (family(2, **UNSUPPORTED, cause=Cause.REFUSED), Rating.IN_PART),
        (family(2, **UNSUPPORTED, cause=Cause.NO_TOLERANCE), Rating.CONFORMS),
    ],
    ids=["another dtype", "an operation at a dtype that is declared", "refused by it", "without a tolerance"],
)
def test_what_is_missing_counts_where_the_implementation_should_have_it(other: FamilyRecord, word: Rating) -> None:
    assert assess(record(family(1), other)).word is word


def test_many_functions_are_named_in_part() -> None:
    sentence = assess(record(*(failure(1, op=f"op{n}") for n in range(9)))).sentence
    assert sentence.endswith(
        "fail: in op0_backward, op1_backward, op2_backward, op3_backward, op4_backward, op5_backward and 3 more."
    )


def test_an_operation_that_is_wholly_absent_is_named_once() -> None:
    lacking = record(family(1), absent(2, op="relu"), implementation=record(family(1)).implementation)
    assert "1 not implemented (relu)" in assess(lacking).sentence
