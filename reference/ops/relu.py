"""Rectified linear unit: y = max(0, x).

    outputs    = max(0, inputs)

    dL_dinputs = dL_doutputs where inputs > 0, else 0

All element by element.
"""

from typing import Any

import numpy as np

from ..model.operation import Formulation

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same; a NaN stays a NaN."""
    return np.maximum(inputs, 0)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    _same_shape(dL_doutputs, inputs)
    return np.where(inputs > 0, dL_doutputs, 0)  # slope 0 at 0 and at NaN; a dead unit passes nothing, not even inf


def backward_slope_half(dL_doutputs: Array, inputs: Array) -> Array:
    """The subgradient halfway between both sides, as a maximum that shares ties evenly has it."""
    return np.where(inputs == 0, dL_doutputs * 0.5, backward(dL_doutputs, inputs))


def backward_slope_one(dL_doutputs: Array, inputs: Array) -> Array:
    """The right-hand derivative at 0."""
    return np.where(inputs == 0, dL_doutputs, backward(dL_doutputs, inputs))


def backward_by_mask(dL_doutputs: Array, inputs: Array) -> Array:
    """The mask as a factor: an infinite upstream on a dead unit gives inf * 0, a NaN."""
    return dL_doutputs * np.where(inputs > 0, 1, 0)


def backward_open_at_nan(dL_doutputs: Array, inputs: Array) -> Array:
    """All passes that is not <= 0, a NaN's upstream with it."""
    return np.where(inputs != inputs, dL_doutputs, backward(dL_doutputs, inputs))


def backward_nan_at_nan(dL_doutputs: Array, inputs: Array) -> Array:
    """A NaN makes its gradient NaN."""
    return np.where(inputs != inputs, inputs, backward(dL_doutputs, inputs))


def forward_zero_at_nan(inputs: Array) -> Array:
    """A comparison that is false for NaN makes 0 of it."""
    return np.where(inputs > 0, inputs, 0)


def _same_shape(dL_doutputs: Array, inputs: Array) -> None:
    if dL_doutputs.shape != inputs.shape:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for inputs of shape {inputs.shape}")


ALTERNATIVES = {
    ("relu_slope_at_zero", "1/2"): {"backward": (Formulation(backward_slope_half),)},
    ("relu_slope_at_zero", "1"): {"backward": (Formulation(backward_slope_one),)},
    ("infinite_times_zero", "nan"): {"backward": (Formulation(backward_by_mask),)},
    ("relu_slope_at_nan", "1"): {"backward": (Formulation(backward_open_at_nan),)},
    ("relu_slope_at_nan", "nan"): {"backward": (Formulation(backward_nan_at_nan),)},
    ("relu_of_nan", "0"): {"forward": (Formulation(forward_zero_at_nan),)},
}
