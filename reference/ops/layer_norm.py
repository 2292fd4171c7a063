"""Layer normalisation of each row, the last axis, with a weight and a bias for each column.

mean[n]          = sum_d inputs[n,d] / D
variance[n]      = sum_d (inputs[n,d] - mean[n])^2 / D
normal[n,d]      = (inputs[n,d] - mean[n]) / sqrt(variance[n] + eps)
outputs[n,d]     = normal[n,d] weight[d] + bias[d]

g[n,d]           = dL_doutputs[n,d] weight[d]
dL_dinputs[n,d]  = (g[n,d] - mean_d g[n,d] - normal[n,d] mean_d (g[n,d] normal[n,d])) / sqrt(variance[n] + eps)
dL_dweight[d]    = sum_n dL_doutputs[n,d] normal[n,d]
dL_dbias[d]      = sum_n dL_doutputs[n,d]

n stands for all axes but the last. See Ba, Kiros and Hinton, "Layer normalization" (2016),
https://arxiv.org/abs/1607.06450.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation, replacing, shared, through
from ..model.functions import over_batch, running
from ..model.shapes import require_columns_of, require_same_shape

Array = Any
Gradients = tuple[Array, Array, Array]

BATCH_AXIS = {"inputs": -2, "outputs": -2, "dL_doutputs": -2, "dL_dinputs": -2}


def forward(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """inputs (..., D), weight (D,), bias (D,) -> outputs (..., D)."""
    require_columns_of(inputs=inputs, weight=weight, bias=bias)
    centred, scale = moments(inputs, eps)
    return centred * scale * weight + bias


def backward(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Gradients:
    """dL_doutputs (..., D) and forward's arguments -> dL_dinputs (..., D), dL_dweight (D,), dL_dbias (D,)."""
    require_columns_of(inputs=inputs, weight=weight, bias=bias)
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    centred, scale = moments(inputs, eps)
    return gradients(dL_doutputs, centred * scale, scale, weight)


@shared
def moments(inputs: Array, eps: float) -> tuple[Array, Array]:
    """The inputs less their mean (..., D), and 1 / sqrt(variance + eps) (..., 1), the mean taken off first."""
    centred = inputs - inputs.mean(axis=-1, keepdims=True)
    return centred, 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)


def gradients(dL_doutputs: Array, normal: Array, scale: Array, weight: Array) -> Gradients:
    """The gradients from the normalised rows (..., D) and what they were scaled by (..., 1)."""
    g = dL_doutputs * weight
    rest = g - g.mean(axis=-1, keepdims=True) - normal * (g * normal).mean(axis=-1, keepdims=True)
    rows = tuple(range(normal.ndim - 1))
    return scale * rest, over_batch(dL_doutputs * normal, rows), over_batch(dL_doutputs, rows)


@shared
def _raw_moments(inputs: Array, eps: float) -> tuple[Array, Array]:
    """The variance as E[x^2] - E[x]^2, in one pass: digits are lost where the mean is far from 0."""
    mean = inputs.mean(axis=-1, keepdims=True)
    return inputs - mean, 1 / np.sqrt((inputs * inputs).mean(axis=-1, keepdims=True) - mean * mean + eps)


@shared
def _running_moments(inputs: Array, eps: float) -> tuple[Array, Array]:
    """The mean taken off that is kept up to date from term to term."""
    centred = inputs - running(inputs).mean(axis=-1, keepdims=True)
    return centred, 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)


def _as_line(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """x a + b, with a and b of each row: the mean is taken off what is scaled already."""
    _, scale = moments(inputs, eps)
    return (inputs * scale - inputs.mean(axis=-1, keepdims=True) * scale) * weight + bias


def _as_line_of_column(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """x a + b, with a and b of each row and column."""
    _, scale = moments(inputs, eps)
    slope = scale * weight
    return inputs * slope + (bias - inputs.mean(axis=-1, keepdims=True) * slope)


def _backward_as_line(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Gradients:
    """dL_dinputs as a g + b x + c, with a, b and c of each row, as fused kernels have it."""
    centred, scale = moments(inputs, eps)
    mean, size, rows = inputs.mean(axis=-1, keepdims=True), inputs.shape[-1], tuple(range(inputs.ndim - 1))
    g = dL_doutputs * weight
    of_inputs, of_ones = (g * inputs).sum(axis=-1, keepdims=True), g.sum(axis=-1, keepdims=True)
    b = (of_ones * mean - of_inputs) * (scale * scale * scale) / size
    c = -(b * mean) - of_ones * scale / size
    return (
        scale * g + b * inputs + c,
        over_batch(dL_doutputs * centred * scale, rows),
        over_batch(dL_doutputs, rows),
    )


def _reverse_mode(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Gradients:
    """Through the variance, then through the mean."""
    centred, scale = moments(inputs, eps)
    size, rows = inputs.shape[-1], tuple(range(inputs.ndim - 1))
    g = dL_doutputs * weight
    of_variance = (g * centred).sum(axis=-1, keepdims=True) * (-0.5 * (scale * scale * scale))
    of_centred = g * scale + centred * (of_variance * 2 / size)
    return (
        of_centred - of_centred.mean(axis=-1, keepdims=True),
        over_batch(dL_doutputs * (centred * scale), rows),
        over_batch(dL_doutputs, rows),
    )


RAW = (Formulation(_raw_moments, "E[x^2] - E[x]^2", stable=False),)
RUNNING = (Formulation(_running_moments, "a running mean"),)

FORMULATIONS = {
    "forward": (
        *through(replacing(forward, moments), RAW),
        Formulation(_as_line, "x a + b", stable=False),
        Formulation(_as_line_of_column, "x a + b for each column", stable=False),
        *through(replacing(forward, moments), RUNNING),
    ),
    "backward": (
        *through(replacing(backward, moments), RAW),
        Formulation(_backward_as_line, "a g + b x + c", stable=False),
        Formulation(_reverse_mode, "through variance and mean"),
        *through(replacing(backward, moments), RUNNING),
    ),
}
