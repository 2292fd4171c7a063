"""Activations of the adapter in plain NumPy, each a function of an array, and its slope at each element.

Of forms that are equal in mathematics, these lose no digits in a tail, and no power of e overflows.
"""

# ruff: noqa: D103 - the names are the operations'

import math
from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), of the power that does not overflow."""
    power = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, power) / (1 + power)


def sigmoid_slope(x: Array) -> Array:
    """s (1 - s), with 1 - s(x) as s(-x), which keeps its digits."""
    return sigmoid(x) * sigmoid(-x)


def tanh_slope(x: Array) -> Array:
    """1 - tanh(x)^2, where tanh(x) is 2 s(2x) - 1."""
    return 4 * sigmoid_slope(2 * x)


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def silu_slope(x: Array) -> Array:
    return sigmoid(x) * (1 + x * sigmoid(-x))


def gelu(x: Array) -> Array:
    return x * _normal(x)


def gelu_slope(x: Array) -> Array:
    return _normal(x) + x * (np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi))


def gelu_tanh(x: Array) -> Array:
    """x (1 + tanh(u)) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3), where (1 + tanh(u)) / 2 is s(2u)."""
    return x * sigmoid(2 * _gelu_u(x))


def gelu_tanh_slope(x: Array) -> Array:
    u, u_slope = _gelu_u(x), math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return sigmoid(2 * u) + x * (2 * sigmoid_slope(2 * u) * u_slope)


def softplus(x: Array, beta: float) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(beta * x))) / beta


def softplus_slope(x: Array, beta: float) -> Array:
    return sigmoid(beta * x)


def _gelu_u(x: Array) -> Array:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def _normal(x: Array) -> Array:
    """The normal distribution function, erfc(-x / sqrt(2)) / 2, by the C library's erfc."""
    halves = [0.5 * math.erfc(-value / math.sqrt(2)) for value in x.flat]
    return np.array(halves, dtype=x.dtype).reshape(x.shape)
