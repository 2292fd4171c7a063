"""Wrong implementations of softmax with cross-entropy that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..model.loss_options import capped
from ..model.losses import one_hot, row_upstream
from ..mutations import wrong_losses
from ..ops import softmax, softmax_cross_entropy

Array = Any

mean_over_elements = wrong_losses.mean_over_elements("softmax_cross_entropy")


@backward("chainer/chainer#2062", "subtract the labels from a copy of the outputs.")
def cached_outputs_changed_by_backward(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Labels are subtracted from cached outputs, so that the same call gives p - 2 y the second time."""
    outputs = memory.setdefault((logits.shape, logits.tobytes()), softmax.forward(logits).astype(np.float64))
    outputs -= one_hot(labels, logits)
    return outputs * row_upstream(dL_dloss, len(outputs), reduction)


divided_by_elements = wrong_losses.divided_by_elements("softmax_cross_entropy")


@forward("pytorch/pytorch#73205", "leave rows that are ignored out of the smoothed part as well.")
def smoothing_counts_ignored_rows(*tensors: Array, **given: Any) -> Any:
    """The share that smoothing spreads is added for ignored rows too."""
    return wrong_losses.smoothing_ignored_rows(softmax_cross_entropy.forward, *tensors, **given)


@backward("PaddlePaddle/Paddle pull request 28622", "give rows that are ignored no gradient.")
def ignored_rows_have_a_gradient(dL_dloss: Array, logits: Array, labels: np.ndarray, **given: Any) -> Any:
    """The label of an ignored row is masked in y alone, so that its gradient is p g."""
    found = softmax_cross_entropy.backward(dL_dloss, logits, labels, **given)
    ignored = labels == given.get("ignore_index")
    if not np.any(ignored):
        return found
    rows = max((~ignored).sum(), 1) if given["reduction"] == "mean" else 1
    g = dL_dloss[:, None] if given["reduction"] == "none" else dL_dloss / rows
    return np.where(ignored[:, None], softmax.forward(logits) * g, found)


@backward("awslabs/sockeye#200", "leave out the rows whose label is the one to ignore, not the others.")
def all_others_ignored(dL_dloss: Array, logits: Array, labels: np.ndarray, **given: Any) -> Any:
    """The mask is turned: rows with the label to ignore are all that have a gradient."""
    found, index = softmax_cross_entropy.backward(dL_dloss, logits, labels, **given), given.get("ignore_index")
    return found if index is None else np.where((labels == index)[:, None], softmax.forward(logits), 0) * dL_dloss.sum()


ignored_label_as_an_address = wrong_losses.ignored_label_as_an_address("softmax_cross_entropy")


@backward("a submission to SOL-ExecBench by doubleAI, May 2026", "multiply by 1 - tanh(logits / softcap)^2.")
def cap_without_slope(g: Array, logits: Array, *labels: Array, softcap: float | None = None, **given: Any) -> Any:
    """The gradient is that of the capped logits: the slope of the cap is left out."""
    return softmax_cross_entropy.backward(g, capped(logits, softcap), *labels, **given)
