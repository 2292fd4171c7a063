"""Live and large cases have every parameter that the golden families vary, and numbers between theirs."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import pytest
from backproof.conformance.live.cases import LiveCase, draw_case
from backproof.conformance.live.large import large_cases
from backproof.conformance.live.parameters import key_of, varied
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors import store
from backproof.vectors.records import Family
from shares import one_in

DRAWS = 50


def made_after(op: str, direction: str) -> tuple[Template, ...]:
    return templates(operation(op), store.read_golden(op), "float32", direction)


def golden(op: str, direction: str) -> list[Family]:
    return [
        f
        for f in store.read_golden(op).families
        if (f.dtype, f.direction, f.level) == ("float32", direction, "required") and f.result != "invalid"
    ]


def values(parameters: Sequence[Any], name: str) -> set[str]:
    return {repr(each.get(name, "the default")) for each in parameters}


def constant(op: str, direction: str, cases: Iterable[tuple[Template, LiveCase]]) -> list[str]:
    """The keywords that golden families give several values, and these cases one."""
    shown = [family.parameters for family in golden(op, direction)]
    drawn = [template.at(case.variation).family.parameters for template, case in cases]
    names = sorted({name for each in shown for name in each})
    return [name for name in names if len(values(shown, name)) > 1 and len(values(drawn, name)) == 1]


@pytest.mark.parametrize("op", one_in(8, operation_names()))
def test_each_parameter_that_golden_families_vary_varies_among_the_first_live_cases(op: str) -> None:
    for direction in operation(op).functions:
        found = made_after(op, direction)
        assert not constant(op, direction, (draw_case(found, f"0/{op}#{number}") for number in range(DRAWS)))


@pytest.mark.parametrize("op", one_in(9, operation_names()))
def test_each_varies_among_the_large_cases(op: str) -> None:
    for direction in operation(op).functions:
        assert not constant(op, direction, large_cases(made_after(op, direction), "0"))


@pytest.mark.parametrize("op", one_in(8, operation_names()))
def test_live_cases_are_made_after_all_sets_of_parameters_and_ranks(op: str) -> None:
    def form(family: Family) -> object:
        return key_of(family), tuple(x.ndim for x in family.inputs.values())

    for direction in operation(op).functions:
        drawn = {form(template.family) for template in made_after(op, direction)}
        assert drawn == {form(family) for family in golden(op, direction)}


def _of(op: str, family: str) -> Template:
    return next(t for t in made_after(op, "forward") if t.family.name == family)


def drawn(template: Template, name: str) -> set[Any]:
    return {template.at(variation).family.parameters[name] for variation in range(200)}


def test_numbers_lie_between_the_golden_ones_and_choices_stay() -> None:
    template = next(t for t in made_after("hardtanh", "forward") if "min_value" in t.ranges)
    assert min(drawn(template, "min_value")) == -8
    assert max(drawn(template, "min_value")) == 0
    assert len(drawn(template, "min_value")) > 10
    assert drawn(_of("group_norm", "forward-random-3x8-g2"), "num_groups") == {2}


def test_the_first_variation_is_the_golden_family_and_a_varied_template_goes_back_to_it() -> None:
    template = _of("adam_step", "forward-betas")
    assert template.at(7).family.parameters != template.family.parameters
    assert template.at(7).at(0).family.parameters == template.family.parameters
    assert varied(template.ranges, 0) == {name: template.family.parameters[name] for name in template.ranges}


def test_a_call_at_one_point_of_a_convention_is_not_moved_to_another() -> None:
    assert drawn(_of("adamw_step", "forward-step-1"), "weight_decay") == {0.0}
    assert len(drawn(_of("adamw_step", "forward-decay"), "weight_decay")) > 5
    assert drawn(_of("rmsprop_step", "forward-random-n6"), "eps") == {1e-40}
    assert len(drawn(_of("rmsprop_step", "forward-eps"), "eps")) > 5


def test_numbers_far_apart_have_powers_of_2_between_them() -> None:
    some = islice((varied({"eps": (1e-8, 1e-8, 0.1)}, n)["eps"] for n in range(1, 200)), 150)
    assert sum(1e-6 < eps < 1e-3 for eps in some) > 10
