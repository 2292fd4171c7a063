"""What failures look like: the right fault of the catalogue, a structural reading, or nothing."""

# ruff: noqa: ARG005 - what alters a gradient is given all the arguments, and uses those it needs

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

import diagnosed
import numpy as np
import pytest
import small_vectors
import sound_variants
from backproof.conformance.check.verdict import MissKind
from backproof.conformance.implementation.load import load
from backproof.reference.faults import by_name, every_fault_of
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation_names
from backproof.reference.mutations.changes import lowered, significand
from backproof.reference.mutations.wrong_calls import computed_in
from backproof.reference.ops import dense
from diagnosed import Function, Told, few, findings, implementation, told, whole
from shares import one_in

Array = Any

OPERATIONS = operation_names()
SORTS = ("mutant", "wrapper")

RANDOM = replace(
    whole("dense"),
    families=tuple(
        f
        for dtype, share in {"float64": 1, "float32": 2}.items()
        for f in [f for f in whole("dense").families if "backward-random" in f.name and f.dtype == dtype][::share]
    ),
)
"""Families of every shape, with nothing special about their values; in float32 every other one."""


# The catalogue


@pytest.mark.parametrize(("op", "sort"), one_in(28, zip(OPERATIONS, cycle(SORTS))))
def test_a_fault_gets_its_own_name_or_that_of_one_that_does_the_same(op: str, sort: str) -> None:
    """One fault of each operation, of one sort or the other, stands for all.

    What is wrong with few elements, or with memory, may be named in other words, or not, by so short a run."""
    faults = [fault for fault in every_fault_of(op) if fault.sort == sort]
    found = told(random.Random(f"{op} {sort}").choice(faults))
    not_wrong = found is not None and not found.is_wrong
    said_otherwise = not_wrong and (sort == "wrapper" or found.names == ["wrong by case"])
    assert found is None or found.is_right or said_otherwise or (raises_always(found) and not found.findings), found


def raises_always(found: Told) -> bool:
    """Whether every call raises, of which nothing can be said: many faults do."""
    failing = [item.verdict for item in found.ran if item.fails]
    return all(miss.kind is MissKind.RAISED for verdict in failing for miss in verdict.misses)


LOSS = "binary_cross_entropy_with_logits.forward_loss"


@pytest.mark.parametrize("fault", ["silu.backward_upstream_outputs", "softplus.dL_dinputs", LOSS])
def test_a_finite_number_where_an_infinity_is_due_is_told_from_a_lost_nan(fault: str) -> None:
    op, _, place = fault.partition(".")
    found = told(by_name(op)[f"{place}_non_finite_swallowed"])
    assert found is not None
    assert found.is_right


@pytest.mark.parametrize(
    "fault",
    one_in(
        6,
        [
            "square.backward_upstream_outputs_nan_to_zero",  # a NaN of the upstream or of any argument
            "matmul.da_upstream_last_row_left_out",  # a NaN in a case that is not the first
            "weighted_softmax_cross_entropy.forward_labels_clipped",  # which labels are refused
            "cross_entropy.forward_one_hot_first_bound_left_out",
            "logsumexp.forward_finite_max_largest_of_first_row",  # what infinities come to
            "maximum.both_get_all",  # no single answer at ties
            "avg_pool2d.backward_sliding_kernel_of_first_call",  # which calls of the run raised
            "max_pool2d.forward_laid_height_size_of_first_call",  # that they do not when called in another order
            "add.forward_a_of_first_contents",  # which argument is kept by its address
            "gelu.backward_inputs_written_beside",  # beside which memory is written
            "hardtanh.forward_inputs_broadcast_in_memory_order",  # which layout is misread
            "logsumexp.forward_outputs_in_shared_buffer",  # what a later call overwrites
            "divide.dL_db_adds_up",  # what is kept of the calls before
            "reciprocal.forward_outputs_rows_beyond_tiles_of_8",  # at which places it is 0
            "divide.backward_b_here_rows_beyond_tiles_of_8_2",  # at which places it is infinite
            "rms_norm.dL_dweight_nan_to_zero",  # what noise does not reach, for it is NaN
            "adamw_step.next_second_moment_rows_beyond_32",  # the largest family that failed
        ],
    ),
)
def test_faults_are_told_apart_by_what_little_differs(fault: str) -> None:
    op, _, name = fault.partition(".")
    found = told(by_name(op)[name])
    assert found is not None
    assert found.names == [fault]


def both_by_memory(a: Array, b: Array) -> Array:
    """Each argument as it lies, of which there are faults for one."""
    return a.ravel(order="K").reshape(a.shape) + b.ravel(order="K").reshape(b.shape)


