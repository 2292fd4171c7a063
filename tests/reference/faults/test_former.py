"""Names that faults once had: each leads to a fault that makes the same, or says why it is gone."""

import pytest
from backproof.conformance.implementation.load import load
from backproof.reference.faults import by_name, former, gone
from backproof.reference.model.operation import operation_names

FORMER = 404
RENAMED = [op for op in operation_names() if former(op) or gone(op)]
SEEN_SINCE = {
    ("softmax", "over_all_axes_from_one_on"),
    ("softmax", "over_the_last_axis"),
    ("softmax", "outputs_of_another_axis"),
    ("softmax_cross_entropy", "smoothing_counts_ignored_rows"),
    ("softmax_cross_entropy", "ignored_rows_have_a_gradient"),
    ("softmax_cross_entropy", "all_others_ignored"),
    ("softmax_cross_entropy", "ignored_label_as_an_address"),
    ("softmax_cross_entropy", "cap_without_slope"),
}


def test_none_of_the_former_names_is_missing() -> None:
    names = [(op, name) for op in RENAMED for name in (*former(op), *gone(op))]
    ops = {op for op, _ in names}
    kept = [(op, fault.name) for op in ops for fault in by_name(op).values() if fault.sort == "seen"]
    assert len((set(names) | set(kept)) - SEEN_SINCE) == FORMER


@pytest.mark.parametrize("op", RENAMED)
def test_a_former_name_still_runs_what_makes_the_same(op: str) -> None:
    for name, successor in former(op).items():
        fault = by_name(op)[successor]
        implementation = load(f"backproof.reference.faults:{op}.{name}", [op])
        assert implementation.functions[op, fault.direction] is fault.functions[fault.direction]


@pytest.mark.parametrize("op", RENAMED)
def test_what_is_gone_says_why(op: str) -> None:
    assert all(reason.endswith(".") for reason in gone(op).values())
    assert not set(gone(op)) & {*by_name(op), *former(op)}
