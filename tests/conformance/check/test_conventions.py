"""One answer at a point throughout a run, from verdicts alone."""

from dataclasses import replace

from backproof.conformance.check.conventions import answers_seen, followed, inconsistencies
from backproof.conformance.check.verdict import Miss, MissKind, MissReason, Outcome, Verdict


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
    verdicts = [verdict("a", "0", "1/2"), verdict("b", "1", op="mlp")]
    (seen,) = followed(verdicts)
    assert (seen.answers, seen.families, seen.contradictions, seen.undecided) == ((), ("a", "b"), (), ())
    assert seen.words == "0 or 1/2 in relu, 1 in mlp"
    assert list(inconsistencies(verdicts)) == []
    (seen,) = followed([*verdicts, verdict("c", "1", op="dense")])
    assert seen.words == "0 or 1/2 in relu, 1 in mlp and dense"


def test_an_operation_that_contradicts_itself_is_undecided_and_the_others_are_not():
    verdicts = [verdict("a", "0"), verdict("b", "1", op="mlp"), verdict("c", "0", op="mlp")]
    (seen,) = followed(verdicts)
    assert (seen.answers, seen.undecided, seen.contradictions) == ((), ("mlp",), ())
    assert seen.words == "0 in relu, undecided in mlp"
    assert answers_seen(seen, verdicts) == {"1": ["b"], "0": ["c"]}
    (seen,) = followed(verdicts[1:])
    assert seen.words == "undecided"


def test_answers_that_operations_have_in_common_are_named():
    assert followed([verdict("a", "0", "1/2"), verdict("b", "1/2", op="mlp")])[0].answers == ("1/2",)


def test_a_family_that_raises_has_no_say():
    failed = verdict("b", outcome=Outcome.FAILED, misses=(Miss(MissKind.RAISED, False, 0, "ValueError"),))
    assert followed([verdict("a", "0"), failed])[0].answers == ("0",)


NEITHER = verdict("b", outcome=Outcome.FAILED, misses=(Miss(MissKind.VALUE, False, 0, "wrong"),))


def test_a_required_family_whose_values_follow_no_answer_leaves_the_point_undecided():
    for verdicts in ([verdict("a", "0"), NEITHER], [NEITHER, verdict("a", "0")]):
        (seen,) = followed(verdicts)
        assert (seen.answers, seen.families, seen.contradictions) == ((), ("a",), ("b",))
        assert answers_seen(seen, verdicts) == {"0": ["a"], "no known answer": ["b"]}


def test_a_robust_family_whose_values_follow_no_answer_is_told_beside_the_answer_that_all_others_follow():
    neither = replace(NEITHER, level="robust", outcome=Outcome.ROBUST_MISS)
    for verdicts in ([verdict("a", "0"), neither], [neither, verdict("a", "0")]):
        (seen,) = followed(verdicts)
        assert (seen.answers, seen.families, seen.contradictions) == (("0",), ("a",), ("b",))
        assert answers_seen(seen, verdicts) == {"no known answer": ["b"]}


def test_where_no_family_follows_an_answer_the_point_is_undecided():
    (seen,) = followed([NEITHER])
    assert (seen.answers, seen.undecided, seen.contradictions) == ((), ("relu",), ("b",))
    assert answers_seen(seen, [NEITHER]) == {"no known answer": ["b"]}


def test_families_that_contradict_one_another_are_named_whatever_their_order():
    verdicts = [verdict("a", "0", "1/2"), verdict("b", "0"), verdict("c", "1"), verdict("d", "1", "1/2")]
    assert list(inconsistencies(verdicts)) == [
        "relu follows '0' or '1/2' in a, '0' in b, '1' in c and '1' or '1/2' in d, at slope_at_zero; an operation "
        "follows one answer at a point throughout the run"
    ]
    assert len(list(inconsistencies(reversed(verdicts)))) == 1


def test_robust_families_that_contradict_are_an_inconsistency_of_a_strict_run_alone():
    verdicts = [verdict("a", "0"), verdict("b", "1", level="robust")]
    assert list(inconsistencies(verdicts)) == []
    assert len(list(inconsistencies(verdicts, strict=True))) == 1
    assert followed(verdicts)[0].words == "undecided"


def test_a_family_that_fails_by_what_is_declared_is_no_inconsistency_as_well():
    miss = Miss(MissKind.CONVENTION, False, 0, "not as declared", reason=MissReason.DECLARED_OTHERWISE)
    assert list(inconsistencies([verdict("a", "0"), verdict("b", "1", misses=(miss,))])) == []
