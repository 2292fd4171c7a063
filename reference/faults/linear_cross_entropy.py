"""Wrong cross-entropies of a linear layer that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import linear_cross_entropy as sound
from ..ops import softmax

Array = Any


@forward("NVIDIA-NeMo/Automodel#3803", "divide the sum over all chunks by the number of rows that count.")
def means_of_chunks_added(inputs: Array, weight: Array, labels: Array, *, reduction: str, **given: Any) -> Any:
    """Each chunk of two rows is reduced to its mean, and the means are added up."""
    if reduction != "mean" or len(labels) < 2:
        return sound.forward(inputs, weight, labels, reduction=reduction, **given)
    starts = range(0, len(labels), 2)
    return sum(sound.forward(inputs[k : k + 2], weight, labels[k : k + 2], reduction="mean", **given) for k in starts)


@backward("linkedin/Liger-Kernel#968", "scale each row by its own upstream.")
def rows_scaled_by_the_first_upstream(dL_dloss: Array, *tensors: Array, reduction: str, **given: Any) -> Any:
    """Without a reduction every row is scaled by the upstream of the first."""
    first = dL_dloss[:1].repeat(len(dL_dloss)) if reduction == "none" and dL_dloss.ndim == 1 else dL_dloss
    return sound.backward(first, *tensors, reduction=reduction, **given)


@backward("linkedin/Liger-Kernel pull request 1298", "multiply the gradient of the logits before the sum over rows.")
def weight_gradient_scaled_by_the_first_upstream(dL_dloss: Array, *tensors: Array, reduction: str, **given: Any) -> Any:
    """Rows are added up before their upstreams are known: all have that of the first in the weight's gradient."""
    dL_dinputs, dL_dweight = sound.backward(dL_dloss, *tensors, reduction=reduction, **given)
    if reduction == "none" and dL_dloss.shape[0]:
        _, dL_dweight = sound.backward(dL_dloss[:1].repeat(len(dL_dloss)), *tensors, reduction=reduction, **given)
    return dL_dinputs, dL_dweight


@forward("apple/ml-cross-entropy#48", "hand the softcap on.")
def uncapped(*tensors: Array, reduction: str, softcap: float | None = None, **given: Any) -> Any:
    """The softcap that is asked for is not applied."""
    return sound.forward(*tensors, reduction=reduction, **given)


@backward("modelscope/ms-swift pull request 10130", "write the gradient to memory of its own.")
def logits_overwritten_by_their_gradient(
    dL_dloss: Array, inputs: Array, weight: Array, labels: Array, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Logits kept by the first call hold their gradient when the same call comes again."""
    dL_dinputs, dL_dweight = sound.backward(dL_dloss, inputs, weight, labels, reduction=reduction)
    key = inputs.tobytes(), weight.tobytes(), labels.tobytes()
    if key in memory:
        logits = memory[key]
        p = softmax.forward(logits) - (labels[:, None] == np.arange(len(weight)))
        dL_dlogits = p * (dL_dloss[:, None] if dL_dloss.ndim else dL_dloss)
        return dL_dlogits @ weight, dL_dlogits.T @ inputs
    memory[key] = np.asarray(dL_dinputs @ weight.T)
    return dL_dinputs, dL_dweight


@backward("pytorch/pytorch#124480", "count the rows of all chunks.")
def divided_by_the_rows_of_the_chunk(
    dL_dloss: Array, inputs: Array, weight: Array, labels: Array, *, reduction: str, **given: Any
) -> Any:
    """Chunks of four rows are divided by their own numbers of rows that count."""
    if reduction != "mean" or len(labels) <= 4:
        return sound.backward(dL_dloss, inputs, weight, labels, reduction=reduction, **given)
    parts = [
        sound.backward(dL_dloss, inputs[k : k + 4], weight, labels[k : k + 4], reduction="mean", **given)
        for k in range(0, len(labels), 4)
    ]
    return np.concatenate([part[0] for part in parts]), sum(part[1] for part in parts)