def filled(a: Array, b: Array) -> Array:
    total = a + b
    a[...] = 7
    return total


KEPT: dict[object, Any] = {}


def by_both_addresses(a: Array, b: Array) -> Array:
    key = *((each.__array_interface__["data"][0], each.shape) for each in (a, b)), a.dtype
    total, *_ = KEPT.setdefault(key, (a + b, a, b))
    return np.array(total)


@pytest.mark.parametrize(
    ("forward", "name"),
    [
        (both_by_memory, "memory read as it lies"),
        (filled, "an argument written to"),
        (by_both_addresses, "a state left over"),
    ],
)
def test_what_comes_near_a_fault_of_memory_is_told_as_the_run_saw_it(forward: Function, name: str) -> None:
    found = findings(implementation("add", forward=forward), whole("add"))
    assert [finding.name for finding in found] == [name]


def test_a_fault_is_known_again_where_another_hand_rounds_otherwise() -> None:
    def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        dL_dbiases = np.einsum("no->o", dL_doutputs[::-1])[None, :] * np.asarray(1 / len(inputs), inputs.dtype)
        return dL_doutputs @ weights.T, np.einsum("ni,no->io", inputs, dL_doutputs), dL_dbiases

    found = findings(implementation("dense", backward=widened(backward)), RANDOM)
    assert [finding.name for finding in found] == ["dense.dbiases_sum_to_mean"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("dbiases_sum_to_mean", "dL_dinputs_transposed_where_square", marks=pytest.mark.catalogue),
        pytest.param("dbiases_sum_flat", "dL_dweights_last_row_alone", marks=pytest.mark.catalogue),
        pytest.param("dL_dweights_negated", "dL_dinputs_columns_beyond_tiles_of_32", marks=pytest.mark.catalogue),
        ("dL_dbiases_in_float32", "dL_dweights_last_row_left_out"),
    ],
)
def test_of_two_faults_in_different_gradients_both_are_named(one: str, other: str) -> None:
    found = findings(together("dense", one, other), RANDOM)
    assert {finding.name for finding in found} == {f"dense.{one}", f"dense.{other}"}


@pytest.mark.parametrize(
    ("one", "other"),
    one_in(
        3,
        [
            ("dL_dweights_clipped_at_5", "dL_dweights_transposed_where_square"),
            ("dbiases_sum_to_mean", "dL_dbiases_columns_beyond_tiles_of_8"),
            ("dL_dweights_over_rows", "backward_float32_operands_in_bfloat16"),
        ],
    ),
)
def test_of_two_faults_in_one_gradient_no_third_is_named(one: str, other: str) -> None:
    first, second = (next(f for f in every_fault_of("dense") if f.name == name) for name in (one, other))

    def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        arguments = dL_doutputs, inputs, weights, biases
        results = zip(
            dense.backward(*arguments), first.dense_backward(*arguments), second.dense_backward(*arguments), strict=True
        )
        return tuple(one + other - sound for sound, one, other in results)

    found = findings(implementation("dense", backward=widened(backward)), RANDOM)
    named = {finding.name.removeprefix("dense.") for finding in found if finding.name.startswith("dense.")}
    assert named <= {one, other}


# Sound implementations


