"""Wrong implementations that small and ordinary cases let pass are rejected by a required family of their kind."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from backproof.conformance.check.family import check
from backproof.conformance.check.values import agrees
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.load import present
from backproof.reference.generation.build import drafts
from backproof.reference.generation.profiles import ladder
from backproof.reference.kinds.contraction import contraction
from backproof.reference.kinds.operands import Contraction
from backproof.reference.model import normalization
from backproof.reference.model.operation import operation
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES, FORMATS, numpy_dtype
from backproof.vectors.records import DIRECTIONS, Family
from wrong_losses import golden, outcome

Array = Any


def passes(asked: Family, function: Callable[..., Any]) -> bool:
    """Say whether a function, called with float64 copies of the arguments, is right in all cases once rounded."""
    assert asked.level == "required"
    strictest = next(iter(asked.answer.tolerance.values()))
    for case in range(asked.count):
        arguments = (x[case] if x.dtype == np.int64 else x[case].astype(np.float64) for x in asked.inputs.values())
        with np.errstate(all="ignore"):
            results = function(*arguments, **asked.parameters)
        for got, (name, expected) in zip(
            results if isinstance(results, tuple) else (results,), asked.answer.expected.items(), strict=True
        ):
            rounded = np.asarray(got).astype(numpy_dtype(asked.dtype))
            if not agrees(rounded, expected[case], strictest[name][case]).all():
                return False
    return True


def by_tiles(a: Array, b: Array, tile: int = 32, *, swapped: bool = False, edge: bool = True) -> Array:
    """a @ b tile by tile. swapped: the grid's width is taken for its height. edge: whether the rest is computed."""
    out = np.zeros((len(a), b.shape[1]))
    high, wide = (-(-size // tile) if edge else max(size // tile, 1) for size in out.shape)
    for block in range(high * wide):
        row, column = divmod(block, high if swapped else wide)
        rows, columns = slice(row * tile, (row + 1) * tile), slice(column * tile, (column + 1) * tile)
        out[rows, columns] = a[rows] @ b[:, columns]
    return out


def dense_by(product: Callable[[Array, Array], Array]) -> dict[str, Callable[..., Any]]:
    """Both directions of a dense layer by a matrix product."""

    def backward(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
        return product(g, w.T), product(x.T, g), g.sum(axis=0, keepdims=True)

    return {"forward": lambda x, w, b: product(x, w) + b, "backward": backward}


def short_of(lost: int, a: Array, b: Array) -> Array:
    """a @ b without the last terms of its sums beyond a tile."""
    kept = a.shape[1] - (lost if a.shape[1] > 256 else 0)
    return a[:, :kept] @ b[:kept]


def in_tf32(a: Array, b: Array) -> Array:
    """a @ b of operands that are rounded to TF32's 11 bits."""
    return np.matmul(*((np.ldexp(np.rint(np.ldexp(m, 11)), e)) for m, e in map(np.frexp, (a, b))))


def in_float32(a: Array, b: Array) -> Array:
    """a @ b in float32."""
    return (a.astype(np.float32) @ b.astype(np.float32)).astype(np.float64)


LARGE = [
    ("float16", "forward-integers-n64-i48-o96"),
    ("float32", "forward-integers-n65-i97-o129"),
    ("float32", "backward-integers-n64-i48-o96"),
]


@pytest.mark.parametrize(("dtype", "name"), LARGE)
def test_a_grid_of_tiles_of_another_width(dtype: str, name: str) -> None:
    asked = golden("dense", dtype, name)
    assert passes(asked, dense_by(by_tiles)[asked.direction])
    assert not passes(asked, dense_by(partial(by_tiles, swapped=True))[asked.direction])


@pytest.mark.parametrize(
    ("dtype", "name"), [("float32", "forward-integers-n65-i97-o129"), ("float64", "backward-sparse-n3-i33-o35")]
)
def test_a_last_tile_that_is_not_computed(dtype: str, name: str) -> None:
    asked = golden("dense", dtype, name)
    assert passes(asked, dense_by(by_tiles)[asked.direction])
    assert not passes(asked, dense_by(partial(by_tiles, edge=False))[asked.direction])


LONG = [
    (dtype, f"{direction}-{profile}-n{n}-i{i}-o{o}")
    for (direction, dtype, profile), group in Contraction(("a", "b")).large.items()
    for n, i, o in group
    if (i if direction == "forward" else max(n, o)) > 256
]


@pytest.mark.parametrize(("dtype", "name"), LONG)
@pytest.mark.parametrize("lost", [1, 16])
def test_the_last_terms_of_a_long_sum(dtype: str, name: str, lost: int) -> None:
    asked = golden("dense", dtype, name)
    assert passes(asked, dense_by(np.matmul)[asked.direction])
    assert not passes(asked, dense_by(partial(short_of, lost))[asked.direction])


@pytest.mark.parametrize(("dtype", "name"), [case for case in [*LONG, *LARGE] if case[0] == "float32"])
def test_operands_of_float32_in_tf32(dtype: str, name: str) -> None:
    asked = golden("dense", dtype, name)
    assert not passes(asked, dense_by(in_tf32)[asked.direction])


@pytest.mark.parametrize(("dtype", "name"), [case for case in LONG if case[0] == "float64"])
def test_float32_inside_float64(dtype: str, name: str) -> None:
    asked = golden("dense", dtype, name)
    assert not passes(asked, dense_by(in_float32)[asked.direction])


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_numbers_have_a_tolerance_of_0(dtype: str) -> None:
    names = [d.name for d in contraction(Contraction(("inputs", "weights", "biases")), dtype) if "-integers-" in d.name]
    for name in names:
        strictest = next(iter(golden("dense", dtype, name).answer.tolerance.values()))
        assert not any(tolerance.any() for tolerance in strictest.values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_result_remembered_for_inputs_that_are_nearly_the_same(dtype: str) -> None:
    first: dict[str, Any] = {}

    def remembered(direction: str, op: str, *arguments: Array) -> Any:
        key = str([np.round(x, 1 if dtype in ("float16", "bfloat16") else 5).tolist() for x in arguments])
        return first.setdefault(f"{direction} {key}", operation(op).functions[direction](*arguments))

    for op in ("dense", "relu", "square"):
        for direction in ("forward", "backward"):
            if (op, direction) == ("relu", "backward"):
                continue  # the same result is right
            first.clear()
            assert not passes(golden(op, dtype, f"{direction}-last-digits"), partial(remembered, direction, op))


ACTIVATIONS = ("sigmoid", "tanh", "silu", "gelu", "softplus")


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tanh_that_is_nan_where_its_exponentials_overflow(dtype: str) -> None:
    wide = np.float64 if dtype == "float64" else np.float32

    def by_exponentials(x: Array) -> Array:
        up, down = np.exp(x.astype(wide)), np.exp(-x.astype(wide))
        return (up - down) / (up + down)

    assert passes(golden("tanh", dtype, "forward-saturated-beyond"), np.tanh)
    assert not passes(golden("tanh", dtype, "forward-saturated-beyond"), by_exponentials)
    assert not passes(
        golden("tanh", dtype, "backward-saturated-beyond"), lambda g, x: g * (1 - by_exponentials(x) ** 2)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ACTIVATIONS)
def test_far_out_no_result_of_an_activation_is_subnormal(op: str, dtype: str) -> None:
    fmt = FORMATS[dtype]
    names = [name for name in drafts(op, dtype) if "saturated-beyond" in name]
    assert {name.partition("-")[0] for name in names} == {"forward", "backward"}
    for name in names:
        [expected] = golden(op, dtype, name).answer.expected.values()
        inputs = abs(golden(op, dtype, name).inputs["inputs"].astype(np.float64))
        assert inputs.max() >= 0.99 * max(ladder(dtype))
        rounded = expected.astype(numpy_dtype(dtype)).astype(np.float64)
        assert ((rounded == 0) | (abs(rounded) >= 2.0**fmt.smallest_normal)).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("op", ["binary_cross_entropy_with_logits", "weighted_binary_cross_entropy_with_logits"])
def test_a_logarithm_of_an_exponential_that_overflows(op: str, dtype: str) -> None:
    def unguarded(z: Array, y: Array, weights: Array = 1.0, *, reduction: str) -> Array:
        return (1 - y) * z + (1 + (weights - 1) * y) * np.log(1 + np.exp(-z))

    rejected = golden(op, dtype, "forward-saturated-beyond")
    assert passes(rejected, partial(right, op, "forward"))
    assert not passes(rejected, unguarded)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "suffix"), [("gelu", "-tanh"), ("geglu", "-tanh"), ("silu", ""), ("swiglu", "")])
def test_far_out_a_slope_keeps_its_digits(op: str, suffix: str, dtype: str) -> None:
    """Nothing cancels where a tanh is exactly 1: one that stays a last digit below it is multiplied by the inputs."""
    rejects(op, dtype, f"backward-saturated-beyond{suffix}", lambda x: 1.1 * x)


def right(op: str, direction: str, *arguments: Array, **parameters: Any) -> Any:
    """What the reference gives."""
    return operation(op).functions[direction](*arguments, **parameters)


def changed_by(change: Callable[[Array], Array], op: str, direction: str, *arguments: Array, **parameters: Any) -> Any:
    """What the reference gives, each result changed."""
    results = right(op, direction, *arguments, **parameters)
    return tuple(map(change, results)) if isinstance(results, tuple) else change(results)


def rejects(op: str, dtype: str, name: str, change: Callable[[Array], Array]) -> None:
    """Assert that a family accepts the reference, and rejects it with its results changed."""
    asked = golden(op, dtype, name)
    assert passes(asked, partial(right, op, asked.direction))
    assert not passes(asked, partial(changed_by, change, op, asked.direction))


def without_the_last(x: Array, block: int) -> Array:
    """A result of which the last element is lost if its size is a multiple of a block."""
    return np.where(np.arange(x.size).reshape(x.shape) == x.size - 1, 0, x) if x.size % block == 0 else x


@pytest.mark.parametrize("block", [16, 32, 64, 128, 256])
@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("dense", "forward-integers-n1-i1-o1536"),
        ("dense", "forward-integers-n1024-i1-o1"),
        ("dense", "backward-integers-n1-i1536-o1"),
        ("dense", "backward-integers-n1-i1-o1536"),
        ("relu", "forward-random-n256-f4"),
        ("square", "backward-random-n256-f4"),
        ("gelu", "backward-random-n256-f4"),
        ("rms_norm", "forward-random-n1-c1024"),
        ("layer_norm", "backward-random-n256-c3"),
    ],
)
def test_the_last_element_of_whole_blocks(op: str, name: str, block: int) -> None:
    rejects(op, "float32", name, partial(without_the_last, block=block))


