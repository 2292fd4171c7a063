"""GEGLU, element by element: the GELU of a gate times another tensor.

outputs  = gelu(gate) up

dL_dgate = gelu'(gate) up dL_doutputs
dL_dup   = gelu(gate) dL_doutputs

where gelu is that of the operation `gelu`, with its parameter `approximate`. See Shazeer, "GLU variants improve
transformer" (2020), https://arxiv.org/abs/2002.05202.
"""

from typing import Any

from ..model.gating import gated, gated_alternatives
from ..model.shapes import require_same_shape
from . import gelu

Array = Any

BATCH_AXIS = {"gate": 0, "up": 0, "outputs": 0, "dL_doutputs": 0, "dL_dgate": 0, "dL_dup": 0}


def forward(gate: Array, up: Array, *, approximate: str = "none") -> Array:
    """gate and up of one shape, approximate "none" or "tanh" -> outputs of the same shape."""
    require_same_shape(up=up, gate=gate)
    return gelu.forward(gate, approximate=approximate) * up


def backward(dL_doutputs: Array, gate: Array, up: Array, *, approximate: str = "none") -> tuple[Array, Array]:
    """dL_doutputs, gate and up of one shape -> dL_dgate and dL_dup of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, gate=gate, up=up)
    dL_dgate = gelu.backward(dL_doutputs * up, gate, approximate=approximate)
    return dL_dgate, dL_doutputs * gelu.forward(gate, approximate=approximate)


FORMULATIONS = gated(forward, backward, gelu)
ALTERNATIVES = gated_alternatives(forward, backward, gelu)
