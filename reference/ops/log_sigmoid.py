"""Logarithm of the sigmoid, element by element: y = -log(1 + exp(-x)).

outputs    = min(0, inputs) - log(1 + exp(-|inputs|))

dL_dinputs = dL_doutputs sigmoid(-inputs)
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation, Function, as_written, losing_digits, replacing, through
from ..model.functions import stored
from ..model.shapes import require_same_shape
from . import sigmoid, softplus

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, at most 0."""
    return np.minimum(inputs, 0) - np.log1p(np.exp(-np.absolute(inputs)))  # the power of e is at most 1


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs)


def slope(inputs: Array) -> Array:
    """The derivative, 1 - s(x) = s(-x)."""
    return sigmoid.forward(-inputs)


def _by_softplus(function: Function, inputs: Array) -> Array:
    return -function(-inputs)


def _logarithm(function: Function, inputs: Array) -> Array:
    return np.log(function(inputs))


def _one_minus(function: Function, inputs: Array) -> Array:
    return 1 - function(inputs)


def _of_saved(inputs: Array) -> Array:
    """1 - exp(y), from the output."""
    return 1 - np.exp(stored(forward(inputs)))


def _of_saved_softplus(inputs: Array) -> Array:
    return softplus.of_saved(-inputs)


def _by_sides(inputs: Array) -> Array:
    """From n = exp(-|x|): n / (1 + n) on the right, and 1 minus that on the left."""
    small = np.exp(-np.absolute(inputs))
    share = small / (1 + small)
    return np.where(inputs < 0, 1 - share, share)


FORWARD = (
    *through(_by_softplus, softplus.FORWARD[2:], name="-softplus(-x)"),
    *losing_digits(through(_logarithm, sigmoid.FORWARD[:2], name="log(s)")),
)
SLOPES = (
    as_written(slope),
    *through(replacing(slope, sigmoid.forward), sigmoid.FORWARD[1:]),
    Formulation(_by_sides, "n / (1 + n) or 1 - n / (1 + n)"),
    *losing_digits(through(_one_minus, sigmoid.FORWARD[:1], name="1 - s")),
    Formulation(_of_saved, "1 - exp(y)", stable=False),
    Formulation(_of_saved_softplus, "exp(-x - softplus(-x))", stable=False),
)

FORMULATIONS = {"forward": FORWARD, "backward": through(chain, SLOPES)[1:]}