@pytest.mark.parametrize(
    ("name", "op"),
    one_in(
        3,
        [
            ("tf32, declared", "dense"),
            ("softmax forward by exp of log-softmax, z - logsumexp(z); sums from left to right", "softmax"),
            ("softmax_cross_entropy forward by z - logsumexp(z); as NumPy has it", "softmax_cross_entropy"),
        ],
    ),
)
def test_no_fault_is_named_of_sound_variants_that_miss_what_is_robust(
    name: str, op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = next(variant for variant in sound_variants.variants() if variant.name == name)
    monkeypatch.setattr(sound_variants, "VARIANT", variant, raising=False)
    subject = load("sound_variants:VARIANT", [op])
    assert {finding.name for finding in findings(subject, whole(op), strict=True)} <= {"a formula that loses digits"}


@pytest.mark.parametrize(("op", "times"), [("dense", 30), pytest.param("softmax", 1000, marks=pytest.mark.catalogue)])
def test_nothing_is_said_of_rounding_even_if_it_were_failed(op: str, times: int) -> None:
    functions = {direction: sound_variants_of(op)[f"{op}_{direction}"] for direction in ("forward", "backward")}
    narrow = narrowed(replace(few(op), families=few(op).families[::2]), times)
    assert any(item.fails for item in diagnosed.ran(implementation(op, **functions), narrow))
    assert findings(implementation(op, **functions), narrow) == []


# Implementations that are not in the catalogue: a fault of one gradient alone, or a structural reading


def gradients(**altered: Callable[..., Array]) -> Function:
    """A dense backward with some of its gradients altered: each function takes the right one and the arguments."""

    def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        names = "dL_dinputs", "dL_dweights", "dL_dbiases"
        right = dense.backward(dL_doutputs, inputs, weights, biases)
        return tuple(
            altered[name](gradient, dL_doutputs, inputs, weights) if name in altered else gradient
            for name, gradient in zip(names, right, strict=True)
        )

    return backward


def garbled(array: Array) -> Array:
    return array + np.sin(7 * array) / 3 + 0.25


def in_last_columns_of_four(array: Array) -> Array:
    array = np.array(array)
    rest = array.shape[1] % 4 if array.shape[1] > 4 else 0
    if rest:
        array[:, -rest:] = garbled(array[:, -rest:])
    return array


def in_products_of_float32(upstream: Array, inputs: Array) -> Array:
    """The weights' gradient with every product rounded, and none of the sums."""
    return (inputs[:, :, None] * upstream[:, None, :]).astype(np.float32).astype(upstream.dtype).sum(axis=0)


LAST = {"upstream": None}


def of_the_call_before(_: Array, dL_doutputs: Array, inputs: Array, weights: Array) -> Array:
    kept, LAST["upstream"] = LAST["upstream"], np.array(dL_doutputs)
    usable = kept is not None and kept.shape == dL_doutputs.shape
    return (kept if usable else dL_doutputs).astype(dL_doutputs.dtype) @ weights.T


ALTERED = [
    ({"dL_dinputs": lambda g, *_: 2 * g}, "dense.dL_dinputs_doubled", "dL_dinputs is twice what is due."),
    ({"dL_dinputs": lambda g, *_: -g}, "dense.dL_dinputs_negated", "dL_dinputs has the other sign."),
    ({"dL_dbiases": lambda g, *_: g / 2}, "a factor", "dL_dbiases: 0.5 times what is due."),
    (
        {"dL_dweights": lambda g, u, x, w: g * len(x), "dL_dbiases": lambda g, u, x, w: g * len(x)},
        "an argument changed",
        "dL_dweights and dL_dbiases: dL_doutputs is taken as `N * dL_doutputs`.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: g / len(x)},
        "dense.dL_dinputs_over_rows",
        "dL_dinputs is divided by its number of rows.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: g / w.shape[1]},
        "a factor",
        "dL_dinputs: 1/weights.shape[-1] times what is due.",
    ),
    ({"dL_dweights": lambda g, *_: g.T.copy()}, "a wrong shape", "dL_dweights: the right values, transposed."),
    (
        {"dL_dinputs": lambda g, *_: g[::-1]},
        "reordered",
        "dL_dinputs: the right values, its rows in the opposite order.",
    ),
    (
        {"dL_dinputs": lambda g, *_: np.roll(g, 1, 1)},
        "reordered",
        "dL_dinputs: the right values, its columns moved by 1.",
    ),
    (
        {"dL_dinputs": lambda g, *_: np.broadcast_to(g.mean(axis=0), g.shape)},
        "reduced too far",
        "dL_dinputs: the mean of what is due over axis -2, in every place.",
    ),
    (
        {"dL_dinputs": lambda g, *_: g.sum(axis=0, keepdims=True)},
        "a wrong shape",
        "dL_dinputs.sum(axis=0, keepdims=True) where dL_dinputs is due.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: np.einsum("no,io->nio", u, w)},
        "a wrong shape",
        "dL_dinputs: not reduced: its sum over axis 2 is what is due.",
    ),
    (
        {"dL_dweights": lambda g, u, x, w: np.ones_like(x).T @ u},
        "dense.backward_inputs_taken_as_1",
        "dL_dweights: Inputs is taken as 1.",
    ),
    (
        {"dL_dweights": lambda g, u, x, w: x[:1].T @ u[:1]},
        "dense.doutputs_inputs_here_first_row_alone",
        "dL_dweights: `dL_doutputs, inputs = (as_rows(dL_doutputs), as_rows(first_row_alone(inputs)))` where",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: g if len(x) == 1 else garbled(g)},
        "wrong by case",
        "dL_dinputs: wrong only for batches of more than one.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: garbled(g) if w.shape[0] == w.shape[1] else g},
        "wrong by case",
        "dL_dinputs: wrong only where inputs.shape[-1] and weights.shape[-1] are the same.",
    ),
    (
        {"dL_dinputs": lambda g, *_: in_last_columns_of_four(g)},
        "wrong by case",
        "dL_dinputs: wrong only in the columns beyond the last whole tile of 4.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: u @ w.reshape(w.shape[::-1])},
        "dense.backward_weights_loaded_by_reshape",
        "dL_dinputs: The memory of weights is read as that of its transpose.",
    ),
    (
        {"dL_dweights": lambda g, u, x, w: in_products_of_float32(u, x) if w.itemsize == 8 else g},
        "a lower precision",
        "dL_dweights: precise to float32 only, 24 binary digits.",
    ),
    (
        {"dL_dweights": lambda g, u, x, w: computed_in("float32", lambda a, b: a.T @ b, of="float64")(x, u)},
        "dense.dL_dweights_float64_computed_in_float32",
        "dL_dweights alone: arguments of float64 are computed in float32.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: significand(u, 11) @ significand(w, 11).T if w.itemsize == 4 else g},
        "dense.dL_dinputs_float32_operands_in_float16",
        "dL_dinputs alone: arguments of float32 are rounded to float16.",
    ),
    (
        {"dL_dinputs": lambda g, u, x, w: lowered(u, "bfloat16") @ lowered(w, "bfloat16").T if w.itemsize == 4 else g},
        "dense.dL_dinputs_float32_operands_in_bfloat16",
        "dL_dinputs alone: arguments of float32 are rounded to bfloat16.",
    ),
    (
        {"dL_dinputs": of_the_call_before},
        "dense.backward_upstream_outputs_of_call_before",
        "dL_dinputs: dL_doutputs is that of the call before, where that had the same shape.",
    ),
    ({"dL_dinputs": lambda g, *_: g * 0}, "dense.dL_dinputs_zero", "dL_dinputs is 0."),
]


