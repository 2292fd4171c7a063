"""Mean over windows of images.

outputs[n,c,y,x]    = sum of inputs[n,c,sy+i-p,sx+j-p] over i and j / divisor[y,x]

dL_dinputs[n,c,u,v] = sum of dL_doutputs[n,c,y,x] / divisor[y,x] over all windows that u, v is in

s is the stride, and p the padding: what lies outside is 0. The divisor is the size of a window, or without
`count_include_pad` the number of its elements that lie inside the image.
"""

from typing import Any

import numpy as np

from ..model.convolution import Sizes, Windows, added_up, columns_of, in_groups, pooled, require_outputs
from ..model.formulations import Formulation

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(
    inputs: Array, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Array:
    """inputs (N, C, H, W) -> outputs (N, C, OH, OW)."""
    windows = pooled(inputs, kernel_size, stride, padding)
    sums = columns_of(inputs, windows, 1).sum(axis=3)
    return (sums / divisor(windows, count_include_pad)).reshape(*inputs.shape[:2], *windows.count)


def backward(
    dL_doutputs: Array,
    inputs: Array,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes = 0,
    count_include_pad: bool = True,
) -> Array:
    """dL_doutputs (N, C, OH, OW) and forward's arguments -> dL_dinputs (N, C, H, W)."""
    windows = pooled(inputs, kernel_size, stride, padding)
    require_outputs(dL_doutputs, (*inputs.shape[:2], *windows.count))
    return spread_evenly(in_groups(dL_doutputs, 1) / divisor(windows, count_include_pad), windows)


def divisor(windows: Windows, count_include_pad: bool) -> Any:
    """The size of a window, or the number of its elements that lie inside the image, (OH OW,)."""
    if count_include_pad:
        return len(windows.places)
    return columns_of(np.ones((1, 1, *windows.image)), windows, 1).sum(axis=(0, 1, 2, 3))


def spread_evenly(shares: Array, windows: Windows) -> Array:
    """A share of each window (N, 1, C, OH OW), which all of its elements get, added up in images."""
    n, groups, c, count = shares.shape
    columns = np.broadcast_to(np.expand_dims(shares, 3), (n, groups, c, len(windows.places), count))
    return added_up(columns, windows)


def _reciprocal(windows: Windows, given: Array, count_include_pad: bool) -> Array:
    """1 / divisor, as rounded as what it scales."""
    return np.ones_like(given) / divisor(windows, count_include_pad)


def _by_reciprocal(
    inputs: Array, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Array:
    windows = pooled(inputs, kernel_size, stride, padding)
    sums = columns_of(inputs, windows, 1).sum(axis=3)
    outputs = sums * _reciprocal(windows, sums, count_include_pad)
    return outputs.reshape(*inputs.shape[:2], *windows.count)


def _sum_of_shares(
    inputs: Array, *, kernel_size: Sizes, stride: Sizes, padding: Sizes = 0, count_include_pad: bool = True
) -> Array:
    windows = pooled(inputs, kernel_size, stride, padding)
    columns = columns_of(inputs, windows, 1)
    outputs = (columns * _reciprocal(windows, columns, count_include_pad)).sum(axis=3)
    return outputs.reshape(*inputs.shape[:2], *windows.count)


def _backward_by_reciprocal(
    dL_doutputs: Array,
    inputs: Array,
    *,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Sizes = 0,
    count_include_pad: bool = True,
) -> Array:
    windows, given = pooled(inputs, kernel_size, stride, padding), in_groups(dL_doutputs, 1)
    return spread_evenly(given * _reciprocal(windows, given, count_include_pad), windows)


FORMULATIONS = {
    "forward": (Formulation(_by_reciprocal, "times 1 / divisor"), Formulation(_sum_of_shares, "a sum of shares")),
    "backward": (Formulation(_backward_by_reciprocal, "times 1 / divisor"),),
}
