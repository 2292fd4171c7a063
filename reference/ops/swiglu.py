"""SwiGLU, element by element: the SiLU of a gate times another tensor.

outputs  = silu(gate) up

dL_dgate = silu'(gate) up dL_doutputs
dL_dup   = silu(gate) dL_doutputs

where silu(x) = x sigmoid(x). See Shazeer, "GLU variants improve transformer" (2020), https://arxiv.org/abs/2002.05202.
"""

from typing import Any

from ..model.gating import gated, gated_alternatives
from ..model.shapes import require_same_shape
from . import silu

Array = Any

BATCH_AXIS = {"gate": 0, "up": 0, "outputs": 0, "dL_doutputs": 0, "dL_dgate": 0, "dL_dup": 0}


def forward(gate: Array, up: Array) -> Array:
    """gate and up of one shape -> outputs of the same."""
    require_same_shape(up=up, gate=gate)
    return silu.forward(gate) * up


def backward(dL_doutputs: Array, gate: Array, up: Array) -> tuple[Array, Array]:
    """dL_doutputs, gate and up of one shape -> dL_dgate and dL_dup of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, gate=gate, up=up)
    return silu.backward(dL_doutputs * up, gate), dL_doutputs * silu.forward(gate)


FORMULATIONS = gated(forward, backward, silu)
ALTERNATIVES = gated_alternatives(forward, backward, silu)
