"""What is put in another place, or taken from one, is named; and of what is not refused, that alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backproof.reference.model.fault import widened
from backproof.reference.ops import (
    adam_step,
    conv2d,
    embedding,
    gru_cell,
    layer_norm,
    logsumexp,
    lstm,
    lstm_cell,
    nll,
    rms_norm,
    scaled_dot_product_attention,
    scatter_add,
)
from diagnosed import findings, implementation, whole
from lstm_cells import of_lstm_cell
from shares import one_in

Array = Any


@of_lstm_cell
def packed_otherwise(d: Array, dh: Array, c: Array, bent: Array, *gates: Array) -> list[Array]:
    """As i, f, o, g."""
    i, f, g, o = gates
    return [d * g * i * (1 - i), d * c * f * (1 - f), dh * bent * o * (1 - o), d * i * (1 - g * g)]


def reset_gate_left_out(*tensors: Array) -> Any:
    *results, of_ih, _ = gru_cell.backward(*tensors)
    return *results, of_ih, of_ih.copy()


def not_carried(dy: Array, dh: Array, dc: Array, x: Array, h: Array, c: Array, *layer: Array) -> Any:
    states = [(h, c)]
    for each in x:
        states.append(lstm_cell.forward(each, *states[-1], *layer))
    dx, total, upstream = np.zeros_like(x), [np.zeros_like(w) for w in layer], dh
    for t in range(len(x) - 1, -1, -1):
        dx[t], dh, dc, *of = lstm_cell.backward(dy[t] + upstream, dc, x[t], *states[t], *layer)
        upstream, total = 0 * dh, [a + b for a, b in zip(total, of, strict=True)]
    return dx, dh, dc, *total


def of_the_last_axis(g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    axes = sorted(k % x.ndim for k in np.atleast_1d(range(x.ndim) if axis is None else axis))
    e = np.exp(x - x.max(axis=axes[-1], keepdims=True))
    return (g if keepdims else np.expand_dims(g, tuple(axes))) * e / e.sum(axis=axes[-1], keepdims=True)


def by_frequency(g: Array, indices: Array, weight: Array, **how: Any) -> Array:
    count = np.bincount(indices.ravel(), minlength=len(weight))
    return embedding.backward(g, indices, weight, **how) / np.maximum(count, 1)[:, None]


def of_scatter(g: Array, x: Array, indices: Array, source: Array, *, axis: int) -> Any:
    left = np.array(g)
    np.put_along_axis(left, indices, 0, axis) if indices.shape == g.shape else _put(left, indices, axis)
    return left, scatter_add.backward(g, x, indices, source, axis=axis)[1]


def _put(x: Array, indices: Array, axis: int) -> None:
    places = list(np.indices(indices.shape))
    places[axis] = indices
    x[tuple(places)] = 0


def plain_window(g: Array, *tensors: Array, window: Any = None, is_causal: bool = False, **how: Any) -> Any:
    causal = is_causal and window is None
    return scaled_dot_product_attention.backward(g, *tensors, window=window, is_causal=causal, **how)


def counted_from_0(*tensors: Array, step: int, **how: Any) -> Any:
    return adam_step.forward(*tensors, step=max(step - 1, 1), **how)


def groups_in_turn(g: Array, x: Array, w: Array, b: Array, *, groups: int = 1, **how: Any) -> Any:
    dx, dw, db = conv2d.backward(g, x, w, b, groups=groups, **how)
    return dx, np.stack(np.split(dw, groups), axis=1).reshape(dw.shape), db


def in_tf32(a: Array, b: Array) -> Array:
    def narrow(x: Array) -> Array:
        if x.dtype.itemsize != 4:
            return x
        x = x.astype(np.float32)
        return ((np.ascontiguousarray(x).view(np.int32) + 4096) & -8192).view(np.float32).reshape(x.shape)

    return (narrow(a) @ narrow(b)).astype(a.dtype)


ELSEWHERE: list[tuple[str, str, Callable[..., Any], str]] = [
    ("lstm_cell", "backward", widened(packed_otherwise), "The gradients of the gates are put together in the order 1,"),
    ("gru_cell", "backward", widened(reset_gate_left_out), "dL_dbias_hh has the values of dL_dbias_ih"),
    ("lstm", "backward", widened(not_carried), "The gradient of hidden is not handed on from one step to the step"),
    ("logsumexp", "backward", widened(of_the_last_axis), "Of several axes the last is taken alone"),
    ("embedding", "backward", widened(by_frequency), "dL_dweight is divided by how often an index occurs"),
    ("scatter_add", "backward", widened(of_scatter), "dL_dinputs is 0 where an index points"),
    (
        "scaled_dot_product_attention",
        "backward",
        widened(plain_window),
        "Is_causal has no part where there is a window",
    ),
    ("adam_step", "forward", widened(counted_from_0), "Of step, one less is taken"),
    ("conv2d", "backward", widened(groups_in_turn), "Channel o of dL_dweight is that of group o % groups"),
    ("matmul", "forward", in_tf32, "all arguments of float32 are rounded, halves away from 0, to the 11 bits"),
]


@pytest.mark.parametrize(("op", "direction", "function", "words"), one_in(4, ELSEWHERE))
def test_what_is_put_elsewhere_is_named(op: str, direction: str, function: Callable[..., Any], words: str) -> None:
    (found,) = findings(implementation(op, **{direction: function}), whole(op))
    assert words in found.wrong


def unchecked(module: Any, refused: type[Exception] = ValueError) -> dict[str, Callable[..., Any]]:
    """Sound functions that answer what is to be refused with what they get by broadcasting, or with nothing of use."""

    def of(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*tensors: Array, **how: Any) -> Any:
            try:
                return widened(function)(*tensors, **how)
            except refused:
                return np.zeros(3, tensors[0].dtype)

        return call

    return {name: of(getattr(module, name)) for name in ("forward", "backward")}


@pytest.mark.parametrize("module", one_in(3, [layer_norm, rms_norm, nll, lstm_cell, lstm, logsumexp]))
def test_of_calls_that_are_accepted_where_they_are_to_be_refused_no_formula_is_told(module: Any) -> None:
    op = module.__name__.rpartition(".")[2]
    found = findings(implementation(op, **unchecked(module)), whole(op), strict=True)
    assert all(": raise`" in one.wrong or "refused" in one.wrong for one in found)
