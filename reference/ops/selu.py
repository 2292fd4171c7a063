"""SELU, element by element: an ELU of fixed alpha, scaled so that activations keep mean 0 and variance 1.

outputs    = scale (max(0, inputs) + alpha (exp(min(0, inputs)) - 1))

dL_dinputs = scale dL_doutputs where inputs > 0, else scale alpha exp(inputs) dL_doutputs

See Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017),
https://arxiv.org/abs/1706.02515; the constants are those of its equation 14, to all digits of float64.
"""

from typing import Any

import numpy as np

from ..model.activations import at_nan, chain
from ..model.formulations import Formulation, Function, losing_digits, through
from ..model.functions import stored
from ..model.shapes import require_same_shape
from . import elu

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return SCALE * elu.forward(inputs, alpha=ALPHA)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * (SCALE * elu.slope(inputs, alpha=ALPHA))  # at 0 the slope on the left, 1.758


def _scaled(function: Function, inputs: Array) -> Array:
    return SCALE * function(inputs, alpha=ALPHA)


def _of_saved(inputs: Array) -> Array:
    """The slope from an output that was saved."""
    return np.where(inputs > 0, SCALE, stored(forward(inputs)) + SCALE * (ALPHA * np.ones_like(inputs)))


def _on_the_right(dL_doutputs: Array, *_: Array) -> Array:
    return dL_doutputs * SCALE


def _slope_of_the_right(dL_doutputs: Array, inputs: Array) -> Array:
    return np.where(inputs == 0, dL_doutputs * SCALE, backward(dL_doutputs, inputs))


SLOPES = (*through(_scaled, elu.SLOPES), Formulation(_of_saved, "y + scale alpha", stable=False))

FORMULATIONS = {"forward": through(_scaled, elu.FORWARD)[1:], "backward": losing_digits(through(chain, SLOPES)[1:])}

ALTERNATIVES = {
    ("elu_slope_at_zero", "1"): {"backward": (Formulation(_slope_of_the_right, "scale g at 0"),)},
    **at_nan(backward, {"right": _on_the_right}),
}
