"""Wrong convolutions of images that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..ops import conv2d

Array = Any


@backward("FlagOpen/FlagGems PR 1576", "what no window reaches is at the end: its gradient is 0, and nothing moves.")
def remainder_first(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, **sizes: Any) -> Any:
    """What no window reaches is taken to be the first rows and columns: the inputs' gradient is shifted by them."""
    dL_dinputs, dL_dweight, dL_dbias = conv2d.backward(dL_doutputs, inputs, weight, bias, **sizes)
    stride, padding, dilation = (np.resize(sizes.get(name, own), 2) for name, own in SIZES.items())
    reach = np.array(inputs.shape[2:]) + 2 * padding - dilation * (np.array(weight.shape[2:]) - 1) - 1
    return np.roll(dL_dinputs, tuple(reach % stride), axis=(2, 3)), dL_dweight, dL_dbias


SIZES = {"stride": 1, "padding": 0, "dilation": 1}


@backward("sebgao/cTensor#3", "sum over images and windows; a mean belongs to the loss.")
def dweight_a_mean(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, **sizes: Any) -> Any:
    """The weight's gradient is divided by the number of images and places."""
    dL_dinputs, dL_dweight, dL_dbias = conv2d.backward(dL_doutputs, inputs, weight, bias, **sizes)
    return dL_dinputs, dL_dweight / max(dL_doutputs[:, 0].size, 1), dL_dbias
