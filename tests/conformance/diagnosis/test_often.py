"""Mistakes that many people ship, written by hand: each is named, whatever the operation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backproof.reference.model.broadcasting import undo_broadcast
from backproof.reference.model.fault import widened
from backproof.reference.ops import (
    conv2d,
    conv_transpose2d,
    geglu,
    gelu,
    hinge,
    mse,
    scaled_dot_product_attention,
    scatter_add,
    softmax,
    swiglu,
    variance,
    weighted_softmax_cross_entropy,
)
from diagnosed import findings, implementation, whole
from lstm_cells import of_lstm_cell
from shares import one_in

Array = Any


def up_overwritten(module: Any) -> Callable[..., Any]:
    def backward(g: Array, gate: Array, up: Array, **how: Any) -> Any:
        _, dL_dup = module.backward(g, gate, up, **how)
        return module.backward(g, gate, dL_dup, **how)[0], dL_dup

    return backward


def over_those_that_lose(module: Any) -> Callable[..., Any]:
    def backward(g: Array, x: Array, y: Array, *, reduction: str) -> Array:
        share = g / max(int((module.forward(x, y, reduction="none") > 0).sum()), 1) if reduction == "mean" else g
        return module.backward(share, x, y, reduction="sum" if reduction == "mean" else reduction)

    return backward


def by_all_weights(
    g: Array, x: Array, labels: Array, w: Array, *, ignore_index: int | None = None, **how: Any
) -> Array:
    found = weighted_softmax_cross_entropy.backward(g, x, labels, w, ignore_index=ignore_index, **how)
    if how["reduction"] == "mean" and ignore_index is not None and 0 <= ignore_index < len(w):
        counted = w[labels[labels != ignore_index]].sum()
        found = found * counted / (counted + w[ignore_index] * (labels == ignore_index).sum())
    return found


def softened(g: Array, x: Array, y: Array, *, reduction: str) -> Array:
    d = x - y
    return (g / x.size if reduction == "mean" else g) * d / (np.abs(d) + 1e-7)


def near_ties(g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    largest = x.max(axis=axis, keepdims=True)
    ties = abs(x - largest) < 0.005
    return ties * (g if keepdims else np.reshape(g, largest.shape)) / np.maximum(ties.sum(axis=axis, keepdims=True), 1)


def symmetric(g: Array, x: Array, *, min_value: float, max_value: float) -> Array:
    return g * (abs(x) < max_value) + 0 * min_value


def of_arctan(g: Array, x: Array) -> Array:
    return g / (1 + x**2)


def unshifted(g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    e = np.exp(x)
    total = e.sum(axis=axis, keepdims=True)
    return (g if keepdims else np.reshape(g, total.shape)) * e / total


def of_quotient(g: Array, x: Array, *, beta: float = 1.0) -> Array:
    e = np.exp(beta * x)
    return np.where(e == np.inf, 0, g * e / (1 + e))


def tanh_by_exponentials(x: Array, *, approximate: str = "none") -> Array:
    if approximate == "none":
        return gelu.forward(x)
    e = np.exp(2 * 0.7978845608028654 * (x + 0.044715 * x**3))
    return 0.5 * x * (1 + (e - 1) / (e + 1))


def counter_of_ten_bits(p: Array, g: Array, m: Array, v: Array, *, step: int, **how: Any) -> Any:
    beta1, beta2, step = how["beta1"], how["beta2"], min(step, 1023)
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    root = np.sqrt(v / (1 - beta2**step))
    return p - how["lr"] * (m / (1 - beta1**step)) / (root + how["eps"]), m, v


def mean_over_fewer(g: Array, x: Array, *, axis: Any, keepdims: bool = False, correction: int = 0) -> Array:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    n = np.float64(np.prod([x.shape[k] for k in axes])) - correction
    right = variance.backward(g, x, axis=axis, keepdims=keepdims, correction=correction)
    total = x.sum(axis=axis, keepdims=True)
    upstream = g if keepdims else np.reshape(g, total.shape)
    moved = x.mean(axis=axis, keepdims=True) - total / n
    return right + 2 * upstream * moved / n


def overwritten(g: Array, x: Array, *, kernel_size: Any, stride: Any, padding: Any = 0, **how: Any) -> Array:
    """Window by window, as a loop over outputs does."""
    (kh, kw), (sh, sw), (ph, pw) = ((n, n) if isinstance(n, int) else n for n in (kernel_size, stride, padding))
    n, c, h, w = x.shape
    found = np.zeros((n, c, h + 2 * ph, w + 2 * pw), x.dtype)
    inside = np.pad(np.ones((h, w)), ((ph, ph), (pw, pw)))
    for i, j in np.ndindex(g.shape[2:]):
        part = np.s_[i * sh : i * sh + kh, j * sw : j * sw + kw]
        size = kh * kw if how.get("count_include_pad", True) else inside[part].sum()
        found[:, :, *part] = g[:, :, i : i + 1, j : j + 1] / size
    return found[:, :, ph : ph + h, pw : pw + w]


def first_product_alone(g: Array, x: Array, w: Array, b: Array, **how: Any) -> Any:
    """Of the products that a stride splits the gradient of the inputs into."""
    sizes = ((n, n) if isinstance(n, int) else n for n in (how.get("stride", 1), how.get("dilation", 1)))
    (sh, sw), (dh, dw) = sizes
    kept = np.zeros_like(w)
    for i, j in np.ndindex(w.shape[2:]):
        if not (i * dh) % sh and not (j * dw) % sw:
            kept[:, :, i, j] = w[:, :, i, j]
    return conv2d.backward(g, x, kept, b, **how)[0], *conv2d.backward(g, x, w, b, **how)[1:]


def without_added_rows(g: Array, *tensors: Array, output_padding: Any = 0, **how: Any) -> Any:
    h, w = (output_padding,) * 2 if isinstance(output_padding, int) else output_padding
    dx, dw, _ = conv_transpose2d.backward(g, *tensors, output_padding=output_padding, **how)
    return dx, dw, g[:, :, : g.shape[2] - h, : g.shape[3] - w].sum(axis=(0, 2, 3))


def backward_window(q: Array, k: Array, v: Array, *, window: int | None = None, **how: Any) -> Array:
    if window is None:
        return scaled_dot_product_attention.forward(q, k, v, **how)
    near = [scaled_dot_product_attention.forward(q, k, v, window=window, **how)]
    heads = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, heads, axis=1), np.repeat(v, heads, axis=1)
    scores = q @ np.swapaxes(k, -1, -2) * how["scale"]
    cap = how.get("softcap")
    scores = scores if cap is None else cap * np.tanh(scores / cap)
    back = np.arange(q.shape[2])[:, None] - np.arange(k.shape[2])
    seen = (back >= 0) & (back <= window)
    powers = np.where(seen, np.exp(scores), 0)
    total = powers.sum(axis=-1, keepdims=True)
    return np.where(total == 0, near[0] * 0, powers @ v / np.where(total == 0, 1, total))


def into_the_source(g: Array, x: Array, indices: Array, source: Array, *, axis: int) -> Any:
    cut = np.minimum(indices, source.shape[axis] - 1)
    return np.array(g), scatter_add.backward(g, x, cut, source, axis=axis)[1]


def mean_of_a_scalar(g: Array, a: Array, b: Array) -> Any:
    def of(d: Array, x: Array) -> Array:
        return np.reshape(d.mean(), x.shape) if x.size == 1 else undo_broadcast(d, x.shape)

    return of(g * b, a), of(g * a, b)


@of_lstm_cell
def no_slope_of_the_forget_gate(d: Array, dh: Array, c: Array, bent: Array, *gates: Array) -> list[Array]:
    i, f, n, o = gates
    return [d * n * i * (1 - i), d * c * f, d * i * (1 - n**2), dh * bent * o * (1 - o)]


def rounded_to_four_decimals(g: Array, x: Array) -> Array:
    return g * np.where(x > 0, 1.0507, 1.0507 * 1.6733 * np.exp(np.minimum(x, 0)))


OFTEN: list[tuple[str, str, Callable[..., Any], str]] = [
    ("swiglu", "backward", up_overwritten(swiglu), "dL_dgate: dL_dup is written over up, where"),
    ("geglu", "backward", up_overwritten(geglu), "dL_dgate: dL_dup is written over up, where"),
    ("hinge", "backward", over_those_that_lose(hinge), "dL_dpredictions: The mean divides by the number of losses"),
    ("mse", "backward", over_those_that_lose(mse), "dL_dpredictions: The mean divides by the number of losses"),
    (
        "weighted_softmax_cross_entropy",
        "backward",
        by_all_weights,
        "dL_dlogits: The mean divides by the weights of all rows, by those of rows to be ignored as well.",
    ),
    ("l1", "backward", softened, "dL_dpredictions: `return element_upstream(dL_dloss, predictions, reduction) * (("),
    ("max", "backward", near_ties, "dL_dinputs: `winners = np.absolute(inputs - largest) <= 0.005`"),
    ("hardtanh", "backward", symmetric, "dL_dinputs: `return np.where(np.absolute(inputs) < np.absolute(max_value)"),
    ("softsign", "backward", of_arctan, "dL_dinputs: `return dL_doutputs / (1 * 1 + np.absolute(inputs) * np.abs"),
    ("logsumexp", "backward", unshifted, "dL_dinputs: `exponentials = np.exp(inputs)` where"),
    ("softplus", "backward", of_quotient, "dL_dinputs is 0 where beta * inputs is above the logarithm of the largest"),
    ("gelu", "forward", tanh_by_exponentials, "outputs: `return 0.5 * inputs * (1 + tanh_of_exponentials(u))` where"),
    ("adam_step", "forward", counter_of_ten_bits, "next_parameters: step is taken as min(step, 1023)."),
    (
        "variance",
        "backward",
        mean_over_fewer,
        "dL_dinputs: `return g * inputs - g * (inputs.sum(axis=axis, keepdims=True)",
    ),
    ("avg_pool2d", "backward", overwritten, "dL_dinputs: `return last_written_by_window("),
    ("conv2d", "backward", first_product_alone, "dL_dinputs is summed over elements of the kernel alone whose offset"),
    ("conv_transpose2d", "backward", without_added_rows, "dL_dbias leaves out the rows and columns that"),
    (
        "scaled_dot_product_attention",
        "forward",
        backward_window,
        "outputs: With a window, each query sees keys before it alone, and the one beside it.",
    ),
    ("scatter_add", "backward", into_the_source, "dL_dsource: Indices beyond the length of source along axis are"),
    ("multiply", "backward", mean_of_a_scalar, "Of what was broadcast, the mean over all these axes, if it has one"),
    ("lstm_cell", "backward", no_slope_of_the_forget_gate, "dL_dinputs, dL_dhidden, dL_dweight_ih, dL_dweight_hh"),
    ("selu", "backward", rounded_to_four_decimals, "dL_dinputs: `return dL_doutputs * (1.0507 * elu.slope("),
]


@pytest.mark.parametrize(("op", "direction", "function", "words"), one_in(8, OFTEN))
def test_what_many_people_ship_is_named(op: str, direction: str, function: Callable[..., Any], words: str) -> None:
    (found,) = findings(implementation(op, **{direction: widened(function)}), whole(op))
    assert found.wrong.startswith(words)


def test_what_is_nan_beside_a_named_fault_gets_no_name_of_its_own() -> None:
    def backward(g: Array, x: Array, *, axis: int = -1) -> Array:
        p = softmax.forward(x, axis=axis)
        return g - p * (p * g / p).sum(axis=axis, keepdims=True)

    (found,) = findings(implementation("log_softmax", backward=widened(backward)), whole("log_softmax"))
    assert found.name == "log_softmax.through_the_probabilities"


def test_a_threshold_that_leaves_the_same_unexplained_in_another_dtype_is_not_told() -> None:
    found = findings(implementation("softplus", backward=widened(of_quotient)), whole("softplus"))
    assert not any(finding.name == "a branch" for finding in found)