@pytest.mark.parametrize(
    ("altered", "name", "words"),
    one_in(7, ALTERED),
)
def test_what_is_wrong_with_one_gradient_is_said(altered: dict[str, Function], name: str, words: str) -> None:
    LAST["upstream"] = None
    (finding,) = findings(implementation("dense", backward=as_it_comes(altered)), RANDOM)
    assert finding.name == name
    assert finding.wrong.startswith(words)
    assert finding.cure.endswith(".")


def as_it_comes(altered: dict[str, Function]) -> Function:
    """In the case's dtype, with half precisions computed in float32, where that is not what is wrong."""
    return widened(gradients(**altered))


@pytest.mark.parametrize(
    ("altered", "name", "words"),
    [
        (
            {"dL_dweights": lambda g, *_: g.astype(np.float64)},
            "dense.dL_dweights_in_float64",
            "dL_dweights is float64, whatever came in.",
        ),
        (
            {"dL_dinputs": lambda g, *_: g.squeeze()},
            "dense.dL_dinputs_squeezed",
            "dL_dinputs loses its axes of length 1.",
        ),
    ],
)
def test_values_that_are_right_in_a_wrong_form_are_read_so(altered: dict[str, Function], name: str, words: str) -> None:
    sound = widened(dense.backward)

    def backward(*arguments: Array) -> Any:
        names = "dL_dinputs", "dL_dweights", "dL_dbiases"
        return tuple(altered.get(n, lambda g: g)(g) for n, g in zip(names, sound(*arguments), strict=True))

    (finding,) = findings(implementation("dense", backward=backward), RANDOM)
    assert (finding.name, finding.wrong) == (name, words)


def test_two_results_with_a_fault_each_are_both_read() -> None:
    altered = {"dL_dinputs": lambda g, *_: 2 * g, "dL_dweights": lambda g, *_: g.T.copy()}
    found = findings(implementation("dense", backward=as_it_comes(altered)), RANDOM)
    assert [finding.name for finding in found] == ["dense.dL_dinputs_doubled", "a wrong shape"]


def test_what_is_wrong_with_one_gradient_is_said_whatever_another_is() -> None:
    altered = {"dL_dinputs": lambda g, *_: 2 * g, "dL_dweights": lambda g, *_: garbled(g)}
    found = findings(implementation("dense", backward=as_it_comes(altered)), few("dense"))
    assert [finding.name for finding in found] == ["dense.dL_dinputs_doubled"]


@pytest.mark.parametrize(
    "altered",
    [
        {"dL_dinputs": lambda g, *_: garbled(g)},
        {"dL_dinputs": lambda g, *_: g + 1e-3 * np.cos(np.arange(g.size).reshape(g.shape))},
        {"dL_dinputs": lambda g, *_: 1 / 0},
    ],
)
def test_what_looks_like_nothing_known_is_met_with_silence(altered: dict[str, Function]) -> None:
    assert findings(implementation("dense", backward=as_it_comes(altered)), few("dense")) == []


