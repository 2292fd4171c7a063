"""The catalogue finds faults by name, of now and of before, and lists them."""

import pytest
from backproof.conformance.implementation.load import load
from backproof.reference.faults import by_name, describe, every_fault_of, faults_of
from backproof.reference.model.operation import operation_names


@pytest.mark.parametrize("op", operation_names())
def test_a_fault_can_be_named_after_impl(op: str) -> None:
    fault = every_fault_of(op)[0]
    implementation = load(f"backproof.reference.faults:{op}.{fault.name}", [op])
    assert implementation.functions[op, fault.direction] is fault.functions[fault.direction]


def test_the_catalogue_lists_an_operation_or_all_of_them_a_line_each() -> None:
    op, other = operation_names()[:2]
    listed = describe(op)
    assert [name for name in by_name(op) if f"\n  {name}: " not in listed] == []
    assert f"{other}: " not in listed
    assert f"{other}: " in describe()
    assert all(len(line) <= 120 for line in describe().splitlines())


def test_an_unknown_operation_is_named_and_so_are_those_there_are() -> None:
    with pytest.raises(ValueError, match="no operation 'convolve'; known are absolute, "):
        faults_of("convolve")
    with pytest.raises(ValueError, match="no operation 'desne'; was dense meant"):
        describe("desne")
