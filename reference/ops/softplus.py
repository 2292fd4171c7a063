"""Softplus, element by element: y = log(1 + exp(beta x)) / beta.

outputs    = max(0, inputs) + log(1 + exp(-|beta inputs|)) / beta

dL_dinputs = dL_doutputs sigmoid(beta inputs)
"""

from typing import Any

import numpy as np

from ..model.activations import chain
from ..model.formulations import Formulation, Function, as_written, through
from ..model.functions import stored
from ..model.shapes import require_same_shape
from . import sigmoid

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}
THRESHOLD = 20
"""The product beta x above which some implementations return x."""


def forward(inputs: Array, *, beta: float = 1.0) -> Array:
    """inputs of any shape, beta above 0 -> outputs of the same shape."""
    small = np.exp(-np.absolute(beta * inputs))  # at most 1, so that nothing overflows
    return np.maximum(inputs, 0) + np.log1p(small) / beta


def backward(dL_doutputs: Array, inputs: Array, *, beta: float = 1.0) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs, beta=beta)


def slope(inputs: Array, *, beta: float = 1.0) -> Array:
    """The derivative, the sigmoid of beta x, whose sign is that of x."""
    small = np.exp(-np.absolute(beta * inputs))
    return np.where(inputs >= 0, 1, small) / (1 + small)


def _by_logaddexp(inputs: Array, *, beta: float = 1.0) -> Array:
    """As log(exp(beta x) + exp(0)), divided by beta at the end."""
    scaled = beta * inputs
    return (np.maximum(scaled, 0) + np.log1p(np.exp(-np.absolute(scaled)))) / beta


def _by_logarithm(inputs: Array, *, beta: float = 1.0) -> Array:
    """The same by log in place of log1p, which loses the digits of the left tail."""
    scaled = beta * inputs
    return (np.maximum(scaled, 0) + np.log(1 + np.exp(-np.absolute(scaled)))) / beta


def _as_defined(inputs: Array, *, beta: float = 1.0) -> Array:
    """By the definition, whose exponential overflows."""
    return np.log(1 + np.exp(beta * inputs)) / beta


def _slope_by(function: Function, inputs: Array, *, beta: float = 1.0) -> Array:
    return function(beta * inputs)


def _quotient(inputs: Array, *, beta: float = 1.0) -> Array:
    exponential = np.exp(beta * inputs)
    return exponential / (1 + exponential)


def of_saved(inputs: Array, *, beta: float = 1.0) -> Array:
    """exp(z - log(1 + exp z)), the derivative of log-add-exp, from the output."""
    return np.exp(beta * (inputs - stored(forward(inputs, beta=beta))))


def _thresholded(function: Function, *tensors: Array, beta: float = 1.0) -> Array:
    """Of inputs above the threshold the output is x itself, and the gradient the upstream."""
    return np.where(beta * tensors[-1] > THRESHOLD, tensors[0], function(*tensors, beta=beta))


FORWARD = (
    as_written(forward),
    Formulation(_by_logaddexp, "log-add-exp over beta"),
    Formulation(_by_logarithm, "log-add-exp by log, over beta", stable=False),
    Formulation(_as_defined, "log(1 + exp(beta x)) / beta", stable=False),
)
SLOPES = (
    as_written(slope),
    *through(_slope_by, sigmoid.FORWARD[1:]),
    Formulation(_quotient, "exp z / (1 + exp z)", stable=False),
    Formulation(of_saved, "exp(z - softplus z)", stable=False),
)
BACKWARD = through(chain, SLOPES)

FORMULATIONS = {"forward": FORWARD[1:], "backward": BACKWARD[1:]}

ALTERNATIVES = {
    ("softplus_threshold", "20"): {
        "forward": through(_thresholded, FORWARD),
        "backward": through(_thresholded, BACKWARD),
    }
}
