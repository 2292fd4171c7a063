"""Normalisation of each row, the last axis, by its root mean square, with a weight for each column.

scale[n]         = 1 / sqrt(sum_d inputs[n,d]^2 / D + eps)
outputs[n,d]     = inputs[n,d] scale[n] weight[d]

g[n,d]           = dL_doutputs[n,d] weight[d]
normal[n,d]      = inputs[n,d] scale[n]
dL_dinputs[n,d]  = scale[n] (g[n,d] - normal[n,d] mean_d (g[n,d] normal[n,d]))
dL_dweight[d]    = sum_n dL_doutputs[n,d] normal[n,d]

n stands for all axes but the last. See Zhang and Sennrich, "Root mean square layer normalization" (2019),
https://arxiv.org/abs/1910.07467.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, shared
from ..model.functions import over_batch
from ..model.shapes import require_columns_of, require_same_shape

Array = Any

BATCH_AXIS = {"inputs": -2, "outputs": -2, "dL_doutputs": -2, "dL_dinputs": -2}


def forward(inputs: Array, weight: Array, *, eps: float) -> Array:
    """inputs (..., D), weight (D,) -> outputs (..., D)."""
    require_columns_of(inputs=inputs, weight=weight)
    return inputs * scale_of(inputs, eps) * weight


def backward(dL_doutputs: Array, inputs: Array, weight: Array, *, eps: float) -> tuple[Array, Array]:
    """dL_doutputs (..., D) and forward's arguments -> dL_dinputs (..., D), dL_dweight (D,)."""
    require_columns_of(inputs=inputs, weight=weight)
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    scale = scale_of(inputs, eps)
    normal, g = inputs * scale, dL_doutputs * weight
    dL_dinputs = scale * (g - normal * (g * normal).mean(axis=-1, keepdims=True))
    dL_dweight = over_batch(dL_doutputs * normal, tuple(range(inputs.ndim - 1)))
    return dL_dinputs, dL_dweight


@shared
def scale_of(inputs: Array, eps: float) -> Array:
    """1 / sqrt(mean of squares + eps), (..., 1)."""
    return 1 / np.sqrt((inputs * inputs).mean(axis=-1, keepdims=True) + eps)


def _cubed(dL_doutputs: Array, inputs: Array, weight: Array, *, eps: float) -> tuple[Array, Array]:
    """With the cube of the scale, as the derivative of x (mean(x^2) + eps)^(-1/2) has it."""
    scale, g = scale_of(inputs, eps), dL_doutputs * weight
    shared = scale * scale * scale * (g * inputs).mean(axis=-1, keepdims=True)
    return g * scale - inputs * shared, over_batch(dL_doutputs * (inputs * scale), tuple(range(inputs.ndim - 1)))


FORMULATIONS = {"backward": (Formulation(_cubed, "with scale^3"),)}
