"""Hyperbolic tangent, element by element.

outputs    = tanh(inputs)

dL_dinputs = 4 e / (1 + e)^2 dL_doutputs, where e = exp(-2 |inputs|)

Most implementations compute the slope as 1 - tanh^2: the same number, but its digits are lost where |tanh| is close
to 1.
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation, Function, as_written, losing_digits, through
from ..model.functions import stored
from ..model.shapes import require_same_shape
from . import sigmoid

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, between -1 and 1."""
    return np.tanh(inputs)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs)


def slope(inputs: Array) -> Array:
    """The derivative, 1 / cosh^2."""
    small = np.exp(-2 * np.absolute(inputs))  # at most 1, so that nothing overflows
    return 4 * small / ((1 + small) * (1 + small))


def _by_expm1(inputs: Array) -> Array:
    shrunk = np.expm1(-2 * np.absolute(inputs))
    return np.where(inputs >= 0, -shrunk, shrunk) / (2 + shrunk)


def by_sigmoid(inputs: Array) -> Array:
    """As kernels have it that know the sigmoid alone; small inputs lose their digits."""
    return 2 * sigmoid.forward(2 * inputs) - 1


def _one_minus_square(function: Function, inputs: Array) -> Array:
    outputs = stored(function(inputs))
    return 1 - outputs * outputs


def _two_factors(dL_doutputs: Array, inputs: Array) -> Array:
    """(g + g y)(1 - y), which spares a square."""
    outputs = stored(forward(inputs))
    return (dL_doutputs + dL_doutputs * outputs) * (1 - outputs)


def _twice(slope: Function, inputs: Array) -> Array:
    """The slope of 2 s(2x) - 1."""
    return 4 * slope(2 * inputs)


FORWARD = (
    as_written(forward),
    Formulation(_by_expm1, "through expm1"),
    Formulation(by_sigmoid, "2 s(2x) - 1", stable=False),
)
SLOPES = (
    as_written(slope),
    *losing_digits(through(_one_minus_square, FORWARD, name="1 - y^2")),
    *through(_twice, sigmoid.SLOPES[-1:], name="4 s'(2x)"),
)

FORMULATIONS = {
    "forward": FORWARD[1:],
    "backward": (*through(chain, SLOPES)[1:], Formulation(_two_factors, "(g + g y)(1 - y)", stable=False)),
}
