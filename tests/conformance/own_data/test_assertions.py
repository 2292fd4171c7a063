"""Own tensors are judged as golden cases are: what is right passes at any size, what is wrong is named."""

import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs, expectation
from backproof.conformance.own_data import assertions, beyond_bounds, evaluation, progress
from backproof.conformance.own_data.call import read_call
from backproof.conformance.own_data.judging import judge
from backproof.reference.generation.draws import Words
from backproof.reference.model.fault import widened
from backproof.reference.model.operation import operation
from backproof.reference.ops import rms_norm, scaled_dot_product_attention, swiglu, transformer_block
from backproof.vectors.dtypes import numpy_dtype
from calls import directions, forms
from numpy.random import default_rng
from shares import one_in


def normal(*shape: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    return default_rng([seed, *shape]).standard_normal(shape).astype(numpy_dtype(dtype))


X, W, B, DY = normal(8, 6), normal(6, 5), normal(1, 5), normal(8, 5)
RIGHT = DY @ W.T, X.T @ DY, DY.sum(axis=0, keepdims=True)
DENSE: dict[str, Any] = {"inputs": (X, W, B), "upstream": DY}


@pytest.fixture
def unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is told where it is, and not what it looks like, for which all mutants are tried."""
    monkeypatch.setattr(assertions, "explain", lambda *_: ([], False))


@pytest.fixture(params=["exact", "fast"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "fast":
        monkeypatch.setattr(evaluation, "SMALL", 0)


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize(("op", "direction"), one_in(6, directions()))
def test_what_the_formula_gives_is_right(op: str, direction: str) -> None:
    described = operation(op)
    for form in forms(op, direction)[:3]:
        drawn = form.drawn(Words(f"{op}/{direction}", "float32"))
        results = widened(described.functions[direction])(*drawn.values(), **form.parameters)
        if direction == "forward":
            assert_outputs(op, results, **drawn, **form.parameters)
        else:
            assert_gradients(op, results, **drawn, **form.parameters)


@pytest.mark.usefixtures("_either_way")
def test_a_gradient_that_is_wrong_is_named_with_its_worst_element_and_what_it_looks_like() -> None:
    with pytest.raises(AssertionError) as failed:
        assert_gradients("dense", (*RIGHT[:2], RIGHT[2] / 8), **DENSE)
    said = str(failed.value)
    assert said.splitlines()[:2] == [
        "dense backward (float32): dL_dbiases is wrong",
        "dL_dbiases is wrong in 5 of 5 elements",
    ]
    assert "worst at [0, " in said
    assert "x the tolerance" in said
    assert "looks like: dense.dbiases_sum_to_mean" in said
    assert "right: dL_dinputs and dL_dweights" in said


def test_the_picture_shows_where_the_error_is() -> None:
    wrong = RIGHT[0].copy()
    wrong[3:5, 2] = 0
    with pytest.raises(AssertionError) as failed:
        assert_gradients("dense", wrong, results=("dL_dinputs",), **DENSE)
    lines = [line.strip() for line in str(failed.value).splitlines()]
    assert lines[-8:] == [*["......"] * 3, *["..#..."] * 2, *["......"] * 3]


def test_the_shape_of_a_gradient_is_judged() -> None:
    with pytest.raises(AssertionError, match=r"dL_dbiases has shape \(5,\), where \(1, 5\) is expected"):
        assert_gradients("dense", (*RIGHT[:2], RIGHT[2][0]), **DENSE)


@pytest.mark.parametrize(
    "call",
    [
        {"inputs": (X, W, B), "upstream": DY},
        {"inputs": {"inputs": X, "weights": W, "biases": B}, "upstream": DY},
        {"inputs": X, "weights": W, "biases": B, "dL_doutputs": DY},
        {"inputs": [X, W, B], "upstream": (DY,)},
    ],
    ids=["in order", "a mapping", "by name", "lists"],
)
def test_arguments_come_in_order_or_by_name(call: dict[str, Any]) -> None:
    assert_gradients("dense", RIGHT, **call)
    assert_gradients("dense", {"dL_dweights": RIGHT[1]}, **call)
    with pytest.raises(AssertionError):
        assert_gradients("dense", {"dL_dweights": -RIGHT[1]}, **call)


def test_a_list_of_arguments_of_one_shape_is_of_several_tensors() -> None:
    gate, up = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    assert_outputs("swiglu", up, inputs=[gate, up])
    with pytest.raises(ValueError, match="inputs are 2 tensors, gate, up; 3 came"):
        assert_outputs("swiglu", up, inputs=[gate, up, up])


def test_the_upstream_of_a_loss_is_one_where_none_is_given() -> None:
    logits, labels = normal(6, 4), default_rng(0).integers(0, 4, 6)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p[np.arange(6), labels] -= 1
    assert_gradients("softmax_cross_entropy", p / 6, inputs=(logits, labels.astype(np.int32)), reduction="mean")
    with pytest.raises(AssertionError, match="reduction is ignored"):
        assert_gradients("softmax_cross_entropy", p, inputs=(logits, labels), reduction="mean")


@pytest.mark.usefixtures("unexplained")
def test_a_convention_of_the_field_is_right_unless_another_is_declared() -> None:
    x, g = np.array([-1, 0, 2], np.float32), np.array([3, 4, 5], np.float32)
    for declared in ({}, {"relu_slope_at_zero": "1"}):
        assert_gradients("relu", np.array([0, 4, 5], np.float32), inputs=x, upstream=g, conventions=declared)
    for declared in ({"relu_slope_at_zero": "0"}, {"relu_slope_at_zero": "1/2"}):
        with pytest.raises(AssertionError):
            assert_gradients("relu", np.array([0, 4, 5], np.float32), inputs=x, upstream=g, conventions=declared)


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize("small", [evaluation.SMALL, 0])
def test_answers_at_two_points_are_right_together_but_two_at_one_point_are_not(
    small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "SMALL", small)
    a, b = np.array([0.0, 0.0, 0.0, 2.0]), np.array([0.0, 1.0, 2.0, 3.0])
    g, of_a = np.ones(4), np.array([0.0, 1.0, 0.0, 12.0])  # 0 for 0^0, as the point power_of_zero has it, and
    of_b = np.array([0.0, 0.0, 0.0, 8 * np.log(2)])  # 0 at a base of 0, as the point power_exponent_gradient
    assert_gradients("power", (of_a, of_b), inputs=(a, b), upstream=g)
    with pytest.raises(AssertionError, match="dL_da and dL_db are wrong"):  # where nothing is at 0
        assert_gradients("power", (of_a + np.array([0, 0, 0, 1]), of_b), inputs=(a, b), upstream=g)
    x, g, ties = np.ones((2, 2)), np.ones(2), np.array([[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(AssertionError, match="dL_dinputs is wrong"):  # to the first in one row, the last in the other
        assert_gradients("max", ties, inputs=x, upstream=g, axis=1)


def test_the_largest_of_many_numbers_of_a_half_precision_is_right() -> None:
    x = normal(129, 4065).astype(np.float16)
    assert_outputs("max", x.max(), inputs=x, axis=None)


def test_another_formulation_is_right_where_the_first_gives_a_smaller_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "SMALL", 0)
    x, g = normal(40, 30, seed=1), normal(40, 30)
    s = 1 / (1 + np.exp(-x))
    assert_gradients("sigmoid", g * s * (1 - s), inputs=x, upstream=g)


def test_a_formulation_for_short_rows_is_left_out_where_the_axis_is_long() -> None:
    x, g = normal(2**15, 2, seed=1), normal(2**15, 2)  # of which the Jacobian along the first axis has 16 GiB
    p = np.exp(x) / np.exp(x).sum(axis=0)
    assert_gradients("softmax", p * (g - (p * g).sum(axis=0)), inputs=x, upstream=g, axis=0)


def test_a_looser_precision_that_would_do_is_named() -> None:
    x, w = normal(16, 16, seed=1), normal(16, 16, seed=2)
    near = (x.astype(np.float16).astype(np.float64) @ w.astype(np.float16)).astype(np.float32)
    b = np.zeros((1, 16), np.float32)
    with pytest.raises(AssertionError) as failed:
        assert_outputs("dense", near, inputs=(x, w, b))
    assert 'pass precision="tf32"' in " ".join(str(failed.value).split())
    assert_outputs("dense", near, inputs=(x, w, b), precision="tf32")


def test_a_looser_precision_is_not_named_where_a_fault_is_or_errors_are_too_large_for_rounding() -> None:
    x, g = normal(2, 512, dtype="bfloat16"), normal(2, 512, seed=1, dtype="bfloat16")
    due = operation("softmax").functions["backward"](*(t.astype(np.float64) for t in (g, x)), axis=-1)
    off = np.where(normal(2, 512, seed=2) > 0, 1.15, 0.85)
    came = (due * off).astype(x.dtype)
    assert_gradients("softmax", came, inputs=x, upstream=g, precision="stepwise")
    with pytest.raises(AssertionError) as failed:
        assert_gradients("softmax", came, inputs=x, upstream=g)
    assert "precision=" not in str(failed.value)
    larger = {"dL_dinputs": RIGHT[0] * np.float32(1.0002)}
    assert_gradients("dense", larger, **DENSE, precision="tf32")
    with pytest.raises(AssertionError, match="a factor") as failed:
        assert_gradients("dense", larger, **DENSE)
    assert "precision=" not in str(failed.value)


@pytest.mark.parametrize("block", [1, 4])
def test_a_gradient_that_is_added_up_in_bfloat16_is_named(block: int) -> None:
    x, g = normal(64, 12, dtype="bfloat16"), normal(64, 8, dtype="bfloat16")
    wide_x, wide_g = x.astype(np.float32), g.astype(np.float32)
    total = np.zeros((12, 8), np.float32)
    for start in range(0, 64, block):
        rows = slice(start, start + block)
        total = (total + wide_x[rows].T @ wide_g[rows]).astype(x.dtype).astype(np.float32)
    with pytest.raises(AssertionError, match="looks like: a lower precision"):
        assert_gradients(
            "dense",
            {"dL_dweights": total.astype(x.dtype)},
            inputs=(x, normal(12, 8, dtype="bfloat16"), normal(8, dtype="bfloat16")),
            upstream=g,
        )


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_dtypes_are_those_of_the_tensors(dtype: str) -> None:
    x, g = normal(4, 6, dtype=dtype), normal(4, 6, seed=1, dtype=dtype)
    wide = [t.astype(np.float64) for t in (g, x)]
    right = operation("softmax").functions["backward"](*wide, axis=-1).astype(g.dtype)
    assert_gradients("softmax", right, inputs=x, upstream=g)
    with pytest.raises(AssertionError, match=dtype):
        assert_gradients("softmax", (right * g.dtype.type(1.125)).astype(g.dtype), inputs=x, upstream=g)


def test_gradients_of_different_dtypes_are_judged_each_at_its_own() -> None:
    dx, dw, db = RIGHT
    half = np.dtype(np.float16)
    assert_gradients("dense", (dx.astype(half), dw, db), **DENSE)
    with pytest.raises(AssertionError, match="dL_dweights is wrong in"):
        assert_gradients("dense", (dx.astype(half), dw.astype(half).astype(np.float32), db), **DENSE)


def test_nan_is_judged_where_it_is_meant() -> None:
    x = np.array([np.nan, 1, -1], np.float32)
    assert_outputs("relu", np.maximum(x, 0), inputs=x, allow_nan=True)
    with pytest.raises(AssertionError):
        assert_outputs("relu", np.array([7, 1, 0], np.float32), inputs=x, allow_nan=True)


def test_what_has_no_bound_is_told_and_not_judged() -> None:
    x = np.array([3e38, 1.0], np.float32)
    with np.errstate(over="ignore"), pytest.warns(UserWarning, match="1 elements of outputs are not judged"):
        assert_outputs("square", x * x, inputs=x)


@pytest.mark.usefixtures("_either_way")
def test_memory_may_lie_in_any_way() -> None:
    views: Iterator[np.ndarray] = (np.repeat(t, 2, axis=-1)[..., ::2] for t in (*RIGHT, X, W, B, DY))
    dx, dw, db, x, w, b, dy = views
    assert_gradients("dense", (dx, np.asfortranarray(dw), db), inputs=(x, w[::-1][::-1], b), upstream=dy.astype(">f4"))


@pytest.mark.usefixtures("unexplained")
def test_large_tensors_are_judged_in_chunks_and_a_tile_that_is_wrong_is_found() -> None:
    x, g, w, b = normal(3000, 512), normal(3000, 512, seed=1), normal(512), normal(512, seed=2)
    right = operation("layer_norm").functions["backward"](g, x, w, b, eps=1e-5)
    assert_gradients("layer_norm", right, inputs=(x, w, b), upstream=g, eps=1e-5)
    dx = right[0].copy()
    dx[1024:1056, 64:96] *= 1.5
    with pytest.raises(AssertionError) as failed:
        assert_gradients("layer_norm", (dx, *right[1:]), inputs=(x, w, b), upstream=g, eps=1e-5)
    assert "dL_dinputs is wrong in" in str(failed.value)
    assert "of 1536000 elements" in str(failed.value)
    assert sum("oo" in line or "##" in line for line in str(failed.value).splitlines()) == 1


def block() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A transformer block of a size at which bounds are far beyond what is due, and its gradients."""
    e, heads, size, f, s = 64, 4, 16, 96, 32
    angles = np.arange(s)[:, None] / 100 ** (np.arange(size // 2) / size)
    into, out = (e, heads * size), (heads * size, e)
    weights = [
        normal(*w, seed=k) / np.float32(8) for k, w in enumerate([into, into, into, out, (e, f), (e, f), (f, e)])
    ]
    ones = np.ones(e, np.float32)
    tensors = (
        normal(2, s, e),
        ones,
        *weights[:4],
        ones,
        *weights[4:],
        *(t.astype(np.float32) for t in (np.cos(angles), np.sin(angles))),
    )
    upstream = normal(2, s, e, seed=9)
    described = operation("transformer_block")
    gradients = described.functions["backward"](upstream, *tensors, heads=heads, eps=1e-5)
    call = {"inputs": tensors, "upstream": upstream, "heads": heads, "eps": 1e-5}
    return call, dict(zip(described.results["backward"], gradients, strict=True))


@pytest.mark.usefixtures("unexplained")
def test_what_no_bound_says_much_of_is_held_to_what_its_formula_is_off_by() -> None:
    call, right = block()
    with pytest.warns(UserWarning, match="dL_dwk.* have no bound that says much.*held to a large multiple"):
        assert_gradients("transformer_block", right, **call)
    unturned = {**right, "dL_dwk": right["dL_dwk"] * np.float32(1.25)}
    with pytest.raises(AssertionError, match=r"dL_dwk is wrong in \d+ of 4096"):
        assert_gradients("transformer_block", unturned, **call)


@pytest.mark.usefixtures("unexplained")
@pytest.mark.parametrize("name", one_in(16, operation("transformer_block").results["backward"]))
def test_no_gradient_of_zeros_is_right_where_no_bound_says_much(name: str) -> None:
    call, right = block()
    with pytest.raises(AssertionError, match=rf"{name} is wrong"):
        assert_gradients("transformer_block", {**right, name: 0 * right[name]}, **call)


def test_reverse_mode_may_add_to_a_residual_gradient_term_by_term() -> None:
    b, s, e, f = 2, 8, 16, 8
    small = [normal(*shape, seed=k) / np.float32(512) for k, shape in enumerate(4 * [(e, e)] + 2 * [(e, f)] + [(f, e)])]
    one, turned = np.ones(e, np.float32), normal(s, e // 4)
    tensors = normal(b, s, e), one, *small[:4], one, *small[4:], np.cos(turned), np.sin(turned)
    residual = upstream = normal(b, s, e, seed=9)

    def norm(g: np.ndarray, x: np.ndarray, weight: np.ndarray, *, eps: float) -> Any:
        nonlocal residual
        scale, before = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(eps)), residual
        of_factor = x * (scale**3 * (g * weight * x).mean(axis=-1, keepdims=True) / 2)
        residual = before + g * weight * scale - of_factor - of_factor
        return residual - before, rms_norm.backward(g, x, weight, eps=np.float32(eps))[1]

    parts = transformer_block.projection_gradients, norm, scaled_dot_product_attention.backward, swiglu.backward
    found = transformer_block.backward_by(*parts, upstream, *tensors, heads=2, eps=1e-5)
    assert all(x.dtype == np.float32 for x in found)
    assert_gradients("transformer_block", found, inputs=tensors, upstream=upstream, heads=2, eps=1e-5)


def test_few_elements_may_be_off_where_no_bound_says_much() -> None:
    call, right = block()
    right["dL_dinputs"][0, :10] += 1  # as beside a kink
    with pytest.warns(UserWarning, match="no bound that says much"):
        assert_gradients("transformer_block", right, **call)


def test_conventions_that_a_call_does_not_meet_are_not_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(progress.Progress, "__init__", lambda self, what: self.__dict__.update(what=what, due=0.0))
    monkeypatch.setattr(progress, "EVERY", 0.0)
    q, k, v = normal(1, 2, 64, 16), normal(1, 2, 64, 16, seed=1), normal(1, 2, 64, 16, seed=2)
    outputs = operation("scaled_dot_product_attention").functions["forward"](q, k, v, scale=0.25, is_causal=True)
    call: dict[str, Any] = {"inputs": (q, k, v), "scale": 0.25, "is_causal": True}
    with pytest.raises(AssertionError):
        assert_outputs("scaled_dot_product_attention", 2 * outputs, **call)
    assert "by other conventions" not in capsys.readouterr().err
    with pytest.raises(AssertionError):  # as many queries as keys: only then the first and the last stand side by side
        assert_outputs(
            "scaled_dot_product_attention", 2 * outputs, **{**call, "inputs": (q, k[:, :, :60], v[:, :, :60])}
        )
    assert "by other conventions" in capsys.readouterr().err


def test_errors_that_only_the_worst_case_explains_are_told() -> None:
    x = normal(32, 40_000)
    with pytest.warns(
        UserWarning, match=r"outputs keeps to its bound.*errors are \d+ times what independent roundings"
    ):
        assert_outputs("logsumexp", np.log(np.exp(x[:, :-40]).sum(-1)), inputs=x, axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_outputs("logsumexp", np.log(np.exp(x).sum(-1)), inputs=x, axis=-1)


@pytest.mark.filterwarnings("error")
def test_a_gradient_of_far_logits_is_read_by_the_formulation_that_loses_its_digits() -> None:
    logits, targets = 100 * normal(4096, 10), (normal(4096, 10, seed=1) > 0).astype(np.float32)
    right = (1 / (1 + np.exp(-np.maximum(logits, -80))) - targets) / np.float32(logits.size)
    call = {"inputs": (logits, targets), "reduction": "mean"}
    assert_gradients("binary_cross_entropy_with_logits", right, **call)


def test_what_is_not_judged_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    call, right = block()
    monkeypatch.setattr(beyond_bounds, "LARGEST", 0)
    with pytest.warns(UserWarning, match="no bound that says much.*nothing is judged"):
        assert_gradients("transformer_block", right, **call)


def test_a_wrong_loss_of_many_classes_takes_no_array_of_all_pairs_of_them() -> None:
    rows, classes = 8, 4096
    logits, labels = normal(rows, classes), np.arange(rows)
    gradient = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True) / rows
    gradient[labels, labels] -= 1.5 / rows
    described, named = operation("softmax_cross_entropy"), {"reduction": "mean"}
    call = read_call(described, "backward", inputs=(logits, labels), came=gradient, named=named)
    tracemalloc.start()
    judged = judge(call, call.names, "float32", "float32", progress.Progress(str(call)))
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert judged.wrong[0].wrong == rows
    assert largest < 4 * classes**2


@pytest.mark.usefixtures("unexplained")
def test_a_batch_on_an_inner_axis_is_put_together() -> None:
    x, g, w, b = normal(3, 700, 200), normal(3, 700, 200, seed=1), normal(200), normal(200, seed=2)
    right = operation("layer_norm").functions["backward"](g, x, w, b, eps=1e-5)
    assert_gradients("layer_norm", right, inputs=(x, w, b), upstream=g, eps=1e-5)
    dx = right[0].copy()
    dx[2, 650:, :5] = 9
    with pytest.raises(AssertionError) as failed:
        assert_gradients("layer_norm", (dx, *right[1:]), inputs=(x, w, b), upstream=g, eps=1e-5)
    lines = [line.strip() for line in str(failed.value).splitlines()]
    assert [set(line[1:]) for line in lines if set(line) <= set(".o#") and line] == [{"."}] * 8
    assert [line[0] for line in lines if set(line) <= set(".o#") and line][:7] == ["."] * 7


def test_an_axis_that_is_the_batch_is_judged_whole() -> None:
    x = normal(700, 700)
    p = np.exp(x) / np.exp(x).sum(axis=0, keepdims=True)
    assert_outputs("softmax", p, inputs=x, axis=0)


def test_a_norm_along_the_batch_is_judged_whole() -> None:
    x, g = normal(2, 2**16, 3, seed=1), normal(2, 2**16, 3)
    right = operation("l2_normalize").functions["backward"](*(t.astype(np.float64) for t in (g, x)), axis=-2, eps=0.0)
    assert_gradients("l2_normalize", right.astype(np.float32), inputs=x, upstream=g, axis=-2, eps=0.0)


def test_progress_is_told_once_it_takes_long(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    x = normal(1100, 1000)
    assert_outputs("relu", np.maximum(x, 0), inputs=x)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress.Progress, "__init__", lambda self, what: self.__dict__.update(what=what, due=0.0))
    monkeypatch.setattr(progress, "EVERY", 0.0)
    assert_outputs("relu", np.maximum(x, 0), inputs=x)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 2
    assert all(line.startswith("backproof: relu forward: ") and line.endswith("%") for line in lines)


# Expectations -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_either_way")
def test_an_expectation_holds_what_is_right_and_is_sharp() -> None:
    expected, tolerance = expectation("dense", "backward", DY, X, W, B)
    for name, right in zip(expected, RIGHT, strict=True):
        assert (abs(right - expected[name]) <= tolerance[name]).all()
        assert (tolerance[name] < 1e-4).all()


def test_an_expectation_may_be_for_a_lower_dtype() -> None:
    rows = normal(4, 6, dtype="bfloat16").astype(np.float32)
    _, wide = expectation("softmax", "forward", rows)
    _, half = expectation("softmax", "forward", logits=rows, dtype="bfloat16")
    assert (half["outputs"] > 100 * wide["outputs"]).all()


def test_an_expectation_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="dense forward takes inputs, weights, biases: biases is not given"):
        expectation("dense", "forward", X, W)
    with pytest.raises(ValueError, match="inputs is given twice"):
        expectation("relu", "forward", X, inputs=X)
    with pytest.raises(ValueError, match="are float64 and float32: say by dtype="):
        expectation("dense", "forward", X.astype(np.float64), W, B)
    with pytest.raises(ValueError, match="direction is 'back'; write 'forward' or 'backward'"):
        expectation("dense", "back", X, W)  # type: ignore[arg-type]


def updated_mean(row):
    """A mean that is kept up to date from term to term, as Welford's algorithm has it."""
    mean = row.dtype.type(0)
    for k, x in enumerate(row, 1):
        mean += (x - mean) / row.dtype.type(k)
    return mean


@pytest.mark.parametrize("width", [64, 939, 2049])
def test_a_mean_that_is_kept_up_to_date_is_sound_where_few_elements_are_not_zero(width):
    row = np.zeros(width, np.float32)
    row[[width // 3, width // 2]] = 1.2345678, -1.2345678 * (1 + 2**-14)
    centred = row - updated_mean(row)
    outputs = centred / np.sqrt((centred * centred).mean() + np.float32(1e-5))
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    assert_outputs("layer_norm", outputs[None], inputs=row[None], weight=ones, bias=zeros, eps=1e-5)
    assert_outputs("variance", (centred * centred).mean(), inputs=row, axis=None)


def test_what_is_far_too_small_is_not_called_0() -> None:
    x, g = normal(8, 9), normal(8, 9, seed=1)
    with pytest.raises(AssertionError, match=r"0\.0001 times what is due"):
        assert_gradients("relu", np.where(x > 0, g, 0) * np.float32(1e-4), inputs=x, upstream=g)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_weight_may_come_after_the_difference_where_nothing_else_is_rounded(reduction: str) -> None:
    rows, classes = 4096, 20
    logits, weights = normal(rows, classes), 1 + abs(normal(classes))
    labels = default_rng(3).integers(0, classes, rows)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    difference = exponentials / exponentials.sum(axis=1, keepdims=True)
    difference[np.arange(rows), labels] -= 1
    gradient = difference * weights[labels][:, None] / np.float32(rows if reduction == "mean" else 1)
    by_rows = {"conventions": {"mean_with_weights": "rows"}} if reduction == "mean" else {}
    given = {"inputs": (logits, labels, weights), "reduction": reduction, **by_rows}
    assert_gradients("weighted_softmax_cross_entropy", gradient, **given)
