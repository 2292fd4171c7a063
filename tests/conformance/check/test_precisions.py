"""Which precisions values keep to: of one family, and of an operation over a whole run."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backproof.conformance.check.family import check
from backproof.conformance.check.precisions import PrecisionMet, looser_than, precisions_met
from backproof.conformance.check.verdict import Miss, MissKind, Outcome, Verdict
from backproof.vectors.records import Expectation
from hand_built import POINT, SLOPE, implementation, slope_backward, slope_backward_family, slope_forward_family

FUSED = {"fused": True, "stepwise": True, "native": True}
STEPWISE = {"fused": False, "stepwise": True, "native": True}
NATIVE = {"fused": False, "stepwise": False, "native": True}
NONE = {"fused": False, "stepwise": False, "native": False}
NONE_BUT_NATIVE_IS_NOT_GIVEN = {"fused": False, "stepwise": False}
VALUE, ARGUMENT = MissKind.VALUE, MissKind.CHANGED_ARGUMENT


def verdict(
    kept: Mapping[str, bool],
    *kinds: MissKind,
    outcome: Outcome | None = None,
    level: str = "required",
    dtype: str = "float16",
) -> Verdict:
    """Of a family of dense whose values keep to these precisions, failed if anything is wrong with it."""
    misses = tuple(Miss(kind, False, 0, "something is wrong") for kind in kinds)
    outcome = outcome or (Outcome.FAILED if misses else Outcome.PASSED)
    return Verdict(f"dense/{dtype}/x", "dense", dtype, "forward", level, outcome, 1, misses, kept=kept)


def met(*verdicts: Verdict, declared: str = "fused") -> PrecisionMet:
    """What one operation and dtype comes to."""
    (one,) = precisions_met(verdicts, lambda dtype, op: {("float16", "dense"): declared}[dtype, op])
    assert (one.op, one.dtype, one.declared) == ("dense", "float16", declared)
    return one


@pytest.mark.parametrize(
    ("families", "strictest"),
    [
        ([FUSED], "fused"),
        ([FUSED, STEPWISE, FUSED], "stepwise"),
        ([NATIVE, STEPWISE], "native"),
        ([NONE, FUSED], None),
        ([{"fused": True}, STEPWISE], "stepwise"),
        ([NONE_BUT_NATIVE_IS_NOT_GIVEN, NATIVE], "native"),
        ([NONE_BUT_NATIVE_IS_NOT_GIVEN], None),
        ([FUSED, {}], "fused"),
    ],
)
def test_the_strictest_precision_met_is_the_one_that_every_family_keeps_to(
    families: list[dict[str, bool]], strictest: str | None
) -> None:
    assert met(*map(verdict, families), declared="native").strictest == strictest


def test_a_robust_family_counts_if_it_passed() -> None:
    assert met(verdict(FUSED), verdict(STEPWISE, level="robust"), declared="stepwise").strictest == "stepwise"
    for kept in (NONE, STEPWISE):
        missed = verdict(kept, VALUE, level="robust", outcome=Outcome.ROBUST_MISS)
        assert met(verdict(FUSED), missed).strictest == "fused"


def test_what_was_refused_in_part_says_nothing_of_precisions() -> None:
    assert met(verdict(FUSED), verdict(NONE, outcome=Outcome.UNSUPPORTED)).strictest == "fused"


@pytest.mark.parametrize(
    ("failing", "declared", "looser"),
    [
        ([verdict(STEPWISE, VALUE)], "fused", "stepwise"),
        ([verdict(STEPWISE, VALUE), verdict(NATIVE, VALUE)], "fused", "native"),
        ([verdict(STEPWISE, VALUE), verdict(NONE_BUT_NATIVE_IS_NOT_GIVEN, VALUE)], "fused", None),
        ([verdict(NATIVE, VALUE), verdict(NONE_BUT_NATIVE_IS_NOT_GIVEN, VALUE)], "stepwise", "native"),
        ([verdict(NATIVE, VALUE)], "native", None),
        ([verdict(STEPWISE, VALUE), verdict(NONE, VALUE)], "fused", None),
        ([verdict(STEPWISE, VALUE), verdict(STEPWISE, VALUE, ARGUMENT)], "fused", None),
        ([verdict(STEPWISE, VALUE), verdict({}, MissKind.ACCEPTED)], "fused", None),
        ([], "fused", None),
    ],
)
def test_a_looser_precision_is_named_if_it_allows_whatever_fails(
    failing: list[Verdict], declared: str, looser: str | None
) -> None:
    assert met(verdict(FUSED), *failing, declared=declared).looser == looser


def test_operations_and_dtypes_are_judged_apart_and_in_order() -> None:
    verdicts = [verdict(FUSED), verdict({"float32": False, "tf32": True}, dtype="float32")]
    found = precisions_met(verdicts, lambda dtype, _: {"float32": "tf32"}.get(dtype, "fused"))
    assert [(one.dtype, one.declared, one.strictest) for one in found] == [
        ("float32", "tf32", "tf32"),
        ("float16", "fused", "fused"),
    ]


def test_what_was_compared_with_nothing_is_left_out() -> None:
    assert precisions_met([verdict({})], lambda *_: "fused") == ()


def test_which_precisions_are_looser() -> None:
    assert looser_than("fused", "bfloat16") == ("stepwise", "native")
    assert looser_than("tf32", "float32") == ()


TOLERANCES = {"fused": 0.125, "stepwise": 0.5, "native": 2.0}


def verdict_at(error: float, precision: str | None = None, **fields: Any) -> Verdict:
    """The verdict on a function in bfloat16 that is off by `error`; `fields` are those of the family."""
    family = slope_forward_family([[1.0, 4.0]], [[1.0, 4.0]], dtype="bfloat16")
    tolerance = {name: {"outputs": np.full((1, 2), value)} for name, value in TOLERANCES.items()}
    family = replace(family, **{"answer": replace(family.answer, tolerance=tolerance), **fields})
    declared = {"bfloat16:slope": precision} if precision else {}

    def off(inputs):
        return inputs + np.array([0.0, error], inputs.dtype)

    return check(family, implementation(forward=off, precision=declared), SLOPE)


@pytest.mark.parametrize(("error", "kept"), [(0.0, 3), (0.125, 3), (0.25, 2), (1.0, 1), (4.0, 0)])
@pytest.mark.parametrize("declared", [None, "fused", "stepwise", "native"])
def test_every_precision_is_compared_with_whatever_is_declared(error: float, kept: int, declared: str | None) -> None:
    verdict = verdict_at(error, declared)
    assert [name for name, holds in verdict.kept.items() if holds] == list(TOLERANCES)[3 - kept :]
    assert verdict.outcome is (Outcome.PASSED if verdict.kept[declared or "fused"] else Outcome.FAILED)


def test_a_wrong_value_that_a_looser_precision_allows_names_that() -> None:
    (miss,) = verdict_at(0.25).misses
    assert miss.looser == "stepwise"
    assert miss.details[-1] == "within the tolerance of stepwise, as far as this family goes"
    assert verdict_at(0.25, "stepwise").outcome is Outcome.PASSED
    (miss,) = verdict_at(1.0, "stepwise").misses
    assert miss.looser == "native"
    assert miss.details[-1] == "within the tolerance of native, as far as this family goes"


@pytest.mark.parametrize(("error", "precision"), [(4.0, None), (4.0, "stepwise"), (4.0, "native"), (np.nan, None)])
def test_a_value_that_no_precision_allows_names_none(error: float, precision: str | None) -> None:
    (miss,) = verdict_at(error, precision).misses
    assert miss.looser is None
    assert not any("declare" in line for line in miss.details)


def test_a_precision_without_tolerances_in_the_family_is_not_named() -> None:
    answer = Expectation({"outputs": np.array([[1.0, 4.0]])}, {"fused": {"outputs": np.full((1, 2), 0.125)}})
    verdict = verdict_at(0.25, answer=answer)
    assert verdict.kept == {"fused": False}
    assert verdict.misses[0].looser is None


def test_a_result_that_is_missing_keeps_to_no_precision() -> None:
    def fails(inputs):
        if inputs[0] > 2:
            raise ValueError("too large")
        return inputs

    family = slope_forward_family([[1.0], [4.0]], [[1.0], [4.0]])
    assert check(family, implementation(forward=fails), SLOPE).kept == {"float64": False}


@pytest.mark.parametrize(("declared", "kept"), [(None, True), ("1/2", True), ("0", False)])
def test_a_convention_keeps_to_a_precision_by_any_answer_or_the_declared_one(declared: str | None, kept: bool) -> None:
    family = slope_backward_family([[0.0, 1.0]])
    conventions = {POINT: declared} if declared else {}
    made = implementation(backward=slope_backward(0.5), conventions=conventions)
    assert check(family, made, SLOPE).kept == {"float64": kept}
