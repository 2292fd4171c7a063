"""Maximum over windows of images.

outputs[n,c,y,x]    = max of inputs[n,c,sy+di-p,sx+dj-p] over i and j

dL_dinputs[n,c,u,v] = sum of dL_doutputs[n,c,y,x] over all windows of which u, v is the first of the largest elements

s is the stride, d the dilation, and p the padding: what lies outside is less than any number. First is row by row.
"""

from functools import partial
from typing import Any

import numpy as np

from ..model.convolution import Sizes, Windows, added_up, columns_of, in_groups, pooled, require_outputs
from ..model.formulations import Alternatives, Formulation

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, dilation: Sizes = 1) -> Array:
    """inputs (N, C, H, W) -> outputs (N, C, OH, OW)."""
    windows = pooled(inputs, kernel_size, stride, padding, dilation)
    return columns_of(inputs, windows, 1, -np.inf).max(axis=3).reshape(*inputs.shape[:2], *windows.count)


def backward(
    dL_doutputs: Array,
    inputs: Array,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Array:
    """dL_doutputs (N, C, OH, OW) and forward's arguments -> dL_dinputs (N, C, H, W)."""
    windows = pooled(inputs, kernel_size, stride, padding, dilation)
    require_outputs(dL_doutputs, (*inputs.shape[:2], *windows.count))
    winners = largest(inputs, windows)
    first = winners & (np.cumsum(winners, axis=3) == 1)  # of those that tie
    return added_up(np.where(first, np.expand_dims(in_groups(dL_doutputs, 1), 3), 0), windows)


def largest(inputs: Array, windows: Windows) -> np.ndarray:
    """Where the elements of windows (N, 1, C, KH KW, OH OW) are the largest, one or several that tie."""
    columns = columns_of(inputs, windows, 1, -np.inf)
    return np.asarray(columns == columns.max(axis=3, keepdims=True))


def _by(
    answer: str,
    dL_doutputs: Array,
    inputs: Array,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes = 0,
    dilation: Sizes = 1,
) -> Array:
    """All to the last that ties, equal shares, or a product with the mask of the first."""
    windows = pooled(inputs, kernel_size, stride, padding, dilation)
    winners, upstream = largest(inputs, windows), np.expand_dims(in_groups(dL_doutputs, 1), 3)
    if answer == "shared":
        return added_up(np.where(winners, upstream / np.maximum(winners.sum(axis=3, keepdims=True), 1), 0), windows)
    step = -1 if answer == "last" else 1
    chosen = winners & (np.cumsum(winners[:, :, :, ::step], axis=3)[:, :, :, ::step] == 1)
    if answer == "mask":
        return added_up(upstream * np.where(chosen, 1, 0), windows)
    return added_up(np.where(chosen, upstream, 0), windows)


ALTERNATIVES: Alternatives = {
    ("infinite_times_zero", "nan"): {"backward": (Formulation(partial(_by, "mask"), "g times the mask"),)},
    ("max_pool_tie", "last"): {"backward": (Formulation(partial(_by, "last"), "to the last"),)},
    ("max_pool_tie", "shared"): {"backward": (Formulation(partial(_by, "shared"), "equal shares"),)},
}
