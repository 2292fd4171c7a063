"""GELU, element by element: y = x Phi(x), Phi being the normal distribution's cumulative function, or nearly so.

outputs    = inputs Phi(inputs)

dL_dinputs = (Phi(inputs) + inputs Phi'(inputs)) dL_doutputs

With approximate="none", Phi(x) = erfc(-x / sqrt 2) / 2, and Phi'(x) = exp(-x^2 / 2) / sqrt(2 pi).
With approximate="tanh", Phi(x) = (1 + tanh u) / 2 = sigmoid(2u), where u = sqrt(2 / pi) (x + 0.044715 x^3).
See Hendrycks and Gimpel, "Gaussian error linear units" (2016), https://arxiv.org/abs/1606.08415.
"""

from typing import Any

import numpy as np

from ..model.activations import limits_at_infinity
from ..model.formulations import Formulation, Function, as_written, losing_digits, replacing, through
from ..model.functions import INV_SQRT_2PI, SQRT_2_OVER_PI, SQRT_HALF, erf, erf_absolute, erfc
from ..model.shapes import require_same_shape
from . import tanh

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, *, approximate: str = "none") -> Array:
    """inputs of any shape, approximate "none" or "tanh" -> outputs of the same shape."""
    return inputs * cumulative(inputs, approximate)  # -inf gives NaN: an infinity times 0


def backward(dL_doutputs: Array, inputs: Array, *, approximate: str = "none") -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * (cumulative(inputs, approximate) + inputs * density(inputs, approximate))


def cumulative(inputs: Array, approximate: str) -> Array:
    """Phi, with the digits of its left tail. Raises ValueError on another word than "none" and "tanh"."""
    if approximate == "none":
        return 0.5 * erfc(-inputs * SQRT_HALF)
    if approximate == "tanh":
        small = np.exp(-2 * np.absolute(inner(inputs)))  # at most 1, so that nothing overflows
        return np.where(inputs >= 0, 1, small) / (1 + small)
    raise ValueError(f"approximate={approximate!r} is neither 'none' nor 'tanh'")


def density(inputs: Array, approximate: str) -> Array:
    """The derivative of Phi."""
    if approximate == "none":
        return np.exp(inputs * inputs * -0.5) * INV_SQRT_2PI
    small = np.exp(-2 * np.absolute(inner(inputs)))
    return 2 * small / ((1 + small) * (1 + small)) * inner_slope(inputs)


def inner(inputs: Array) -> Array:
    """The argument of tanh."""
    return (inputs + 0.044715 * (inputs * inputs * inputs)) * SQRT_2_OVER_PI


def inner_slope(inputs: Array) -> Array:
    """Its derivative; 0.134145 is three times 0.044715."""
    return (1 + 0.134145 * (inputs * inputs)) * SQRT_2_OVER_PI


def _by_erf(inputs: Array, approximate: str) -> Array:
    """As most have it; the left tail loses its digits."""
    return 0.5 * (1 + (np.tanh(inner(inputs)) if approximate == "tanh" else erf(inputs * SQRT_HALF)))


def _by_absolute_erf(inputs: Array, approximate: str) -> Array:
    """The same with functions that are right to a unit roundoff of 1, not of their value."""
    if approximate == "tanh":
        return 0.5 * (1 + tanh.by_sigmoid(inner(inputs)))
    return 0.5 * (1 + erf_absolute(inputs * SQRT_HALF))


def _density_by_square(inputs: Array, approximate: str) -> Array:
    """As reverse mode has it: the argument of erf squared, or 1 - tanh^2."""
    if approximate == "tanh":
        outputs = np.tanh(inner(inputs))
        return 0.5 * (1 - outputs * outputs) * inner_slope(inputs)
    argument = inputs * SQRT_HALF
    return np.exp(-(argument * argument)) * INV_SQRT_2PI


def _product_rule(
    cumulative: Function, density: Function, dL_doutputs: Array, inputs: Array, *, approximate: str = "none"
) -> Array:
    """g Phi + (g x) Phi', as reverse mode has it."""
    return dL_doutputs * cumulative(inputs, approximate) + (dL_doutputs * inputs) * density(inputs, approximate)


CUMULATIVE = (
    as_written(cumulative),
    Formulation(_by_erf, "1 + erf or 1 + tanh", stable=False),
    Formulation(_by_absolute_erf, "1 + a coarse erf or tanh", stable=False),
)
DENSITY = (as_written(density), Formulation(_density_by_square, "exp(-z^2) or 1 - tanh^2", stable=False))

FORMULATIONS = {
    "forward": through(replacing(forward, cumulative), CUMULATIVE)[1:],
    "backward": losing_digits(through(_product_rule, CUMULATIVE, DENSITY, name="g Phi + (g x) Phi'")),  # g x overflows
}

ALTERNATIVES = limits_at_infinity(forward, backward, FORMULATIONS)
