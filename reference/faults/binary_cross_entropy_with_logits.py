"""Wrong losses of logits that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..model.losses import element_upstream, over_elements
from ..ops import sigmoid

Array = Any


@forward(
    "huggingface/candle#2561", "compute the loss from the logits: softplus(-x) where y is 1, softplus(x) where it is 0."
)
def through_saturated_sigmoid(logits: Array, targets: Array, *, reduction: str) -> Any:
    """The logarithms are those of the sigmoid's outputs: NaN or infinite where that is 0 or 1."""
    s = sigmoid.forward(logits)
    return over_elements(-targets * np.log(s) - (1 - targets) * np.log(1 - s), reduction)


@backward("pytorch/pytorch#2195", "return the sigmoid less the target.")
def through_slopes_of_zero(dL_dloss: Array, logits: Array, targets: Array, *, reduction: str) -> Any:
    """The derivatives of max(x, 0) and |x| at 0 are both taken as 0: -y there instead of 1/2 - y."""
    small = np.exp(-np.absolute(logits))
    slope = (logits > 0) - targets - np.sign(logits) * small / (1 + small)
    return element_upstream(dL_dloss, logits, reduction) * slope
