"""Scaled dot-product attention of several heads: each query's average of values, weighted by a softmax over keys.

scores[i,j]   = scale sum_d query[i,d] key[j,d]                     then softcap tanh(scores / softcap), if there is one
p[i,j]        = exp(scores[i,j]) / sum_k exp(scores[i,k])           over the keys that query i sees, else 0
outputs[i,e]  = sum_j p[i,j] value[j,e]

dL_dvalue     = p^T dL_doutputs
dp            = dL_doutputs value^T
dscores       = p (dp - sum_j p[i,j] dp[i,j])                       times 1 - tanh^2, if there is a softcap
dL_dquery     = scale dscores key
dL_dkey       = scale dscores^T query

in each batch and head. H heads of queries share G heads of keys and values, H / G after one another, whose gradients
are summed. With is_causal query i sees keys j <= i, with a window those with |i - j| <= window, both counted from 0.
"""

from typing import Any

import numpy as np

from ..model import attention
from ..model.formulations import Function, as_written, through

Array = Any

TENSORS = ("query", "key", "value", "outputs", "dL_doutputs", "dL_dquery", "dL_dkey", "dL_dvalue")
BATCH_AXIS = dict.fromkeys(TENSORS, 0)


def forward(
    query: Array,
    key: Array,
    value: Array,
    *,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> Array:
    """query (B, H, S, D), key (B, G, T, D), value (B, G, T, E) -> outputs (B, H, S, E)."""
    attention.require_heads(query, key, value)
    mask = counted_from_first(query.shape[2], key.shape[2], is_causal, window)
    return attention.attend(attention.averaged, query, key, value, mask, scale, softcap)


def backward(
    dL_doutputs: Array,
    query: Array,
    key: Array,
    value: Array,
    *,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> tuple[Array, Array, Array]:
    """dL_doutputs (B, H, S, E), and forward's arguments -> dL_dquery, dL_dkey, dL_dvalue of their shapes."""
    attention.require_heads(query, key, value)
    mask = counted_from_first(query.shape[2], key.shape[2], is_causal, window)
    how = attention.probabilities, attention.sum_of_p_dp
    return attention.differentiate(*how, dL_doutputs, query, key, value, mask, scale, softcap)


def counted_from_first(queries: int, keys: int, is_causal: bool, window: int | None) -> np.ndarray:
    """The keys that queries see: the first query stands beside the first key, as in PyTorch and JAX."""
    return attention.visible(queries, keys, is_causal, window)


def counted_from_last(queries: int, keys: int, is_causal: bool, window: int | None) -> np.ndarray:
    """The same where the last query stands beside the last key, as in FlashAttention."""
    return attention.visible(queries, keys, is_causal, window, keys - queries)


def _masked(
    counted: Function,
    core: Function,
    *tensors: Array,
    scale: float,
    is_causal: bool = False,
    softcap: float | None = None,
    window: int | None = None,
) -> Any:
    query, key, value = tensors[-3:]
    attention.require_heads(query, key, value)
    return core(*tensors, counted(query.shape[2], key.shape[2], is_causal, window), scale, softcap)


_CORES = {"forward": attention.FORWARD, "backward": attention.BACKWARD}
_FROM_FIRST, _FROM_LAST = [as_written(counted_from_first)], [as_written(counted_from_last)]
FORMULATIONS = {direction: through(_masked, _FROM_FIRST, cores)[1:] for direction, cores in _CORES.items()}
_ALIGNED = {direction: through(_masked, _FROM_LAST, cores) for direction, cores in _CORES.items()}
ALTERNATIVES = {
    ("causal_alignment", "bottom-right"): _ALIGNED,
    ("masked_row", "0-bottom-right"): _ALIGNED,
    **{
        ("masked_row", answer): {d: through(_masked, _FROM_FIRST, cores) for d, cores in by_direction.items()}
        for answer, by_direction in attention.MASKED_ROWS.items()
    },
}
