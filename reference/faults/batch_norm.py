"""Wrong batch normalisations that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..ops import batch_norm

Array = Any


@backward("facebookresearch/CrypTen PR 143", "mean and variance depend on the inputs: two more terms are due.")
def moments_as_constants(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
    """Mean and variance are taken for constants, as they are where a network is not trained."""
    _, dL_dweight, dL_dbias = batch_norm.backward(dL_doutputs, inputs, weight, bias, eps=eps)
    axes, per_channel = batch_norm.over(inputs, weight, bias)
    if not inputs.size:
        return inputs, dL_dweight, dL_dbias
    scale = weight.reshape(per_channel) / np.sqrt(inputs.var(axis=axes, keepdims=True) + eps)
    return dL_doutputs * scale, dL_dweight, dL_dbias
