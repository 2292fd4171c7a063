"""Large cases: shapes that fill a GPU, derived from what the golden families show of an operation."""

import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backproof.conformance.adapters import numpy as right
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Cause, Miss, MissKind, Outcome, Verdict, verdict_on
from backproof.conformance.implementation.load import present
from backproof.conformance.live import cases as live_cases
from backproof.conformance.live import large, large_judging
from backproof.conformance.live.cases import LiveCase, tensors_of
from backproof.conformance.live.judging import Judge, UnjudgedError, call_of
from backproof.conformance.live.large import LONGEST, OF_CLASSES, SIZE, large_cases, terms_of
from backproof.conformance.live.large_judging import LargeJudge
from backproof.conformance.live.search import Live, first_failure
from backproof.conformance.live.templates import Template, templates
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors import store
from shares import one_in

Shapes = dict[str, tuple[int, ...]]


def cases_of(op: str, direction: str) -> Iterator[tuple[Template, LiveCase]]:
    return large_cases(templates(operation(op), store.read_golden(op), "float32", direction), "0")


def shapes_of(op: str, direction: str) -> list[Shapes]:
    return [template.shapes(case.sizes) for template, case in cases_of(op, direction)]


def judge_of(op: str, attributes: Mapping[str, Any]) -> LargeJudge:
    implementation, vectors = present("mine", attributes, (op,)), store.read_golden(op)
    return LargeJudge(implementation, lambda family, **how: check(family, implementation, vectors, **how))


def as_runs_check(judge: LargeJudge) -> LargeJudge:
    """The same judge, to whose check an exception is the implementation's, as in a run."""

    def check_as_runs_do(*asked: Any, **how: Any) -> Verdict:
        try:
            return judge.check(*asked, **how)
        except UnjudgedError as error:
            return verdict_on(asked[0], [Miss(MissKind.RAISED, False, None, str(error))])

    return replace(judge, check=check_as_runs_do)


