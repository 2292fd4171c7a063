"""Square root, element by element.

outputs    = sqrt(inputs)

dL_dinputs = dL_doutputs / (2 sqrt(inputs))
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same; a negative number has none: NaN."""
    return np.sqrt(inputs)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs / (2 * np.sqrt(inputs))  # infinite at 0


def _by_saved(dL_doutputs: Array, inputs: Array) -> Array:
    """From the output, which was saved."""
    return dL_doutputs / (2 * stored(forward(inputs)))


def _by_reciprocal(dL_doutputs: Array, inputs: Array) -> Array:
    """g times half a reciprocal square root."""
    return dL_doutputs * (0.5 / np.sqrt(inputs))


FORMULATIONS = {"backward": (Formulation(_by_saved, "g / 2y"), Formulation(_by_reciprocal, "g times 0.5 / sqrt(x)"))}
