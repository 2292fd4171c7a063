"""Softsign, element by element: y = x / (1 + |x|).

outputs    = inputs / (1 + |inputs|)

dL_dinputs = dL_doutputs / (1 + |inputs|)^2
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation, as_written, through
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, between -1 and 1."""
    return inputs / (1 + np.absolute(inputs))  # an infinity gives NaN: one over another


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs / (1 + np.absolute(inputs)) / (1 + np.absolute(inputs))  # whose square overflows


def _of_square(dL_doutputs: Array, inputs: Array) -> Array:
    denominator = 1 + np.absolute(inputs)
    return dL_doutputs / (denominator * denominator)


def _of_saved(inputs: Array) -> Array:
    """The slope from an output that was saved."""
    rest = 1 - np.absolute(stored(forward(inputs)))
    return rest * rest


def _quotient_rule(dL_doutputs: Array, inputs: Array) -> Array:
    """g / d - |x| g / d^2, as reverse mode has it."""
    denominator = 1 + np.absolute(inputs)
    return dL_doutputs / denominator - dL_doutputs * np.absolute(inputs) / denominator / denominator


def _limit(inputs: Array) -> Array:
    at_infinity = np.where(inputs > 0, 1, -1)
    return np.where(np.absolute(inputs) == np.inf, at_infinity, forward(inputs))


FORMULATIONS = {
    "backward": (
        Formulation(_of_square, "1 / (1 + |x|)^2", stable=False),
        *through(chain, (Formulation(_of_saved, "(1 - |y|)^2", stable=False),)),
        Formulation(_quotient_rule, "1 / d - |x| / d^2", stable=False),
    )
}

ALTERNATIVES = {
    ("softsign_at_infinity", "nan"): {"forward": (as_written(forward),)},
    ("softsign_at_infinity", "limit"): {"forward": (Formulation(_limit, "1 at inf"),)},
}
