"""Group normalisation: the channels of each group by their mean and variance, with a weight and a bias a channel.

mean[n,g]          = mean of inputs[n,c,...] over the channels c of group g, and all further axes
variance[n,g]      = mean of (inputs[n,c,...] - mean[n,g])^2
normal[n,c,...]    = (inputs[n,c,...] - mean[n,g]) / sqrt(variance[n,g] + eps)
outputs[n,c,...]   = normal[n,c,...] weight[c] + bias[c]

h                  = dL_doutputs[n,c,...] weight[c]
dL_dinputs         = (h - mean of h - normal[n,c,...] mean of (h normal)) / sqrt(variance[n,g] + eps)
dL_dweight[c]      = sum of dL_doutputs[n,c,...] normal[n,c,...]
dL_dbias[c]        = sum of dL_doutputs[n,c,...]

Group g has the channels from g C / num_groups on. See Wu and He, "Group normalization" (2018),
https://arxiv.org/abs/1803.08494.
"""

from typing import Any

from ..model.formulations import replacing, through
from ..model.normalization import GRADIENTS, NORMALIZED, gradients, normalized
from ..model.shapes import require_same_shape

Array = Any
Gradients = tuple[Array, Array, Array]

BATCH_AXIS = {"inputs": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float) -> Array:
    """inputs (N, C, ...), weight (C,), bias (C,) -> outputs of the inputs' shape."""
    grouped, per_channel, axes = in_groups(inputs, weight, bias, num_groups)
    outputs = normalized(inputs.reshape(grouped), weight.reshape(per_channel), bias.reshape(per_channel), axes, eps)
    return outputs.reshape(inputs.shape)


def backward(
    dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float
) -> Gradients:
    """dL_doutputs of the inputs' shape, and forward's arguments -> dL_dinputs, dL_dweight (C,), dL_dbias (C,)."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    grouped, per_channel, axes = in_groups(inputs, weight, bias, num_groups)
    dL_dinputs, dL_dweight, dL_dbias = gradients(
        dL_doutputs.reshape(grouped), inputs.reshape(grouped), weight.reshape(per_channel), axes, eps
    )
    return dL_dinputs.reshape(inputs.shape), dL_dweight.reshape(weight.shape), dL_dbias.reshape(bias.shape)


def in_groups(inputs: Array, weight: Array, bias: Array, num_groups: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of inputs (N, num_groups, C / num_groups, ...) and weights, and the axes that are averaged over."""
    if inputs.ndim < 2 or not weight.shape == bias.shape == inputs.shape[1:2]:
        raise ValueError(f"weight {weight.shape} and bias {bias.shape} for inputs of shape {inputs.shape}")
    n, channels, *rest = inputs.shape
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"{channels} channels in {num_groups} groups")
    grouped = (n, num_groups, channels // num_groups, *rest)
    return grouped, (1, *grouped[1:3], *(1 for _ in rest)), tuple(range(2, len(grouped)))


FORMULATIONS = {
    "forward": through(replacing(forward, normalized), NORMALIZED),
    "backward": through(replacing(backward, gradients), GRADIENTS),
}
