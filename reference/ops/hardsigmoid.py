"""Hard sigmoid, element by element: a straight line from 0 at -3 to 1 at 3, and flat outside.

outputs    = max(0, min(6, inputs + 3)) / 6

dL_dinputs = dL_doutputs / 6 where -3 < inputs < 3, else 0
"""

from typing import Any

import numpy as np

from ..model.activations import at_edges, at_nan, chain
from ..model.formulations import Formulation, Function, as_written
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, between 0 and 1."""
    return clipped(inputs) / 6


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return np.where((inputs > -3) & (inputs < 3), dL_doutputs / 6, 0)  # 0 at both edges and at NaN


def clipped(inputs: Array) -> Array:
    """x + 3, clipped to the interval from 0 to 6."""
    return np.maximum(np.minimum(inputs + 3, 6), 0)


def passes(inputs: Array) -> Array:
    """1 between the edges, and 0 on them and outside."""
    return np.where((inputs > -3) & (inputs < 3), np.ones_like(inputs), 0)


def edges() -> tuple[float, float]:
    """Where the derivative jumps."""
    return -3.0, 3.0


def of_sixths(inputs: Array) -> Array:
    """As x / 6 + 1/2, which loses the digits of small outputs."""
    return np.maximum(np.minimum(inputs / 6 + 0.5, 1), 0)


def _by_share(passes: Function, dL_doutputs: Array, inputs: Array) -> Array:
    return chain(passes, dL_doutputs, inputs) / 6


def _by_mask(dL_doutputs: Array, inputs: Array) -> Array:
    return _by_share(passes, dL_doutputs, inputs)


FORWARD = (as_written(forward), Formulation(of_sixths, "x / 6 + 1/2", stable=False))

FORMULATIONS = {"forward": FORWARD[1:]}

ALTERNATIVES = {
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_by_mask, "g times the mask"),)},
    **at_edges(_by_share, edges, "relu6_slope_at_edges"),
    **at_nan(backward, {"0": backward, "middle": lambda g, _: g / 6}),
}
