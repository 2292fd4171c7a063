"""Batch normalisation as in training: each channel by its mean and variance over the batch, with a weight and a bias.

mean[c]            = mean of inputs[n,c,...] over all axes but the channels
variance[c]        = mean of (inputs[n,c,...] - mean[c])^2
normal[n,c,...]    = (inputs[n,c,...] - mean[c]) / sqrt(variance[c] + eps)
outputs[n,c,...]   = normal[n,c,...] weight[c] + bias[c]

g                  = dL_doutputs[n,c,...] weight[c]
dL_dinputs         = (g - mean of g - normal[n,c,...] mean of (g normal)) / sqrt(variance[c] + eps)
dL_dweight[c]      = sum of dL_doutputs[n,c,...] normal[n,c,...]
dL_dbias[c]        = sum of dL_doutputs[n,c,...]

Mean and variance depend on the inputs, and their own derivatives are the last two terms. See Ioffe and Szegedy, "Batch
normalization" (2015), https://arxiv.org/abs/1502.03167.
"""

from typing import Any

from ..model.formulations import replacing, through
from ..model.normalization import BY_CHANNEL, GRADIENTS, NORMALIZED, gradients, normalized
from ..model.shapes import require_same_shape

Array = Any
Gradients = tuple[Array, Array, Array]

BATCH_AXIS = dict.fromkeys(("inputs", "outputs", "dL_doutputs", "dL_dinputs"), 1) | dict.fromkeys(
    ("weight", "bias", "dL_dweight", "dL_dbias"), 0
)


def forward(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """inputs (N, C) or (N, C, ...), weight (C,), bias (C,) -> outputs of the inputs' shape."""
    axes, per_channel = over(inputs, weight, bias)
    return normalized(inputs, weight.reshape(per_channel), bias.reshape(per_channel), axes, eps)


def backward(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Gradients:
    """dL_doutputs of the inputs' shape, and forward's arguments -> dL_dinputs, dL_dweight (C,), dL_dbias (C,)."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    axes, per_channel = over(inputs, weight, bias)
    dL_dinputs, dL_dweight, dL_dbias = gradients(dL_doutputs, inputs, weight.reshape(per_channel), axes, eps)
    return dL_dinputs, dL_dweight.reshape(weight.shape), dL_dbias.reshape(bias.shape)


def over(inputs: Array, weight: Array, bias: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that are averaged over, and a shape for weights. Raises ValueError for a single value a channel."""
    if inputs.ndim < 2 or not weight.shape == bias.shape == inputs.shape[1:2]:
        raise ValueError(f"weight {weight.shape} and bias {bias.shape} for inputs of shape {inputs.shape}")
    axes = (0, *range(2, inputs.ndim))
    if all(inputs.shape[axis] == 1 for axis in axes):
        raise ValueError(f"inputs of shape {inputs.shape} have a single value a channel, whose variance says nothing")
    return axes, tuple(1 if axis in axes else size for axis, size in enumerate(inputs.shape))


FORMULATIONS = {
    "forward": through(replacing(forward, normalized), NORMALIZED),
    "backward": through(replacing(backward, gradients), (*GRADIENTS, BY_CHANNEL)),
}