@pytest.mark.parametrize("lost", ["n1024-i1-o1", "n1-i1024-o1"])
def test_the_last_term_of_whole_blocks(lost: str) -> None:
    asked = golden("dense", "float32", f"{'forward' if '-i1024-' in lost else 'backward'}-integers-{lost}")
    assert not passes(asked, dense_by(partial(short_of, 1))[asked.direction])


def test_columns_past_a_block_of_threads() -> None:
    for name in ("forward-integers-n1-i1-o1536", "backward-integers-n1-i1536-o1", "backward-integers-n1-i1-o1536"):
        rejects("dense", "float32", name, lambda x: np.where(np.arange(x.shape[1]) < 1024, x, 0))


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("dense", "forward-tiny"),
        ("dense", "backward-tiny"),
        ("gelu", "forward-tiny"),
        ("silu", "backward-tiny-upstream"),
        ("softmax", "backward-tiny-upstream"),
        ("layer_norm", "forward-tiny-weights"),
        ("layer_norm", "backward-tiny-upstream"),
        ("mlp", "backward-tiny-upstream"),
    ],
)
def test_small_results_that_are_taken_for_0(op: str, name: str) -> None:
    rejects(op, "float32", name, lambda x: np.where(abs(x) < 1e-30, 0, x))


@pytest.mark.parametrize("op", ["dense", "sigmoid", "softmax", "rms_norm", "mlp"])
def test_gradients_that_are_clipped(op: str) -> None:
    rejects(op, "float32", "backward-huge-upstream", lambda x: np.clip(x, -1e30, 1e30))


