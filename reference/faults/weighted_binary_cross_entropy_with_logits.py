"""Wrong weighted losses of logits that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..model.losses import element_upstream

Array = Any


@backward("pytorch/pytorch#13773", "take the exponential of -|x|.")
def through_an_exponential_that_overflows(
    dL_dloss: Array, logits: Array, targets: Array, pos_weight: Array, *, reduction: str
) -> Any:
    """The sigmoid of -x is exp(-x) / (1 + exp(-x)): NaN for logits far below 0."""
    exponential = np.exp(-logits)
    slope = (1 - targets) - (1 + (pos_weight - 1) * targets) * exponential / (1 + exponential)
    return element_upstream(dL_dloss, logits, reduction) * slope
