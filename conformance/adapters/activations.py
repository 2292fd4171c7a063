"""Activations of the adapter in plain NumPy, each a function of an array, and its slope at each element.

Of forms that are equal in mathematics, these lose no digits in a tail, and no power of e overflows.
"""

# ruff: noqa: D103 - the names are the operations'

import math
from typing import Any

import numpy as np

Array = Any
"""np.ndarray, as Any for the type checker."""
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


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


def leaky_relu(x: Array, negative_slope: float) -> Array:
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_slope(x: Array, negative_slope: float) -> Array:
    return np.where(x > 0, 1, np.where(np.isnan(x), x, negative_slope))


def elu(x: Array, alpha: float) -> Array:
    """x, or alpha (e^x - 1) where x is negative."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_slope(x: Array, alpha: float) -> Array:
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def celu(x: Array, alpha: float) -> Array:
    """The ELU of x / alpha, times alpha."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def celu_slope(x: Array, alpha: float) -> Array:
    return np.exp(np.minimum(x, 0) / alpha)


def hardtanh(x: Array, min_value: float, max_value: float) -> Array:
    return np.clip(x, min_value, max_value)


def hardtanh_slope(x: Array, min_value: float, max_value: float) -> Array:
    return np.where(np.isnan(x), x, (min_value < x) & (x < max_value))


def hardsigmoid(x: Array) -> Array:
    """From 0 at -3 to 1 at 3 in a straight line, and flat outside."""
    return np.clip(x + 3, 0, 6) / 6


def hardsigmoid_slope(x: Array) -> Array:
    return np.where(np.isnan(x), x, np.where(np.abs(x) < 3, 1, 0)) / 6


def hardswish(x: Array) -> Array:
    return x * hardsigmoid(x)


def hardswish_slope(x: Array) -> Array:
    return np.where(np.abs(x) < 3, (2 * x + 3) / 6, np.where(x <= -3, 0, np.where(np.isnan(x), x, 1)))


def selu(x: Array) -> Array:
    return SELU_SCALE * elu(x, SELU_ALPHA)


def selu_slope(x: Array) -> Array:
    return SELU_SCALE * elu_slope(x, SELU_ALPHA)


def mish(x: Array) -> Array:
    return x * np.tanh(softplus(x, 1))


def mish_slope(x: Array) -> Array:
    """The product rule on x t, where t = tanh(softplus(x)) has the slope (1 - t^2) s."""
    t = np.tanh(softplus(x, 1))
    return t + x * (1 - t) * (1 + t) * sigmoid(x)


def log_sigmoid(x: Array) -> Array:
    return -softplus(-x, 1)


def log_sigmoid_slope(x: Array) -> Array:
    return sigmoid(-x)


def softsign(x: Array) -> Array:
    return x / (1 + np.abs(x))


def softsign_slope(x: Array) -> Array:
    return (1 / (1 + np.abs(x))) ** 2


def _gelu_u(x: Array) -> Array:
    return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)


def _normal(x: Array) -> Array:
    """The normal distribution function, erfc(-x / sqrt(2)) / 2, by the C library's erfc."""
    arguments = memoryview(x.astype(np.float64).ravel() / -math.sqrt(2))
    twice = np.fromiter(map(math.erfc, arguments), np.float64, x.size)
    return (0.5 * twice).astype(x.dtype).reshape(x.shape)
