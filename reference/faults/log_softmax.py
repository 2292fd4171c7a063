"""Wrong log-softmaxes that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import log_softmax

Array = Any


@forward("clab/dynet#218", "subtract log(sum(exp(z - max))) from z - max.")
def logarithm_of_softmax(logits: Array, *, axis: int = -1) -> Any:
    """The logarithm of the softmax's outputs: -inf where one of them underflows."""
    return np.log(np.exp(log_softmax.forward(logits, axis=axis)))


@backward("clab/dynet#218", "g - softmax sum(g) needs no quotient.")
def through_the_probabilities(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Any:
    """The chain rule through the probabilities, p (g / p) - p sum(g): NaN where a probability underflows."""
    probabilities = np.exp(log_softmax.forward(logits, axis=axis))
    through = probabilities * (dL_doutputs / probabilities)
    return through - probabilities * dL_doutputs.sum(axis=axis, keepdims=True)
