"""The backward of an LSTM cell by hand, with the gradients of its gates left open."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from backproof.reference.ops import sigmoid, tanh

Array = Any


def of_lstm_cell(of_gates: Callable[..., list[Array]]) -> Callable[..., Any]:
    """Make a backward of what gives the gradients of the gates' sums, in the order in which they are put together.

    of_gates: takes the gradient of the next cell, that of the next hidden state, the cell, tanh of the next cell, and
    the gates i, f, g and o; (N, H) each.
    """

    @wraps(of_gates)
    def backward(dh: Array, dc: Array, x: Array, h: Array, c: Array, *layer: Array) -> Any:
        w_ih, w_hh, b_ih, b_hh = layer
        i, f, g, o = np.split(x @ w_ih.T + h @ w_hh.T + b_ih + b_hh, 4, axis=1)
        i, f, o, g = *(sigmoid.forward(gate) for gate in (i, f, o)), tanh.forward(g)
        bent = np.tanh(f * c + i * g)
        d = dc + dh * o * (1 - bent**2)
        of = np.concatenate(of_gates(d, dh, c, bent, i, f, g, o), axis=1)
        return of @ w_ih, of @ w_hh, d * f, of.T @ x, of.T @ h, of.sum(axis=0), of.sum(axis=0)

    return backward
