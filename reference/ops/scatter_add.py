"""Add each element of a source to the element of a tensor that its index names along one axis.

outputs[i,v]    = inputs[i,v] + sum of source[i,j] over all j with indices[i,j] = v    (along the last axis of two)

dL_dinputs      = dL_doutputs
dL_dsource[i,j] = dL_doutputs[i,indices[i,j]]

Indices have the rank of inputs, and may be shorter along the other axes: nothing is added to what lies beyond them.
"""

import math
from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.functions import scatter_add
from ..model.indexing import added_up, picked, places, require_places
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("indices",)
BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, indices: np.ndarray, source: Array, *, axis: int) -> Array:
    """inputs, indices of the same rank, and source of the shape of indices -> outputs of the shape of inputs."""
    require_places(indices, inputs, axis)
    require_same_shape(source=source, indices=indices)
    return inputs + added_up(source, indices, inputs.shape, axis)


def backward(
    dL_doutputs: Array, inputs: Array, indices: np.ndarray, source: Array, *, axis: int
) -> tuple[Array, Array]:
    """dL_doutputs of the shape of inputs, and forward's arguments -> dL_dinputs and dL_dsource."""
    require_places(indices, inputs, axis)
    require_same_shape(source=source, indices=indices)
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
    return dL_doutputs, picked(dL_doutputs, indices, axis)


def _one_sum(inputs: Array, indices: np.ndarray, source: Array, *, axis: int) -> Array:
    """The elements of inputs as further terms of the sums."""
    require_places(indices, inputs, axis)
    require_same_shape(source=source, indices=indices)
    size, into = math.prod(inputs.shape), places(indices, inputs.shape, axis)
    terms = np.concatenate([inputs.reshape(-1), source.reshape(-1)])
    return scatter_add(terms, np.concatenate([np.arange(size), into]), size).reshape(inputs.shape)


FORMULATIONS = {"forward": (Formulation(_one_sum, "one sum, from inputs on"),)}
