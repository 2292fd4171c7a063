"""Attention of several heads under a mask: each query's average of the values that its mask lets it see.

scores[i,j]   = scale sum_d query[i,d] key[j,d]
p[i,j]        = exp(scores[i,j]) / sum_k exp(scores[i,k])           over the keys where mask[i,k] is not 0, else 0
outputs[i,e]  = sum_j p[i,j] value[j,e]

dL_dvalue     = p^T dL_doutputs
dp            = dL_doutputs value^T
dscores       = p (dp - sum_j p[i,j] dp[i,j])
dL_dquery     = scale dscores key
dL_dkey       = scale dscores^T query

in each batch and head. H heads of queries share G heads of keys and values, H / G after one another, whose gradients
are summed. A mask of one batch or one head is that of all. A query that sees no key has outputs and a gradient of 0.
"""

from typing import Any

import numpy as np

from ..model import attention
from ..model.formulations import Function, through
from ..model.reductions import Shape
from .scaled_dot_product_attention import TENSORS

Array = Any

LABELS = ("mask",)
BATCH_AXIS = dict.fromkeys((*TENSORS, "mask"), 0)


def forward(query: Array, key: Array, value: Array, mask: Array, *, scale: float) -> Array:
    """query (B, H, S, D), key (B, G, T, D), value (B, G, T, E), mask (B or 1, H or 1, S, T) of 0 and 1 -> outputs
    (B, H, S, E)."""
    attention.require_heads(query, key, value)
    seen = seen_by(mask, query.shape, key.shape)
    return attention.attend(attention.averaged, query, key, value, seen, scale)


def backward(
    dL_doutputs: Array, query: Array, key: Array, value: Array, mask: Array, *, scale: float
) -> tuple[Array, Array, Array]:
    """dL_doutputs (B, H, S, E), and forward's arguments -> dL_dquery, dL_dkey, dL_dvalue of their shapes."""
    attention.require_heads(query, key, value)
    seen = seen_by(mask, query.shape, key.shape)
    how = attention.probabilities, attention.sum_of_p_dp
    return attention.differentiate(*how, dL_doutputs, query, key, value, seen, scale)


def seen_by(mask: Array, query: Shape, key: Shape) -> np.ndarray:
    """Where the mask is not 0. Raises ValueError where it does not fit the shapes of queries and keys."""
    due = (*query[:3], key[2])
    if mask.shape not in [(b, h, *due[2:]) for b in (1, due[0]) for h in (1, due[1])]:
        raise ValueError(f"mask of shape {mask.shape} where {due} is due")
    return np.asarray(mask != 0)


def _masked(core: Function, *tensors: Array, scale: float) -> Any:
    *others, mask = tensors
    query, key, value = others[-3:]
    attention.require_heads(query, key, value)
    return core(*others, seen_by(mask, query.shape, key.shape), scale, None)


FORMULATIONS = {
    "forward": through(_masked, attention.FORWARD)[1:],
    "backward": through(_masked, attention.BACKWARD)[1:],
}
ALTERNATIVES = {
    ("masked_row", answer): {direction: through(_masked, cores) for direction, cores in by_direction.items()}
    for answer, by_direction in attention.MASKED_ROWS.items()
}