# In a run


WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 4 * dL_doutputs")
READING = "looks like: a factor - dL_dinputs: 2 times what is due."


def test_the_summary_says_what_failures_look_like_in_80_columns(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong")
    result.stdout.fnmatch_lines([f"    {READING}*"])
    assert max(len(line) for line in result.outlines if line.startswith("    ")) <= 80


@pytest.mark.catalogue
def test_a_run_in_several_processes_says_the_same(run_apart: Callable[..., pytest.RunResult], project: Any) -> None:
    project.makepyfile(wrong=WRONG)
    run_apart("--impl=wrong", "-n2").stdout.fnmatch_lines([f"*{READING}*"])


def test_a_run_that_passes_is_not_set_up_again(project: pytest.Pytester) -> None:
    project.makepyfile(counting=counting(small_vectors.ADAPTER), wrong=counting(WRONG))
    project.runpytest("--impl=counting")
    assert (project.path / "calls").read_text() == "setup teardown "
    (project.path / "calls").unlink()
    project.runpytest("--impl=wrong")
    assert (project.path / "calls").read_text() == "setup teardown setup teardown "


def counting(adapter: str) -> str:
    """An adapter that writes down when it is set up and down."""
    return f"""{adapter}
def setup():
    open("calls", "a").write("setup ")

def teardown():
    open("calls", "a").write("teardown ")
"""


def test_a_diagnosis_that_breaks_down_does_not_take_the_report_with_it(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gather(*_: object) -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr("backproof.conformance.diagnosis.findings.gather", gather)
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong")
    result.stdout.fnmatch_lines(["failures:", "*could not be diagnosed (RuntimeError: of ours)*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.catalogue
def test_a_fault_of_the_catalogue_runs_from_an_empty_folder(pytester: pytest.Pytester) -> None:
    spec = "backproof.reference.faults:relu.backward_gt_to_lt"
    result = pytester.runpytest_subprocess(f"--impl={spec}", "--impl-op=relu", "--impl-dtype=float64")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["    looks like: relu.backward_gt_to_lt - `return np.where(inputs < 0,*"])


def narrowed(vectors: Any, times: float) -> Any:
    """The same vectors with tolerances so many times smaller."""

    def smaller(family: Any) -> Any:
        tolerance = {p: {n: t / times for n, t in by.items()} for p, by in family.answer.tolerance.items()}
        return replace(family, answer=replace(family.answer, tolerance=tolerance))

    return replace(vectors, families=tuple(map(smaller, vectors.families)))


def sound_variants_of(op: str) -> dict[str, Function]:
    """The functions of one sound variant, by name."""
    return dict(next(v for v in sound_variants.variants() if "eight lanes" in v.name).functions)


def together(op: str, one: str, other: str) -> Any:
    """An implementation with both faults: the first's result is taken where it differs from the reference's."""
    first, second = (next(f for f in every_fault_of(op) if f.name == name) for name in (one, other))
    sound = widened(dense.backward)

    def same(a: Array, b: Array) -> bool:
        return a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=True))

    def backward(*arguments: Array) -> Any:
        right = sound(*arguments)
        pairs = zip(first.dense_backward(*arguments), second.dense_backward(*arguments), right, strict=True)
        return tuple(b if same(a, due) else a for a, b, due in pairs)

    def setup() -> None:
        first.setup()
        second.setup()

    return replace(implementation(op, backward=backward), setup=setup)


def _slope_of_saved(op: str) -> Function:
    """The slope as it is usually written, of an upstream of any shape: 1 - y^2, and s (1 - s)."""

    def backward(dL_doutputs: Array, inputs: Array) -> Array:
        outputs = np.tanh(inputs) if op == "tanh" else 1 / (1 + np.exp(-inputs))
        return dL_doutputs * ((1 - outputs * outputs) if op == "tanh" else outputs * (1 - outputs))

    return backward


@pytest.mark.parametrize("op", ["tanh", "sigmoid"])
def test_a_formula_that_loses_digits_is_told_as_that_and_what_it_does_not_refuse_apart_from_it(op):
    subject = replace(implementation(op, backward=_slope_of_saved(op)), dtypes=("float64", "float32"))
    names = [finding.name for finding in findings(subject, whole(op), strict=True)]
    assert names == ["a formula that loses digits", f"{op}.backward_require_same_shape_not_refused"]
