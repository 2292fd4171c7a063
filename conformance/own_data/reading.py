"""A second, statistical reading of errors: bias and mean square, against what independent roundings come to.

What a sound implementation may be off by in the worst case grows with the length n of a sum, and what independent
roundings come to with sqrt(n). At size an implementation that always rounds in one direction, or adds up in too low a
precision, may stay within the first and not within the second. TOSA's conformance tests hold dot products against both;
see `verify_dot_product.cc` of its reference model. Here the second is told, and nothing fails by it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from .call import OwnCall
from .evaluation import Answer, counted, sampled_parts
from .sampling import grids_that_are

ELEMENTS = 2**14
"""Of each result so many are read."""
LOST = 2.0**10
"""A formulation whose roundings come to so many times those of another loses digits that it keeps: p - 1 does, of a
probability p of nearly 1."""


@dataclass(frozen=True)
class Reading:
    """Errors of one result, each in what independent roundings of that element come to."""

    result: str
    bias: float
    """Their sum over the square root of their number; TOSA allows 2."""
    mean_square: float
    """TOSA allows 0.4."""

    def __str__(self) -> str:
        return f"errors of {self.result}: bias {self.bias:.2g}, mean square {self.mean_square:.2g}"


def readings(call: OwnCall, answer: Answer, dtype: str, precision: str, elements: int = ELEMENTS) -> list[Reading]:
    """The reading of each result that can be sampled and has roundings, the largest mean square first.

    answer: the formulations. The first stands for all; elements that another loses the digits of are not read.
    elements: of how many of each result.
    """
    call = replace(call, sample=elements)
    sums: dict[str, tuple[int, float, float]] = {}
    sound = counted(answer, call, dtype, precision)
    for part in sampled_parts(call, grids_that_are(call), sound, dtype, precision, independent=True):
        with np.errstate(all="ignore"):
            error = call.results[part.result][part.where].astype(np.float64) - part.expected
            ordinary = (part.bound > 0) & (part.tolerance < LOST * part.bound) & np.isfinite(error)
            ratio = (error / part.bound)[ordinary]
        count, total, squares = sums.get(part.result, (0, 0.0, 0.0))
        sums[part.result] = count + ratio.size, total + float(ratio.sum()), squares + float(ratio @ ratio)
    found = [Reading(name, t / math.sqrt(n), squares / n) for name, (n, t, squares) in sums.items() if n]
    return sorted(found, key=lambda reading: -reading.mean_square)
