"""Mish, element by element: y = x tanh(softplus(x)).

outputs    = inputs tanh(log(1 + exp(inputs)))

dL_dinputs = (tanh(u) + inputs (1 - tanh(u)^2) sigmoid(inputs)) dL_doutputs, where u = log(1 + exp(inputs))

With n = exp(-|x|), tanh(u) is (1 + 2n) / (1 + 2n + 2n^2) on the right of 0 and n (2 + n) / (2 + 2n + n^2) on the left:
the same number, without the logarithm, and with the digits of both tails.
See Misra, "Mish: A self regularized non-monotonic activation function" (2019), https://arxiv.org/abs/1908.08681.
"""

from typing import Any

import numpy as np

from ..model.activations import chain, limits_at_infinity
from ..model.formulations import Function, losing_digits, shared, through
from ..model.shapes import require_same_shape
from . import sigmoid, softplus

Array = Any

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array) -> Array:
    """inputs of any shape -> outputs of the same."""
    return inputs * share(inputs)  # -inf gives NaN: an infinity times 0


def backward(dL_doutputs: Array, inputs: Array) -> Array:
    """dL_doutputs and inputs of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs * (share(inputs) + inputs * share_slope(inputs))


@shared
def share(inputs: Array) -> Array:
    """tanh(u), what of the input passes."""
    n = np.exp(-np.absolute(inputs))  # at most 1, so that nothing overflows
    return np.where(inputs >= 0, 1 + 2 * n, n * (2 + n)) / _denominator(inputs, n)


def share_slope(inputs: Array) -> Array:
    """The derivative of tanh(u), (1 - tanh(u)^2) sigmoid(x)."""
    n = np.exp(-np.absolute(inputs))
    denominator = _denominator(inputs, n)
    return 4 * (1 + n) * np.where(inputs >= 0, n * n, n) / (denominator * denominator)


@shared
def _denominator(inputs: Array, n: Array) -> Array:
    """(1 + exp(x))^2 + 1, over exp(2x) on the right."""
    return np.where(inputs >= 0, 1 + 2 * n + 2 * (n * n), 2 + 2 * n + n * n)


def _by_tanh(softplus: Function, inputs: Array) -> Array:
    return inputs * np.tanh(softplus(inputs))


def _bracketed(softplus: Function, inputs: Array) -> Array:
    """The slope as kernels have it."""
    passed = np.tanh(softplus(inputs))
    return passed + inputs * sigmoid.forward(inputs) * (1 - passed * passed)


def _product_rule(softplus: Function, dL_doutputs: Array, inputs: Array) -> Array:
    """As reverse mode has it; g x overflows."""
    passed = np.tanh(softplus(inputs))
    return dL_doutputs * passed + (dL_doutputs * inputs) * (1 - passed * passed) * sigmoid.forward(inputs)


SOFTPLUS = (softplus.FORWARD[0], softplus.FORWARD[2])

FORMULATIONS = {
    "forward": through(_by_tanh, SOFTPLUS, name="x tanh(softplus x)"),
    "backward": (
        *through(chain, through(_bracketed, SOFTPLUS, name="t + x s (1 - t^2)")),
        *losing_digits(through(_product_rule, SOFTPLUS, name="g t + (g x) (1 - t^2) s")),
    ),
}

ALTERNATIVES = limits_at_infinity(forward, backward, FORMULATIONS)
