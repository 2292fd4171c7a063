"""Sum over axes.

outputs    = sum of inputs over the axes

dL_dinputs = dL_doutputs, the same for all inputs that it is a sum of
"""

from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis
from ..model.reductions import kept, kept_shape

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """inputs of any shape, an axis, several of them or None for all -> outputs without them, or of size 1 there."""
    kept_shape(inputs.shape, axis)
    return inputs.sum(axis=axis, keepdims=keepdims)


def backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_dinputs of the inputs' shape."""
    return np.broadcast_to(kept(dL_doutputs, inputs, axis, keepdims), inputs.shape)
