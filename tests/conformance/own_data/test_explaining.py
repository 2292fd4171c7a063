"""What is wrong with a large call is called what it is called in a small one, or nothing."""

import re
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from backproof.conformance import assert_gradients, assert_outputs, expectation
from backproof.conformance.own_data import explaining
from backproof.reference.faults import by_name
from numpy.random import default_rng
from shares import one_in

Tensors = dict[str, np.ndarray]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return default_rng([seed, *shape]).standard_normal(shape, np.float32)


def classes(rows: int, count: int) -> Tensors:
    labels = default_rng(rows).integers(0, count, rows)
    return {"dL_dloss": np.asarray(np.float32(1.7)), "logits": normal(rows, count), "labels": labels}


def scores(rows: int, columns: int) -> Tensors:
    both = (normal(rows, columns, seed=seed) for seed in range(2))
    return {"dL_dloss": np.asarray(np.float32(1.7)), **dict(zip(("predictions", "targets"), both, strict=True))}


def features(rows: int, columns: int) -> Tensors:
    both = (normal(rows, columns, seed=seed) for seed in range(2))
    tensors = dict(zip(("dL_doutputs", "inputs"), both, strict=True))
    return {**tensors, "weight": normal(columns), "bias": normal(columns)}


def inputs(rows: int, columns: int) -> Tensors:
    weights = {"weights": normal(columns, 24), "biases": normal(24)}
    return {"dL_doutputs": normal(rows, 24), "inputs": normal(rows, columns), **weights}


def heads(batch: int, length: int) -> Tensors:
    names = "dL_doutputs", "query", "key", "value"
    return {name: normal(batch, 3, length, 8, seed=seed) for seed, name in enumerate(names)}


@pytest.fixture(autouse=True)
def _however_busy_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "DEAREST", np.inf)


Drawn = Callable[[int, int], Tensors]
CALLS: dict[str, tuple[Drawn, dict[str, Any], tuple[tuple[int, int], ...]]] = {
    "softmax_cross_entropy": (classes, {"reduction": "mean"}, ((5, 7), (1024, 50), (4096, 50))),
    "mse": (scores, {"reduction": "mean"}, ((5, 7), (64, 500), (8192, 20))),
    "layer_norm": (features, {"eps": 1e-5}, ((5, 7), (64, 500), (2048, 80))),
    "dense": (inputs, {}, ((5, 7), (512, 64), (4096, 64))),
    "scaled_dot_product_attention": (heads, {"scale": 0.4}, ((2, 5), (8, 64), (256, 16))),
}
"""By operation its arguments given two lengths, its parameters, and lengths for a small call, one that is looked at
whole, and one of which some rows are."""
NAMED = {
    "softmax_cross_entropy": "backward_dloss_taken_as_1 backward_row_upstream_over_twice divided_by_elements "
    "dL_dlogits_over_rows backward_row_upstream_right_of_over_left_out",
    "mse": "backward_element_upstream_dloss_taken_as_1 backward_elements_right_of_times_left_out "
    "dL_dpredictions_over_rows backward_slope_left_of_times_left_out",
    "layer_norm": "dL_dinputs_over_rows backward_gradients_rest_right_of_minus_left_out_2",
    "dense": "dL_dinputs_over_rows",
    "scaled_dot_product_attention": "backward_probabilities_over_twice",
}
"""Faults that are named at every size."""
MAYBE = {
    "layer_norm": "backward_moments_mean_to_sum",
    "dense": "dbiases_sum_to_mean dL_dweights_over_batch doutputs_inputs_here_last_row_left_out",
    "scaled_dot_product_attention": "backward_sum_of_p_dp_sum_to_mean",
    "mse": "dL_dpredictions_last_row_left_out dL_dpredictions_last_row_alone",
}


def results(op: str, fault: str, lengths: tuple[int, int]) -> list[np.ndarray]:
    """What a fault gives in a call of such lengths."""
    drawn, parameters, _ = CALLS[op]
    function = by_name(op)[fault].functions["backward"]
    found = function(*(x.copy() for x in drawn(*lengths).values()), **parameters)
    return list(found) if isinstance(found, tuple) else [found]


def names(op: str, fault: str, lengths: tuple[int, int]) -> list[str]:
    """What is said of a fault in a call of such lengths; by its own name what does the same there."""
    drawn, parameters, _ = CALLS[op]
    came = results(op, fault, lengths)
    with pytest.raises(AssertionError) as failed:
        assert_gradients(op, came, **drawn(*lengths), **parameters)
    said = [name.removeprefix(f"{op}.") for name in re.findall(r"looks like: (.+?) -\s", str(failed.value))]
    return [fault if name in by_name(op) and same(came, results(op, name, lengths)) else name for name in said]


