"""Draw logits, and probabilities as softmax gives them: exact, then rounded to the dtype."""

import math

import flint
import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..arithmetic.ball import Ball
from ..arithmetic.exact import rounded
from ..arithmetic.protocol import over_elements
from ..generation.draws import Shape, Words, nearest_held, round_to_significand
from ..ops import softmax

BITS = 128
"""Bits of the balls, enough to round any of these probabilities."""
CLIPPING = "probability_clipping"
EDGES_HELD = {"float64": (1 - 0.1875 * 2.0**-20, 1 - 0.0625 * 2.0**-20), "float32": (1 - 2.0**-22, 1.0)}
"""By dtype, a number clearly below 1 - 1e-7 and one clearly above; the other dtypes round that edge to 1."""
SMALL = {"float16": (-13, -9), "bfloat16": (-21, -14)}
"""Exponents of small probabilities: above float16's smallest normal, and above the clipping edge everywhere."""


def logits_drawn(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped logits (N, C), closer together where there are many: no probability is subnormal in float16."""
    return w.normal(shape, 0.5 if shape[1] > 100 else 1.0)


def heavy_logits(w: Words, shape: Shape) -> np.ndarray:
    """Draw logits with heavy tails: most near 0, a few far from it."""
    bells = w.normal(shape, 0.5 if w.dtype in HALF else 1.0).astype(np.float64)
    return nearest_held(2 * bells * abs(bells), w.dtype)


def peaked_logits(w: Words, shape: Shape) -> np.ndarray:
    """Draw logits of which two in a row carry nearly all probability."""
    places = np.array([w.permutation(shape[1]) for _ in range(shape[0])]).reshape(shape)
    return nearest_held(w.normal(shape, 0.5).astype(np.float64) - np.where(places < 2, 0, 5), w.dtype)


def spread_logits(w: Words, shape: Shape) -> np.ndarray:
    """Draw logits whose magnitudes are spread over the powers of two from 1/64 to 4."""
    return w.spread(shape, -6, 2)


PROFILES = {
    "heavy": ("Logits with heavy tails.", heavy_logits),
    "peaked": ("Two classes of a row carry nearly all probability.", peaked_logits),
    "spread": ("Logits of very different magnitudes.", spread_logits),
}
"""How logits may be distributed, beside bell-shaped: a comment and a draw by name."""


def exact_softmax(logits: np.ndarray) -> np.ndarray:
    """Give the softmax of logits (N, C), correctly rounded to float64."""
    with flint.ctx.workprec(BITS):
        balls = softmax.forward(Ball(logits.astype(np.float64))).balls
        return over_elements(rounded, 1)(balls).astype(np.float64)


def saved_outputs(logits: np.ndarray, dtype: str) -> np.ndarray:
    """Give the softmax of logits (N, C), rounded to a dtype: the same on every machine, which NumPy's exp is not.

    Raises NotHeldError where an output is subnormal and the dtype does not hold it.
    """
    return nearest_held(exact_softmax(logits), dtype)


def rows_of_probabilities(w: Words, shape: Shape) -> np.ndarray:
    """Draw rows that sum to 1 up to the rounding of each element; a single class is drawn below 1."""
    if shape[1] == 1:
        return w.uniform(shape, 0.125, 0.875)
    bits, parts = FORMATS[w.dtype].significand, w.integers(shape, 1 << 36, 1 << 40).tolist()
    quotients = [[round_to_significand((part << 120) // sum(row), bits) for part in row] for row in parts]
    return w.array([[math.ldexp(quotient, -120) for quotient in row] for row in quotients])


def small_probabilities(w: Words, shape: Shape) -> np.ndarray:
    """Draw probabilities around 1e-5, each by itself."""
    return abs(w.spread(shape, *SMALL.get(w.dtype, (-20, -10))))
