"""The catalogue finds faults by name, of now and of before, and lists them."""

import pytest
from backproof.conformance.implementation.load import load
from backproof.reference import faults
from backproof.reference.faults import by_name, describe, every_fault_of, faults_of
from backproof.reference.model.operation import operation_names
from shares import one_in


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_a_fault_can_be_named_after_impl(op: str) -> None:
    fault = every_fault_of(op)[0]
    implementation = load(f"backproof.reference.faults:{op}.{fault.name}", [op])
    assert implementation.functions[op, fault.direction] is fault.functions[fault.direction]


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_the_catalogue_lists_an_operation_a_line_each(op: str) -> None:
    *lines, last = describe(op).splitlines()
    assert {line.partition(": ")[0] for line in lines} >= {f"  {name}" for name in by_name(op)}
    assert all(line.startswith(("  ", f"{op}: ")) and len(line) <= 120 for line in lines if line)
    assert last.startswith(f"{len(by_name(op))} faults; run one: pytest --impl=")


def test_it_lists_all_operations_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "operation_names", lambda: ("relu", "sigmoid"))
    *lines, last = describe().splitlines()
    assert lines == describe("relu").splitlines()[:-1] + describe("sigmoid").splitlines()[:-1]
    assert last.startswith(f"{len(by_name('relu')) + len(by_name('sigmoid'))} faults; ")


def test_an_unknown_operation_is_named_and_so_are_those_there_are() -> None:
    with pytest.raises(ValueError, match="no operation 'convolve'; known are absolute, "):
        faults_of("convolve")
    with pytest.raises(ValueError, match="no operation 'desne'; was dense meant"):
        describe("desne")
