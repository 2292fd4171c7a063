"""Elements of a tensor by an index along one axis, at each place of the indices.

outputs[i,j]    = inputs[i,indices[i,j]]    (along the last axis of two)

dL_dinputs[i,v] = sum of dL_doutputs[i,j] over all j with indices[i,j] = v

Indices have the rank of inputs, and may be shorter along the other axes: what lies beyond them is not read.
"""

from typing import Any

import numpy as np

from ..model.indexing import added_up, picked, require_places
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("indices",)
BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, indices: np.ndarray, *, axis: int) -> Array:
    """inputs, and indices of the same rank -> outputs of the shape of indices."""
    require_places(indices, inputs, axis)
    return picked(inputs, indices, axis)


def backward(dL_doutputs: Array, inputs: Array, indices: np.ndarray, *, axis: int) -> Array:
    """dL_doutputs of the shape of indices, and forward's arguments -> dL_dinputs of the shape of inputs."""
    require_places(indices, inputs, axis)
    require_same_shape(dL_doutputs=dL_doutputs, indices=indices)
    return added_up(dL_doutputs, indices, inputs.shape, axis)
