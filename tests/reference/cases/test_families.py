"""What holds of the families of every operation."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from backproof.reference.generation.build import build, drafts
from backproof.reference.kinds.labels import FORMS
from backproof.reference.model.family import DRAWN
from backproof.reference.model.losses import REDUCTIONS
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.model.vocabulary import ANSWERS
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, FORMATS, PRECISIONS_OF
from backproof.vectors.records import Family
from shares import one_in

OPS = operation_names()
WITH_BACKWARD = [op for op in OPS if "backward" in operation(op).functions]
LOSSES = [op for op in WITH_BACKWARD if "labels" in operation(op).labels & set(operation(op).arguments["backward"])]
INDICES_ALONE = ("nll", "weighted_softmax_cross_entropy", "linear_cross_entropy", "convolutional_network")
"""Losses whose labels are no rows."""


def golden(op: str, dtype: str) -> Iterator[Family]:
    """An operation's golden families at a dtype."""
    return (f for f in store.read_golden(op).families if f.dtype == dtype)


@pytest.mark.parametrize("op", OPS)
def test_each_direction_meets_ordinary_input_no_rows_and_nan(op: str) -> None:
    for direction, dtype in product(operation(op).functions, DTYPES):
        flags = {flag for d in drafts(op, dtype).values() if d.direction == direction for flag in d.flags}
        assert {"random", "smallest", "empty-batch", "nan", "subnormal"} <= flags


@pytest.mark.parametrize("op", WITH_BACKWARD)
def test_upstreams_of_zeros_and_one_hot_are_asked_and_misshapen_ones_refused(op: str) -> None:
    for dtype in DTYPES:
        backward = [d for d in drafts(op, dtype).values() if d.direction == "backward"]
        assert {"upstream-zero", "upstream-one-hot", "upstream-signed"} <= {flag for d in backward for flag in d.flags}
        assert any(d.result == "invalid" and "size-mismatch" in d.flags for d in backward)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("op", ["batch_norm", "group_norm"])
def test_statistics_of_a_channel_are_asked_of_volumes_too(op: str, direction: str) -> None:
    """Code for (N, C, H, W) that takes (N, C, D, H, W) leaves its last axis out of the mean."""
    asked = [f for f in golden(op, "float64") if f.direction == direction and f.level == "required"]
    shapes = [f.inputs["inputs"].shape[1:] for f in asked]
    assert any(len(shape) == 5 and shape[-1] > 1 for shape in shapes)


@pytest.mark.parametrize("op", OPS)
def test_a_drawn_family_has_8_cases_at_most(op: str) -> None:
    for dtype in DTYPES:
        assert all(1 <= d.count <= DRAWN for d in drafts(op, dtype).values() if d.random)


@pytest.mark.parametrize("op", OPS)
def test_the_reference_refuses_every_invalid_call(op: str) -> None:
    for dtype in DTYPES:
        invalid = [name for name, draft in drafts(op, dtype).items() if draft.result == "invalid"]
        assert invalid, dtype
        for name in invalid:
            assert not build(op, dtype, name).answer.expected  # raises where the reference computes the call


@pytest.mark.parametrize("op", OPS)
def test_ordinary_draws_have_no_subnormal_numbers(op: str) -> None:
    smallest = 2.0 ** FORMATS["float16"].smallest_normal
    for f in golden(op, "float16"):
        if f.seed and f.level == "required" and "random" in f.flags:
            for x in (*f.inputs.values(), *f.answer.expected.values()):
                magnitudes = abs(x.astype(np.float64))
                subnormal = ((magnitudes > 0) & (magnitudes < smallest)).any()
                assert not subnormal, f"{f.id}: draw larger numbers, or move small ones: cases/square.py does"


@pytest.mark.parametrize("op", OPS)
def test_every_convention_is_told_apart_by_some_family(op: str) -> None:
    told = set()
    for f in golden(op, "float64"):
        for key, answer in f.alternatives.items():
            same = (np.array_equal(x, f.answer.expected[name], equal_nan=True) for name, x in answer.expected.items())
            told |= set() if all(same) else {key}
    canonical = {answer.key for answer in ANSWERS if answer.canonical}
    assert told == {f"{point}={answer}" for point, answer in operation(op).alternatives} - canonical


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", LOSSES)
def test_every_form_of_labels_with_every_reduction_is_drawn(op: str, dtype: str) -> None:
    ordinary = [d for d in drafts(op, dtype).values() if d.random and d.level == "required"]
    drawn = {(d.direction, d.parameters["reduction"], flag) for d in ordinary for flag in d.flags}
    forms = [f"labels-{form}" for form in (FORMS[:1] if op in INDICES_ALONE else FORMS)]
    assert set(product(operation(op).functions, REDUCTIONS, forms)) <= drawn


@pytest.mark.parametrize("op", LOSSES)
def test_a_mean_is_drawn_over_numbers_of_rows_whose_reciprocal_rounds(op: str) -> None:
    names = [d.name for d in drafts(op, "float64").values() if d.random and d.parameters["reduction"] == "mean"]
    assert sum(any(f"-n{rows}-" in name for name in names) for rows in (3, 5, 7)) >= 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_hidden_units_at_a_kink_are_there_exactly_at_every_dtype(dtype: str) -> None:
    for name in ("zero-row", "cancelled"):
        case = drafts("mlp", dtype)[f"backward-kink-{name}-mean"].cases[0]
        x, w, b = (case[key].astype(np.float64) for key in ("inputs", "weights1", "biases1"))
        assert (x @ w + b == 0).any()


MEANT = {
    ("softmax_cross_entropy_from_outputs", "probability_clipping"): "backward-small-",
    ("softmax_cross_entropy", "label_mass"): "forward-ladder-beyond",
}
"""By operation and point, how the families begin that fail another answer: of gradients that clipping loses on the way,
and of the largest number, from which logsumexp(z) - z leaves nothing."""


@pytest.mark.parametrize("op", one_in(2, [op for op in OPS if operation(op).alternatives]))
def test_a_required_family_of_no_convention_is_the_same_under_every_answer(op: str) -> None:
    for f in (*golden(op, "float32"), *golden(op, "bfloat16")):
        for (point, answer), formulas in operation(op).alternatives.items():
            meant = f.name.startswith(MEANT.get((op, point), "?"))
            if f.level == "required" and f.result == "valid" and f.direction in formulas and not meant:
                for case in range(f.count):
                    told = f"{f.id}#{case} is told apart by {point}={answer}: name the point, or another input"
                    assert _follows(f, case, formulas[f.direction][0].function), told


def _follows(f: Family, case: int, formula: Callable[..., Any]) -> bool:
    """Whether float64 gives, by a formula, what is expected up to the family's tolerance and its own roundings; a
    formula that lacks the family's parameters is nobody's there."""
    tensors = [x[case, ...].astype(x.dtype if x.dtype.kind == "i" else np.float64) for x in f.inputs.values()]
    try:
        with np.errstate(all="ignore"):
            found = formula(*tensors, **f.parameters)
    except TypeError:
        return True
    tolerances = f.answer.tolerance[PRECISIONS_OF[f.dtype][0]]
    for (name, expected), got in zip(
        f.answer.expected.items(), found if isinstance(found, tuple) else (found,), strict=True
    ):
        due = expected[case, ...].astype(np.float64)
        room = tolerances[name][case, ...] + 1e-12 * max(abs(x).max(initial=1) for x in (due, *tensors))
        if not np.all((abs(got - due) <= room) | (got == due)):
            return False
    return True
