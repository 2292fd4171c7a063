"""Wrong gradients of the negative log-likelihood that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..mutations import wrong_losses
from ..ops import nll

Array = Any

ignored_label_as_an_address = wrong_losses.ignored_label_as_an_address("nll")


@backward("PaddlePaddle/Paddle pull request 28622", "divide by the number of rows that count.")
def ignored_rows_counted(
    dL_dloss: Array, log_probabilities: Array, labels: Array, *, reduction: str, ignore_index: int | None = None
) -> Any:
    """The mean divides by all rows, those that are ignored among them."""
    found = nll.backward(dL_dloss, log_probabilities, labels, reduction=reduction, ignore_index=ignore_index)
    counted = (labels != ignore_index).sum() if ignore_index is not None else len(labels)
    return found * counted / len(labels) if reduction == "mean" and len(labels) else found
