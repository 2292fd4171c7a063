"""Live cases are judged as golden families are, and the first that fails is shrunk to the smallest."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from backproof.conformance.adapters import numpy as right
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Cause, MissKind, Outcome
from backproof.conformance.implementation.load import present
from backproof.conformance.live.cases import MOST_ELEMENTS, LiveCase, elements, in_one, read_case
from backproof.conformance.live.judging import Judge, Judged, UnjudgedError
from backproof.conformance.live.search import Live, search, shrunk, witnesses
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.broadcasting import undo_broadcast
from backproof.reference.model.operation import operation
from backproof.reference.ops import adam_step, adamw_step
from backproof.vectors import store

MEAN = {"reduction": "mean"}
THRESHOLD = 2_500
"""Longer than anything in the golden files."""


def judge_of(op: str, **attributes: Any) -> Judge:
    implementation = present("mine", attributes, (op,))
    vectors = store.read_golden(op)
    return Judge(implementation, lambda family: check(family, implementation, vectors))


def searched(name: str, function: Callable[..., Any], dtype: str = "float32", cases: int = 12, **more: Any) -> Live:
    """What comes of so many cases of a function."""
    turns = iter(range(cases))
    op, direction = name.rsplit("_", 1)
    found = templates(operation(op), store.read_golden(op), dtype, direction)
    return search(judge_of(op, **{name: function}, **more), found, f"0/{name}", lambda: next(turns, None) is not None)


@pytest.mark.parametrize(
    "name", ["layer_norm_backward", "dense_backward", "softmax_cross_entropy_forward", "relu_backward"]
)
def test_a_right_implementation_passes(name: str) -> None:
    live = searched(name, getattr(right, name))
    assert live.verdict.outcome is Outcome.PASSED
    assert live.judged is None
    assert live.verdict.cases > 6
    assert live.verdict.kept["float32"]


def test_a_result_in_which_no_convention_shows_is_judged_though_two_show_in_another() -> None:
    def forward(*arguments: np.ndarray, **parameters: Any) -> Any:
        values, first_moment, second_moment = right.adamw_step_forward(*arguments, **parameters)
        return values, 0 * first_moment, second_moment

    live = searched("adamw_step_forward", forward, cases=40)
    assert live.judged is not None
    assert "next_first_moment" in {miss.result for miss in live.verdict.misses}


def test_an_implementation_that_follows_two_conventions_is_not_failed() -> None:
    both = adam_step.formulations(adam_step.HAT, decays=adamw_step.BY_SCHEDULE)[0].function
    live = searched("adamw_step_forward", both, cases=40)
    assert live.judged is None
    assert live.verdict.cases > 0


def adam_correcting_both_moments_by_beta1(*moments: np.ndarray, beta2: float, step: int, **rates: Any) -> Any:
    values = right.adam_step_forward(*moments, beta2=beta2, step=step, **rates)
    old, *_ = moments
    m, v = values[1] / (1 - rates["beta1"] ** step), values[2] / (1 - rates["beta1"] ** step)
    return (old - rates["lr"] * m / (np.sqrt(v) + rates["eps"]), *values[1:])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("adam_step_forward", adam_correcting_both_moments_by_beta1),
        ("sgd_step_forward", lambda *x, **more: right.sgd_step_forward(*x, **{**more, "nesterov": False})),
        ("sgd_step_forward", lambda *x, **more: right.sgd_step_forward(*x, **{**more, "weight_decay": 0.0})),
        ("adamw_step_forward", lambda *x, **more: right.adamw_step_forward(*x, **{**more, "weight_decay": 0.0})),
        ("rmsprop_step_forward", lambda *x, **more: right.rmsprop_step_forward(*x, **{**more, "eps": 0.0})),
        ("l2_normalize_backward", lambda g, x, *, eps, **more: right.l2_normalize_backward(g, x, eps=0 * eps, **more)),
    ],
)
def test_a_parameter_that_is_ignored_shows(name: str, wrong: Callable[..., Any]) -> None:
    assert searched(name, wrong, cases=60).judged is not None


def test_a_case_with_parameters_of_its_own_says_them_and_is_read_again() -> None:
    live = searched(
        "softplus_forward",
        lambda x, *, beta=1.0: right.softplus_forward(x, beta=beta) + (0.5 < beta < 3 and beta != 1),
        cases=40,
    )
    assert live.judged is not None
    beta = live.judged.family.parameters["beta"]
    assert 0.5 < beta < 3
    assert f"numbers, beta={beta}." in live.judged.family.comment
    found = templates(operation("softplus"), store.read_golden("softplus"), "float32", "forward")
    again = judge_of("softplus", softplus_forward=right.softplus_forward).judge(
        *read_case(str(live.judged.case), found)
    )
    assert again.family.parameters == live.judged.family.parameters


def test_a_fault_beyond_a_length_is_shrunk_to_that_length() -> None:
    def backward(g: np.ndarray, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, *, eps: float) -> Any:
        dx, dweight, dbias = right.layer_norm_backward(g, x, weight, bias, eps=eps)
        dbias = np.concatenate([dbias[:THRESHOLD], 0 * dbias[THRESHOLD:]])
        return dx, dweight, dbias

    live = searched("layer_norm_backward", backward, cases=200)
    assert live.judged is not None
    assert live.verdict.outcome is Outcome.FAILED
    assert live.judged.family.inputs["bias"].shape == (1, THRESHOLD + 1)
    assert live.judged.family.inputs["inputs"].size == THRESHOLD + 1
    assert {miss.result for miss in live.verdict.misses if miss.kind is MissKind.VALUE} == {"dL_dbias"}


def test_a_case_that_fails_has_others_beside_it() -> None:
    def last_row_left_out(dL_doutputs, inputs, weights, biases):
        short = dL_doutputs[:-1] if len(inputs) > 10 else dL_doutputs
        dx, _, db = right.dense_backward(dL_doutputs, inputs, weights, biases)
        return dx, inputs[: len(short)].T @ short, db

    smallest = searched("dense_backward", last_row_left_out).judged
    assert smallest is not None
    rows, *others = smallest.case.sizes
    assert (rows, {*others}) == (11, {1})
    found = list(witnesses(judge_of("dense", dense_backward=last_row_left_out), smallest))
    assert {one.case.sizes for one in found} == {(11, *others), (11, *(3 for _ in others))}
    assert {one.case.profile for one in found} == {"integers", "bell"}
    assert smallest.case not in [one.case for one in found]
    assert all(one.fails for one in found)


def test_what_is_wrong_everywhere_is_shrunk_to_one_element() -> None:
    live = searched("square_backward", lambda g, x: 3 * g * x)
    assert live.judged is not None
    assert live.judged.family.inputs["inputs"].size == 1
    assert live.judged.case.key == 0


def test_a_fault_on_two_sides_keeps_both_of_them() -> None:
    def forward(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        wrong = min(a.shape[-2:]) > 32 if a.ndim > 1 else False
        return a @ b + wrong

    live = searched("matmul_forward", forward, cases=200)
    assert live.judged is not None
    assert live.judged.family.inputs["a"].shape[-2:] == (33, 33)


def test_a_fault_beyond_a_number_of_elements_is_shrunk_to_one_long_axis() -> None:
    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.where(np.arange(x.size).reshape(x.shape) < THRESHOLD, 2 * g * x, 0).astype(x.dtype)

    live = searched("square_backward", backward, cases=200)
    assert live.judged is not None
    assert live.judged.family.inputs["inputs"].size == THRESHOLD + 1
    assert sorted(live.judged.case.sizes)[:-1] == [1] * (len(live.judged.case.sizes) - 1)


def test_a_fault_that_not_every_length_shows_is_shrunk_to_the_first_that_does() -> None:
    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        whole = x.size - x.size % 64 if x.size > THRESHOLD else x.size
        return np.where(np.arange(x.size).reshape(x.shape) < whole, 2 * g * x, 0).astype(x.dtype)

    live = searched("square_backward", backward, cases=200)
    assert live.judged is not None
    assert live.judged.family.inputs["inputs"].size == THRESHOLD + 1


def test_the_other_answer_of_a_convention_is_no_fault() -> None:
    live = searched("relu_backward", lambda g, x: g * (x >= 0))
    assert live.verdict.outcome is Outcome.PASSED


def test_a_declared_answer_is_asked_for() -> None:
    live = searched("relu_backward", lambda g, x: g * (x > 0), cases=200, conventions={"relu_slope_at_zero": "1"})
    assert live.verdict.outcome is Outcome.FAILED


def test_answers_may_be_declared_at_several_points() -> None:
    def backward(g: np.ndarray, a: np.ndarray, b: np.ndarray) -> Any:
        return undo_broadcast(g * (a >= b), a.shape), undo_broadcast(g * (a < b), b.shape)

    declared = {"infinite_times_zero": "nan", "maximum_tie": "first"}
    live = searched("maximum_backward", backward, conventions=declared)
    assert live.verdict.outcome is Outcome.PASSED


def test_what_no_answer_gives_is_wrong_where_several_points_have_others() -> None:
    def forward(*tensors: np.ndarray, **parameters: Any) -> Any:
        updated, *moments = right.adamw_step_forward(*tensors, **parameters)
        return (updated * np.float32(1.001), *moments)

    described = operation("adamw_step")
    template, *_ = templates(described, store.read_golden("adamw_step"), "float32", "forward")
    others = described.others("forward", template.family.parameters, {})
    assert {point for point, _ in others} == {"adam_epsilon", "adamw_decay"}
    judge = judge_of("adamw_step", adamw_step_forward=forward)
    for key in range(4):
        assert judge.judge(template, LiveCase(template.family.name, (65,) * len(template.lengths), "bell", key)).fails


def test_labels_that_are_shares_are_judged_by_all_answers() -> None:
    def backward(*arguments: Any, **parameters: Any) -> Any:
        return 2 * right.softmax_cross_entropy_backward(*arguments, **parameters)

    op = "softmax_cross_entropy"
    judge = judge_of(op, softmax_cross_entropy_backward=backward)
    found = templates(operation(op), store.read_golden(op), "float32", "backward")
    template = next(t for t in found if t.family.inputs["labels"].ndim == 3 and t.family.parameters == MEAN)
    for size in (3, 65):
        case = LiveCase(template.family.name, tuple(size for _ in template.lengths), "bell", 0)
        assert judge.judge(template, case).fails


def test_an_implementation_that_refuses_is_unsupported() -> None:
    def refuse(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError("no kernel")

    verdict = searched("square_backward", refuse).verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.UNSUPPORTED, Cause.REFUSED)


def test_a_case_without_a_bound_is_not_judged() -> None:
    found = templates(operation("sqrt"), store.read_golden("sqrt"), "float32", "backward")
    template, case = read_case("backward-random-n4-f5+3x3+sparse+1", found)
    with pytest.raises(UnjudgedError):
        judge_of("sqrt", sqrt_backward=right.sqrt_backward).judge(template, case)


def ignoring(g: np.ndarray, z: np.ndarray, labels: np.ndarray, *, reduction: str, ignore_index: int = -100) -> Any:
    return 2 * right.softmax_cross_entropy_backward(g, z, labels, reduction=reduction, ignore_index=ignore_index)


def plain(g: np.ndarray, z: np.ndarray, labels: np.ndarray, *, reduction: str) -> Any:
    return right.softmax_cross_entropy_backward(g, z, labels, reduction=reduction)


def of_an_ignored_label(function: Callable[..., Any]) -> Live:
    op = "softmax_cross_entropy"
    found = templates(operation(op), store.read_golden(op), "float32", "backward")
    some = [template for template in found if template.family.parameters.keys() == {"reduction", "ignore_index"}]
    turns = iter(range(3))
    judge = judge_of(op, softmax_cross_entropy_backward=function)
    return search(judge, some, "0/ignored", lambda: next(turns, None) is not None)


def test_answers_whose_formulas_lack_a_parameter_are_not_asked_about() -> None:
    assert of_an_ignored_label(ignoring).verdict.outcome is Outcome.FAILED


def test_a_form_that_golden_families_leave_open_may_be_refused() -> None:
    verdict = of_an_ignored_label(plain).verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.UNSUPPORTED, Cause.REFUSED)


def test_no_case_is_tried_that_is_larger_than_those_that_are_drawn() -> None:
    op, direction = "lstm_cell", "forward"
    template = templates(operation(op), store.read_golden(op), "float32", direction)[0]
    case = LiveCase(template.family.name, tuple(60 for _ in template.lengths), "bell", 1)
    judge, tried = judge_of(op, lstm_cell_forward=lambda *_: None), []

    @cache
    def judged(case: LiveCase) -> Judged:
        return judge.judge(template, case)

    class Noting(Judge):
        def judge(self, template: Template, case: LiveCase) -> Judged:
            tried.append(elements(template, case.sizes))
            return judged(replace(case, sizes=tuple(2 for _ in case.sizes)))

    found = judged(replace(case, sizes=tuple(2 for _ in case.sizes)))
    shrunk(Noting(judge.implementation, judge.check), replace(found, case=case))
    assert elements(template, in_one(case)[0].sizes) > MOST_ELEMENTS
    assert len(tried) > 10
    assert max(tried) <= MOST_ELEMENTS


def test_one_length_alone_is_tried_first() -> None:
    def backward(g: np.ndarray, *arguments: np.ndarray) -> Any:
        gradients = right.dense_backward(g, *arguments)
        return gradients if len(g) < THRESHOLD else tuple(0 * gradient for gradient in gradients)

    template = templates(operation("dense"), store.read_golden("dense"), "float32", "backward")[0]
    rows = next(i for i, length in enumerate(template.lengths) if ("inputs", 0) in length.multiples)
    sizes = [9 for _ in template.lengths]
    sizes[rows] = THRESHOLD + 60
    tried = []

    class Noting(Judge):
        def judge(self, template: Template, case: LiveCase) -> Judged:
            tried.append(case.sizes)
            return super().judge(template, case)

    judge = judge_of("dense", dense_backward=backward)
    found = judge.judge(template, LiveCase(template.family.name, tuple(sizes), "bell", 1))
    smallest = shrunk(Noting(judge.implementation, judge.check), found).case.sizes
    assert max(smallest) == THRESHOLD
    assert all(sum(size > 1 for size in sizes) == 1 for sizes in tried[: len(sizes)])
    assert all(sizes.count(1) >= len(sizes) - 1 for sizes in tried)
