"""Logits and upstreams of ordinary size."""

import math

import numpy as np

from ..arithmetic.precision import HALF
from ..generation.draws import Shape, Words
from ..model.family import Inputs


def ordinary(w: Words, shape: Shape) -> Inputs:
    """Bell-shaped logits under an asymmetric upstream.

    In the half precisions logits are closer together, and the upstream has as many positive elements in a row as
    negative ones: else many elements of the gradient would be smaller than what a sound implementation may err by.
    """
    if w.dtype in HALF:
        return {"dL_doutputs": balanced(w, shape), "logits": w.normal(shape, 0.5)}
    return {"dL_doutputs": w.normal(shape), "logits": w.normal(shape, 2.0)}


def balanced(w: Words, shape: Shape, exponent: int = 0) -> np.ndarray:
    """Draw magnitudes between 2**exponent and twice that, half of each row positive."""
    classes = shape[-1]
    rows = [w.permutation(classes) for _ in range(math.prod(shape[:-1]))]
    signs = 1 - 2 * (np.array(rows, dtype=np.int64).reshape(shape) % 2)
    return w.array(np.ldexp(w.uniform(shape, 1, 2).astype(np.float64), exponent) * signs)
