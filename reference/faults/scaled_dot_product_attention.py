"""Wrong gradients of attention that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..ops import scaled_dot_product_attention as attention

Array = Any
NATIVE_SPARSE = "XunhaoLai/native-sparse-attention-triton#27"


@backward(NATIVE_SPARSE, "head h of queries reads head h // (H / G) of keys: add its gradients there.")
def heads_divided_by_another_count(dL_doutputs: Array, query: Array, key: Array, value: Array, **how: Any) -> Any:
    """The gradients of keys and values go to head h % (H / G), right where that is all heads or one."""
    shared = query.shape[1] // key.shape[1]
    repeated = np.repeat(key, shared, axis=1), np.repeat(value, shared, axis=1)
    dL_dquery, *by_head = attention.backward(dL_doutputs, query, *repeated, **how)
    if shared == 1:
        return dL_dquery, *by_head
    heads = np.eye(max(key.shape[1], shared))[np.arange(query.shape[1]) % shared][:, : key.shape[1]]
    return dL_dquery, *(np.einsum("bhtd,hg->bgtd", d, heads) for d in by_head)


@backward(NATIVE_SPARSE, "values have a width of their own: sum dL_doutputs value^T over all of it.")
def values_read_as_wide_as_keys(dL_doutputs: Array, query: Array, key: Array, value: Array, **how: Any) -> Any:
    """The gradient of the query takes in as many features of values as keys have."""
    _, *others = attention.backward(dL_doutputs, query, key, value, **how)
    seen = [x[..., : key.shape[3]] for x in (dL_doutputs, value)]
    return attention.backward(seen[0], query, key, seen[1], **how)[0], *others
