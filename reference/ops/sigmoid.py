"""Sigmoid, element by element: y = 1 / (1 + exp(-x)).

outputs    = 1 / (1 + exp(-inputs))

dL_dinputs = dL_doutputs sigmoid(inputs) sigmoid(-inputs)

Most implementations compute the slope as s (1 - s): the same number, but the digits of 1 - s are lost where s is close
to 1.
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation, Function, as_written, losing_digits, shared, through
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


@shared
def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same, between 0 and 1."""
    small = np.exp(-np.absolute(inputs))  # at most 1, so that nothing overflows
    return np.where(inputs >= 0, 1, small) / (1 + small)


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs)


def slope(inputs: Array) -> Array:
    """The derivative, s(x) s(-x)."""
    return forward(inputs) * forward(-inputs)


def _reciprocal(inputs: Array) -> Array:
    """As it is usually written; for large negative x, exp(-x) overflows, and the quotient is 0."""
    return 1 / (1 + np.exp(-inputs))


def _by_tanh(inputs: Array) -> Array:
    """As kernels have it that compute tanh in one instruction; the left tail loses its digits."""
    return 0.5 * np.tanh(0.5 * inputs) + 0.5


def _of_saved(function: Function, inputs: Array) -> Array:
    """The slope from an output that was saved."""
    outputs = stored(function(inputs))
    return outputs * (1 - outputs)


def _through_reciprocal(inputs: Array) -> Array:
    """The slope as reverse mode finds it: exp(-x) r^2, where r is the reciprocal."""
    exponential = np.exp(-inputs)
    outputs = 1 / (1 + exponential)
    return exponential * outputs * outputs


FORWARD = (
    as_written(forward),
    Formulation(_reciprocal, "1 / (1 + exp(-x))", stable=False),
    Formulation(_by_tanh, "(1 + tanh(x/2)) / 2", stable=False),
)
SLOPES = (
    as_written(slope),
    *losing_digits(through(_of_saved, FORWARD, name="s (1 - s)")),
    Formulation(_through_reciprocal, "exp(-x) / (1 + exp(-x))^2", stable=False),
)

FORMULATIONS = {"forward": FORWARD[1:], "backward": through(chain, SLOPES)[1:]}
