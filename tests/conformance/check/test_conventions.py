"""One answer at a point throughout a run, from verdicts alone."""

from backproof.conformance.check.conventions import Tracker, answers_seen, followed, inconsistencies
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict


def verdict(name, *answers, level="required", point="slope_at_zero", outcome=Outcome.PASSED, misses=(), op="relu"):
    return Verdict(name, op, "float64", "backward", level, outcome, 1, misses, point=point, answers=answers)


def test_answers_are_intersected_in_their_order():
    seen = followed([verdict("a", "0", "1/2", "1"), verdict("b", "0", "1"), verdict("c", "1")])
    assert [(one.point, one.answers, one.families) for one in seen] == [("slope_at_zero", ("1",), ("a", "b", "c"))]
    assert seen[0].contradictions == ()


def test_points_are_apart():
    seen = followed([verdict("a", "0"), verdict("b", "none", point="clipping"), verdict("c", point=None)])
    assert [(one.point, one.answers) for one in seen] == [("clipping", ("none",)), ("slope_at_zero", ("0",))]


def test_operations_may_follow_different_answers_which_are_named_by_operation():
    tracker = Tracker()
    for one in (verdict("a", "0", "1/2"), verdict("b", "1", op="mlp")):
        assert tracker.add(one).outcome is Outcome.PASSED
    (seen,) = tracker.followed()
    assert (seen.answers, seen.families, seen.contradictions, seen.undecided) == ((), ("a", "b"), (), ())
    assert seen.words == "0 or 1/2 in relu, 1 in mlp"
    tracker.add(verdict("c", "1", op="dense"))
    assert tracker.followed()[0].words == "0 or 1/2 in relu, 1 in mlp and dense"


def test_an_operation_that_contradicts_itself_is_undecided_and_the_others_are_not():
    verdicts = [verdict("a", "0"), verdict("b", "1", op="mlp"), verdict("c", "0", op="mlp")]
    (seen,) = followed(verdicts)
    assert (seen.answers, seen.undecided, seen.contradictions) == ((), ("mlp",), ("c",))
    assert seen.words == "0 in relu, undecided in mlp"
    assert answers_seen(seen, verdicts) == {"1": ["b"], "0": ["c"]}
    (seen,) = followed(verdicts[1:])
    assert seen.words == "undecided"


def test_answers_that_operations_have_in_common_are_named():
    assert followed([verdict("a", "0", "1/2"), verdict("b", "1/2", op="mlp")])[0].answers == ("1/2",)


def test_a_family_that_raises_has_no_say():
    failed = verdict("b", outcome=Outcome.FAILED, misses=(Miss(MissKind.RAISED, False, 0, "ValueError"),))
    assert followed([verdict("a", "0"), failed])[0].answers == ("0",)


def test_a_family_whose_values_follow_no_answer_leaves_the_point_undecided():
    neither = verdict("b", outcome=Outcome.FAILED, misses=(Miss(MissKind.VALUE, False, 0, "wrong"),))
    for verdicts in ([verdict("a", "0"), neither], [neither, verdict("a", "0")]):
        (seen,) = followed(verdicts)
        assert (seen.answers, seen.families, seen.contradictions) == ((), ("a",), ("b",))
        assert answers_seen(seen, verdicts) == {"0": ["a"], "no known answer": ["b"]}


def test_a_family_that_leaves_no_answer_fails_and_says_against_what():
    tracker = Tracker()
    first = verdict("a", "0", "1/2")
    assert tracker.add(first) is first
    after = tracker.add(verdict("b", "1"))
    assert after.outcome is Outcome.FAILED
    assert after.misses[-1].kind == "convention"
    assert (
        after.misses[-1].summary == "agrees with '1' at slope_at_zero, where earlier families agree with '0' and '1/2'"
    )
    assert tracker.followed()[0].answers == ()
    assert tracker.followed()[0].contradictions == ("b",)


def test_a_contradiction_does_not_take_the_answer_from_later_families():
    tracker = Tracker()
    tracker.add(verdict("a", "0"))
    tracker.add(verdict("b", "1"))
    assert tracker.add(verdict("c", "0", "1")).outcome is Outcome.PASSED


def test_a_robust_family_that_leaves_no_answer_is_a_robust_miss():
    tracker = Tracker()
    tracker.add(verdict("a", "0"))
    after = tracker.add(verdict("b", "1", level="robust"))
    assert after.outcome is Outcome.ROBUST_MISS
    assert after.misses[-1].robust


def test_a_robust_family_never_fails_a_required_one():
    tracker = Tracker()
    tracker.add(verdict("a", "1", level="robust"))
    assert tracker.add(verdict("b", "0")).outcome is Outcome.PASSED
    assert tracker.add(verdict("c", "1", level="robust")).outcome is Outcome.ROBUST_MISS


def test_processes_that_agree_each_with_itself_but_not_with_one_another_are_found_out():
    lines = list(inconsistencies([verdict("a", "0"), verdict("b", "1"), verdict("c", "1")]))
    assert len(lines) == 1
    assert lines[0].startswith(
        "b agrees with '1' at slope_at_zero, where earlier families agree with '0'; an operation"
    )


def test_a_contradiction_that_a_family_has_failed_for_is_not_told_again():
    tracker = Tracker()
    told = [tracker.add(verdict("a", "0")), tracker.add(verdict("b", "1"))]
    assert list(inconsistencies(told)) == []
    assert list(inconsistencies(reversed(told))) == []
    assert tracker.add(told[1]) is told[1]


def test_robust_misses_are_no_inconsistency_of_the_run():
    assert list(inconsistencies([verdict("a", "0", level="robust"), verdict("b", "1", level="robust")])) == []
