"""Variance over axes.

mean       = sum of inputs over the axes / n
outputs    = sum of (inputs - mean)^2 over the axes / (n - correction)

dL_dinputs = 2 (inputs - mean) dL_doutputs / (n - correction)
"""

from typing import Any

from ..arithmetic.protocol import Axis
from ..model.formulations import Formulation
from ..model.functions import running
from ..model.reductions import kept, terms

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0) -> Array:
    """inputs of any shape, an axis, several of them or None for all -> outputs without them, or of size 1 there."""
    centred = inputs - inputs.mean(axis=axis, keepdims=True)
    return (centred * centred).sum(axis=axis, keepdims=keepdims) / divisor(inputs, axis, correction)


def backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0) -> Array:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_dinputs of the inputs' shape."""
    centred = inputs - inputs.mean(axis=axis, keepdims=True)
    return centred * (2 * kept(dL_doutputs, inputs, axis, keepdims) / divisor(inputs, axis, correction))


def divisor(inputs: Array, axis: Axis, correction: int) -> int:
    """n - correction, or 0 where that is less."""
    return max(terms(inputs.shape, axis) - correction, 0)


def _raw_moments(inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0) -> Array:
    n, total = terms(inputs.shape, axis), inputs.sum(axis=axis, keepdims=True)
    difference = (inputs * inputs).sum(axis=axis, keepdims=True) - total * total / n
    outputs = difference / divisor(inputs, axis, correction)
    return outputs if keepdims else outputs.squeeze(axis)


def _raw_moments_backward(
    dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0
) -> Array:
    g = 2 * kept(dL_doutputs, inputs, axis, keepdims) / divisor(inputs, axis, correction)
    return g * inputs - g * inputs.mean(axis=axis, keepdims=True)


def _running_mean(inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0) -> Array:
    """The mean taken off that is kept up to date from term to term."""
    centred = inputs - running(inputs).mean(axis=axis, keepdims=True)
    return (centred * centred).sum(axis=axis, keepdims=keepdims) / divisor(inputs, axis, correction)


def _running_mean_backward(
    dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0
) -> Array:
    centred = inputs - running(inputs).mean(axis=axis, keepdims=True)
    return centred * (2 * kept(dL_doutputs, inputs, axis, keepdims) / divisor(inputs, axis, correction))


def _reverse_mode(
    dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False, correction: int = 0
) -> Array:
    """Through the squares, then through the mean, whose own gradient is a sum that is 0 but for rounding."""
    centred = inputs - inputs.mean(axis=axis, keepdims=True)
    of_centred = kept(dL_doutputs, inputs, axis, keepdims) / divisor(inputs, axis, correction) * (2 * centred)
    return of_centred - of_centred.sum(axis=axis, keepdims=True) / max(terms(inputs.shape, axis), 1)


FORMULATIONS = {
    "forward": (
        Formulation(_raw_moments, "E[x^2] - E[x]^2", stable=False),
        Formulation(_running_mean, "a running mean"),
    ),
    "backward": (
        Formulation(_raw_moments_backward, "g x - g E[x]", stable=False),
        Formulation(_reverse_mode, "through the mean"),
        Formulation(_running_mean_backward, "a running mean"),
    ),
}
