"""Wrong normalisations by the root mean square that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..ops import rms_norm

Array = Any


@backward("unslothai/unsloth#4533", "compute dL_dweight before the upstream is written over.")
def dinputs_over_the_upstream(dL_doutputs: Array, inputs: Array, weight: Array, *, eps: float) -> Any:
    """dL_dinputs is written over the upstream, and dL_dweight computed from that."""
    dL_dinputs, _ = rms_norm.backward(dL_doutputs, inputs, weight, eps=eps)
    return dL_dinputs, (dL_dinputs * inputs * rms_norm.scale_of(inputs, eps)).sum(axis=tuple(range(inputs.ndim - 1)))
