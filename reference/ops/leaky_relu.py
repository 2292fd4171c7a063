"""Leaky ReLU, element by element: y = x, or negative_slope x where x is negative.

outputs    = inputs where inputs > 0, else negative_slope inputs

dL_dinputs = dL_doutputs where inputs > 0, else negative_slope dL_doutputs
"""

from typing import Any

import numpy as np

from ..model.activations import at_nan, unchanged
from ..model.formulations import Formulation
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, *, negative_slope: float) -> Array:
    """inputs of any shape -> outputs of the same."""
    return np.where(inputs > 0, inputs, negative_slope * inputs)


def backward(dL_doutputs: Array, inputs: Array, *, negative_slope: float) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return np.where(inputs > 0, dL_doutputs, negative_slope * dL_doutputs)  # at 0 the slope on the left


def _by_parts(inputs: Array, *, negative_slope: float) -> Array:
    return np.maximum(inputs, 0) + negative_slope * np.minimum(inputs, 0)


def _slope_one(dL_doutputs: Array, inputs: Array, *, negative_slope: float) -> Array:
    return np.where(inputs == 0, dL_doutputs, backward(dL_doutputs, inputs, negative_slope=negative_slope))


def _slope_halfway(dL_doutputs: Array, inputs: Array, *, negative_slope: float) -> Array:
    halfway = dL_doutputs * 0.5 + negative_slope * (dL_doutputs * 0.5)
    return np.where(inputs == 0, halfway, backward(dL_doutputs, inputs, negative_slope=negative_slope))


FORMULATIONS = {"forward": (Formulation(_by_parts, "max(x, 0) + negative_slope min(x, 0)"),)}

ALTERNATIVES = {
    ("leaky_relu_slope_at_zero", "1"): {"backward": (Formulation(_slope_one, "g at 0"),)},
    ("leaky_relu_slope_at_zero", "halfway"): {"backward": (Formulation(_slope_halfway, "the mean of both at 0"),)},
    **at_nan(backward, {"left": backward, "right": unchanged}),
}
