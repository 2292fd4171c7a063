"""Golden values and tolerances do not depend on where the search for a precision begins, nor on the machine's BLAS."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from backproof.reference.generation import evaluate as module
from backproof.reference.generation.build import build, drafts
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.generation.evaluate import Evaluation, UnsettledError, evaluate
from backproof.reference.model.formulations import as_written
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from backproof.vectors.records import Expectation
from calls import call, directions, forms
from shares import one_in

CASES = [
    (op, direction, i + 3 * j, dtype)
    for i, (op, direction) in enumerate(directions())
    for j, dtype in enumerate(DTYPES)
]
"""Every operation and direction at every dtype, in one of its forms each, which is found where the call is made."""


def scattered(w: Words, shape: Shape) -> np.ndarray:
    """Magnitudes from 1/16 to 4, signed."""
    return w.spread(shape, -4, 2)


def evaluated(op: str, direction: str, number: int, dtype: str) -> Evaluation:
    """Evaluate the same call each time."""
    every = forms(op, direction)
    form = every[number % len(every)]
    arguments = call(form, Words(f"again/{form}/{dtype}", dtype), scattered)
    formulas = operation(form.op).formulations[direction]
    return evaluate(formulas, arguments, form.parameters, dtype, PRECISIONS_OF[dtype], required=True, guard=True)


def bits_of(evaluation: Evaluation) -> list[tuple[str, list[bytes]]]:
    """Give all that an evaluation says, to the bit."""
    groups = {"expected": evaluation.expected, **evaluation.tolerance}
    return [(name, [array.tobytes() for array in arrays]) for name, arrays in groups.items()]


@pytest.mark.parametrize(("op", "direction", "number", "dtype"), one_in(12, CASES))
def test_another_starting_precision_gives_the_same_bits(
    op: str, direction: str, number: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bits_of(evaluated(op, direction, number, dtype))
    for precision in (200, 700):
        monkeypatch.setattr(module, "FIRST_PRECISION", precision)
        assert bits_of(evaluated(op, direction, number, dtype)) == first


def test_an_evaluation_leaves_no_array_to_the_collector_of_garbage() -> None:
    seen: list[weakref.ref[Any]] = []

    def formula(x: Any) -> Any:
        y = np.exp(x) + 1
        seen.extend(map(weakref.ref, (x, y)) if not isinstance(x, np.ndarray) else ())
        return y * y

    gc.disable()
    try:
        evaluate(
            (as_written(formula),),
            {"x": np.ones(2)},
            {},
            "float32",
            PRECISIONS_OF["float32"],
            required=True,
            guard=True,
        )
        assert len(seen) > 2
        assert [array for one in seen if (array := one()) is not None] == []
    finally:
        gc.enable()


def tensors(expectation: Expectation) -> list[bytes]:
    """Give expected values and tolerances, to the bit."""
    every = [expectation.expected, *expectation.tolerance.values()]
    return [x.tobytes() for group in every for x in group.values()]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_curated_families_that_lie_on_boundaries_are_built_the_same_too(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = [(op, name) for op in ("relu", "dense", "cross_entropy") for name in drafts(op, dtype)]
    sample = [(op, name) for op, name in every if not drafts(op, dtype)[name].random][::4]
    assert len(sample) > 10
    first = [tensors(build(op, dtype, name).answer) for op, name in sample]
    monkeypatch.setattr(module, "FIRST_PRECISION", 200)
    assert [tensors(build(op, dtype, name).answer) for op, name in sample] == first


@pytest.mark.parametrize("step", [24, pytest.param(3, marks=pytest.mark.catalogue)])
def test_float64_linear_algebra_is_used_for_classes_alone(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = CASES[::step]
    first = [bits_of(evaluated(*case)) for case in cases]
    plain = module._plain

    def off(x: np.ndarray) -> Any:
        wide = plain(x)
        return wide if wide.dtype.kind == "i" else wide * (1 - 2.0**-40)  # probabilities stay below 1

    monkeypatch.setattr(module, "_plain", off)
    assert [bits_of(evaluated(*case)) for case in cases] == first


def test_what_settles_at_no_precision_is_refused_in_one_line() -> None:
    def nearly_a_tie(x: Any, y: Any, z: Any) -> Any:
        return x * y + np.exp(z)

    arguments = {"x": np.array(1 + 2.0**-52), "y": np.array(0.75), "z": np.array(-4000.0)}
    with pytest.raises(UnsettledError, match="not settled at 4096 bits") as refusal:
        evaluate((as_written(nearly_a_tie),), arguments, {}, "float64", ["float64"], required=True, guard=True)
    assert "\n" not in str(refusal.value)
    arguments["z"] = np.array(-2000.0)
    settled = evaluate((as_written(nearly_a_tie),), arguments, {}, "float64", ["float64"], required=True, guard=True)
    assert settled.expected[0] == 0.75 + 2.0**-52


@pytest.mark.parametrize(
    ("op", "name"),
    [("softmax", "backward-random-4x2x3-axis0"), ("mlp", "backward-random-n3-i5-h33-c4-soft-mean")],
)
def test_formulations_that_are_left_out_would_make_no_tolerance_larger(
    op: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, errors_of = [0], module._errors

    def counting(*arguments: Any) -> list[np.ndarray]:
        counted[-1] += 1
        return errors_of(*arguments)

    monkeypatch.setattr(module, "_errors", counting)
    some = build(op, "bfloat16", name).answer
    counted.append(0)
    monkeypatch.setattr(module, "_give_no_more", lambda *_: False)
    every = build(op, "bfloat16", name).answer
    assert counted[0] < counted[1]
    for precision, tolerances in every.tolerance.items():
        for result, tolerance in tolerances.items():
            np.testing.assert_array_equal(some.tolerance[precision][result], tolerance)
