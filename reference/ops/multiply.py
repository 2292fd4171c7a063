"""Product of two tensors, element by element, which broadcast as NumPy has it.

outputs = a b

dL_da   = b dL_doutputs, summed over the axes along which a was repeated
dL_db   = a dL_doutputs, summed over the axes along which b was repeated
"""

from typing import Any

from ..model.broadcasting import require_outputs_of, undo_broadcast

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(a: Array, b: Array) -> Array:
    """a and b of shapes that broadcast -> outputs of their common shape."""
    return a * b


def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_da and dL_db, of the shapes of a and b."""
    require_outputs_of(a, b, dL_doutputs)
    return undo_broadcast(dL_doutputs * b, a.shape), undo_broadcast(dL_doutputs * a, b.shape)
