"""Wrong implementations of softmax with cross-entropy that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..model.losses import one_hot, row_upstream
from ..ops import softmax, softmax_cross_entropy

Array = Any


@forward("victorlempitsky/Mate#2", "divide by the number of rows.")
def mean_over_elements(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is taken over N C elements."""
    loss = softmax_cross_entropy.forward(logits, labels, reduction=reduction)
    return loss / logits.shape[1] if reduction == "mean" else loss


@backward("chainer/chainer#2062", "subtract the labels from a copy of the outputs.")
def cached_outputs_changed_by_backward(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Labels are subtracted from cached outputs, so that the same call gives p - 2 y the second time."""
    outputs = memory.setdefault((logits.shape, logits.tobytes()), softmax.forward(logits).astype(np.float64))
    outputs -= one_hot(labels, logits)
    return outputs * row_upstream(dL_dloss, len(outputs), reduction)


@backward("victorlempitsky/Mate#2", "divide by the number of rows.")
def divided_by_elements(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N C."""
    gradient = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient / logits.shape[1] if reduction == "mean" else gradient
