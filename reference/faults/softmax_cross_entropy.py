"""Wrong implementations of softmax with cross-entropy that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..model.losses import one_hot, row_upstream
from ..ops import softmax, softmax_cross_entropy

Array = Any


@forward("victorlempitsky/Mate#2", "divide by the number of rows.")
def mean_over_elements(logits: Array, labels: np.ndarray, *, reduction: str, **options: Any) -> Any:
    """The mean is taken over N C elements."""
    loss = softmax_cross_entropy.forward(logits, labels, reduction=reduction, **options)
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
def divided_by_elements(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, **options: Any) -> Any:
    """The gradient of a mean is divided by N C."""
    gradient = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction, **options)
    return gradient / logits.shape[1] if reduction == "mean" else gradient


@forward("pytorch/pytorch#73205", "leave rows that are ignored out of the smoothed part as well.")
def smoothing_counts_ignored_rows(
    logits: Array, labels: np.ndarray, *, reduction: str, label_smoothing: float = 0.0, **options: Any
) -> Any:
    """The share that smoothing spreads is added for ignored rows too."""
    given = {**options, "label_smoothing": label_smoothing} if label_smoothing else options
    loss = softmax_cross_entropy.forward(logits, labels, reduction=reduction, **given)
    index = options.get("ignore_index")
    if not label_smoothing or index is None:
        return loss
    ignored = labels == index
    spread = -label_smoothing * np.where(ignored, softmax.log_softmax(logits).mean(axis=-1), 0)
    if reduction == "none":
        return loss + spread
    return loss + spread.sum() / (max((~ignored).sum(), 1) if reduction == "mean" else 1)


@backward("PaddlePaddle/Paddle pull request 28622", "give rows that are ignored no gradient.")
def ignored_rows_have_a_gradient(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, **options: Any
) -> Any:
    """The label of an ignored row is masked in y alone, so that its gradient is p g."""
    found = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction, **options)
    index = options.get("ignore_index")
    if index is None:
        return found
    ignored = (labels == index)[:, None]
    g = (
        dL_dloss[:, None]
        if reduction == "none"
        else dL_dloss / (max((~ignored).sum(), 1) if reduction == "mean" else 1)
    )
    return np.where(ignored, softmax.forward(logits) * g, found)


@backward("awslabs/sockeye#200", "leave out the rows whose label is the one to ignore, not the others.")
def all_others_ignored(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, **options: Any) -> Any:
    """The mask is turned: rows with the label to ignore are all that have a gradient."""
    found = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction, **options)
    index = options.get("ignore_index")
    return found if index is None else np.where((labels == index)[:, None], softmax.forward(logits), 0) * dL_dloss.sum()


@backward("flagos-ai/FlagGems#5025", "write nothing for a row that is ignored.")
def ignored_label_as_an_address(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, **options: Any
) -> Any:
    """The label of an ignored row is an address all the same, and what is there becomes 0."""
    found = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction, **options)
    index = options.get("ignore_index")
    flat = np.array(found).reshape(-1)
    if index is not None:
        places = np.flatnonzero(labels == index) * logits.shape[1] + index
        flat[places[(places >= 0) & (places < flat.size)]] = 0
    return flat.reshape(found.shape)


@backward("a submission to SOL-ExecBench by doubleAI, May 2026", "multiply by 1 - tanh(logits / softcap)^2.")
def cap_without_slope(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, softcap: float | None = None, **options: Any
) -> Any:
    """The gradient is that of the capped logits: the slope of the cap is left out."""
    capped = softcap * np.tanh(logits / softcap) if softcap else logits
    return softmax_cross_entropy.backward(dL_dloss, capped, labels, reduction=reduction, **options)
