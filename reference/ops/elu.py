"""ELU, element by element: y = x, or alpha (exp(x) - 1) where x is negative.

outputs    = max(0, inputs) + alpha (exp(min(0, inputs)) - 1)

dL_dinputs = dL_doutputs where inputs > 0, else alpha exp(inputs) dL_doutputs

See Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units (ELUs)"
(2015), https://arxiv.org/abs/1511.07289.
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
    return np.maximum(inputs, 0) + alpha * np.expm1(np.minimum(inputs, 0))


def backward(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * slope(inputs, alpha=alpha)


def slope(inputs: Array, *, alpha: float) -> Array:
    """The derivative; at 0 that on the left, alpha."""
    return np.where(inputs > 0, 1, alpha * np.exp(np.minimum(inputs, 0)))


def _by_exponential(inputs: Array, *, alpha: float) -> Array:
    """Without expm1, small inputs lose their digits."""
    return np.where(inputs > 0, inputs, alpha * (np.exp(np.minimum(inputs, 0)) - 1))


def _of_saved(function: Function, inputs: Array, *, alpha: float) -> Array:
    """The slope from an output that was saved."""
    return np.where(inputs > 0, 1, stored(function(inputs, alpha=alpha)) + alpha)


def _slope_one(dL_doutputs: Array, inputs: Array, *, alpha: float) -> Array:
    return np.where(inputs == 0, dL_doutputs, backward(dL_doutputs, inputs, alpha=alpha))


FORWARD = (as_written(forward), Formulation(_by_exponential, "exp(x) - 1", stable=False))
SLOPES = (as_written(slope), *losing_digits(through(_of_saved, FORWARD, name="y + alpha")))

FORMULATIONS = {"forward": FORWARD[1:], "backward": through(chain, SLOPES)[1:]}

ALTERNATIVES = {
    ("elu_slope_at_zero", "1"): {"backward": (Formulation(_slope_one, "g at 0"),)},
    **at_nan(backward, {"right": unchanged}),
}