def test_losses_that_are_clipped() -> None:
    rejects("mlp", "float32", "forward-large-losses", lambda x: np.clip(x, -1e5, 1e5))


@pytest.mark.parametrize("op", ["dense", "matmul", "square", "gelu", "softmax", "layer_norm", "mlp"])
def test_a_result_remembered_without_one_of_the_arguments(op: str) -> None:
    asked = golden(op, "float32", "backward-one-argument-at-a-time")
    for left_out in range(len(asked.inputs)):
        if [*asked.inputs][left_out] in ("biases", "bias"):
            continue  # the gradient does not depend on it
        remembered: dict[str, Any] = {}

        def by_others(
            *arguments: Array, left_out: int = left_out, memory: dict[str, Any] = remembered, **kw: Any
        ) -> Any:
            key = str([x.tolist() for k, x in enumerate(arguments) if k != left_out])
            return memory.setdefault(key, right(op, "backward", *arguments, **kw))

        assert not passes(asked, by_others)


@pytest.mark.parametrize(("op", "name"), [("relu", "of-the-upstream"), ("dense", "of-the-upstream"), ("mlp", "")])
def test_a_gradient_remembered_for_nearly_the_same_arguments(op: str, name: str) -> None:
    remembered: dict[str, Any] = {}

    def by_few_digits(*arguments: Array, **kw: Any) -> Any:
        key = str([np.round(x, 3).tolist() for x in arguments])
        return remembered.setdefault(key, right(op, "backward", *arguments, **kw))

    asked = golden(op, "float32", f"backward-last-digits{'-' if name else ''}{name}")
    assert not passes(asked, by_few_digits)


