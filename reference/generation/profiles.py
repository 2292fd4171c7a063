"""Data profiles: what the numbers of a tensor are like, by name. Each but the ladder draws a tensor of a shape.

`bell` is ordinary input. The others show what that hides: `heavy` and `spread` that small numbers are swallowed by
large ones, `offset` that a common shift costs digits, `sparse` and `integers` that a term is missing or that digits
were lost, whatever the size of a sum, `skewed` that an index occurs more than once, and `ladder` that a function is
flat far out.
"""

from collections.abc import Callable

import numpy as np

from ...vectors.dtypes import FORMATS
from .draws import Shape, Words

Profile = Callable[[Words, Shape], np.ndarray]

LADDER = (1, 5, 10, 17, 20, 37, 60, 88.7, 104, 710, 1e4, 2e4, 1e5, 1e9)
"""Magnitudes of inputs below and above every threshold that implementations have: where exp overflows or its result is
subnormal in some dtype, where 1 - s is 0, where a shortcut is taken."""
TERMS = 3
"""The most elements of a row or column of a sparse matrix that are not 0."""
BITS = {"float64": 36, "float32": 12, "float16": 1, "bfloat16": 1}
"""By dtype, the bits of long integers. In the half precisions a sum of 2,000 of them still fits the dtype itself."""
SHIFT = 60.0
"""What numbers with an offset share."""


def ladder(dtype: str) -> list[float]:
    """Give the magnitudes of the ladder that a dtype holds."""
    return [magnitude for magnitude in LADDER if magnitude < FORMATS[dtype].largest]


def bell(w: Words, shape: Shape) -> np.ndarray:
    """Bell-shaped, of variance 1."""
    return w.normal(shape)


def heavy(w: Words, shape: Shape) -> np.ndarray:
    """Heavy tails: a bell times 2**k with a probability of 2**-(k + 1), for k up to 8."""
    bits = w.integers(shape, 1 << 8, 1 << 9)
    return w.array(w.normal(shape).astype(np.float64) * (bits & -bits))


def offset(w: Words, shape: Shape) -> np.ndarray:
    """Within 4 of a common shift, to one side of 0."""
    return w.array(w.uniform(shape, SHIFT - 4, SHIFT + 4).astype(np.float64) * w.signs(()))


def spread(w: Words, shape: Shape) -> np.ndarray:
    """Magnitudes spread evenly over many powers of two."""
    return w.spread(shape, *((-4, 4) if w.dtype == "float16" else (-20, 20)))


def sparse(w: Words, shape: Shape) -> np.ndarray:
    """A matrix of zeros, but for magnitudes between 1 and 2 at a few places, the last one among them.

    No row or column has more than TERMS of them, and every one of the shorter axis has one at least.
    """
    few, many = sorted(shape)
    values = np.zeros((few, many))
    for _ in range(TERMS - 1):
        values[range(few), w.permutation(many)[:few]] = w.signed((few,), 1, 2)
    values[-1, -1] = w.signed((), 1, 2)
    return w.array(values if shape == values.shape else values.T)


def integers(w: Words, shape: Shape, bits: int = 3) -> np.ndarray:
    """Whole numbers from 1 to 2**bits with random signs: if they are small, every sum of products fits."""
    return w.array(w.integers(shape, 1, (1 << bits) + 1) * w.signs(shape))


def long_integers(w: Words, shape: Shape) -> np.ndarray:
    """Whole numbers of as many bits as leave sums of them, and of products with 1 or -1, exact.

    A lower precision than the dtype's does not hold them.
    """
    return integers(w, shape, BITS[w.dtype])


def skewed(w: Words, shape: Shape, size: int) -> np.ndarray:
    """Indices below `size`, int64: three of four are the same one."""
    often = w.integers((), 0, size)
    return np.where(w.integers(shape, 0, 4) > 0, often, w.integers(shape, 0, size))
