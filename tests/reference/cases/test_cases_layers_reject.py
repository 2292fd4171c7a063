"""The cases of dense, softmax and mlp: faults do not get through."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from backproof.reference.generation.build import build, drafts
from backproof.vectors.records import Family
from faulty_layers import FAULTS, ROBUST, SOUND, Function, in_tf32, narrow

WIDE = ("float64", "float32")
built = cache(build)


def misses(family: Family, function: Function) -> bool:
    """Whether a function's result is none of a family's answers, in at least one case."""
    answers = (family.answer, *family.alternatives.values())
    for i in range(family.count):
        with np.errstate(all="ignore"):
            results = function(*(x[i].copy() for x in family.inputs.values()), **family.parameters)
        results = results if isinstance(results, tuple) else (results,)
        if not any(
            all(
                agrees(r, answer.expected[name][i], answer.tolerance[family.dtype][name][i])
                for r, name in zip(results, answer.expected, strict=True)
            )
            for answer in answers
        ):
            return True
    return False


def agrees(got: Any, expected: np.ndarray, tolerance: np.ndarray) -> bool:
    got = np.asarray(got).astype(np.float64)
    with np.errstate(all="ignore"):
        close = abs(got - expected) <= tolerance
    return got.shape == expected.shape and bool(
        (close | (got == expected) | (np.isnan(got) & np.isnan(expected))).all()
    )


def families(op: str, dtype: str, direction: str, level: str) -> list[str]:
    return [
        name
        for name, draft in drafts(op, dtype).items()
        if draft.direction == direction and draft.level == level and draft.result != "invalid"
    ]


def caught_by(op: str, dtype: str, direction: str, level: str, function: Function) -> str | None:
    """The first family that a function misses."""
    return next((n for n in families(op, dtype, direction, level) if misses(built(op, dtype, n), function)), None)


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize(("op", "direction"), FAULTS)
def test_no_fault_of_a_layer_gets_through_the_required_families(op: str, direction: str, dtype: str) -> None:
    through = [
        name
        for name, fault in FAULTS[op, direction].items()
        if caught_by(op, dtype, direction, "required", fault) is None
    ]
    assert through == []


@pytest.mark.parametrize(("op", "direction"), SOUND)
def test_less_precision_inside_is_out_of_tolerance(op: str, direction: str) -> None:
    assert caught_by(op, "float64", direction, "required", narrow(SOUND[op, direction], "float32"))
    assert caught_by(op, "float32", direction, "required", in_tf32(SOUND[op, direction]))


@pytest.mark.parametrize("fault", ROBUST)
def test_what_robust_families_are_for_they_catch(fault: str) -> None:
    op, direction, function = ROBUST[fault]
    assert caught_by(op, "float32", direction, "robust", function)


@pytest.mark.parametrize(("op", "direction"), SOUND)
def test_a_sound_layer_passes_all_curated_families(op: str, direction: str) -> None:
    curated = [
        name
        for level in ("required", "robust")
        for name in families(op, "float32", direction, level)
        if not drafts(op, "float32")[name].random
    ]
    assert [name for name in curated if misses(built(op, "float32", name), SOUND[op, direction])] == []