@pytest.mark.parametrize("start", [0.0, -100.0, -1e4, -1e9])
def test_a_running_maximum_of_a_network_that_starts_at_a_number(start: float) -> None:
    asked = golden("mlp", "float32", "forward-ladder-none")

    def by_maximum(floor: float, *network: Array, reduction: str) -> Array:
        x, w1, b1, w2, b2, labels = network
        logits = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        largest = np.maximum(logits.max(axis=1, keepdims=True), floor)
        sums = np.exp(logits - largest).sum(axis=1)
        return np.log(sums) - (logits - largest)[np.arange(len(labels)), labels]

    assert passes(asked, partial(by_maximum, -np.inf))
    assert not passes(asked, partial(by_maximum, start))


@pytest.mark.parametrize("dtype", DTYPES)
def test_edges_that_are_stored_in_float32(dtype: str) -> None:
    asked, clipped = golden("hardtanh", dtype, "backward-near-edges"), partial(right, "hardtanh", "backward")
    stored = {name: float(np.float32(edge)) for name, edge in asked.parameters.items()}
    assert passes(asked, clipped)
    assert passes(asked, lambda *arguments, **_: clipped(*arguments, **stored)) == (dtype != "float64")


def projected_along(dL_doutputs: Array, inputs: Array, *, axis: int, eps: float) -> Array:
    """The gradient of rows over their norms, whose projection is summed without being put back on its axis."""
    norms = np.sqrt((inputs * inputs).sum(axis=axis, keepdims=True))
    outputs = inputs / np.maximum(norms, eps)
    return (dL_doutputs - outputs * (outputs * dL_doutputs).sum(axis=axis)) / norms


