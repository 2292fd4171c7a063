"""Wrong layer normalisations that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import layer_norm

Array = Any


@forward("harvardnlp/annotated-transformer, LayerNorm", "divide by sqrt(variance + eps), the variance over D.")
def deviation_over_d_less_1(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
    """Divided by the deviation over D - 1 elements, plus eps: the root is taken before eps is added."""
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    variance = (centred * centred).sum(axis=-1, keepdims=True) / (inputs.shape[-1] - 1)
    return weight * centred / (np.sqrt(variance) + eps) + bias


@backward("pytorch/pytorch PR 18233", "dL_dweight is sum(g normal): the weight is no factor of it.")
def dweight_times_weight(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
    """The gradient of the weight is multiplied by the weight."""
    dL_dinputs, dL_dweight, dL_dbias = layer_norm.backward(dL_doutputs, inputs, weight, bias, eps=eps)
    return dL_dinputs, dL_dweight * weight, dL_dbias
