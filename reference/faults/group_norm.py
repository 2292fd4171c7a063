"""Wrong group normalisations that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..ops import group_norm

Array = Any


@backward("apache/mxnet#17139", "a weight and a bias for each channel, not for each group.")
def weights_of_groups(
    dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float
) -> Any:
    """All channels of a group are taken to have the weight of its first."""
    size = inputs.shape[1] // num_groups
    shared = weight[::size].repeat(size) if weight.shape == inputs.shape[1:2] and num_groups * size else weight
    return group_norm.backward(dL_doutputs, inputs, shared, bias, num_groups=num_groups, eps=eps)
