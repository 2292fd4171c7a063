"""Kinds of faults that people reported in public are rejected, and their cures are not."""

import re
from itertools import chain

import numpy as np
import pytest
import reported_activations
import reported_attention
import reported_blocks
import reported_element_losses
import reported_halves
import reported_indices
import reported_layouts
import reported_memory
import reported_norms
import reported_operands
import reported_ranges
import reported_recurrence
import reported_refusals
import reported_rotary
import reported_rows
import reported_sizes
import reported_steps
import reported_windows
from backproof.conformance.check.conventions import followed
from backproof.conformance.check.verdict import MissKind, Outcome, Verdict
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation
from backproof.reference.ops import cross_entropy, softmax
from public_reports import Array, Function, Report, asked_until_rejected, families_of, sound, verdicts
from shares import one_in

BY_KIND = (
    reported_ranges,
    reported_halves,
    reported_rows,
    reported_sizes,
    reported_refusals,
    reported_layouts,
    reported_memory,
)
OF_KINDS = tuple(chain.from_iterable(module.REPORTS for module in BY_KIND))
BY_OPERATION = (
    reported_activations,
    reported_attention,
    reported_blocks,
    reported_element_losses,
    reported_indices,
    reported_norms,
    reported_operands,
    reported_recurrence,
    reported_rotary,
    reported_steps,
    reported_windows,
)
OF_OPERATIONS = tuple(chain.from_iterable(module.REPORTS for module in BY_OPERATION))
"""One report a row, with its source."""
REPORTS = (*OF_KINDS, *OF_OPERATIONS)


@pytest.mark.parametrize("op", sorted({report.op for report in REPORTS}))
def test_the_small_input_tells_the_fault_from_its_cure(op: str) -> None:
    for report in (report for report in REPORTS if report.op == op):
        given = report.small(report.wrong)
        np.testing.assert_allclose(given, report.given, rtol=2e-3, err_msg=str(report))
        if isinstance(report.due, type):
            with pytest.raises(report.due):
                report.small(report.right)
            continue
        due = report.small(report.right)
        np.testing.assert_allclose(due, report.due, rtol=2e-3, err_msg=str(report))
        assert not np.array_equal(given, due), report


@pytest.mark.parametrize("report", [*one_in(36, OF_KINDS), *one_in(20, OF_OPERATIONS)], ids=str)
def test_the_fault_is_rejected_and_its_cure_is_not(report: Report) -> None:
    asked = asked_until_rejected(report)
    assert asked, "no family rejects it"
    outcomes = {v.id: v.outcome for v in verdicts(report.op, report.direction, report.right, asked)}
    assert Outcome.FAILED not in outcomes.values()


@pytest.mark.parametrize("report", one_in(60, OF_OPERATIONS), ids=str)
def test_no_required_family_rejects_the_cure(report: Report) -> None:
    families = families_of(report.op, report.direction)
    found = verdicts(report.op, report.direction, report.right, families)
    assert [verdict.id for verdict in found if verdict.outcome is Outcome.FAILED] == []


def test_reports_of_operations_name_their_sources() -> None:
    source = re.compile(r"[\w.-]+/[\w.-]+(#| PR )\d+|[\w.-]+/[\w.-]+, [\w.]+ of \d[\d.]+")
    assert [report for report in OF_OPERATIONS if not source.fullmatch(report.seen)] == []


def doubled(how: Function, op: str, direction: str) -> Function:
    """Twice the values that are due, handed back in another form."""

    def call(*tensors: Array, **parameters: str) -> object:
        return how(2 * sound(op, direction)(*tensors, **parameters))

    return call


@pytest.mark.parametrize(
    ("op", "reduction", "how", "kind"),
    [
        ("relu", None, np.float64, MissKind.DTYPE),
        ("cross_entropy", "none", lambda losses: losses[:, None], MissKind.SHAPE),
        ("cross_entropy", "sum", float, MissKind.RESULT_TYPE),
    ],
)
def test_wrong_values_are_told_beside_a_wrong_dtype_or_shape(
    op: str, reduction: str | None, how: Function, kind: MissKind
) -> None:
    families = (f for f in families_of(op, "forward") if f.dtype == "float32" and f.level == "required")
    family = next(f for f in families if f.parameters.get("reduction") == reduction)
    (verdict,) = verdicts(op, "forward", doubled(how, op, "forward"), [family])
    assert {miss.kind for miss in verdict.misses} == {kind, MissKind.VALUE}


CLIPPING = "probability_clipping"


def all_verdicts(op: str, **functions: Function) -> list[Verdict]:
    """The verdicts on an implementation of an operation in float64 and float32."""
    return [
        verdict
        for direction, function in functions.items()
        for verdict in verdicts(
            op, direction, function, [f for f in families_of(op, direction) if f.dtype in ("float64", "float32")]
        )
    ]


def test_an_epsilon_that_is_added_is_no_convention_of_clipping() -> None:
    formula = operation("cross_entropy").functions
    found = all_verdicts(
        "cross_entropy",
        forward=widened(lambda p, y, **reduction: formula["forward"](p + 1e-7, y, **reduction)),
        backward=widened(lambda g, p, y, **reduction: formula["backward"](g, p + 1e-7, y, **reduction)),
    )
    assert {verdict.dtype for verdict in found if verdict.outcome is Outcome.FAILED} >= {"float64"}
    assert [point.answers for point in followed(found) if point.point == CLIPPING] == [()]


def clipped_loss(logits: Array, labels: Array, *, reduction: str) -> Array:
    """Softmax, then the cross-entropy of probabilities moved into [1e-7, 1 - 1e-7]."""
    outputs = cross_entropy.clipped(softmax.forward(logits))
    return cross_entropy.forward(outputs, labels, reduction=reduction)


def test_clipping_in_the_fused_operation_is_a_convention() -> None:
    found = all_verdicts(
        "softmax_cross_entropy", forward=widened(clipped_loss), backward=sound("softmax_cross_entropy", "backward")
    )
    assert [verdict.id for verdict in found if verdict.outcome is Outcome.FAILED] == []
    (point,) = (point for point in followed(found) if point.point == CLIPPING)
    assert point.answers
