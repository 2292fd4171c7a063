"""Wrong variances that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import forward
from ..ops import variance

Array = Any


@forward("Lightning-AI/lightning-thunder PR 1848", "divide by n - correction alone.")
def added_to_the_divisor(inputs: Array, *, axis: Any, keepdims: bool = False, correction: int = 0) -> Any:
    """1e-8 is added to the divisor, so that there is none of 0."""
    divisor = variance.divisor(inputs, axis, correction)
    outputs = variance.forward(inputs, axis=axis, keepdims=keepdims, correction=correction)
    return outputs * (divisor / (divisor + 1e-8)) if divisor else outputs * 0
