"""Convolution of signals, as networks have it: each window times a weight, which is not turned round.

outputs[n,o,y]     = bias[o] + sum_c,i inputs[n,c,sy+di-p] weight[o,c,i]

dL_dinputs[n,c,u]  = sum_o,i dL_doutputs[n,o,y] weight[o,c,i], over all windows with sy+di-p = u
dL_dweight[o,c,i]  = sum_n,y dL_doutputs[n,o,y] inputs[n,c,sy+di-p]
dL_dbias[o]        = sum_n,y dL_doutputs[n,o,y]

s is the stride, d the dilation, and p the padding: what lies outside is 0. With groups, an output channel sees the
channels of its own group alone. It is `conv2d` of images of one row.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..model.convolution import Sizes
from ..model.formulations import replacing, through
from . import conv2d

Array = Any
Gradients = tuple[Array, Array, Array]

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(
    inputs: Array,
    weight: Array,
    bias: Array,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """inputs (N, C, L), weight (O, C / groups, K), bias (O,) -> outputs (N, O, OL)."""
    images, kernel = as_images(inputs, weight)
    steps, around, gaps = of_row(stride, 1), of_row(padding, 0), of_row(dilation, 1)
    outputs = conv2d.forward(images, kernel, bias, stride=steps, padding=around, dilation=gaps, groups=groups)
    return outputs.squeeze(2)


def backward(
    dL_doutputs: Array,
    inputs: Array,
    weight: Array,
    bias: Array,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Gradients:
    """dL_doutputs (N, O, OL) and forward's arguments -> dL_dinputs, dL_dweight, dL_dbias, of their shapes."""
    upstream, images, kernel = as_images(dL_doutputs, inputs, weight)
    steps, around, gaps = of_row(stride, 1), of_row(padding, 0), of_row(dilation, 1)
    dL_dinputs, dL_dweight, dL_dbias = conv2d.backward(
        upstream, images, kernel, bias, stride=steps, padding=around, dilation=gaps, groups=groups
    )
    return dL_dinputs.squeeze(2), dL_dweight.squeeze(2), dL_dbias


def as_images(*signals: Array) -> Iterator[Array]:
    """Signals (N, C, L) as images (N, C, 1, L). Raises ValueError for another rank."""
    for x in signals:
        if x.ndim != 3:
            raise ValueError(f"a tensor of shape {x.shape} where one of rank 3 is due")
        yield np.expand_dims(x, 2)


def of_row(sizes: Sizes, across: int) -> tuple[int, int]:
    """A size along signals, or a tuple of it, as that of images of one row. Raises ValueError for more than one."""
    (along,) = (sizes,) if isinstance(sizes, int) else sizes
    return across, along


FORMULATIONS = {
    "forward": through(replacing(forward, conv2d.forward), conv2d.FORMULATIONS["forward"]),
    "backward": through(replacing(backward, conv2d.backward), conv2d.FORMULATIONS["backward"]),
}
