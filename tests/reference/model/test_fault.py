"""The catalogue of faults: each is one, each says what it is, and each can be run."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from backproof.reference.model.fault import Fault, all_faults, describe, faults_of, widened
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors.dtypes import DTYPES
from witnesses import Witness, gives_itself_away, witnesses

FAULTS = [pytest.param(fault, id=f"{fault.op}.{fault.name}") for fault in all_faults()]
DIRECTIONS = [(op, direction) for op in operation_names() for direction in operation(op).functions]


@cache
def witnesses_of(op: str) -> tuple[Witness, ...]:
    return tuple(witnesses(op))


def shown(fault: Fault) -> Iterator[str]:
    function = getattr(fault, f"{fault.op}_{fault.direction}")
    for witness in witnesses_of(fault.op):
        if witness.direction == fault.direction and (how := gives_itself_away(fault.op, witness, function)):
            yield how


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_differs_from_the_reference_beyond_rounding_or_breaks_the_contract(fault: Fault) -> None:
    fault.setup()
    assert next(shown(fault), ""), "equivalent to a sound implementation, or no witness shows the difference"


@pytest.mark.parametrize(("op", "direction"), DIRECTIONS)
def test_the_reference_in_each_dtype_gives_itself_away_nowhere(op: str, direction: str) -> None:
    function = widened(operation(op).functions[direction])
    calls = [w for w in witnesses_of(op) if w.direction == direction]
    assert len(calls) > 10
    assert [how for w in calls if (how := gives_itself_away(op, w, function))] == []


def test_every_operation_has_faults_in_every_direction() -> None:
    assert {(fault.op, fault.direction) for fault in all_faults()} == set(DIRECTIONS)
    assert len(all_faults()) >= 100


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_says_what_is_wrong_what_is_observed_how_to_cure_it_and_where_it_was_seen(fault: Fault) -> None:
    assert fault.wrong.endswith(".")
    assert fault.cure.endswith(".")
    assert "\n" not in fault.cure
    assert fault.observed
    assert fault.seen


def test_no_two_faults_of_an_operation_share_a_name_or_a_description() -> None:
    for op in operation_names():
        faults = faults_of(op)
        assert len({fault.name for fault in faults}) == len(faults)
        assert len({(fault.direction, fault.wrong) for fault in faults}) == len(faults)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_an_adapter_of_its_operation_alone_at_every_dtype(fault: Fault) -> None:
    assert fault.dtypes == DTYPES
    names = {name for name in dir(fault) if re.search("_(forward|backward)$", name)}
    assert names == {f"{fault.op}_{direction}" for direction in operation(fault.op).functions}
    assert all(callable(getattr(fault, name)) for name in names)
    assert not hasattr(fault, "conv_forward")
    assert not hasattr(fault, "precision")


def test_a_fault_of_state_starts_afresh_at_setup() -> None:
    (fault,) = (f for f in faults_of("relu") if f.name == "gradient_adds_to_the_last_call")
    witness = next(w for w in witnesses_of("relu") if w.direction == "backward" and w.tensors[0].shape == (4, 5))
    for _ in range(2):
        fault.setup()
        assert gives_itself_away("relu", witness, fault.relu_backward) == "float64: differs when called again"


def test_the_catalogue_lists_an_operation_or_all_of_them() -> None:
    listed = describe("softmax")
    fault = faults_of("softmax")[0]
    assert f"softmax.{fault.name} ({fault.direction})" in listed
    assert fault.cure.split()[0] in listed
    assert "dense." not in listed
    assert "dense." in describe()
    assert all(len(line) <= 120 for line in describe().splitlines())


def test_an_unknown_operation_is_named_and_so_are_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no operation 'conv'; known are cross_entropy, dense"):
        faults_of("conv")
    with pytest.raises(ValueError, match="no operation 'conv'"):
        describe("conv")
