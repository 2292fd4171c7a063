"""Maximum over axes.

outputs    = max of inputs over the axes

dL_dinputs = dL_doutputs / k where an input is the largest, or one of k that are, else 0
"""

from functools import partial
from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis
from ..model.formulations import Alternatives, Formulation
from ..model.reductions import kept, kept_shape

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """inputs of any shape, an axis, several of them or None for all -> outputs without them, or of size 1 there."""
    kept_shape(inputs.shape, axis)
    return inputs.max(axis=axis, keepdims=keepdims)


def backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_dinputs of the inputs' shape."""
    upstream, largest = kept(dL_doutputs, inputs, axis, keepdims), inputs.max(axis=axis, keepdims=True)
    winners = inputs == largest  # none, where a NaN is the largest
    return np.where(winners, upstream / np.maximum(winners.sum(axis=axis, keepdims=True), 1), 0)


def _by_mask(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    upstream, largest = kept(dL_doutputs, inputs, axis, keepdims), inputs.max(axis=axis, keepdims=True)
    winners = inputs == largest
    return upstream * np.where(winners, 1, 0) / np.maximum(winners.sum(axis=axis, keepdims=True), 1)


def _to_one(place: int, dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """All of the upstream to the first, or the last, of those that tie, in C order of the axes as listed."""
    upstream, largest = kept(dL_doutputs, inputs, axis, keepdims), inputs.max(axis=axis, keepdims=True)
    axes = tuple(range(inputs.ndim)) if axis is None else tuple(np.atleast_1d(axis).tolist())
    ends = tuple(range(-len(axes), 0))
    moved = np.moveaxis(inputs == largest, axes, ends)
    rows = moved.reshape(-1, int(np.prod(moved.shape[inputs.ndim - len(axes) :])))
    order = np.cumsum(rows[:, ::place], axis=1)[:, ::place]
    chosen = np.moveaxis((rows & (order == 1)).reshape(moved.shape), ends, axes)
    return np.where(chosen, upstream, 0)


def _at_nan(answer: str, dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """NaN throughout what has a NaN, or all of the upstream to the NaN."""
    upstream, isnan = kept(dL_doutputs, inputs, axis, keepdims), np.asarray(inputs != inputs)
    found = backward(dL_doutputs, inputs, axis=axis, keepdims=keepdims)
    if answer == "own":
        return np.where(isnan, upstream, found)
    return np.where(isnan.any(axis=axis, keepdims=True), inputs.max(axis=axis, keepdims=True), found)


ALTERNATIVES: Alternatives = {
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_by_mask, "g times the mask"),)},
    ("max_tie", "first"): {"backward": (Formulation(partial(_to_one, 1), "to the first"),)},
    ("max_tie", "last"): {"backward": (Formulation(partial(_to_one, -1), "to the last"),)},
    ("max_at_nan", "own"): {"backward": (Formulation(partial(_at_nan, "own"), "to the NaN"),)},
    ("max_at_nan", "nan"): {"backward": (Formulation(partial(_at_nan, "nan"), "NaN throughout"),)},
}
