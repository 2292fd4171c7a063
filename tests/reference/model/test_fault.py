"""A fault is a value that says what it is, and an adapter that can be run."""

import re
from typing import Any

import numpy as np
import pytest
from backproof.reference.faults import every_fault_of
from backproof.reference.model.fault import Fault, faulty, of_any, widened
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors.dtypes import DTYPES
from shares import one_in

OPERATIONS = operation_names()


def made(function: Any = lambda inputs: inputs, **fields: Any) -> Fault:
    op = OPERATIONS[0]
    direction = next(iter(operation(op).functions))
    return faulty(op, "made_up", direction, function, wrong="It is made up.", cure="do not.", **fields)


def test_a_fault_is_an_adapter_of_its_operation_alone_at_every_dtype() -> None:
    fault = made()
    assert fault.dtypes == DTYPES
    names = {name for name in dir(fault) if re.search("_(forward|backward)$", name)}
    assert names == {f"{fault.op}_{direction}" for direction in operation(fault.op).functions}
    assert all(callable(getattr(fault, name)) for name in names)
    assert not hasattr(fault, "conv_forward")
    assert not hasattr(fault, "precision")


def test_one_wrong_function_is_a_fault_of_any_operation() -> None:
    @of_any("forward", "owner/repo#1", "do not double.")
    def doubled(function: Any, *tensors: Any, **parameters: Any) -> Any:
        """It is doubled."""
        return 2 * function(*tensors, **parameters)

    found = doubled("relu")
    assert (found.op, found.name, found.direction) == ("relu", "doubled", "forward")
    assert (found.seen, found.wrong, found.cure) == ("owner/repo#1", "It is doubled.", "do not double.")
    assert found.relu_forward(np.array([-1.0, 3.0])).tolist() == [0, 6]


def test_a_fault_of_state_starts_afresh_at_setup() -> None:
    kept: dict[str, int] = {"calls": 1}
    fault = made(memory={"": kept})
    fault.setup()
    assert kept == {}


def test_half_precision_is_widened_and_results_are_rounded_back() -> None:
    seen = []

    def function(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(inputs.dtype)
        return inputs, inputs.sum()

    first, second = widened(function)(np.ones(3, np.float16))
    assert seen == [np.float32]
    assert (first.dtype, second.dtype) == (np.float16, np.float16)


@pytest.mark.parametrize("op", one_in(3, OPERATIONS))
def test_every_fault_says_what_is_wrong_and_how_to_cure_it_under_a_name_of_its_own(op: str) -> None:
    faults = every_fault_of(op)
    assert len({fault.name for fault in faults}) == len(faults)
    for fault in faults:
        assert fault.name.isidentifier()
        assert fault.wrong.endswith(".")
        assert fault.cure.endswith(".")
        assert (fault.sort == "seen") == bool(fault.seen)
        assert (fault.sort == "mutant") == bool(fault.after)


@pytest.mark.parametrize("op", one_in(3, OPERATIONS))
def test_every_operation_has_faults_in_every_direction_without_a_module_of_them(op: str) -> None:
    for sort in ("mutant", "wrapper"):
        found = {fault.direction for fault in every_fault_of(op) if fault.sort == sort}
        assert found == set(operation(op).functions)