def same(some: list[np.ndarray], others: list[np.ndarray]) -> bool:
    """Whether results are those of one function, but for rounding."""
    return all(np.allclose(one, other, 1e-4, 1e-4 * abs(one).max()) for one, other in zip(some, others, strict=True))


def each(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(op, fault) for op, faults in table.items() for fault in faults.split()]


@pytest.mark.parametrize(("op", "fault"), one_in(5, each(NAMED)))
def test_a_fault_has_the_same_name_at_any_size(op: str, fault: str) -> None:
    small, *large = (names(op, fault, lengths) for lengths in CALLS[op][2])
    assert small
    assert all(said == small for said in large), large


@pytest.mark.parametrize(("op", "fault"), one_in(6, each(MAYBE)))
def test_where_some_rows_do_not_tell_a_fault_it_has_no_name(op: str, fault: str) -> None:
    small, whole, rows = (names(op, fault, lengths) for lengths in CALLS[op][2])
    assert whole in (small, [])
    assert rows in (small, [])


def test_the_sizes_are_small_whole_and_of_rows() -> None:
    for drawn, _, sizes in CALLS.values():
        small, whole, rows = (sum(x.size for x in drawn(*lengths).values()) for lengths in sizes)
        assert small < explaining.PART < whole < explaining.WHOLE < rows


def test_means_that_lack_a_few_terms_are_not_said_to_be_of_a_lower_precision() -> None:
    x, dy = normal(33, 100), normal(33, 100, seed=1)
    weight, bias, kept = np.ones(100, np.float32), np.zeros(100, np.float32), slice(96)
    centred = x - x.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + np.float32(1e-5))
    n = centred * scale
    first, second = (part[:, kept].sum(axis=1, keepdims=True) / np.float32(100) for part in (dy, dy * n))
    came = scale * (dy - first - n * second), (dy * n).sum(axis=0), dy.sum(axis=0)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("layer_norm", came, inputs=(x, weight, bias), upstream=dy, eps=1e-5)
    assert "precision" not in str(failed.value)


