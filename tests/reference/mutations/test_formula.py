"""Mutants of a formula: one statement changed, the operation itself untouched."""

import ast
import builtins
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from backproof.reference.faults import every_fault_of
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.mutations.approximations import APPROXIMATIONS
from backproof.reference.mutations.changes import INTERMEDIATE, memory_order, whole_tiles, zero_beyond
from backproof.reference.mutations.formula import ALWAYS_NAMED, catalogued, definitions, mutants, reached
from backproof.reference.mutations.wrappers import wrappers
from diagnosed import whole
from shares import one_in


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_every_mutant_is_a_statement_that_is_not_the_one_that_is_due(op: str) -> None:
    for fault in mutants(op):
        assert fault.after != fault.before
        for text in (fault.before, fault.after):
            ast.parse(f"def f():\n    {text}" + (":\n        pass" if text.startswith("for ") else ""))


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_building_and_calling_mutants_leaves_the_formula_as_it_is(op: str) -> None:
    before = {one: ast.dump(definitions(one[0])[one[1]]) for one in everything(op)}
    for fault in mutants(op):
        with pytest.raises((TypeError, StopIteration)):
            (fault.formula or fault.functions[fault.direction])()
    assert {one: ast.dump(definitions(one[0])[one[1]]) for one in everything(op)} == before


def everything(op: str) -> set[tuple[str, str]]:
    return {
        one
        for function in operation(op).functions.values()
        for one in reached((function.__module__, function.__name__))
    }


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_a_mutant_reads_no_name_that_is_not_there(op: str) -> None:
    added = {*vars(builtins), *ALWAYS_NAMED, *APPROXIMATIONS, *INTERMEDIATE}
    known = {one: added | names_in(one) for one in everything(op)}
    for _, mutant in catalogued(op):
        read = {node.id for _, new in mutant.changes for node in ast.walk(new) if isinstance(node, ast.Name)}
        assert read <= known[mutant.definition], mutant.name


def names_in(definition: tuple[str, str]) -> set[str]:
    """The names of a function's text, and of its module."""
    module, name = definition
    text = {getattr(node, "id", getattr(node, "arg", "")) for node in ast.walk(definitions(module)[name])}
    return text | vars(import_module(module)).keys()


def test_a_mutant_reads_numpy_where_its_formula_does_not() -> None:
    one = next(fault for fault in mutants("mse") if fault.name == "backward_dloss_taken_as_1")
    x = np.array([1.0, 2.0])
    assert (one.functions["backward"](np.float64(3), x, 0 * x, reduction="sum") == 2 * x).all()


def test_a_mutant_of_a_part_reaches_the_operation_that_is_made_of_it() -> None:
    assert ("backproof.reference.ops.softmax", "forward") in everything("mlp")
    assert any(fault.where.startswith("softmax.forward, line") for fault in mutants("mlp"))


@pytest.mark.parametrize("op", operation_names())
def test_wrappers_say_which_tensor_is_wrong(op: str) -> None:
    tensors = {t for d in operation(op).functions for t in (*operation(op).arguments[d], *operation(op).results[d])}
    named = {tensor for tensor in tensors if any(tensor in fault.wrong for fault in wrappers(op))}
    assert {r for results in operation(op).results.values() for r in results} <= named


def test_what_is_beyond_whole_tiles_is_zero_and_a_length_without_one_is_whole() -> None:
    np.testing.assert_array_equal(zero_beyond(np.ones(10), 0, whole_tiles(4)), [1] * 8 + [0] * 2)
    np.testing.assert_array_equal(zero_beyond(np.ones(3), 0, whole_tiles(4)), np.ones(3))


def test_memory_order_reads_a_transposed_view_as_its_base() -> None:
    base = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(memory_order(base.T), base.reshape(3, 2))
    np.testing.assert_array_equal(memory_order(base), base)


@pytest.mark.parametrize("op", ["dense", "rms_norm", pytest.param("lstm_cell", marks=pytest.mark.catalogue)])
def test_noise_in_a_value_reaches_what_a_change_of_it_does(op: str) -> None:
    """And not all that the formula returns, or nothing were spared."""
    family = next(f for f in whole(op).families if f.direction == "backward" and "random" in f.name)
    tensors = [family.inputs[name][0] for name in whole(op).arguments["backward"]]

    def moved(function: Any) -> list[bool]:
        with np.errstate(all="ignore"):
            results = function(*(np.array(x) for x in tensors), **family.parameters)
        due = operation(op).functions["backward"](*tensors, **family.parameters)
        return [a.shape != b.shape or not np.allclose(a, b, equal_nan=True) for a, b in zip(results, due, strict=True)]

    spared = 0
    for fault in (fault for fault in every_fault_of(op) if fault.direction == "backward" and fault.disturbed):
        try:
            changed, reached = moved(fault.functions["backward"]), moved(fault.disturbed)
        except Exception:  # a mutant may raise, and what holds integers has no noise
            continue
        assert all(within or not out for out, within in zip(changed, reached, strict=True)), fault.name
        spared += not all(reached)
    assert spared > 20
