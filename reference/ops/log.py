"""Natural logarithm, element by element.

outputs    = log(inputs)

dL_dinputs = dL_doutputs / inputs
"""

from typing import Any

import numpy as np

from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same; log 0 is -inf, and a negative number has none: NaN."""
    return np.log(inputs)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs / inputs
