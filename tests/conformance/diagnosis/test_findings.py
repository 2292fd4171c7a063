"""What failures look like: the right fault of the catalogue, a structural reading, or nothing."""

# ruff: noqa: ARG005 - what alters a gradient is given all the arguments, and uses those it needs

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diagnosed
import numpy as np
import pytest
import small_vectors
import sound_variants
from backproof.conformance.implementation.load import load
from backproof.reference.faults import all_faults, every_fault_of
from backproof.reference.model.fault import Fault, widened
from backproof.reference.mutations.changes import lowered, significand
from backproof.reference.mutations.wrappers import computed_in
from backproof.reference.ops import dense
from diagnosed import Function, findings, findings_of_fault, implementation, thinned, whole

Array = Any

EVERY = 1 if os.environ.get("BACKPROOF_WHOLE_CATALOGUE") else 16
"""The whole catalogue takes minutes; by default every sixteenth fault stands for the others."""
FAULTS = [pytest.param(fault, id=f"{fault.op}.{fault.name}") for fault in all_faults()[::EVERY]]

RANDOM = replace(
    whole("dense"),
    families=tuple(f for f in whole("dense").families if "random" in f.name and f.dtype in ("float64", "float32")),
)
"""Families of every shape, with nothing special about their values."""


# The catalogue


@pytest.mark.parametrize("fault", FAULTS)
def test_the_only_name_given_to_a_fault_is_its_own(fault: Fault) -> None:
    found = findings_of_fault(fault)
    assert found is not None, "no family fails it"
    assert [finding.name for finding in found] == [f"{fault.op}.{fault.name}"]
    assert all(finding.wrong == fault.wrong and finding.cure == fault.cure for finding in found)


def test_a_fault_is_known_again_where_another_hand_rounds_otherwise() -> None:
    def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        dL_dbiases = np.einsum("no->o", dL_doutputs[::-1])[None, :] * np.asarray(1 / len(inputs), inputs.dtype)
        return dL_doutputs @ weights.T, np.einsum("ni,no->io", inputs, dL_doutputs), dL_dbiases

    found = findings(implementation("dense", backward=widened(backward)), RANDOM)
    assert [finding.name for finding in found] == ["dense.bias_gradient_is_the_mean"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bias_gradient_is_the_mean", "input_gradient_through_untransposed_weights"),
        ("bias_gradient_flat", "weight_gradient_of_the_last_sample"),
        ("weight_gradient_negated", "input_gradient_beyond_tiles_of_32"),
        ("bias_gradient_in_float32", "weight_gradient_without_the_last_row"),
    ],
)
def test_of_two_faults_in_different_gradients_both_are_named(one: str, other: str) -> None:
    found = findings(together("dense", one, other), RANDOM)
    assert {finding.name for finding in found} == {f"dense.{one}", f"dense.{other}"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bias_gradient_is_the_mean", "bias_gradient_without_the_rest_of_eight"),
        ("weight_gradient_with_decay", "weight_gradient_transposed_where_square"),
        ("parameter_gradients_divided_by_batch", "weight_gradient_of_bfloat16_operands"),
    ],
)
def test_of_two_faults_in_one_gradient_neither_is_named(one: str, other: str) -> None:
    first, second = (next(f for f in every_fault_of("dense") if f.name == name) for name in (one, other))

    def backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
        arguments = dL_doutputs, inputs, weights, biases
        results = zip(
            dense.backward(*arguments), first.dense_backward(*arguments), second.dense_backward(*arguments), strict=True
        )
        return tuple(one + other - sound for sound, one, other in results)

    found = findings(implementation("dense", backward=widened(backward)), RANDOM)
    assert [finding.name for finding in found if finding.name.startswith("dense.")] == []


