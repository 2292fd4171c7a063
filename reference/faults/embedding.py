"""Wrong embeddings that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import embedding

Array = Any


@backward("apache/mxnet#9172", "add up the gradients of all places with the same index.")
def last_index_wins(dL_doutputs: Array, indices: np.ndarray, weight: Array, *, padding_idx: int | None = None) -> Any:
    """Where an index is repeated, the gradient of its last place alone is written."""
    found = embedding.backward(dL_doutputs, indices, weight, padding_idx=padding_idx)
    written = np.zeros_like(found)
    written[indices] = dL_doutputs
    return np.where(found == 0, found, written)


@forward("pytorch/pytorch#53368", "read the padding row as any other.")
def padding_row_is_zero(indices: np.ndarray, weight: Array, *, padding_idx: int | None = None) -> Any:
    """The padding row is taken for zeros."""
    outputs = embedding.forward(indices, weight, padding_idx=padding_idx)
    return outputs if padding_idx is None else np.where((indices == padding_idx % len(weight))[..., None], 0, outputs)
