"""Square, element by element: y = x^2.

outputs    = inputs^2

dL_dinputs = 2 inputs dL_doutputs
"""

from typing import Any

from ..model.formulations import Formulation
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return inputs * inputs


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return 2 * inputs * dL_doutputs


def _doubled_last(dL_doutputs: Array, inputs: Array) -> Array:
    return 2 * (inputs * dL_doutputs)


def _upstream_doubled(dL_doutputs: Array, inputs: Array) -> Array:
    return 2 * dL_doutputs * inputs


FORMULATIONS = {
    "backward": (
        Formulation(_doubled_last, "2 (x g), or x g + g x by the product rule"),
        Formulation(_upstream_doubled, "(2 g) x"),
    )
}