# Sound implementations


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("softmax forward by exp of log-softmax, z - logsumexp(z); sums from left to right", "softmax"),
        ("softmax_cross_entropy forward by z - logsumexp(z); as NumPy has it", "softmax_cross_entropy"),
        ("tf32, declared", "dense"),
    ],
)
def test_nothing_is_said_of_sound_variants_that_miss_what_is_robust(
    name: str, op: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variant = next(variant for variant in sound_variants.variants() if variant.name == name)
    monkeypatch.setattr(sound_variants, "VARIANT", variant, raising=False)
    subject = load("sound_variants:VARIANT", [op])
    assert findings(subject, whole(op), strict=True) == []


@pytest.mark.parametrize("times", [30, 1000])
@pytest.mark.parametrize("op", ["dense", "softmax"])
def test_nothing_is_said_of_rounding_even_if_it_were_failed(op: str, times: int) -> None:
    functions = {direction: sound_variants_of(op)[f"{op}_{direction}"] for direction in ("forward", "backward")}
    narrow = narrowed(thinned(op), times)
    assert any(item.fails for item in diagnosed.ran(implementation(op, **functions), narrow))
    assert findings(implementation(op, **functions), narrow) == []


# Structural readings, of implementations that are not in the catalogue


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


@pytest.mark.parametrize(
    ("altered", "name", "words"),
    [
        ({"dL_dinputs": lambda g, *_: 2 * g}, "a factor", "dL_dinputs: twice what is due."),
        ({"dL_dinputs": lambda g, *_: -g}, "a factor", "dL_dinputs: the negative of what is due."),
        ({"dL_dbiases": lambda g, *_: g / 2}, "a factor", "dL_dbiases: half of what is due."),
        (
            {"dL_dweights": lambda g, u, x, w: g * len(x), "dL_dbiases": lambda g, u, x, w: g * len(x)},
            "a factor",
            "dL_dweights and dL_dbiases: N times what is due, N being the batch size.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: g / len(x)},
            "a factor",
            "dL_dinputs: 1/N of what is due, N being the batch size.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: g / w.shape[1]},
            "a factor",
            "dL_dinputs: 1/C of what is due, C being the length of axis 1 (its last) of weights.",
        ),
        ({"dL_dweights": lambda g, *_: g.T.copy()}, "transposed", "dL_dweights: the right values, transposed."),
        ({"dL_dinputs": lambda g, *_: g[::-1]}, "permuted", "dL_dinputs: the right rows in another order."),
        ({"dL_dinputs": lambda g, *_: np.roll(g, 1, 1)}, "permuted", "dL_dinputs: the right columns in another order."),
        (
            {"dL_dinputs": lambda g, *_: np.broadcast_to(g.mean(axis=0), g.shape)},
            "reduced too far",
            "dL_dinputs: averaged over its last axis but one and spread out again.",
        ),
        (
            {"dL_dinputs": lambda g, *_: g.sum(axis=0, keepdims=True)},
            "an axis too few",
            "dL_dinputs: reduced too far: the sum over axis 0 of what is due.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: np.einsum("no,io->nio", u, w)},
            "an axis too many",
            "dL_dinputs: not reduced: its sum over axis 2 is what is due.",
        ),
        (
            {"dL_dweights": lambda g, u, x, w: np.ones_like(x).T @ u},
            "an argument ignored",
            "dL_dweights: as if inputs were 1.",
        ),
        (
            {"dL_dweights": lambda g, u, x, w: x[:1].T @ u[:1]},
            "a term missing",
            "dL_dweights: of the first sample of the batch alone.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: g if len(x) == 1 else garbled(g)},
            "wrong by shape",
            "dL_dinputs: wrong for batches of more than one sample alone.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: garbled(g) if w.shape[0] == w.shape[1] else g},
            "wrong by shape",
            "dL_dinputs: wrong where the length of axis 1 (its last) of inputs and the length of axis 1 (its last) of "
            "weights are the same alone.",
        ),
        (
            {"dL_dinputs": lambda g, *_: in_last_columns_of_four(g)},
            "a tile edge",
            "dL_dinputs: wrong in the last columns alone, those beyond the last whole tile of 4.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: u @ w.reshape(w.shape[::-1])},
            "transposed",
            "dL_dinputs: as if weights lay in memory column after column.",
        ),
        (
            {"dL_dweights": lambda g, u, x, w: in_products_of_float32(u, x) if w.itemsize == 8 else g},
            "a lower precision",
            "dL_dweights: precise to float32 only, 24 binary digits.",
        ),
        (
            {"dL_dweights": lambda g, u, x, w: computed_in("float32", lambda a, b: a.T @ b, of="float64")(x, u)},
            "a lower precision",
            "dL_dweights: rounded to float32, 24 binary digits.",
        ),
        (
            {"dL_dinputs": lambda g, u, x, w: significand(u, 11) @ significand(w, 11).T if w.itemsize == 4 else g},
            "a lower precision",
            "dL_dinputs: right for dL_doutputs and weights rounded to tf32 or float16, 11 binary digits.",
        ),
        (
            {
                "dL_dinputs": lambda g, u, x, w: (
                    lowered(u, "bfloat16") @ lowered(w, "bfloat16").T if w.itemsize == 4 else g
                )
            },
            "a lower precision",
            "dL_dinputs: right for dL_doutputs and weights rounded to bfloat16, 8 binary digits.",
        ),
        (
            {"dL_dinputs": of_the_call_before},
            "a state left over",
            "dL_dinputs: as if dL_doutputs were from the call",
        ),
        ({"dL_dinputs": lambda g, *_: g * 0}, "left at zero", "dL_dinputs: 0 throughout."),
    ],
)
def test_a_structural_reading_says_what_is_wrong(altered: dict[str, Function], name: str, words: str) -> None:
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
            "a wrong dtype",
            "dL_dweights: right values of the wrong dtype, float64.",
        ),
        (
            {"dL_dinputs": lambda g, *_: g.squeeze()},
            "a wrong shape",
            "dL_dinputs: right values, axes of length 1 lost.",
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
    assert [finding.wrong.partition(":")[0] for finding in found] == ["dL_dinputs", "dL_dweights"]


@pytest.mark.parametrize(
    "altered",
    [
        {"dL_dinputs": lambda g, *_: 1.37 * g},
        {"dL_dinputs": lambda g, *_: garbled(g)},
        {"dL_dinputs": lambda g, *_: 2 * g, "dL_dweights": lambda g, *_: garbled(g)},
        {"dL_dinputs": lambda g, *_: g + 1e-3 * np.cos(np.arange(g.size).reshape(g.shape))},
        {"dL_dinputs": lambda g, *_: 1 / 0},
    ],
)
def test_what_looks_like_nothing_known_is_met_with_silence(altered: dict[str, Function]) -> None:
    assert findings(implementation("dense", backward=as_it_comes(altered)), thinned("dense")) == []


# In a run


WRONG = small_vectors.ADAPTER.replace("return 2 * dL_doutputs", "return 4 * dL_doutputs")
READING = "looks like: a factor - dL_dinputs: twice what is due."


def test_the_summary_says_what_failures_look_like_in_80_columns(project: pytest.Pytester) -> None:
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong")
    result.stdout.fnmatch_lines([f"    {READING}*"])
    assert max(len(line) for line in result.outlines if line.startswith("    ")) <= 80


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
    def explain(*_: object) -> None:
        raise RuntimeError("of ours")

    monkeypatch.setattr("backproof.conformance.diagnosis.findings.explain", explain)
    project.makepyfile(wrong=WRONG)
    result = project.runpytest("--impl=wrong")
    result.stdout.fnmatch_lines(["failures:", "*could not be diagnosed (RuntimeError: of ours)*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_fault_of_the_catalogue_runs_from_an_empty_folder(pytester: pytest.Pytester) -> None:
    spec = "backproof.reference.faults:relu.mask_inverted"
    result = pytester.runpytest_subprocess(f"--impl={spec}", "--impl-op=relu", "--impl-dtype=float64")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["    looks like: relu.mask_inverted - The upstream passes where the input is*"])


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