def padded_behind(inputs: Array, weight: Array, bias: Array, *, padding: int, stride: int = 1) -> Array:
    """Windows of one element as a product of matrices, of images with all of their padding below and on the right."""
    behind = np.pad(inputs, [(0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)])[..., ::stride, ::stride]
    return np.einsum("nchw,oc->nohw", behind, weight[..., 0, 0]) + bias[:, None, None]


def of_positive_bases(a: Array, b: Array) -> Array:
    """a^b as exp(b log(a))."""
    return np.exp(b * np.log(a))


def turned_along_heads(inputs: Array, cos: Array, sin: Array) -> Array:
    """Rotary embedding of (B, S, H, D), whose positions are along the second axis."""
    turned: Array = operation("rotary_embedding").functions["forward"](inputs.swapaxes(1, 2), cos, sin)
    return turned.swapaxes(1, 2)


def gathered_back(dL_doutputs: Array, inputs: Array, indices: Array, *, axis: int) -> Array:
    """The gradient of gather, whose axis is rotated to the front and exchanged with the first on the way back."""
    exact = operation("gather").functions["backward"](dL_doutputs, inputs, indices, axis=axis)
    back: Array = np.moveaxis(exact, axis, 0).swapaxes(0, axis)
    return back


def expanded_as_listed(dL_doutputs: Array, inputs: Array, *, axis: tuple[int, ...]) -> Array:
    """The gradient of a sum, whose axes are put back one after the other as they are listed."""
    for each in axis:
        dL_doutputs = np.expand_dims(dL_doutputs, max(each, -dL_doutputs.ndim - 1))
    return np.broadcast_to(dL_doutputs, inputs.shape)