def judged(name: str, function: Callable[..., Any], seconds: float = math.inf, **more: Any) -> Live:
    """What comes of the large cases of a function."""
    op, direction = name.rsplit("_", 1)
    judge = judge_of(op, {name: function, **more})
    found = templates(operation(op), store.read_golden(op), "float32", direction)
    return first_failure(judge, found[0].family, large_cases(found, f"0/{name}"), [], seconds)


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cases of a size that tests have time for."""
    cases = [(profile, more, (2**15, 2**18)) for profile, more, _ in large.CASES]
    monkeypatch.setattr(large, "CASES", tuple(cases))


@pytest.mark.parametrize("op", one_in(5, operation_names()))
def test_each_operation_has_cases_within_the_limits(op: str) -> None:
    found = shapes_of(op, "backward" if "backward" in operation(op).functions else "forward")
    assert found
    for shapes in found[: len(large.CASES)]:
        elements = sum(int(np.prod(shape)) for shape in shapes.values())
        assert 2**13 < elements < 1.1 * SIZE[0] * (OF_CLASSES if "labels" in shapes else 1)


def test_shapes_are_those_that_people_run() -> None:
    assert set(shapes_of("dense", "backward")[0].values()) == {(4096, 4096), (1, 4096)}
    assert shapes_of("layer_norm", "backward")[0]["inputs"] == (8192, 4096)
    assert shapes_of("softmax_cross_entropy", "backward")[0]["logits"] == (4096, 50257)
    embedding = shapes_of("embedding", "backward")[0]
    assert (embedding["indices"], embedding["weight"]) == ((128, 256), (50257, 1024))
    convolution = shapes_of("conv2d", "forward")[0]
    assert convolution["inputs"] == (32, 64, 56, 56)
    assert max(convolution["weight"][2:]) < 5
    attention = shapes_of("scaled_dot_product_attention", "forward")[0]
    assert attention["query"] == (1, 16, 2048, 128)
    assert attention["key"][2:] == (2048, 128)


@pytest.mark.parametrize(
    ("name", "shapes", "terms"),
    [
        ("dense_backward", {"inputs": (4096, 4096), "weights": (4096, 4096)}, 4096**3),
        ("lstm_forward", {"inputs": (16, 128, 256), "weight_ih": (2048, 256)}, 16 * 128 * 256 * 2048),
        ("scaled_dot_product_attention_forward", {"key": (1, 1, 2048, 128)}, 16 * 2048**2 * 128),
    ],
)
def test_terms_are_those_of_a_contraction_fewer_where_all_is_judged(name: str, shapes: Shapes, terms: int) -> None:
    template, case = next(cases_of(*name.rsplit("_", 1)))
    assert template.shapes(case.sizes).items() >= shapes.items()
    assert terms_of(template, case.sizes) == terms


@pytest.mark.parametrize("name", ["dense_backward", "layer_norm_forward", "softmax_cross_entropy_backward"])
def test_a_fault_in_one_tile_is_among_the_elements_that_are_judged(name: str) -> None:
    op, direction = name.rsplit("_", 1)
    template, case = next(cases_of(op, direction))
    for grid in large.grids_of(large.call_of_zeros(template, case.sizes)).values():
        for indices, length in zip(grid.indices, grid.shape, strict=True):
            assert set(range(length // 128)) <= set((indices // 128).tolist())


def test_weights_of_a_network_are_small_at_size_so_that_what_follows_has_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template, case = next(cases_of("convolutional_network", "forward"))
    judge, small = judge_of("convolutional_network", vars(right)), replace(case, sizes=tuple(2 for _ in case.sizes))
    at_size, usual = (float(abs(tensors_of(template, each)["weights"]).max()) for each in (case, small))
    assert at_size < usual / 16
    assert judge.judge(template, case).verdict.outcome is Outcome.PASSED
    monkeypatch.setattr(live_cases, "weights_of", lambda *_: ())
    for each in (judge, as_runs_check(judge)):
        with pytest.raises(UnjudgedError, match="no element of any result has a bound"):
            each.judge(template, case)


def test_numbers_of_a_large_case_in_a_half_precision_are_ordinary() -> None:
    found = templates(operation("relu"), store.read_golden("relu"), "float16", "forward")
    _, _, (template, heavy), *_ = large_cases(found, "0")
    (x,) = call_of(template, heavy).arguments.values()
    assert x.size > 2**22


def test_a_case_with_a_number_that_is_not_ordinary_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    template, case = next(cases_of("relu", "forward"))
    monkeypatch.setattr(large_judging, "draw_argument", lambda *_: np.full((2, 3), 1e-45, np.float32))
    judge = judge_of("relu", vars(right))
    for each in (judge, as_runs_check(judge)):
        with pytest.raises(UnjudgedError, match="subnormal"):
            each.judge(template, case)


def test_the_second_case_is_beside_a_tile() -> None:
    _, beside, *_ = shapes_of("relu", "backward")
    assert all(size % 16 == 1 for size in beside["inputs"])


def test_each_axis_is_long_in_turn_where_axes_mean_nothing() -> None:
    shapes = [each["inputs"] for each in shapes_of("relu", "backward")[len(large.CASES) :]]
    assert [shape.index(LONGEST) for shape in shapes] == [0, 2, 1, 3]
    assert all(sum(shape) < LONGEST + 9 for shape in shapes)
    assert len(shapes_of("dense", "backward")) == len(shapes_of("sum", "forward")) == len(large.CASES)


@pytest.mark.usefixtures("smaller")
@pytest.mark.parametrize(
    ("name", "further"),
    [
        ("layer_norm_backward", 1),
        ("dense_backward", 0),
        ("softmax_cross_entropy_forward", 1),
        ("sgd_step_forward", 4),
    ],
)
def test_a_right_implementation_passes(name: str, further: int) -> None:
    live = judged(name, getattr(right, name))
    assert live.verdict.outcome is Outcome.PASSED
    assert live.verdict.cases == len(large.CASES) + further
    assert live.verdict.kept == {"float32": True}
    assert live.verdict.fraction is not None


@pytest.mark.usefixtures("smaller")
def test_a_call_is_made_while_its_arguments_are_held_once(monkeypatch: pytest.MonkeyPatch) -> None:
    originals: list[weakref.ref[np.ndarray]] = []

    def draw_argument(*case: Any) -> np.ndarray:
        x = live_cases.draw_argument(*case)
        originals.append(weakref.ref(x))
        return x

    def forward(x: np.ndarray) -> np.ndarray:
        assert [original() for original in originals] == [None] * len(originals)
        return right.square_forward(x)

    monkeypatch.setattr(large_judging, "draw_argument", draw_argument)
    assert judged("square_forward", forward).verdict.outcome is Outcome.PASSED
    assert len(originals) > len(large.CASES)


@pytest.mark.usefixtures("smaller")
def test_results_are_held_against_what_an_argument_was_that_the_call_changes() -> None:
    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        gradient = 2 * g * x
        x[...] = 0
        return gradient

    live = judged("square_backward", backward, seconds=0)
    assert [miss.kind for miss in live.verdict.misses] == [MissKind.CHANGED_ARGUMENT]


@pytest.mark.usefixtures("smaller")
def test_a_fault_beyond_a_length_is_shrunk_to_it() -> None:
    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.where(np.arange(x.shape[-1]) < 100, 2 * g * x, 0).astype(x.dtype)

    live = judged("square_backward", backward, seconds=60)
    assert live.judged is not None
    assert live.judged.family.inputs["inputs"].shape == (1, 1, 101)
    assert live.judged.family.name == "backward-large"


@pytest.mark.usefixtures("smaller")
def test_a_fault_that_stays_large_says_what_the_case_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_judging, "MOST_ELEMENTS", 2**14)

    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (2 * g * x * (1 if x.size < 2**15 else 2)).astype(x.dtype)

    live = judged("square_backward", backward, seconds=0)
    assert live.judged is not None
    assert live.judged.family.comment.startswith("A large case after backward-random-")
    assert [miss.kind for miss in live.verdict.misses] == [MissKind.VALUE]


@pytest.mark.usefixtures("smaller")
def test_an_implementation_that_refuses_or_raises_is_told_as_ever() -> None:
    def refuse(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError("no kernel")

    assert judged("square_backward", refuse).verdict.cause is Cause.REFUSED
    live = judged("square_backward", lambda g, x: g @ x[1:], seconds=0)
    assert [miss.kind for miss in live.verdict.misses] == [MissKind.RAISED]


@pytest.mark.usefixtures("smaller")
def test_any_answer_of_a_convention_is_right() -> None:
    assert judged("relu_backward", lambda g, x: g * (x >= 0)).verdict.outcome is Outcome.PASSED
    declared = judged("relu_backward", lambda g, x: g * (x > 0), 0, conventions={"relu_slope_at_zero": "1"})
    assert declared.verdict.outcome is Outcome.FAILED


@pytest.mark.usefixtures("smaller")
@pytest.mark.parametrize("name", ["max_pool2d_backward", "mse_forward", "softmax_cross_entropy_from_outputs_backward"])
def test_windows_numbers_and_backwards_alone_have_large_cases(name: str) -> None:
    live = judged(name, getattr(right, name))
    assert live.verdict.outcome is Outcome.PASSED
    assert live.verdict.cases >= len(large.CASES)


@pytest.mark.usefixtures("smaller")
def test_indices_choose_from_the_axis_that_they_are_of() -> None:
    assert judged("mlp_forward", right.mlp_forward).verdict.outcome is Outcome.PASSED


@pytest.mark.usefixtures("smaller")
def test_a_case_that_has_no_bound_when_it_is_small_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def unbounded(*_: object) -> None:
        raise UnjudgedError("outputs has no bound")

    monkeypatch.setattr(Judge, "family_in_full", unbounded)
    live = judged("square_backward", lambda g, x: g @ x[1:])
    assert [miss.kind for miss in live.verdict.misses] == [MissKind.RAISED]
