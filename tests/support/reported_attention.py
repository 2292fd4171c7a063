"""Reported faults of attention, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from backproof.reference.faults import scaled_dot_product_attention as seen
from backproof.reference.model import attention
from backproof.reference.ops import masked_attention, scaled_dot_product_attention
from public_reports import Array, Function, Report, at, reported

NAN, NATIVE_SPARSE = np.nan, "XunhaoLai/native-sparse-attention-triton#27"
ONE_QUERY: tuple[Any, ...] = ([[[[1.0]]]], [[[[1.0]]]], [[[[0.0], [1.0]]]], [[[[0.0], [1.0]]]])
"""An upstream of 1, a query, two keys and their values."""
TWO_QUERIES: tuple[Any, ...] = ([[[[1.0], [2.0]]]], [[[[1.0], [1.0]]]], [[[[0.0], [1.0]]]], [[[[1.0], [3.0]]]])
ONE_KEY: tuple[Any, ...] = ([[[[1.0]], [[2.0]]]], [[[[1.0]], [[1.0]]]], [[[[1.0]]]], [[[[1.0]]]])
"""Two heads of queries that share one of keys."""
TWO_VALUES, MEANS = [[[[1.0], [3.0]]]], [[[[2.0], [2.0]]]]
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


def first_heads_alone(*tensors: Array, **how: Any) -> Any:
    """Each head of queries writes a gradient of its own, of which as many are read as there are heads of keys."""
    dq, *each = not_summed(*tensors, **how)
    return dq, *(d[:, : tensors[2].shape[1]] for d in each)


def last_block_lost(dq: Array, dk: Array, dv: Array, tensors: Any, _: Any) -> Any:
    """Keys behind the last full block of 128 have no gradient."""
    keys = tensors[2].shape[2]
    full = np.arange(keys)[:, None] < (keys // 128 * 128 if keys > 128 else keys)
    return dq, np.where(full, dk, 0), np.where(full, dv, 0)


def sum_not_subtracted(*tensors: Array, scale: float, softcap: float | None = None, **order: Any) -> Any:
    visible = counted(*tensors[1:3], **order)
    return attention.differentiate(attention.probabilities, lambda *_: 0, *tensors, visible, scale, softcap)


def nan_where_padding_overflows(dq: Array, dk: Array, dv: Array, tensors: Any, how: Any) -> Any:
    """Keys that fill up a block have a score of 0, whose exponential overflows beside scores far below."""
    _, query, key, _, mask = tensors
    keys = np.repeat(key, query.shape[1] // key.shape[1], axis=1)
    scores = np.where(mask != 0, query @ np.swapaxes(keys, -1, -2) * how["scale"], -np.inf)
    return np.where(scores.max(axis=-1, keepdims=True, initial=-1e4) < -88.7, NAN, dq), dk, dv


# Forward -------------------------------------------------------------------------------------------------------------


def counted(query: Array, key: Array, is_causal: bool = False, window: int | None = None) -> Array:
    return attention.visible(query.shape[2], key.shape[2], is_causal, window)


def attending(core: Function) -> Function:
    """Attention whose outputs are made of scores, where keys are seen, values and the cap."""

    def call(
        query: Array, key: Array, value: Array, *, scale: float, softcap: float | None = None, **order: Any
    ) -> Any:
        visible = attention.seen_by_groups(counted(query, key, **order), query.shape, key.shape)
        outputs = core(attention.scores_of(query, key, scale), visible, value, softcap)
        return outputs.reshape(*query.shape[:3], value.shape[3])

    return call


def capped_by_itself(scores: Array, visible: Array, value: Array, softcap: float | None) -> Array:
    return attention.averaged(scores if softcap is None else scores * np.tanh(scores), visible, value)


def capped_when_masked(scores: Array, visible: Array, value: Array, softcap: float | None) -> Array:
    """A score that is replaced by -infinity becomes -softcap: its key is seen."""
    if softcap is None:
        return attention.averaged(scores, visible, value)
    masked = np.where(visible, attention.capped(scores, softcap), -softcap)
    return attention.averaged(masked, np.ones_like(visible), value)


def masked_after_softmax(scores: Array, visible: Array, value: Array, softcap: float | None) -> Array:
    every = attention.probabilities(attention.capped(scores, softcap), np.ones_like(visible))
    return np.where(visible, every, 0) @ value


def future_for_past(scores: Array, visible: Array, value: Array, softcap: float | None) -> Array:
    visible = visible if visible.all() else ~visible
    return attention.averaged(attention.capped(scores, softcap), visible, value)


def padded_keys_seen(scores: Array, visible: Array, value: Array, softcap: float | None) -> Array:
    """Beyond one block of 128, zeros that fill up the last are keys."""
    more = -scores.shape[-1] % 128 if scores.shape[-1] > 128 else 0
    padded = np.pad(attention.capped(scores, softcap), [(0, 0)] * 3 + [(0, more)])
    seen_too = np.pad(visible, [(0, 0)] * 3 + [(0, more)], constant_values=True)
    return attention.averaged(padded, seen_too, np.pad(value, [(0, 0)] * 2 + [(0, more), (0, 0)]))


def calling(change: Function, of: Any = scaled_dot_product_attention) -> Function:
    """Forward of what a function makes of the tensors and the parameters."""

    def call(*tensors: Array, **how: Any) -> Any:
        return of.forward(*change(tensors, how), **how)

    return call


def setting(**changed: Any) -> Function:
    """Forward with other parameters, where they are given at all."""

    def call(*tensors: Array, **how: Any) -> Any:
        now = {name: changed[name](how[name], tensors) if name in changed else how[name] for name in how}
        return scaled_dot_product_attention.forward(*tensors, **now)

    return call


def tiled_heads(tensors: Any, _: Any) -> Any:
    query, *shared = tensors
    return query, *(np.tile(x, (1, query.shape[1] // x.shape[1], 1, 1)) for x in shared)


def first_head_throughout(tensors: Any, _: Any) -> Any:
    return [np.broadcast_to(x[:, :1], x.shape) for x in tensors]


def as_many_keys_as_queries(tensors: Any, _: Any) -> Any:
    query, *shared = tensors
    return query, *(x[:, :, : max(query.shape[2], 1)] for x in shared)


def with_mask(change: Function) -> Function:
    return calling(lambda tensors, _: (*tensors[:3], change(tensors[3])), masked_attention)


def nan_behind_unseen_block(*tensors: Array, **how: Any) -> Any:
    """A running maximum of -infinity after the first block of 64 keys makes what follows NaN."""
    seen_early = (tensors[-1][..., :64] != 0).any(axis=-1, keepdims=True) | (tensors[-1].shape[-1] <= 64)
    return np.where(seen_early, masked_attention.forward(*tensors, **how), NAN)


def as_wide_as_queries(query: Array, key: Array, value: Array, **how: Any) -> Any:
    outputs, width = scaled_dot_product_attention.forward(query, key, value, **how), query.shape[3]
    return np.pad(outputs, [(0, 0)] * 3 + [(0, max(width - outputs.shape[3], 0))])[..., :width]


def forward_rows() -> tuple[tuple[Any, ...], ...]:
    op, right = "scaled_dot_product_attention", scaled_dot_product_attention.forward
    masked, masked_right = "masked_attention", masked_attention.forward
    one, two = ONE_QUERY[1:], TWO_QUERIES[1:]
    heads = ([[[[0.0]]] * 4], [[[[0.0]]] * 2], [[[[1.0]], [[2.0]]]])
    apart = ([[[[1.0]], [[1.0]]]], [[[[0.0], [1.0]], [[0.0], [2.0]]]], [[[[0.0], [1.0]], [[0.0], [1.0]]]])
    wide = ([[[[1.0]]]], [[[[0.0], [1.0]]]], [[[[0.0, 0.0], [1.0, 2.0]]]])
    flat = ([[[[0.0]]]], [[[[0.0]] * 129]], [[[[1.0]] * 129]])
    late = (*flat, [[[[0.0] * 128 + [1.0]]]])
    unseen = (*one, [[[[0.0, 1.0]]]])
    first, average = [[[[1]], [[1]], [[2]], [[2]]]], 0.73106
    return (
        ("onnx/onnx PR 7274", "shared heads tiled", op,
         calling(tiled_heads), right, at(*heads, scale=1.0), first, [[[[1]], [[2]], [[1]], [[2]]]]),
        ("BobMcDear/attorch#14", "all heads read the first", op,
         calling(first_head_throughout), right, at(*apart, scale=1.0),
         [[[[average]], [[0.88080]]]], [[[[average]], [[average]]]]),
        ("BobMcDear/attorch#14", "scale of a half whatever is given", op,
         setting(scale=lambda *_: 0.5), right, at(*one, scale=1.0), average, 0.62246),
        ("tenstorrent/tt-metal#33304", "scale ignored", op,
         setting(scale=lambda _, tensors: tensors[0].shape[-1] ** -0.5), right, at(*one, scale=0.5), 0.62246, average),
        ("huggingface/transformers#39408", "window wider by one", op,
         setting(window=lambda window, _: window + 1), right, at(*two, scale=0.0, window=0), TWO_VALUES, MEANS),
        ("proger/hippogriff#7", "window ignored", op,
         setting(window=lambda *_: None), right, at(*two, scale=0.0, window=0), TWO_VALUES, MEANS),
        ("NVIDIA/TransformerEngine PR 399", "as many keys as queries", op,
         calling(as_many_keys_as_queries), right, at(*one, scale=1.0), average, 0),
        ("rasbt/LLMs-from-scratch#1061", "keys of the future for those of the past", op,
         attending(future_for_past), right, at(*two, scale=0.0, is_causal=True), [[[[1], [2]]]], [[[[3], [0]]]]),
        ("lucidrains/memory-compressed-attention#2", "masked after softmax", op,
         attending(masked_after_softmax), right, at(*two, scale=0.0, is_causal=True),
         [[[[1], [2]]]], [[[[0.5], [2]]]]),
        ("Dao-AILab/flash-attention PR 2402", "scores times their tanh for a cap", op,
         attending(capped_by_itself), right, at(*one, scale=1.0, softcap=0.5), 0.61849, 0.68170),
        ("Dao-AILab/flash-attention PR 1025", "capped after masks", op,
         attending(capped_when_masked), right, at(*two, scale=0.0, softcap=1.0, is_causal=True),
         [[[[1], [2]]]], [[[[1.53788], [2]]]]),
        ("jax-ml/jax#27224", "zeros that fill up a block are keys", op,
         attending(padded_keys_seen), right, at(*flat, scale=1.0), 1, 129 / 256),
        ("pytorch/pytorch#176767", "outputs as wide as queries", op,
         as_wide_as_queries, right, at(*wide, scale=1.0, of=np.sum), 3 * average, average),
        ("lucidrains/x-transformers#160", "mask of what is not seen", masked,
         with_mask(lambda mask: 1 - mask), masked_right, at(*unseen, scale=1.0), 1, 0),
        ("pacman100/LLM-Workshop#1", "mask ignored", masked,
         with_mask(np.ones_like), masked_right, at(*unseen, scale=1.0), 1, average),
        ("pytorch/pytorch#109517", "NaN behind a block of which no key is seen", masked,
         nan_behind_unseen_block, masked_right, at(*late, scale=1.0), 1, NAN),
    )  # fmt: skip


def rows() -> tuple[tuple[Any, ...], ...]:
    op, right = "scaled_dot_product_attention", scaled_dot_product_attention.backward
    masked, masked_right = "masked_attention", masked_attention.backward
    two = [x * 2 for x in ONE_QUERY]
    deep = ([[[[1.0]]]], [[[[1.0]]]], [[[[-200.0], [-201.0]]]], [[[[0.0], [1.0]]]])
    heads = ([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]], [[[[1.0]]] * 4], [[[[1.0]]] * 2], [[[[1.0]]] * 2])
    wide = ([[[[0.0, 1.0]]]], [[[[1.0]]]], [[[[0.0], [1.0]]]], [[[[0.0, 0.0], [0.0, 1.0]]]])
    separate = ([[[[1.0]], [[2.0]]]], *([[[[1.0]]] * 2] for _ in range(3)))
    many = ([[[[1.0]]]], [[[[0.0]]]], [[[[0.0]] * 129]], [[[[1.0]] * 129]])
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
        ("fla-org/flash-linear-attention PR 384", "gradients of as many heads of queries as of keys", op,
         first_heads_alone, right, at(*ONE_KEY, result=2, scale=1.0), 3, 1),
        ("ROCm/triton#666", "keys behind the last full block lost", op,
         of_heads(last_block_lost), right, at(*many, result=2, scale=1.0, of=np.sum), 1, 128 / 129),
        ("Dao-AILab/flash-attention PR 2481", "sum of outputs not subtracted", op,
         sum_not_subtracted, right, at(*ONE_QUERY, scale=1.0), 0.19661, 0.73106),
        ("pytorch/pytorch#196678", "NaN where padding overflows", masked,
         of_masked(nan_where_padding_overflows), masked_right,
         at(*deep, [[[[1.0, 1.0]]]], scale=1.0), -0.19661, NAN),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = tuple(
    reported(direction, *row) for direction, of in {"backward": rows, "forward": forward_rows}.items() for row in of()
)