def rows_of_shared_heads(query: Array, key: Array, value: Array, *, scale: float, window: int) -> Array:
    """Attention of heads that share keys, folded into rows of which each is taken for the wrong query."""
    (b, h, s, d), (_, g, t, _) = query.shape, key.shape
    of_row = np.arange(h // g * s)[:, np.newaxis] // (h // g)
    mask = np.broadcast_to(abs(of_row - np.arange(t)) <= window, (b, g, h // g * s, t)).astype(np.float64)
    folded = query.reshape(b, g, h // g * s, d)
    found: Array = operation("masked_attention").functions["forward"](folded, key, value, mask, scale=scale)
    return found.reshape(b, h, s, -1)


def reached_by_the_gap_of_rows(dL_doutputs: Array, inputs: Array, **given: Any) -> Array:
    """The windows of an input are looked for as far as the rows' dilation reaches, across columns too."""
    (_, wide), (_, step), (gap, _), (_, margin) = (
        given[name] for name in ("kernel_size", "stride", "dilation", "padding")
    )
    gradient = np.zeros(inputs.shape)
    for place in np.ndindex(dL_doutputs.shape):
        alone = np.zeros(dL_doutputs.shape)
        alone[place] = dL_doutputs[place]
        reach = place[-1] * step - margin + (wide - 1) * gap
        gradient[..., : reach + 1] += right("max_pool2d", "backward", alone, inputs, **given)[..., : reach + 1]
    return gradient


def mean_of_shares(dL_dloss: Array, logits: Array, labels: Array, weights: Array, **options: Any) -> Array:
    """The gradient of weighted classes, whose mean is over all smoothed shares in place of the labels' weights."""
    share = options["label_smoothing"]
    shares = (1 - share) * weights[labels].sum() + share * len(labels) * weights.mean()
    exact = operation("weighted_softmax_cross_entropy").functions["backward"](
        dL_dloss, logits, labels, weights, **options
    )
    return exact * (weights[labels].sum() / shares)


def with_stored_sums(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """The gradient of log-softmax, with the sums of the upstream in bfloat16."""
    sums = dL_doutputs.sum(axis=axis, keepdims=True).astype(numpy_dtype("bfloat16")).astype(np.float64)
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return dL_doutputs - powers / powers.sum(axis=axis, keepdims=True) * sums


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("op", "name", "wrong"),
    [
        ("l2_normalize", "backward-random-3x3x3-axis-2", projected_along),
        ("conv2d", "forward-random-2x2x4x3-o3-k1x1-p1", padded_behind),
        ("conv2d", "forward-random-2x2x3x6-o3-k1x1-s2-p1", padded_behind),
        ("power", "forward-base-negative", of_positive_bases),
        ("rotary_embedding", "forward-random-1x3x3x4", turned_along_heads),
        ("scaled_dot_product_attention", "forward-random-window-1-shared-heads", rows_of_shared_heads),
        ("gather", "backward-random-3x3x3-3x3x3-axis-1", gathered_back),
        ("max_pool2d", "backward-random-1x2x5x8-k3x2-s2x1-d1x3-p1x0", reached_by_the_gap_of_rows),
        ("sum", "backward-random-2x2x2x2-over-2-4-1", expanded_as_listed),
        ("weighted_softmax_cross_entropy", "backward-smoothed-mean", mean_of_shares),
        ("log_softmax", "backward-beside-large", with_stored_sums),
        ("log_softmax", "backward-beside-large-axis-2", with_stored_sums),
    ],
)
def test_what_equal_lengths_padding_and_signs_hide(dtype: str, op: str, name: str, wrong: Callable[..., Any]) -> None:
    asked = golden(op, dtype, name)
    assert passes(asked, operation(op).functions[asked.direction])
    assert not passes(asked, wrong)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("op", "name", "otherwise"),
    [
        *((op, "random-3x4-over-axis-0", None) for op in ("sum", "mean", "max", "logsumexp", "variance")),
        *((op, "random-3x4-axis0", -1) for op in ("softmax", "log_softmax", "l2_normalize")),
    ],
)
def test_an_axis_of_0_that_is_taken_for_none(dtype: str, op: str, name: str, otherwise: int | None) -> None:
    asked, forward = golden(op, dtype, f"forward-{name}"), operation(op).functions["forward"]
    assert passes(asked, forward)
    assert not passes(asked, lambda inputs, *, axis, **given: forward(inputs, axis=axis or otherwise, **given))


@pytest.mark.parametrize(("op", "dtype"), [("sgd_step", dtype) for dtype in DTYPES] + [("adamw_step", "float32")])
def test_a_weight_decay_of_matrices_alone(op: str, dtype: str) -> None:
    asked, step = golden(op, dtype, "forward-decay-n6"), operation(op).functions["forward"]
    assert passes(asked, step)
    assert not passes(asked, lambda *state, **rates: step(*state, **{**rates, "weight_decay": 0.0}))


@pytest.mark.parametrize(
    ("op", "name"), [("l2_normalize", "forward-zeros-usual-eps"), ("cosine_similarity", "forward-zeros-tiny-eps")]
)
def test_an_eps_that_is_stored_in_float16(op: str, name: str) -> None:
    def of_zeros(stored: Callable[[float], Any], *tensors: Array, eps: float) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(right(op, "forward", *(x.astype(float) for x in tensors), eps=float(stored(eps)))).astype(
                "f2"
            )

    assert outcome(op, name, partial(of_zeros, float), "float16") is Outcome.PASSED
    assert outcome(op, name, partial(of_zeros, np.float16), "float16") is Outcome.ROBUST_MISS


COUNTING = (
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge", "huber", "kl_div", "l1", "mse", "smooth_l1"),
    "weighted_binary_cross_entropy_with_logits",
)
"""Losses whose mean is over all elements."""


@pytest.mark.parametrize(
    ("op", "dtype", "name"),
    [
        ("mean", "bfloat16", "forward-random-259x3-over-2"),
        *((op, "bfloat16", "backward-random-259x3-over-2") for op in ("mean", "variance")),
        ("nll", "bfloat16", "backward-long-indices-mean-n259-c1"),
        *(("avg_pool2d", "bfloat16", f"{way}-random-1x2x7x37-k7x37-s1") for way in DIRECTIONS),
        ("mean", "float16", "backward-counted-1x2051-over-1"),
        *((op, "float16", "backward-long-indices-mean-n2051-c1") for op in ("nll", "cross_entropy")),
        ("softmax_cross_entropy_from_outputs", "float16", "backward-long-indices-mean-n2051-c2"),
        *((op, "bfloat16", f"{way}-counted-n259") for op in COUNTING for way in DIRECTIONS),
        *((op, "float16", f"{way}-counted-n2051") for op in COUNTING for way in DIRECTIONS),
    ],
)
def test_a_count_that_a_half_precision_does_not_hold(op: str, dtype: str, name: str) -> None:
    """259 terms taken for 260, or 2051 for 2052."""
    n = 259 if dtype == "bfloat16" else 2051

    def counted_as(count: int, *tensors: Array, **given: Any) -> Array:
        exact = (x if x.dtype == np.int64 else x.astype(float) for x in tensors)
        result = np.asarray(right(op, name.partition("-")[0], *exact, **given))
        return (result * n / count).astype(numpy_dtype(dtype))

    assert outcome(op, name, partial(counted_as, n), dtype) is Outcome.PASSED
    assert outcome(op, name, partial(counted_as, n + 1), dtype) is Outcome.FAILED


@pytest.mark.parametrize("dtype", DTYPES)
def test_of_several_axes_the_first_of_what_ties_is_the_first_as_it_lies(dtype: str) -> None:
    def to_one(place: Callable[[Array], int], g: Array, x: Array, *, axis: list[int]) -> Array:
        axes = sorted(a % x.ndim for a in axis)
        moved = np.moveaxis(x, axes, (-2, -1))
        given = np.zeros((g.size, moved[0].size), x.dtype)
        for row, numbers, upstream in zip(given, moved.reshape(given.shape), g, strict=True):
            row[place(np.flatnonzero(numbers == numbers.max()))] = upstream
        return np.moveaxis(given.reshape(moved.shape), (-2, -1), axes)

    found = partial(outcome, "max", "backward-tie-2x3x2-over-3-1", dtype=dtype)
    assert found(partial(to_one, lambda ties: ties[0])) is Outcome.PASSED
    assert found(partial(to_one, lambda ties: ties[-1])) is Outcome.PASSED
    assert found(partial(to_one, lambda ties: ties[len(ties) // 2])) is Outcome.FAILED


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_count_of_a_group_that_bfloat16_does_not_hold(direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """259 elements of a group taken for 260."""

    def counted_as(count: int, *tensors: Array, **given: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(normalization, "terms", lambda *_: count)
            exact = (x.astype(float) for x in tensors)
            return changed_by(lambda x: x.astype(numpy_dtype("bfloat16")), "group_norm", direction, *exact, **given)

    name = f"{direction}-random-1x2x259-g2"
    assert outcome("group_norm", name, partial(counted_as, 259), "bfloat16") is Outcome.PASSED
    assert outcome("group_norm", name, partial(counted_as, 260), "bfloat16") is Outcome.FAILED


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_beta_of_0_that_is_taken_for_a_small_number(dtype: str) -> None:
    """Beta 0 replaced by 0.001, so that nothing is divided by 0."""
    name = "backward-near-equal-beta-0"

    def with_beta(taken: float, *tensors: Array, reduction: str, beta: float) -> Array:
        exact = (x.astype(float) for x in tensors)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(right("smooth_l1", "backward", *exact, beta=beta or taken, reduction=reduction))
        return found.astype(numpy_dtype(dtype))

    assert outcome("smooth_l1", name, partial(with_beta, 0.0), dtype) is Outcome.PASSED
    assert outcome("smooth_l1", name, partial(with_beta, 0.001), dtype) is Outcome.ROBUST_MISS


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("op", "name"), [("l2_normalize", "backward-norms-around-eps"), ("cosine_similarity", "backward-one-below-eps")]
)
def test_a_row_below_eps_that_decides_for_all(op: str, name: str, dtype: str) -> None:
    """Every norm is a constant as soon as one is below eps: the gradient is that of a row alone where all rows are."""

    def rows(whole: bool, *tensors: Array, eps: float) -> Array:
        upstream, *inputs = (x.astype(float) for x in tensors)
        norms = [np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True)), eps) for x in inputs]
        gradients: tuple[Array, ...] = (upstream / norms[0],)
        if len(inputs) == 2:
            g, units = upstream[..., None], [x / n for x, n in zip(inputs, norms, strict=True)]
            gradients = tuple(g * u / n for u, n in zip(units[::-1], norms, strict=True))
        due = right(op, "backward", upstream, *inputs, eps=eps)
        gradients = gradients if whole else due if isinstance(due, tuple) else (due,)
        return tuple(x.astype(numpy_dtype(dtype)) for x in gradients)

    assert outcome(op, name, partial(rows, False), dtype) is Outcome.PASSED
    assert outcome(op, name, partial(rows, True), dtype) is Outcome.FAILED


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("nll", "backward-ignored-100-indices-mean-n6-c3"),
        ("softmax_cross_entropy", "backward-ignored-indices-mean-n6-c3"),
    ],
)
def test_a_mean_of_the_means_of_two_halves_of_a_batch(op: str, name: str) -> None:
    """Each half by the number of its own rows that count, as gradients are accumulated over parts of a batch."""

    def by_halves(parts: int, g: Array, scores: Array, labels: Array, *, ignore_index: int, **given: Any) -> Array:
        of_part = (labels[part] for part in np.split(np.arange(6), parts))
        shares = np.repeat([max((some != ignore_index).sum(), 1) * parts for some in of_part], 6 // parts)
        given |= {"reduction": "sum", "ignore_index": ignore_index}
        return np.asarray(right(op, "backward", g, scores, labels, **given)) / shares[:, None]

    assert outcome(op, name, partial(by_halves, 1), "float64") is Outcome.PASSED
    assert outcome(op, name, partial(by_halves, 2), "float64") is Outcome.FAILED


def test_a_wide_window_that_is_not_causal() -> None:
    """The backward pass forgets that it is causal where a window is as wide as a block of 16."""

    def both_ways(least: int, dL_doutputs: Array, *tensors: Array, window: int | None = None, **given: Any) -> Any:
        causal = {"is_causal": given.pop("is_causal", False) and (window or 0) < least}
        gradients = right(op, "backward", dL_doutputs, *tensors, window=window, **causal, **given)
        return tuple(x.astype(np.float32) for x in gradients)

    op, name = "scaled_dot_product_attention", "backward-random-window-35-causal"
    vectors = store.read_golden(op)
    asked = next(one for one in vectors.families if (one.name, one.dtype) == (name, "float32"))
    for least, due in ((67, Outcome.PASSED), (16, Outcome.FAILED)):
        functions = {f"{op}_backward": partial(both_ways, least), "dtypes": ("float32",)}
        assert check(asked, present("mine", functions, (op,)), vectors).outcome is due


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_elu_of_which_the_left_piece_is_cut_at_0(dtype: str) -> None:
    """max(0, x) + min(0, alpha (exp(x) - 1)), which is right unless alpha is below 0."""

    def cut(x: Array, *, alpha: float) -> Array:
        y = np.maximum(x.astype(float), 0) + np.minimum(alpha * np.expm1(np.minimum(x.astype(float), 0)), 0)
        return np.asarray(y.astype(x.dtype))

    assert outcome("elu", "forward-random-n4-f5", cut, dtype) is Outcome.PASSED
    assert outcome("elu", "forward-random-n4-f5-below-zero", cut, dtype) is Outcome.ROBUST_MISS
