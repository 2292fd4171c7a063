"""Reciprocal, element by element: y = 1 / x.

outputs    = 1 / inputs

dL_dinputs = -dL_doutputs / inputs^2
"""

from typing import Any

from ..model.formulations import Formulation
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same; 0 and -0 have infinities."""
    return 1 / inputs


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return -dL_doutputs / inputs / inputs  # whose square overflows, or underflows


def _by_saved(dL_doutputs: Array, inputs: Array) -> Array:
    """-(g y) y, of the output, which was saved."""
    outputs = stored(forward(inputs))
    return -(dL_doutputs * outputs) * outputs


def _by_square_of_saved(dL_doutputs: Array, inputs: Array) -> Array:
    outputs = stored(forward(inputs))
    return -dL_doutputs * (outputs * outputs)


def _by_square(dL_doutputs: Array, inputs: Array) -> Array:
    return -dL_doutputs / (inputs * inputs)


FORMULATIONS = {
    "backward": (
        Formulation(_by_saved, "-(g y) y"),
        Formulation(_by_square_of_saved, "-g y^2", stable=False),
        Formulation(_by_square, "-g / x^2", stable=False),
    )
}
