"""Wrong Mishes that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward

Array = Any


@forward("AlexeyAB/darknet#3994", "take tanh(softplus(x)) from exp(-|x|), which does not overflow.")
def infinity_over_infinity(inputs: Array) -> Any:
    """The quotient in powers of exp(x), NaN where their squares overflow."""
    power = np.exp(inputs)
    return inputs * (power * power + 2 * power) / (power * power + 2 * power + 2)


@backward("davisking/dlib PR 1938", "write the slope in powers of exp(-|x|).")
def cube_of_the_exponential(dL_doutputs: Array, inputs: Array) -> Any:
    """The slope as one fraction with exp(3x) in it, which overflows first."""
    e1, e2, e3 = np.exp(inputs), np.exp(2 * inputs), np.exp(3 * inputs)
    denominator = 2 * e1 + e2 + 2
    return dL_doutputs * e1 * (4 * (inputs + 1) + 4 * e2 + e3 + e1 * (4 * inputs + 6)) / (denominator * denominator)
