"""Cosine of the angle between two vectors, the last axes of a and b, whose norms count as eps at least.

norm_a  = max(sqrt(sum of a^2), eps), and norm_b likewise
outputs = sum of a b / (norm_a norm_b)

dL_da   = dL_doutputs (b / norm_b - outputs a / norm_a) / norm_a, without the second term where norm_a is eps
dL_db   = dL_doutputs (a / norm_a - outputs b / norm_b) / norm_b, without the second term where norm_b is eps
"""

from typing import Any

import numpy as np

from ..model.formulations import Alternatives, Formulation, Function, replacing, through
from ..model.shapes import require_same_shape
from .l2_normalize import norms

Array = Any

BATCH_AXIS = {"a": -2, "b": -2, "dL_da": -2, "dL_db": -2, "outputs": -1, "dL_doutputs": -1}


def forward(a: Array, b: Array, *, eps: float) -> Array:
    """a and b of one shape (..., D) -> outputs (...)."""
    require_same_shape(b=b, a=a)
    return (unit(a, eps) * unit(b, eps)).sum(axis=-1)


def backward(dL_doutputs: Array, a: Array, b: Array, *, eps: float) -> tuple[Array, Array]:
    """dL_doutputs (...), a and b (..., D) -> dL_da and dL_db (..., D)."""
    upstream = rows(dL_doutputs, a, b)
    return half(upstream, a, b, eps), half(upstream, b, a, eps)


def rows(dL_doutputs: Array, a: Array, b: Array) -> Array:
    """The upstream (..., 1). Raises ValueError on shapes that do not fit."""
    require_same_shape(b=b, a=a)
    if dL_doutputs.shape != a.shape[:-1]:
        raise ValueError(f"dL_doutputs of shape {dL_doutputs.shape} for a and b of shape {a.shape}")
    return dL_doutputs.reshape(*a.shape[:-1], 1)


def unit(x: Array, eps: float) -> Array:
    """x over its norm, or over eps."""
    return x / np.maximum(norms(x, -1), eps)


def cosine(x: Array, y: Array) -> Array:
    """The sum of products (..., 1)."""
    return (x * y).sum(axis=-1, keepdims=True)


def half(upstream: Array, x: Array, y: Array, eps: float) -> Array:
    """The gradient of x, one of both: what of the other's direction is not along its own, over its norm."""
    norm, own, other = norms(x, -1), unit(x, eps), unit(y, eps)
    return upstream * (other - np.where(norm > eps, cosine(own, other) * own, 0)) / np.maximum(norm, eps)


def _product_over_norms(a: Array, b: Array, *, eps: float) -> Array:
    require_same_shape(b=b, a=a)
    norm_a, norm_b = np.maximum(norms(a, -1), eps), np.maximum(norms(b, -1), eps)
    return (cosine(a, b) / (norm_a * norm_b)).squeeze(-1)


def _through_product(upstream: Array, x: Array, y: Array, eps: float) -> Array:
    """Through a b / (norm_a norm_b), as reverse mode has it."""
    norm, norm_x, norm_y = norms(x, -1), np.maximum(norms(x, -1), eps), np.maximum(norms(y, -1), eps)
    g = upstream / (norm_x * norm_y)
    return g * y - x * np.where(norm > eps, g * cosine(x, y) / (norm_x * norm_x), 0)


def _through_units(upstream: Array, x: Array, y: Array, eps: float) -> Array:
    """Through a / norm_a and b / norm_b, as reverse mode has it, whose products underflow before they are added up."""
    norm, g = norms(x, -1), upstream * unit(y, eps)
    floored = np.maximum(norm, eps)
    return g / floored + np.where(norm > eps, -cosine(g, x / floored / floored) * (x / floored), 0)


def _projecting(upstream: Array, x: Array, y: Array, eps: float) -> Array:
    """With the slope of the norm itself, x / |x|, also where the norm counts as eps."""
    other, floored = unit(y, eps), np.maximum(norms(x, -1), eps)
    return upstream * (other - cosine(unit(x, eps), other) * x / norms(x, -1)) / floored


def _nan_at_zero(upstream: Array, x: Array, y: Array, eps: float) -> Array:
    return np.where(norms(x, -1) == 0, np.nan, half(upstream, x, y, eps))


def _by(rule: Function, name: str) -> tuple[Formulation, ...]:
    return through(replacing(backward, half), [Formulation(rule, name)])


FORMULATIONS = {
    "forward": (Formulation(_product_over_norms, "a b / (norm_a norm_b)", stable=False),),
    "backward": (*_by(_through_product, "through a b / (norm_a norm_b)"), *_by(_through_units, "through a / norm_a")),
}

ALTERNATIVES: Alternatives = {
    ("cosine_below_eps", "projecting"): {"backward": _by(_projecting, "with the slope of the norm")},
    ("norm_at_zero", "nan"): {"backward": _by(_nan_at_zero, "NaN at a row of zeros")},
}
