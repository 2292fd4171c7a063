"""Wrong cross-entropies that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import cross_entropy

Array = Any


@forward("victorlempitsky/Mate#2", "divide by the number of rows.")
def mean_over_elements(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is taken over N C elements."""
    loss = cross_entropy.forward(probabilities, labels, reduction=reduction)
    return loss / probabilities.shape[1] if reduction == "mean" else loss


@backward("victorlempitsky/Mate#2", "divide by the number of rows.")
def divided_by_elements(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N C."""
    gradient = cross_entropy.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient / probabilities.shape[1] if reduction == "mean" else gradient
