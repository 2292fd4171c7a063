"""One operation: found by its module, described by its own text."""

import inspect
import sys
from importlib import import_module
from itertools import product
from pkgutil import iter_modules
from types import ModuleType

import pytest
from backproof.reference import cases, faults, ops
from backproof.reference.generation.build import drafts
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.model.vocabulary import ANSWERS
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import DIRECTIONS


def modules(room: ModuleType) -> set[str]:
    """Name the modules of a package."""
    return {module.name for module in iter_modules(room.__path__)}


def test_every_operation_has_cases_and_what_has_faults_is_an_operation() -> None:
    assert modules(cases) == modules(ops) == set(operation_names())
    assert modules(faults) <= modules(ops)


def test_an_operation_is_found_without_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    source = inspect.getsource(import_module("backproof.reference.model.operation"))
    assert not [name for name in operation_names() if f'"{name}"' in source]
    added = ModuleType("backproof.reference.ops.twice")
    exec(  # a new operation, as its author would write it
        "BATCH_AXIS = {'inputs': 0}\n"
        "def forward(inputs): return inputs + inputs\n"
        "def backward(dL_doutputs, inputs): return dL_doutputs + dL_doutputs\n",
        added.__dict__,
    )
    monkeypatch.setitem(sys.modules, added.__name__, added)
    described = operation("twice")
    assert described.arguments == {"forward": ("inputs",), "backward": ("dL_doutputs", "inputs")}
    assert described.results == {"forward": ("outputs",), "backward": ("dL_dinputs",)}
    assert described.batch_axis == {"dL_dinputs": None, "dL_doutputs": None, "inputs": 0, "outputs": None}


def test_backward_takes_the_upstream_first_and_gives_a_gradient_for_each_differentiable_argument() -> None:
    for name in (name for name in operation_names() if "backward" in operation(name).functions):
        described = operation(name)
        backward = described.arguments["backward"]
        upstreams = [a for a in backward if a.startswith("dL_d")]
        rest = backward[len(upstreams) :]
        assert upstreams == list(backward[: len(upstreams)]), name
        gradients = tuple(f"dL_d{a}" for a in rest if a not in described.labels)
        assert len(described.results["backward"]) == len(gradients), name
        if "forward" in described.functions:
            assert described.results["backward"] == gradients, name
            assert described.arguments["forward"] == rest, name
            assert described.parameters["forward"] == described.parameters["backward"], name


def test_the_docstrings_of_forward_and_backward_name_every_argument_and_result() -> None:
    for name in operation_names():
        described = operation(name)
        for direction, function in described.functions.items():
            text = inspect.getdoc(function) or ""
            arguments = described.arguments[direction]
            told_by_forward = (
                {a for a in arguments if not a.startswith("dL_d")} if "forward's arguments" in text else set()
            )
            missing = [a for a in arguments if a not in text and a not in told_by_forward]
            assert not missing, f"{name}.{direction} does not say what {missing} are"
            shaped = [
                r for r in described.results[direction] if r in text or "of the shape of each" in text or "same" in text
            ]
            assert shaped == list(described.results[direction]), f"{name}.{direction} does not say what it returns"


def test_every_tensor_has_its_batch_axis_or_has_none_on_purpose() -> None:
    for name in operation_names():
        described = operation(name)
        module = import_module(f"{ops.__name__}.{name}")
        assert set(module.BATCH_AXIS) <= set(described.batch_axis), name


@pytest.mark.parametrize("name", operation_names())
def test_every_operation_has_cases_of_both_kinds_in_every_direction(name: str) -> None:
    described = operation(name)
    for direction, dtype in product(DIRECTIONS, DTYPES):
        of_direction = [d for d in drafts(name, dtype).values() if d.direction == direction]
        if direction in described.functions:
            assert any(d.random for d in of_direction)
            assert any(not d.random for d in of_direction)
        else:
            assert not of_direction


def test_alternatives_are_answers_of_the_vocabulary() -> None:
    known = {(a.point, a.answer) for a in ANSWERS}
    for name in operation_names():
        assert set(operation(name).alternatives) <= known, name


def test_other_answers_are_of_formulas_that_take_the_parameters_of_the_call() -> None:
    loss = operation("softmax_cross_entropy")
    plain = loss.others("forward", {"reduction": "mean"}, {})
    ignoring = loss.others("forward", {"reduction": "mean", "ignore_index": -100}, {})
    assert {("probability_clipping", "loss"), ("mean_of_nothing", "0")} <= plain.keys()
    assert ("probability_clipping", "loss") not in ignoring
    assert ("mean_of_nothing", "0") in ignoring
    assert ("mean_of_nothing", "0") not in loss.others("forward", {"reduction": "mean"}, {"mean_of_nothing": "nan"})
    edges = {"min_value": 0.0, "max_value": 6.0}
    assert ("clip_slope_at_edges", "upper") in operation("hardtanh").others("backward", edges, {})
