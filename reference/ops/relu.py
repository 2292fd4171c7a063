"""Rectified linear unit, element by element: y = max(0, x).

outputs    = max(0, inputs)

dL_dinputs = dL_doutputs where inputs > 0, else 0
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same; a NaN stays a NaN."""
    return np.maximum(inputs, 0)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return np.where(inputs > 0, dL_doutputs, 0)  # slope 0 at 0 and at NaN; a dead unit passes nothing, not even inf


def _slope_half(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs == 0, dL_doutputs * 0.5, backward(dL_doutputs, inputs))


def _slope_one(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs == 0, dL_doutputs, backward(dL_doutputs, inputs))


def _by_mask(dL_doutputs: Array, inputs: Array) -> Array:
    return dL_doutputs * np.where(inputs > 0, 1, 0)


def _open_at_nan(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs != inputs, dL_doutputs, backward(dL_doutputs, inputs))


def _nan_at_nan(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs != inputs, inputs, backward(dL_doutputs, inputs))


def _zero_at_nan(inputs: Array) -> Array:
    return np.where(inputs > 0, inputs, 0)


ALTERNATIVES = {
    ("relu_slope_at_zero", "1/2"): {"backward": (Formulation(_slope_half, "g / 2 at 0"),)},
    ("relu_slope_at_zero", "1"): {"backward": (Formulation(_slope_one, "g at 0"),)},
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_by_mask, "g times the mask"),)},
    ("relu_slope_at_nan", "1"): {"backward": (Formulation(_open_at_nan, "g at NaN"),)},
    ("relu_slope_at_nan", "nan"): {"backward": (Formulation(_nan_at_nan, "NaN at NaN"),)},
    ("relu_of_nan", "0"): {"forward": (Formulation(_zero_at_nan, "0 at NaN"),)},
}
