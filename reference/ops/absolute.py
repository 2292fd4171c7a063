"""Absolute value, element by element.

outputs    = max(inputs, -inputs)

dL_dinputs = dL_doutputs where inputs > 0, -dL_doutputs where inputs < 0, else 0
"""

from typing import Any

import numpy as np

from ..model.activations import at_nan, unchanged
from ..model.formulations import Formulation
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return np.maximum(inputs, -inputs)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return np.where(inputs > 0, dL_doutputs, np.where(inputs < 0, -dL_doutputs, 0))  # slope 0 at 0 and at NaN


def _one_at_zero(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs == 0, dL_doutputs, backward(dL_doutputs, inputs))


def _minus_one_at_zero(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs == 0, -dL_doutputs, backward(dL_doutputs, inputs))


ALTERNATIVES = {
    ("abs_slope_at_zero", "1"): {"backward": (Formulation(_one_at_zero, "g at 0"),)},
    ("abs_slope_at_zero", "-1"): {"backward": (Formulation(_minus_one_at_zero, "-g at 0"),)},
    **at_nan(backward, {"0": backward, "left": lambda g, _: -g, "right": unchanged}),
}