@pytest.mark.parametrize(("batch", "count", "length"), [(2, 4, 96), (2, 4, 136)])
def test_of_a_small_batch_and_few_heads_some_are_looked_at(
    batch: int, count: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backproof.conformance.diagnosis.search.MOST_SECONDS", np.inf)
    op, said = "scaled_dot_product_attention", "backward_probabilities_over_twice"
    tensors = [normal(batch, count, length, 64, seed=seed) for seed in range(4)]
    assert sum(x.size for x in tensors) > explaining.WHOLE
    came = by_name(op)[said].functions["backward"](*tensors, scale=0.125)
    with pytest.raises(AssertionError, match=rf"looks like: {op}\.{said}"):
        assert_gradients(op, came, inputs=tensors[1:], upstream=tensors[0], scale=0.125)


@pytest.mark.parametrize(
    ("op", "of_rows", "said"),
    [
        ("rms_norm", lambda y, slips: y * (1 + slips), "multiplied by a number of its own, from 0.95"),
        ("log_softmax", lambda y, slips: y + slips, "off by a number of its own, from -0.04"),
        ("rms_norm", lambda y, slips: y * (1 + slips[::-1] * (np.arange(64) % 2)), ""),
    ],
)
def test_what_is_wrong_with_rows_by_a_number_for_each_is_said_so(op: str, of_rows: Any, said: str) -> None:
    x, gamma = normal(12, 64), np.ones(64, np.float32)
    slips = (default_rng(1).uniform(-1, 1, (12, 1)) / 20).astype(np.float32)
    right = (
        x / np.sqrt((x * x).mean(axis=1, keepdims=True)) if op == "rms_norm" else x - np.log(np.exp(x).sum(1))[:, None]
    )
    call = {"inputs": (x, gamma), "eps": 0.0} if op == "rms_norm" else {"inputs": x}
    with pytest.raises(AssertionError) as failed:
        assert_outputs(op, of_rows(right, slips).astype(np.float32), **call)
    text = " ".join(str(failed.value).split())
    assert said in text
    assert ("each row is" in text) == bool(said)


def softmax(z: np.ndarray) -> np.ndarray:
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def penalty_without_its_2() -> dict[str, Any]:
    """All that is wrong is nearly 0.9988 times the probabilities, too."""
    z, labels = 3 * normal(64, 1000), default_rng(3).integers(0, 1000, 64)
    p, penalty = softmax(z), np.float32(1e-4) * np.log(np.exp(z).sum(axis=1, keepdims=True))
    came = (p * (1 + penalty) - np.eye(1000, dtype=np.float32)[labels]) / np.float32(64)
    return {"came": came, "inputs": (z, labels), "reduction": "mean", "z_loss": 1e-4}


def terms_left_out() -> dict[str, Any]:
    a, b = normal(200, 1000), normal(1000, 300) / 50
    return {"came": a[:, :960] @ b[:960], "inputs": (a, b)}


def heads_in_turn() -> dict[str, Any]:
    """Keys are shared by two heads of the query each, and cannot be cut as these can."""
    q, k, v = normal(2, 8, 128, 64), normal(2, 2, 128, 64, seed=1), normal(2, 2, 128, 64, seed=2)
    shared = np.arange(8) % 2
    p = softmax(q @ k[:, shared].swapaxes(2, 3) / np.float32(8))
    return {"came": p @ v[:, shared], "inputs": (q, k, v), "scale": 0.125}


def an_epsilon_in_a_logarithm() -> dict[str, Any]:
    z = 30 * normal(32, 1000)
    return {"came": np.log(softmax(z) + np.float32(1e-10)), "inputs": z}


@pytest.mark.parametrize(
    ("op", "drawn", "said"),
    [
        (
            "softmax_cross_entropy",
            penalty_without_its_2,
            "`slope = slope + z_loss * loss_options.logsumexp(s) * p` where",
        ),
        ("matmul", terms_left_out, "`return product_over_whole_blocks(a, 64, b)` where"),
        ("scaled_dot_product_attention", heads_in_turn, "outputs: Head h of the query belongs to head h % G of G"),
        ("log_softmax", an_epsilon_in_a_logarithm, "exponentials.sum(axis=axis, keepdims=True) + 1e-10)` where"),
    ],
)
def test_what_explains_a_part_is_held_against_the_rest(
    op: str, drawn: Callable[[], dict[str, Any]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backproof.conformance.diagnosis.search.MOST_SECONDS", np.inf)
    call = drawn()
    came, judge = call.pop("came"), assert_gradients if "z_loss" in call else assert_outputs
    with pytest.raises(AssertionError) as failed:
        judge(op, came, **call)
    (told,) = re.findall(r"looks like: (.+?) Cure:", " ".join(str(failed.value).split()))
    assert said in told


def test_a_factor_fits_any_single_element_and_is_no_name() -> None:
    x, gamma = normal(8, 64), np.ones(64, np.float32)
    came = x / np.sqrt((x * x).mean(axis=1, keepdims=True))
    came[3, 5] *= -7.3
    with pytest.raises(AssertionError) as failed:
        assert_outputs("rms_norm", came, inputs=(x, gamma), eps=0.0)
    assert "looks like" not in str(failed.value)


def told(failed: pytest.ExceptionInfo[AssertionError]) -> str:
    return " ".join(str(failed.value).split())


@pytest.mark.catalogue
def test_a_factor_of_a_result_that_cannot_be_cut_is_told() -> None:
    x, w, labels = normal(32, 64), normal(4000, 64) / 8, default_rng(4).integers(0, 4000, 32)
    p = softmax(x @ w.T) - np.eye(4000, dtype=np.float32)[labels]
    p *= np.float32(0.8 / 32)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("linear_cross_entropy", (p @ w, p.T @ x), inputs=(x, w, labels), reduction="mean")
    assert "a factor - dL_dinputs and dL_dweight: 0.8 times what is due" in told(failed)


def test_an_argument_in_the_place_of_a_result_is_told() -> None:
    a, b, dy = normal(300, 400), normal(400, 400, seed=1), normal(300, 400, seed=2)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("matmul", (dy @ b.T, b.T), inputs=(a, b), upstream=dy)
    assert "an argument returned - dL_db: b transposed where dL_db is due" in told(failed)


@pytest.mark.catalogue
def test_what_comes_near_all_that_is_wrong_is_no_factor() -> None:
    z = normal(64, 32000)
    v = z[:, :31744]
    with pytest.raises(AssertionError) as failed:
        assert_outputs("logsumexp", np.log(np.exp(v).sum(axis=1)), inputs=z, axis=-1)
    assert "a factor" not in told(failed)


def test_a_sum_over_the_batch_is_looked_at_in_some_columns() -> None:
    x, w, dy = normal(2048, 256), normal(256, 256) / 16, normal(2048, 256, seed=1)
    came = dy @ w.T, x.T @ dy, dy.mean(axis=0, keepdims=True)
    with pytest.raises(AssertionError, match=r"looks like: dense\.dbiases_sum_to_mean"):
        assert_gradients("dense", came, inputs=(x, w, np.zeros((1, 256), np.float32)), upstream=dy)


@pytest.mark.catalogue
def test_what_is_foretold_wrong_where_all_is_right_is_not_told() -> None:
    z, labels = (3 * normal(64, 8000)).astype(np.float16), default_rng(5).integers(0, 8000, 64)
    upstream = normal(64).astype(np.float16)
    due = softmax(z.astype(np.float32)) - np.float32(0.1 / 8000)
    due[np.arange(64), labels] -= 1
    came = (due * upstream.astype(np.float32)[:, None]).astype(np.float16)
    options = {"reduction": "none", "label_smoothing": 0.1}
    with pytest.raises(AssertionError) as failed:
        assert_gradients("softmax_cross_entropy", came, inputs=(z, labels), upstream=upstream, **options)
    assert "label_smoothing is ignored" not in told(failed)


def test_no_precision_is_offered_whose_tolerances_say_next_to_nothing() -> None:
    bfloat16 = ml_dtypes.bfloat16
    x, dy = (normal(2048, 32, seed=seed).astype(bfloat16) for seed in range(2))
    gamma = np.ones(32, bfloat16)
    wide = x.astype(np.float32)
    terms = dy.astype(np.float32) * wide / np.sqrt((wide * wide).mean(axis=1, keepdims=True) + np.float32(1e-6))
    summed = np.zeros(32, bfloat16)
    for row in terms:
        summed = (summed.astype(np.float32) + row).astype(bfloat16)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("rms_norm", summed, results=("dL_dweight",), inputs=(x, gamma), upstream=dy, eps=1e-6)
    assert "precision=" not in told(failed)
    assert "more than bfloat16 with sums in float32 allows" in told(failed)


def test_a_sum_over_the_batch_is_looked_for_in_all_of_a_call() -> None:
    z, dy = (normal(64, 500, seed=seed).astype(np.float64) for seed in range(2))
    p = softmax(z)
    with pytest.raises(AssertionError, match=r"\.sum\(keepdims=True, axis=0\)"):
        assert_gradients("softmax", p * (dy - (p * dy).sum(axis=0, keepdims=True)), inputs=z, upstream=dy)


def test_groups_of_channels_are_told_of_one_image() -> None:
    x, dy = ((1 + np.arange(32)[:, None]) * normal(8, 32, 100, seed=seed).astype(np.float64) for seed in range(2))
    dealt, of = (each.reshape(8, 4, 8, -1).transpose(0, 2, 1, 3) for each in (x, dy))
    centred = dealt - dealt.mean(axis=(2, 3), keepdims=True)
    deviation = np.sqrt(dealt.var(axis=(2, 3), keepdims=True) + 1e-5)
    rest = of - of.mean(axis=(2, 3), keepdims=True)
    rest -= centred / deviation**2 * (of * centred).mean(axis=(2, 3), keepdims=True)
    came = (rest / deviation).transpose(0, 2, 1, 3).reshape(x.shape)
    tensors = x, np.ones(32), np.zeros(32)
    options = {"num_groups": 8, "eps": 1e-5}
    with pytest.raises(AssertionError) as failed:
        assert_gradients("group_norm", came, results=("dL_dinputs",), inputs=tensors, upstream=dy, **options)
    assert "group c % num_groups" in told(failed)


def test_both_names_of_a_factor_are_told() -> None:
    x, dy = normal(64, 1000), normal(64, 1000, seed=1)
    due = expectation("rms_norm", "backward", dy, x, np.ones(1000, np.float32), eps=1e-3)[0]["dL_dinputs"]
    came = (1000 * due).astype(np.float32)
    tensors = x, np.ones(1000, np.float32)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("rms_norm", came, results=("dL_dinputs",), inputs=tensors, upstream=dy, eps=1e-3)
    assert "1000 (1/eps, or inputs.shape[-1])" in told(failed)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_follows_from_an_argument_is_no_lower_precision(dtype: str) -> None:
    gate, up, dy = (normal(64, 300, seed=seed).astype(dtype) for seed in range(3))
    g, u, d = (x.astype(np.float32) for x in (gate, up, dy))
    s = 1 / (1 + np.exp(-g))
    came = d * u * (s + g * s * (1 - g * s))
    with pytest.raises(AssertionError) as failed:
        assert_gradients("swiglu", came.astype(dtype), results=("dL_dgate",), inputs=(gate, up), upstream=dy)
    assert "a lower precision" not in told(failed)


def test_it_is_said_where_it_takes_too_long_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "_looked_at", lambda *_: iter(()))
    x = normal(40, 50)
    with pytest.raises(AssertionError) as failed:
        assert_gradients("square", np.cos(x), inputs=x, upstream=x)
    assert "a smaller one may tell" in told(failed)


def test_pictures_of_many_results_fit_a_screen() -> None:
    x, w, dy = normal(64, 40), normal(40, 50), normal(64, 50)
    came = dy @ w.T, x.T @ dy, dy.sum(axis=0)
    for result in came:
        result[..., 3] += 100
    with pytest.raises(AssertionError) as failed:
        assert_gradients("dense", came, inputs=(x, w, normal(50)), upstream=dy)
    assert str(failed.value).count("where in") == 2
    assert str(failed.value).count("\n") < 24
