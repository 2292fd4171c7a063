"""Exponential, element by element.

outputs    = exp(inputs)

dL_dinputs = exp(inputs) dL_doutputs
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, above 0."""
    return np.exp(inputs)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * np.exp(inputs)


def _of_saved(inputs: Array) -> Array:
    """The slope from the output, which was saved."""
    return stored(forward(inputs))


def _by_saved(dL_doutputs: Array, inputs: Array) -> Array:
    return chain(_of_saved, dL_doutputs, inputs)


FORMULATIONS = {"backward": (Formulation(_by_saved, "g y"),)}
