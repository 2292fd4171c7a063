"""Hard tanh, element by element: inputs clipped to an interval. ReLU6 is this with the interval from 0 to 6.

outputs    = max(min_value, min(max_value, inputs))

dL_dinputs = dL_doutputs where min_value < inputs < max_value, else 0
"""

from typing import Any

import numpy as np

from ..model.activations import at_edges, at_nan, chain, unchanged
from ..model.formulations import Formulation, Function
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, *, min_value: float, max_value: float) -> Array:
    """inputs of any shape -> outputs of the same, between min_value and max_value."""
    return np.maximum(np.minimum(inputs, max_value), min_value)


def backward(dL_doutputs: Array, inputs: Array, *, min_value: float, max_value: float) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return np.where((inputs > min_value) & (inputs < max_value), dL_doutputs, 0)  # 0 at both edges and at NaN


def _edges(*, min_value: float, max_value: float) -> tuple[float, float]:
    return min_value, max_value


def _by_share(passes: Function, dL_doutputs: Array, inputs: Array, **_: float) -> Array:
    return chain(passes, dL_doutputs, inputs)


def _by_mask(dL_doutputs: Array, inputs: Array, *, min_value: float, max_value: float) -> Array:
    return dL_doutputs * np.where((inputs > min_value) & (inputs < max_value), 1, 0)


ALTERNATIVES = {
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_by_mask, "g times the mask"),)},
    **at_edges(_by_share, _edges, "clip_slope_at_edges", "relu6_slope_at_edges"),
    **at_nan(backward, {"0": backward, "middle": unchanged}),
}
