"""Wrong softmaxes that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward, forward
from ..ops import softmax

Array = Any


@backward(
    "libnd4j#440; eriklindernoren/ML-From-Scratch, Softmax.gradient", "subtract the weighted sum: s (g - sum(s g))."
)
def diagonal_of_the_jacobian(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Any:
    """Only the diagonal of the Jacobian is used, g s (1 - s): classes do not compete."""
    s = softmax.forward(logits, axis=axis)
    return dL_doutputs * s * (1 - s)


@forward("webonnx/wonnx PR 82; the rule of ONNX before its version 13", "take the sum over one axis alone.")
def over_all_axes_from_one_on(logits: Array, *, axis: int = -1) -> Any:
    """The softmax is over the axis and all behind it, as if they were one."""
    rows = logits.reshape(*logits.shape[: axis % logits.ndim], -1)
    return softmax.forward(rows).reshape(logits.shape)


@forward("paiml/aprender PR 2152", "hand the axis on.")
def over_the_last_axis(logits: Array, *, axis: int = -1) -> Any:
    """The softmax is over the last axis, whatever the axis asked for is."""
    return softmax.forward(logits)


@backward("deeplearning4j/deeplearning4j#345", "take the softmax over the axis of the forward pass.")
def outputs_of_another_axis(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Any:
    """Backward computes the outputs again, over the first axis, and the sum over the axis asked for."""
    return softmax.centred(dL_doutputs, softmax.forward(logits, axis=0), axis)
