"""The cases of dense, softmax and mlp: the lesson's figures come out, and faults do not get through."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from backproof.reference.generation.build import build, drafts
from backproof.vectors.dtypes import DTYPES
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


def expected(op: str, name: str) -> dict[str, np.ndarray]:
    """The golden results of a family's first case, in float64."""
    return {result: values[0] for result, values in built(op, "float64", name).answer.expected.items()}


def test_the_lesson_s_dense_gradients_come_out() -> None:
    gradients = expected("dense", "backward-lesson")
    np.testing.assert_allclose(
        gradients["dL_dinputs"],
        [[0.44, -0.38, -0.07, 1.37], [0.88, -0.76, -0.14, 2.74], [1.32, -1.14, -0.21, 4.11]],
        atol=1e-12,
    )
    np.testing.assert_allclose(
        gradients["dL_dweights"], np.repeat([[0.5], [20.1], [10.9], [4.1]], 3, axis=1), atol=1e-12
    )
    np.testing.assert_array_equal(gradients["dL_dbiases"], [[6, 6, 6]])


def test_the_lesson_s_dense_outputs_come_out() -> None:
    outputs = expected("dense", "forward-lesson")["outputs"]
    np.testing.assert_allclose(outputs, [[4.8, 1.21, 2.385], [8.9, -1.81, 0.2], [1.41, 1.051, 0.026]], atol=1e-12)


def test_the_lesson_s_softmax_outputs_come_out() -> None:
    outputs = expected("softmax", "forward-lesson")["outputs"]
    np.testing.assert_allclose(outputs, [[0.89528266, 0.02470831, 0.08000903]], atol=5e-9)


def test_the_lesson_s_shifted_logits_have_the_same_softmax_and_halved_ones_another() -> None:
    plain, shifted, halved = built("softmax", "float64", "forward-lesson-shifted").answer.expected["outputs"]
    np.testing.assert_allclose(plain, [[0.09003057, 0.24472847, 0.66524096]], atol=5e-9)
    np.testing.assert_array_equal(shifted, plain)
    np.testing.assert_allclose(halved, [[0.18632372, 0.30719589, 0.50648039]], atol=5e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_network_s_kinks_are_exact_at_every_dtype(dtype: str) -> None:
    for name in ("zero-row", "cancelled"):
        tensors = built("mlp", dtype, f"backward-kink-{name}-mean").inputs
        x, w, b = (tensors[key][0].astype(np.float64) for key in ("inputs", "weights1", "biases1"))
        assert (x @ w + b == 0).any()


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
