"""Reported faults of attention, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from backproof.reference.faults import scaled_dot_product_attention as seen
from backproof.reference.ops import masked_attention, scaled_dot_product_attention
from public_reports import Array, Function, Report, at, reported

NAN, NATIVE_SPARSE = np.nan, "XunhaoLai/native-sparse-attention-triton#27"
ONE_QUERY: tuple[Any, ...] = ([[[[1.0]]]], [[[[1.0]]]], [[[[0.0], [1.0]]]], [[[[0.0], [1.0]]]])
"""An upstream of 1, a query, two keys and their values."""
TWO_QUERIES: tuple[Any, ...] = ([[[[1.0], [2.0]]]], [[[[1.0], [1.0]]]], [[[[0.0], [1.0]]]], [[[[1.0], [3.0]]]])
ONE_KEY: tuple[Any, ...] = ([[[[1.0]], [[2.0]]]], [[[[1.0]], [[1.0]]]], [[[[1.0]]]], [[[[1.0]]]])
"""Two heads of queries that share one of keys."""
UNSEEN: tuple[Any, ...] = (*([x[0]] * 2 for x in ONE_QUERY), [[[[0.0, 0.0]]], [[[1.0, 1.0]]]])
"""A batch of two, of which the first query sees no key."""


def changed(change: Function, of: Any, *tensors: Array, **how: Any) -> Any:
    """The gradients, changed by a function of them, the tensors and the parameters."""
    return change(*of.backward(*tensors, **how), tensors, how)


def of_heads(change: Function) -> Function:
    return partial(changed, change, scaled_dot_product_attention)


def of_masked(change: Function) -> Function:
    return partial(changed, change, masked_attention)


def always_causal(*tensors: Array, is_causal: bool = False, **how: Any) -> Any:
    return scaled_dot_product_attention.backward(*tensors, is_causal=True, **how)


def all_seen(*tensors: Array, is_causal: bool = False, window: int | None = None, **how: Any) -> Any:
    return scaled_dot_product_attention.backward(*tensors, **how)


def not_summed(*tensors: Array, **how: Any) -> Any:
    g, query, *shared = tensors
    each = [np.repeat(x, query.shape[1] // x.shape[1], axis=1) for x in shared]
    return scaled_dot_product_attention.backward(g, query, *each, **how)


def first_tokens_lost(dq: Array, dk: Array, dv: Array, tensors: Any, _: Any) -> Any:
    """Of all heads but the first, as many as the length lacks to a multiple of 64."""
    dv = dv.copy()
    dv[:, 1:, : -tensors[1].shape[2] % 64] = 0
    return dq, dk, dv


def reversed_at_two(dq: Array, dk: Array, dv: Array, *_: Any) -> Any:
    return (dq if len(dq) < 2 else -5 * dq), dk, dv


def off_deep_below(dq: Array, dk: Array, dv: Array, tensors: Any, how: Any) -> Any:
    """A tenth too large where all scores of a query are far below 0."""
    _, query, key, _ = tensors
    keys = np.repeat(key, query.shape[1] // key.shape[1], axis=1)
    deep = (query @ np.swapaxes(keys, -1, -2) * how["scale"]).max(axis=-1, keepdims=True, initial=-np.inf) < -100
    return np.where(deep, dq * 1.1, dq), dk, dv


def nan_throughout(dq: Array, dk: Array, dv: Array, tensors: Any, _: Any) -> Any:
    spoilt = not (tensors[-1] != 0).any(axis=-1).all()
    return tuple(np.full_like(d, NAN) if spoilt else d for d in (dq, dk, dv))


def nan_for_the_query(dq: Array, dk: Array, dv: Array, tensors: Any, _: Any) -> Any:
    return np.where((tensors[-1] != 0).any(axis=-1, keepdims=True), dq, NAN), dk, dv


def rows() -> tuple[tuple[Any, ...], ...]:
    op, right = "scaled_dot_product_attention", scaled_dot_product_attention.backward
    masked, masked_right = "masked_attention", masked_attention.backward
    two = [x * 2 for x in ONE_QUERY]
    deep = ([[[[1.0]]]], [[[[1.0]]]], [[[[-200.0], [-201.0]]]], [[[[0.0], [1.0]]]])
    heads = ([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]], [[[[1.0]]] * 4], [[[[1.0]]] * 2], [[[[1.0]]] * 2])
    wide = ([[[[0.0, 1.0]]]], [[[[1.0]]]], [[[[0.0], [1.0]]]], [[[[0.0, 0.0], [0.0, 1.0]]]])
    separate = ([[[[1.0]], [[2.0]]]], *([[[[1.0]]] * 2] for _ in range(3)))
    apart, causal = [[[[0.80682], [2.19318]]]], [[[[1.53788], [1.46212]]]]
    return (
        ("triton-lang/triton#4541", "causal whatever is asked for", op,
         always_causal, right, at(*TWO_QUERIES, result=2, scale=1.0), apart, causal),
        ("meta-pytorch/MSLK PR 263", "backward neither causal nor windowed", op,
         all_seen, right, at(*TWO_QUERIES, result=2, scale=1.0, is_causal=True), causal, apart),
        (NATIVE_SPARSE, "heads divided by another count", op,
         seen.heads_divided_by_another_count.functions["backward"], right,
         at(*heads, result=2, scale=1.0), [[[[3]], [[7]]]], [[[[4]], [[6]]]]),
        (NATIVE_SPARSE, "values read as wide as keys", op,
         seen.values_read_as_wide_as_keys.functions["backward"], right, at(*wide, scale=1.0), 0.19661, 0),
        ("marin-community/levanter PR 449", "shared heads not summed", op,
         not_summed, right, at(*ONE_KEY, result=2, scale=1.0), [[[[3]]]], [[[[1]], [[2]]]]),
        ("flagos-ai/FlagGems PR 898", "first tokens lost unless a multiple of 64", op,
         of_heads(first_tokens_lost), right, at(*separate, result=2, scale=1.0), [[[[1]], [[2]]]], [[[[1]], [[0]]]]),
        ("NVIDIA/TransformerEngine#3216", "dq reversed at a batch of two", op,
         of_heads(reversed_at_two), right, at(*two, scale=1.0), 0.19661, -0.98306),
        ("NVIDIA/cudnn-frontend#744", "dq off where scores are deep below 0", op,
         of_heads(off_deep_below), right, at(*deep, scale=1.0), -0.19661, -0.21627),
        ("pytorch/pytorch#41508", "one query without a key spoils the batch", masked,
         of_masked(nan_throughout), masked_right, at(*UNSEEN, scale=1.0), [[[[0]]], [[[0.19661]]]], NAN, True),
        ("Dao-AILab/flash-attention#443", "NaN for a query without a key", masked,
         of_masked(nan_for_the_query), masked_right, at(*UNSEEN, scale=1.0),
         [[[[0]]], [[[0.19661]]]], [[[[NAN]]], [[[0.19661]]]], True),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = tuple(reported("backward", *row) for row in rows())
