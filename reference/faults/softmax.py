"""Wrong softmaxes that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..ops import softmax

Array = Any


@backward(
    "libnd4j#440; eriklindernoren/ML-From-Scratch, Softmax.gradient", "subtract the weighted sum: s (g - sum(s g))."
)
def diagonal_of_the_jacobian(dL_doutputs: Array, logits: Array) -> Any:
    """Only the diagonal of the Jacobian is used, g s (1 - s): classes do not compete."""
    s = softmax.forward(logits)
    return dL_doutputs * s * (1 - s)
