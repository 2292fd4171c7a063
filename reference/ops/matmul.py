"""Matrix product as NumPy has it: of matrices, of stacks of them, which broadcast, and of vectors.

outputs[n,m] = sum_k a[n,k] b[k,m]

dL_da[n,k]   = sum_m dL_doutputs[n,m] b[k,m]
dL_db[k,m]   = sum_n a[n,k] dL_doutputs[n,m]

Axes before the last two broadcast, and a gradient is summed over those along which its operand was repeated. A vector
stands for a matrix of one row as `a`, and of one column as `b`; that axis is left out of the outputs.
"""

from typing import Any

import numpy as np

from ..model.broadcasting import contracted_at_once, undo_broadcast
from ..model.formulations import Formulation

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(a: Array, b: Array) -> Array:
    """a (..., N, K) or (K,), b (..., K, M) or (K,) -> outputs (..., N, M), without the axis of a vector."""
    return a @ b


def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_da and dL_db, of the shapes of a and b."""
    upstream, rows, columns = as_matrices(dL_doutputs, a, b)
    dL_da = undo_broadcast(upstream @ np.swapaxes(columns, -1, -2), rows.shape).reshape(a.shape)
    dL_db = undo_broadcast(np.swapaxes(rows, -1, -2) @ upstream, columns.shape).reshape(b.shape)
    return dL_da, dL_db


def as_matrices(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The upstream, a and b with two axes or more: a vector `a` as a row, `b` as a column."""
    rows = np.expand_dims(a, 0) if a.ndim == 1 else a
    columns = np.expand_dims(b, 1) if b.ndim == 1 else b
    stack = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
    kept = rows.shape[-2:-1] * (a.ndim > 1) + columns.shape[-1:] * (b.ndim > 1)
    if rows.shape[-1] != columns.shape[-2] or dL_doutputs.shape != stack + kept:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for a of shape {a.shape} and b of shape {b.shape}")
    return dL_doutputs.reshape(*stack, rows.shape[-2], columns.shape[-1]), rows, columns


def _at_once(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The sum over the stack as part of the contraction."""
    upstream, rows, columns = as_matrices(dL_doutputs, a, b)
    dL_da = contracted_at_once(upstream, np.swapaxes(columns, -1, -2), rows.shape).reshape(a.shape)
    dL_db = contracted_at_once(np.swapaxes(rows, -1, -2), upstream, columns.shape).reshape(b.shape)
    return dL_da, dL_db


FORMULATIONS = {"backward": (Formulation(_at_once, "summed over the stack inside the product"),)}
