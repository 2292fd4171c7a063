"""Wrong gradients of a gather that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..model.indexing import places
from ..ops import gather

Array = Any


@backward("pytorch/pytorch#1631", "add up the gradients of all places with the same index.")
def last_index_wins(dL_doutputs: Array, inputs: Array, indices: np.ndarray, *, axis: int) -> Any:
    """Where an index is repeated, the gradient of its last place alone is written."""
    written = np.zeros_like(gather.backward(dL_doutputs, inputs, indices, axis=axis))
    written.reshape(-1)[places(indices, inputs.shape, axis)] = dL_doutputs.reshape(-1)
    return written


@backward("ooples/AiDotNet.Tensors PR 894", "add the gradient to where its index points.")
def gathers_again(dL_doutputs: Array, inputs: Array, indices: np.ndarray, *, axis: int) -> Any:
    """The gradient is gathered with the same indices, taken modulo its size where they lie beyond it."""
    due = gather.backward(dL_doutputs, inputs, indices, axis=axis)
    if not due.size or not indices.size:
        return due
    along = dL_doutputs.shape[axis]
    found = np.take_along_axis(dL_doutputs, np.asarray(indices) % along, axis=axis)
    for k, size in enumerate(due.shape):
        found = np.take(found, np.arange(size) % found.shape[k], axis=k)
    return found
