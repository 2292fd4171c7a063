"""Dropout with a given mask, element by element: y = x mask / (1 - p).

outputs    = inputs mask / (1 - p)

dL_dinputs = dL_doutputs mask / (1 - p)

The mask is 1 where an element is kept and 0 where it is dropped; p is the share that is dropped, below 1.
"""

from typing import Any

import numpy as np

from ..model.formulations import Formulation
from ..model.functions import number
from ..model.shapes import require_same_shape

Array = Any

LABELS = ("mask",)
BATCH_AXIS = {"inputs": 0, "mask": 0, "outputs": 0, "dL_doutputs": 0, "dL_dinputs": 0}


def forward(inputs: Array, mask: Array, *, p: float) -> Array:
    """inputs and mask of one shape -> outputs of the same."""
    require_same_shape(inputs=inputs, mask=mask)
    return inputs * mask / (1 - number(p))  # what is dropped is multiplied by 0, and an infinity so NaN


def backward(dL_doutputs: Array, inputs: Array, mask: Array, *, p: float) -> Array:
    """dL_doutputs, inputs and mask of one shape -> dL_dinputs of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs, mask=mask)
    return dL_doutputs * mask / (1 - number(p))


def _in_working_precision(x: Array, mask: Array, *, p: float) -> Array:
    return x * (mask / (1 - number(p) * np.ones_like(x)))


def _selected(x: Array, mask: Array, *, p: float) -> Array:
    return np.where(mask != 0, x / (1 - number(p)), 0)


def _of_upstream(dL_doutputs: Array, _: Array, mask: Array, *, p: float) -> Array:
    return _in_working_precision(dL_doutputs, mask, p=p)


def _selected_upstream(dL_doutputs: Array, _: Array, mask: Array, *, p: float) -> Array:
    return _selected(dL_doutputs, mask, p=p)


FORMULATIONS = {
    "forward": (Formulation(_in_working_precision, "1 - p in working precision"),),
    "backward": (Formulation(_of_upstream, "1 - p in working precision"),),
}

ALTERNATIVES = {
    ("infinite_times_zero", "0"): {
        "forward": (Formulation(_selected, "a selection"),),
        "backward": (Formulation(_selected_upstream, "a selection"),),
    },
    ("infinite_times_zero", "nan"): {
        "forward": (Formulation(forward, "a product"),),
        "backward": (Formulation(backward, "a product"),),
    },
}
