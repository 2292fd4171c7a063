"""Hard swish, element by element: x times its hard sigmoid.

outputs    = inputs hardsigmoid(inputs)

dL_dinputs = 0 where inputs <= -3, dL_doutputs where inputs >= 3, else (inputs / 3 + 1/2) dL_doutputs

See Howard et al., "Searching for MobileNetV3" (2019), https://arxiv.org/abs/1905.02244.
"""

from functools import partial
from typing import Any

import numpy as np

from ..model.activations import at_edges, at_nan, limits_at_infinity, unchanged
from ..model.formulations import Formulation, Function, as_written, losing_digits, replacing, through
from ..model.shapes import require_same_shape
from . import hardsigmoid

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return inputs * hardsigmoid.forward(inputs)  # -inf gives NaN: an infinity times 0


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * (hardsigmoid.clipped(inputs) + inputs * hardsigmoid.passes(inputs)) / 6


def _divided_last(inputs: Array) -> Array:
    """As x clip(x + 3) / 6, whose product overflows."""
    return inputs * hardsigmoid.clipped(inputs) / 6


def _in_three_pieces(dL_doutputs: Array, inputs: Array) -> Array:
    between = np.where(inputs < 3, dL_doutputs * (inputs / 3 + 0.5), dL_doutputs)
    return np.where(inputs <= -3, 0, between)


def _product_rule(function: Function, passes: Function, dL_doutputs: Array, inputs: Array) -> Array:
    """g h + (g x) h', as reverse mode has it."""
    return dL_doutputs * function(inputs) + dL_doutputs * inputs * passes(inputs) / 6


PASSES = (as_written(hardsigmoid.passes),)

FORMULATIONS = {
    "forward": (
        *through(replacing(forward, hardsigmoid.forward), hardsigmoid.FORWARD)[1:],
        Formulation(_divided_last, "x clip(x + 3) / 6", stable=False),
    ),
    "backward": (
        Formulation(_in_three_pieces, "x / 3 + 1/2 between"),
        *losing_digits(through(_product_rule, hardsigmoid.FORWARD, PASSES, name="g h + (g x) h'")),  # g x overflows
    ),
}

LIMITS = limits_at_infinity(forward, backward, FORMULATIONS)

ALTERNATIVES = {
    **LIMITS,
    ("activation_at_infinity", "limit-of-slope"): {
        "forward": (as_written(forward),),
        "backward": LIMITS["activation_at_infinity", "limit"]["backward"],
    },
    **at_edges(partial(_product_rule, hardsigmoid.forward), hardsigmoid.edges, "relu6_slope_at_edges"),
    **at_nan(backward, {"0": lambda g, *_: g * 0, "right": unchanged}),
}
