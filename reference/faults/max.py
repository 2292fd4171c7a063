"""Wrong gradients of a maximum that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..model.reductions import kept

Array = Any


@backward("Theano/Theano#4568", "share the upstream among inputs that tie, or give it to one of them.")
def each_gets_all(dL_doutputs: Array, inputs: Array, *, axis: Any, keepdims: bool = False) -> Any:
    """Each of the inputs that tie for the largest gets all of the upstream."""
    largest = inputs == inputs.max(axis=axis, keepdims=True)
    return np.where(largest, kept(dL_doutputs, inputs, axis, keepdims), 0)
