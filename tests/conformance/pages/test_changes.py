"""What is better, what is worse, and what is neither."""

from dataclasses import replace

import pytest
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.pages.changes import GONE, Trend, changes, closer, trend
from backproof.conformance.record.contents import NOT_RUN
from backproof.conformance.session.outcome import conclude
from made_records import family, record

WORDS = [*map(str, Outcome), NOT_RUN, GONE]


def told(before, after):
    return [(c.id, c.before, c.after, str(c.trend)) for c in changes(before, after)]


def test_two_runs_that_came_to_the_same_differ_in_nothing():
    one = record(family("a"), family("b", Outcome.FAILED), family("c", Outcome.UNSUPPORTED))
    assert told(one, one) == []
    assert list(closer(one, one)) == []


@pytest.mark.parametrize("before", [word for word in WORDS if word != Outcome.FAILED])
def test_a_failure_is_worse_than_whatever_was_there(before):
    assert trend(before, "failed") is Trend.WORSE


@pytest.mark.parametrize("after", [word for word in WORDS if word not in (Outcome.PASSED, GONE)])
def test_what_passed_and_does_not_any_more_is_worse(after):
    assert trend("passed", after) is Trend.WORSE


@pytest.mark.parametrize("before", [word for word in WORDS if word not in (Outcome.PASSED, GONE)])
def test_what_passes_now_is_better(before):
    assert trend(before, "passed") is Trend.BETTER


@pytest.mark.parametrize("after", ["not implemented", "unsupported", NOT_RUN])
def test_to_take_away_what_failed_is_no_improvement(after):
    assert trend("failed", after) is Trend.OTHER


@pytest.mark.parametrize("missed", ["robust miss", "declared"])
def test_what_ran_and_does_not_any_more_is_worse_and_the_reverse_better(missed):
    assert trend(missed, NOT_RUN) is Trend.WORSE
    assert trend(NOT_RUN, missed) is Trend.BETTER


def test_a_change_says_why():
    before, after = record(family("a")), record(family("a", Outcome.FAILED, summary="loss is wrong in 1 of 2 elements"))
    (change,) = changes(before, after)
    assert change.why == "loss is wrong in 1 of 2 elements"
    assert change.nodeid == "vectors/double.h5::float32/a"


def test_how_strict_a_run_was_makes_no_difference():
    lenient = family("a", Outcome.ROBUST_MISS)
    strict = replace(lenient, result=conclude(lenient.result.nodeid, lenient.result.verdict, None, strict=True))
    assert strict.standing == "failed"
    assert told(record(lenient), record(strict)) == []


def test_a_family_that_the_second_run_of_the_same_vectors_left_out_is_worse():
    assert told(record(family("a"), family("b")), record(family("a"))) == [
        ("double/float32/b", "passed", NOT_RUN, "worse")
    ]


def test_a_family_that_other_vectors_do_not_have_is_neither_better_nor_worse():
    before, after = record(family("a"), family("old")), record(family("a"), family("new"), manifest="another")
    assert told(before, after) == [
        ("double/float32/old", "passed", GONE, "changed"),
        ("double/float32/new", GONE, "passed", "changed"),
    ]


def test_a_family_that_only_newer_vectors_have_and_that_fails_is_worse():
    after = record(family("new", Outcome.FAILED), manifest="another")
    assert told(record(), after) == [("double/float32/new", GONE, "failed", "worse")]


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [(0.2, 0.9, True), (0.2, 0.4, False), (0.001, 0.05, False), (None, 0.5, True), (0.5, None, False)],
)
def test_what_comes_much_closer_to_its_bound_is_told(before, after, is_told):
    found = list(closer(record(family("a", fraction=before)), record(family("a", fraction=after))))
    assert bool(found) is is_told


def test_the_margin_of_what_fails_is_not_told():
    assert not list(closer(record(family("a", fraction=0.1)), record(family("a", Outcome.FAILED, fraction=9.0))))
