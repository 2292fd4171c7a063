"""CELU, element by element: y = x, or alpha (exp(x / alpha) - 1) where x is negative.

outputs    = max(0, inputs) + alpha (exp(min(0, inputs) / alpha) - 1)

dL_dinputs = dL_doutputs where inputs > 0, else exp(inputs / alpha) dL_doutputs

An ELU whose slope is 1 on both sides of 0, whatever alpha is: see Barron, "Continuously differentiable exponential
linear units" (2017), https://arxiv.org/abs/1704.07483.
"""

from typing import Any

import numpy as np

from ..model.activations import at_nan, chain, unchanged
from ..model.formulations import Formulation, Function, as_written, losing_digits, through
from ..model.functions import stored
from ..model.shapes import require_same_shape

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, *, alpha: float) -> Array:
    """inputs of any shape -> outputs of the same, above -alpha."""
    return np.maximum(inputs, 0) + alpha * np.expm1(np.minimum(inputs, 0) / alpha)


def backward(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs, alpha=alpha)


def slope(inputs: Array, *, alpha: float) -> Array:
    """The derivative."""
    return np.exp(np.minimum(inputs, 0) / alpha)


def _by_exponential(inputs: Array, *, alpha: float) -> Array:
    """Without expm1, small inputs lose their digits."""
    return np.maximum(inputs, 0) + alpha * (np.exp(np.minimum(inputs, 0) / alpha) - 1)


def _of_saved(function: Function, inputs: Array, *, alpha: float) -> Array:
    """The slope from an output that was saved."""
    return (np.minimum(stored(function(inputs, alpha=alpha)), 0) + alpha) / alpha


FORWARD = (as_written(forward), Formulation(_by_exponential, "exp(x / alpha) - 1", stable=False))
SLOPES = (as_written(slope), *losing_digits(through(_of_saved, FORWARD, name="(y + alpha) / alpha")))

FORMULATIONS = {"forward": FORWARD[1:], "backward": through(chain, SLOPES)[1:]}

ALTERNATIVES = at_nan(backward, {"right": unchanged})
