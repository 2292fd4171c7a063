"""Convolution of images, as networks have it: each window times a weight, which is not turned round.

outputs[n,o,y,x]     = bias[o] + sum_c,i,j inputs[n,c,sy+di-p,sx+dj-p] weight[o,c,i,j]

dL_dinputs[n,c,u,v]  = sum_o,i,j dL_doutputs[n,o,y,x] weight[o,c,i,j], over all windows with sy+di-p = u, sx+dj-p = v
dL_dweight[o,c,i,j]  = sum_n,y,x dL_doutputs[n,o,y,x] inputs[n,c,sy+di-p,sx+dj-p]
dL_dbias[o]          = sum_n,y,x dL_doutputs[n,o,y,x]

s is the stride, d the dilation, and p the padding: what lies outside is 0. With groups, an output channel sees the
channels of its own group alone. Transforms that trade multiplications for additions (Winograd, FFT) lose more digits
than these tolerances allow.
"""

from typing import Any

import numpy as np

from ..model.convolution import (
    CORRELATED,
    SPREAD,
    WEIGHT_GRADIENT,
    Sizes,
    Windows,
    columns_of,
    correlated,
    require_images,
    require_outputs,
    sliding,
    spread,
    weight_gradient,
)
from ..model.formulations import Formulation, replacing, through
from ..model.functions import over_batch

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
    """inputs (N, C, H, W), weight (O, C / groups, KH, KW), bias (O,) -> outputs (N, O, OH, OW)."""
    windows = windows_of(inputs, weight, bias, stride, padding, dilation, groups)
    return correlated(inputs, weight, windows, groups) + bias.reshape(-1, 1, 1)


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
    """dL_doutputs (N, O, OH, OW) and forward's arguments -> dL_dinputs, dL_dweight, dL_dbias, of their shapes."""
    windows = windows_of(inputs, weight, bias, stride, padding, dilation, groups)
    require_outputs(dL_doutputs, (inputs.shape[0], weight.shape[0], *windows.count))
    dL_dinputs = spread(dL_doutputs, weight, windows, groups)
    dL_dweight = weight_gradient(dL_doutputs, inputs, windows, groups).reshape(weight.shape)
    dL_dbias = over_batch(dL_doutputs, axis=(0, 2, 3))
    return dL_dinputs, dL_dweight, dL_dbias


def windows_of(
    inputs: Array, weight: Array, bias: Array, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Windows:
    """Lay the windows over the inputs. Raises ValueError where inputs, weight and bias do not fit together."""
    require_images(inputs, weight.shape[1] * groups, weight, bias, weight.shape[0], groups)
    return sliding(inputs.shape[2:], weight.shape[2:], stride, padding, dilation)


def _bias_inside(
    inputs: Array,
    weight: Array,
    bias: Array,
    *,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Array:
    """The bias as one more term of each sum."""
    windows = windows_of(inputs, weight, bias, stride, padding, dilation, groups)
    columns, o = columns_of(inputs, windows, groups), weight.shape[0]
    n, _, channels, taps, count = columns.shape
    columns = columns.reshape(n, groups, channels * taps, count)
    matrix = weight.reshape(groups, o // groups, channels * taps)
    columns = np.concatenate([columns, np.ones((n, groups, 1, count))], axis=2)
    matrix = np.concatenate([matrix, bias.reshape(groups, o // groups, 1)], axis=2)
    return (matrix @ columns).reshape(n, o, *windows.count)


_BACKWARD = replacing(backward, spread, weight_gradient)
FORMULATIONS = {
    "forward": (
        *through(replacing(forward, correlated), CORRELATED[1:]),
        Formulation(_bias_inside, "bias inside the product"),
    ),
    "backward": (
        *through(_BACKWARD, SPREAD[1:2], WEIGHT_GRADIENT[:1]),
        *through(_BACKWARD, SPREAD[2:], WEIGHT_GRADIENT[1:]),
    ),
}
