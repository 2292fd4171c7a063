"""Wrong gradients of the negative log-likelihood that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..mutations.wrong_losses import ignored_as_addresses
from ..ops import nll

Array = Any


@backward("flagos-ai/FlagGems#5025", "write nothing for a row that is ignored.")
def ignored_label_as_an_address(*tensors: Array, **given: Any) -> Any:
    """The label of an ignored row is an address all the same, and what is there becomes 0."""
    return ignored_as_addresses(nll.backward, *tensors, **given)


@backward("PaddlePaddle/Paddle pull request 28622", "give rows that are ignored no gradient.")
def ignored_rows_counted(
    dL_dloss: Array, log_probabilities: Array, labels: Array, *, reduction: str, ignore_index: int | None = None
) -> Any:
    """The mean divides by all rows, those that are ignored among them."""
    found = nll.backward(dL_dloss, log_probabilities, labels, reduction=reduction, ignore_index=ignore_index)
    counted = (labels != ignore_index).sum() if ignore_index is not None else len(labels)
    return found * counted / len(labels) if reduction == "mean" and len(labels) else found
