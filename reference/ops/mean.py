"""Mean over axes.

outputs    = sum of inputs over the axes / n

dL_dinputs = dL_doutputs / n, the same for all n inputs that it is a mean of
"""

from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis
from ..model.formulations import Alternatives, Formulation
from ..model.functions import running
from ..model.reductions import kept, terms

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """inputs of any shape, an axis, several of them or None for all -> outputs without them, or of size 1 there."""
    n = terms(inputs.shape, axis)
    return inputs.sum(axis=axis, keepdims=keepdims) / n


def backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_dinputs of the inputs' shape."""
    n = max(terms(inputs.shape, axis), 1)
    return np.broadcast_to(kept(dL_doutputs, inputs, axis, keepdims) / n, inputs.shape)


def _divided_first(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    n = max(terms(inputs.shape, axis), 1)
    return (inputs / n).sum(axis=axis, keepdims=keepdims)


def _by_share(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    total = inputs.sum(axis=axis, keepdims=keepdims)
    return total * (np.ones_like(total) / terms(inputs.shape, axis))


def _running(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    return running(inputs).mean(axis=axis, keepdims=keepdims)


def _backward_by_share(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    upstream = kept(dL_doutputs, inputs, axis, keepdims)
    share = np.ones_like(upstream) / max(terms(inputs.shape, axis), 1)
    return np.broadcast_to(upstream * share, inputs.shape)


FORMULATIONS = {
    "forward": (
        Formulation(_divided_first, "sum of x / n"),
        Formulation(_by_share, "sum times 1 / n"),
        Formulation(_running, "a running mean"),
    ),
    "backward": (Formulation(_backward_by_share, "g times 1 / n"),),
}

ALTERNATIVES: Alternatives = {("empty_mean", "0"): {"forward": (Formulation(_divided_first, "a sum of no terms"),)}}
