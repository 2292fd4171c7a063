"""SiLU, or swish, element by element: y = x sigmoid(x).

outputs    = inputs sigmoid(inputs)

dL_dinputs = (sigmoid(inputs) + inputs sigmoid(inputs) sigmoid(-inputs)) dL_doutputs
"""

from typing import Any

from ..model.activations import chain, limits_at_infinity
from ..model.formulations import Function, losing_digits, replacing, through
from ..model.shapes import require_same_shape
from . import sigmoid

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return inputs * sigmoid.forward(inputs)  # -inf gives NaN: an infinity times 0


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * (sigmoid.forward(inputs) + inputs * sigmoid.slope(inputs))


def _product_rule(slope: Function, dL_doutputs: Array, inputs: Array) -> Array:
    """g s + (g x) s', as reverse mode has it."""
    return dL_doutputs * sigmoid.forward(inputs) + (dL_doutputs * inputs) * slope(inputs)


def _bracketed(function: Function, inputs: Array) -> Array:
    outputs = function(inputs)
    return outputs * (1 + inputs * (1 - outputs))


BACKWARD = (
    *through(_product_rule, sigmoid.SLOPES, name="g s + (g x) s'"),
    *through(chain, through(_bracketed, sigmoid.FORWARD, name="s (1 + x (1 - s))")),
)

FORMULATIONS = {
    "forward": through(replacing(forward, sigmoid.forward), sigmoid.FORWARD)[1:],
    "backward": losing_digits(BACKWARD),  # g x overflows, or 1 - s is 0
}

ALTERNATIVES = limits_at_infinity(forward, backward, FORMULATIONS)
