"""Normalisation over axes by mean and variance, with a weight and a bias for each channel.

Weight and bias have the inputs' rank, and size 1 along all axes but those of the channels.
"""

import math
from typing import Any

import numpy as np

from .broadcasting import repeated
from .formulations import Formulation, replacing, shared, through
from .functions import over_batch, running

Array = Any
Axes = tuple[int, ...]
Gradients = tuple[Array, Array, Array]


def normalized(inputs: Array, weight: Array, bias: Array, axes: Axes, eps: float) -> Array:
    """(inputs - mean) / sqrt(variance + eps) weight + bias, mean and variance taken over axes."""
    centred, scale = moments(inputs, axes, eps)
    return centred * scale * weight + bias


def gradients(dL_doutputs: Array, inputs: Array, weight: Array, axes: Axes, eps: float) -> Gradients:
    """The gradients of `normalized`, those of weight and bias with their axes of size 1."""
    centred, scale = moments(inputs, axes, eps)
    normal, g = centred * scale, dL_doutputs * weight
    rest = g - mean(g, axes) - normal * mean(g * normal, axes)
    return scale * rest, *of_channels(dL_doutputs, normal, weight)


@shared
def moments(inputs: Array, axes: Axes, eps: float) -> tuple[Array, Array]:
    """The inputs less their mean, and 1 / sqrt(variance + eps), the mean taken off first."""
    centred = inputs - mean(inputs, axes)
    return centred, 1 / np.sqrt(mean(centred * centred, axes) + eps)


def mean(x: Array, axes: Axes) -> Array:
    """The mean over axes, which stay with size 1; 0 of no elements."""
    return x.sum(axis=axes, keepdims=True) / terms(x, axes)


def terms(x: Array, axes: Axes) -> int:
    """How many elements a sum over axes has, and 1 of none, to divide by."""
    count: int = math.prod(x.shape[axis] for axis in axes)
    return max(count, 1)


def of_channels(dL_doutputs: Array, normal: Array, weight: Array) -> tuple[Array, Array]:
    """The gradients of weight and bias, which were repeated."""
    along = repeated(weight.shape, dL_doutputs.shape)
    return over_batch(dL_doutputs * normal, along, keepdims=True), over_batch(dL_doutputs, along, keepdims=True)


@shared
def _raw_moments(inputs: Array, axes: Axes, eps: float) -> tuple[Array, Array]:
    """The variance as E[x^2] - E[x]^2, in one pass: digits are lost where the mean is far from 0."""
    average = mean(inputs, axes)
    return inputs - average, 1 / np.sqrt(mean(inputs * inputs, axes) - average * average + eps)


def _as_line(inputs: Array, weight: Array, bias: Array, axes: Axes, eps: float) -> Array:
    """x a + b, with a and b of each row and channel: the mean is taken off what is scaled already."""
    _, scale = moments(inputs, axes, eps)
    slope = scale * weight
    return inputs * slope + (bias - mean(inputs, axes) * slope)


def _gradients_as_line(dL_doutputs: Array, inputs: Array, weight: Array, axes: Axes, eps: float) -> Gradients:
    """dL_dinputs as a g + b x + c, with a, b and c of each row, as fused kernels have it."""
    centred, scale = moments(inputs, axes, eps)
    average, size, g = mean(inputs, axes), terms(inputs, axes), dL_doutputs * weight
    of_inputs, of_ones = (g * inputs).sum(axis=axes, keepdims=True), g.sum(axis=axes, keepdims=True)
    b = (of_ones * average - of_inputs) * (scale * scale * scale) / size
    c = -(b * average) - of_ones * scale / size
    return scale * g + b * inputs + c, *of_channels(dL_doutputs, centred * scale, weight)


def _reverse_mode(dL_doutputs: Array, inputs: Array, weight: Array, axes: Axes, eps: float) -> Gradients:
    """Through the variance, then through the mean."""
    centred, scale = moments(inputs, axes, eps)
    size, g = terms(inputs, axes), dL_doutputs * weight
    of_variance = (g * centred).sum(axis=axes, keepdims=True) * (-0.5 * (scale * scale * scale))
    of_centred = g * scale + centred * (of_variance * 2 / size)
    rest = of_centred - mean(of_centred, axes)
    return rest, *of_channels(dL_doutputs, centred * scale, weight)


def _by_channel_sums(dL_doutputs: Array, inputs: Array, weight: Array, axes: Axes, eps: float) -> Gradients:
    """From sums of the upstream by itself, the weight last, as where each channel has a mean of its own."""
    centred, scale = moments(inputs, axes, eps)
    size = terms(inputs, axes)
    along = (dL_doutputs * centred).sum(axis=axes, keepdims=True) * (scale * scale) / size
    rest = dL_doutputs - mean(dL_doutputs, axes) - centred * along
    return rest * (scale * weight), *of_channels(dL_doutputs, centred * scale, weight)


@shared
def _running_moments(inputs: Array, axes: Axes, eps: float) -> tuple[Array, Array]:
    """The mean taken off that is kept up to date from term to term."""
    centred = inputs - mean(running(inputs), axes)
    return centred, 1 / np.sqrt(mean(centred * centred, axes) + eps)


RAW = (Formulation(_raw_moments, "E[x^2] - E[x]^2", stable=False),)
RUNNING = (Formulation(_running_moments, "a running mean"),)
_NORMALIZED, _GRADIENTS = replacing(normalized, moments), replacing(gradients, moments)
NORMALIZED = (
    *through(_NORMALIZED, RAW),
    Formulation(_as_line, "x a + b", stable=False),
    *through(_NORMALIZED, RUNNING),
)
GRADIENTS = (
    *through(_GRADIENTS, RAW),
    Formulation(_gradients_as_line, "a g + b x + c", stable=False),
    Formulation(_reverse_mode, "through variance and mean"),
    *through(_GRADIENTS, RUNNING),
)
BY_CHANNEL = Formulation(_by_channel_sums, "the weight last")
"""Right ways to compute both, beside the text above; the last where weights are no part of what is averaged."""
