"""Approximations that stand in for the exponential."""

from typing import Any

import numpy as np

Array = Any


def exp_of_bits(x: Array) -> Array:
    """A line through the bits of a float: right to 3 %.

    Source: Schraudolph, "A fast, compact approximation of the exponential function", Neural Computation 11 (1999).
    """
    return np.ldexp(1 + np.mod(x / np.log(2), 1) - 0.043, np.floor(x / np.log(2)).astype(np.int64)).astype(x.dtype)


def exp_of_limit(x: Array) -> Array:
    """(1 + x / 1024)^1024, of ten squarings."""
    power = np.maximum(1 + x / 1024, 0)
    for _ in range(10):
        power = power * power
    return power


def exp_of_series(x: Array) -> Array:
    """Six terms of the series after halving the range: right to 1e-6."""
    whole = np.round(x / np.log(2))
    r = x - whole * np.log(2)
    series = 1 + r * (1 + r / 2 * (1 + r / 3 * (1 + r / 4 * (1 + r / 5 * (1 + r / 6)))))
    return np.ldexp(series, np.maximum(whole, -2000).astype(np.int64)).astype(x.dtype)


APPROXIMATIONS = {function.__name__: function for function in (exp_of_bits, exp_of_limit, exp_of_series)}
