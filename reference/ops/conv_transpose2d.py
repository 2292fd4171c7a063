"""Transposed convolution of images: each input times a weight, added up where the window of a convolution would be.

outputs[n,o,u,v]     = bias[o] + sum_c,i,j inputs[n,c,y,x] weight[c,o,i,j], over all y, x with sy+di-p = u, sx+dj-p = v

dL_dinputs[n,c,y,x]  = sum_o,i,j dL_doutputs[n,o,sy+di-p,sx+dj-p] weight[c,o,i,j]
dL_dweight[c,o,i,j]  = sum_n,y,x inputs[n,c,y,x] dL_doutputs[n,o,sy+di-p,sx+dj-p]
dL_dbias[o]          = sum_n,u,v dL_doutputs[n,o,u,v]

s is the stride, d the dilation, and p what is cut off on each side. There are s (H - 1) + d (KH - 1) + 1 - 2 p rows of
outputs, and those of `output_padding` at the end, which no window need reach. Forward is what `conv2d` does to the
gradient of its outputs, and takes the weight as it does.
"""

from typing import Any

from ..model.convolution import (
    CORRELATED,
    SPREAD,
    WEIGHT_GRADIENT,
    Sizes,
    Windows,
    correlated,
    laid,
    pair,
    require_images,
    require_outputs,
    spread,
    weight_gradient,
)
from ..model.formulations import replacing, through
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
    output_padding: Sizes = 0,
) -> Array:
    """inputs (N, C, H, W), weight (C, O / groups, KH, KW), bias (O,) -> outputs (N, O, OH, OW)."""
    windows = windows_of(inputs, weight, bias, stride, padding, dilation, groups, output_padding)
    return spread(inputs, weight, windows, groups) + bias.reshape(-1, 1, 1)


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
    output_padding: Sizes = 0,
) -> Gradients:
    """dL_doutputs (N, O, OH, OW) and forward's arguments -> dL_dinputs, dL_dweight, dL_dbias, of their shapes."""
    windows = windows_of(inputs, weight, bias, stride, padding, dilation, groups, output_padding)
    require_outputs(dL_doutputs, (inputs.shape[0], *bias.shape, *windows.image))
    dL_dinputs = correlated(dL_doutputs, weight, windows, groups)
    dL_dweight = weight_gradient(inputs, dL_doutputs, windows, groups).reshape(weight.shape)
    dL_dbias = over_batch(dL_doutputs, axis=(0, 2, 3))
    return dL_dinputs, dL_dweight, dL_dbias


def windows_of(
    inputs: Array,
    weight: Array,
    bias: Array,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
    output_padding: Sizes,
) -> Windows:
    """Lay a window over the outputs for each input. Raises ValueError where the arguments do not fit together."""
    require_images(inputs, weight.shape[0], weight, bias, weight.shape[1] * groups, groups)
    count, kernel = inputs.shape[2:], weight.shape[2:]
    given = tuple(zip(count, kernel, *map(pair, (stride, padding, dilation, output_padding)), strict=True))
    image = tuple(step * (n - 1) + gap * (k - 1) + 1 - 2 * cut + more for n, k, step, cut, gap, more in given)
    if min(image) < 1 or any(more < 0 or more >= max(step, gap) for _, _, step, _, gap, more in given):
        raise ValueError(f"outputs of size {image} with output_padding {output_padding}")
    return laid(count, image, kernel, stride, padding, dilation)


FORMULATIONS = {
    "forward": through(replacing(forward, spread), SPREAD[1:]),
    "backward": through(replacing(backward, correlated, weight_gradient), CORRELATED[1:], WEIGHT_GRADIENT[1:]),
}
