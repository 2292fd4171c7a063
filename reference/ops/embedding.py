"""Rows of a table by index, as embeddings of tokens.

outputs[n]    = weight[indices[n]]

dL_dweight[v] = sum of dL_doutputs[n] over all n with indices[n] = v, and 0 where v is padding_idx
"""

from typing import Any

import numpy as np

from ..model.formulations import Alternatives, as_written
from ..model.functions import scatter_add
from ..model.indexing import require_indices

Array = Any

LABELS = ("indices",)
BATCH_AXIS = {"indices": 0, "outputs": 0, "dL_doutputs": 0}


def forward(indices: np.ndarray, weight: Array, *, padding_idx: int | None = None) -> Array:
    """indices (...), weight (V, D) -> outputs (..., D)."""
    _require_rows(indices, weight, padding_idx)
    return weight[indices]


def backward(dL_doutputs: Array, indices: np.ndarray, weight: Array, *, padding_idx: int | None = None) -> Array:
    """dL_doutputs (..., D), and forward's arguments -> dL_dweight (V, D)."""
    counted = _of_every_row(dL_doutputs, indices, weight, padding_idx=padding_idx)
    if padding_idx is None:
        return counted
    row = np.arange(len(weight))[:, None] == padding_idx % len(weight)
    return np.where(row, 0, counted)  # forward reads this row, too: 0 is its gradient by convention


def _of_every_row(dL_doutputs: Array, indices: np.ndarray, weight: Array, *, padding_idx: int | None = None) -> Array:
    _require_rows(indices, weight, padding_idx)
    if dL_doutputs.shape != (*indices.shape, weight.shape[1]):
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for indices of shape {indices.shape}")
    return scatter_add(dL_doutputs.reshape(indices.size, weight.shape[1]), indices.reshape(-1), len(weight))


def _require_rows(indices: np.ndarray, weight: Array, padding_idx: int | None) -> None:
    """Raise ValueError unless weight has the rows that are named, and the padding row."""
    if weight.ndim != 2 or (padding_idx is not None and not -len(weight) <= padding_idx < len(weight)):
        raise ValueError(f"weight of shape {weight.shape}, where rows are due, {padding_idx} among them")
    require_indices(indices, len(weight))


ALTERNATIVES: Alternatives = {("embedding_padding", "ignored"): {"backward": (as_written(_of_every_row),)}}
