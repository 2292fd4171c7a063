"""Logarithm of the sum of exponentials over axes.

outputs    = log(sum of exp(inputs) over the axes)

dL_dinputs = dL_doutputs exp(inputs) / sum of exp(inputs)

Shifting by the maximum changes no exact value and keeps exp in range; see Blanchard, Higham and Higham, "Accurately
computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..arithmetic.protocol import Axis
from ..model.formulations import Alternatives, Formulation, Function, as_written, losing_digits, through
from ..model.functions import stored
from ..model.logarithms import running_logsumexp
from ..model.reductions import in_a_row, kept, kept_shape, terms

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """inputs of any shape, an axis, several of them or None for all -> outputs without them, or of size 1 there."""
    shift = finite_max(inputs, axis)
    outputs = np.log(np.exp(inputs - shift).sum(axis=axis, keepdims=True)) + shift
    return outputs if keepdims else outputs.squeeze(axis)


def backward(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_dinputs of the inputs' shape."""
    upstream, exponentials = kept(dL_doutputs, inputs, axis, keepdims), np.exp(inputs - finite_max(inputs, axis))
    return upstream * (exponentials / exponentials.sum(axis=axis, keepdims=True))


def finite_max(inputs: Array, axis: Axis) -> Array:
    """The maximum, and 0 where that is infinite."""
    largest = inputs.max(axis=axis, keepdims=True)
    return np.where(np.absolute(largest) == np.inf, 0, largest)


def _by_outputs(computed: Function, dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """exp(x - y), whose error grows with a shift that all inputs share."""
    outputs = stored(computed(inputs, axis=axis, keepdims=True))
    return kept(dL_doutputs, inputs, axis, keepdims) * np.exp(inputs - outputs)


def _divided_first(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    exponentials = np.exp(inputs - finite_max(inputs, axis))
    return kept(dL_doutputs, inputs, axis, keepdims) / exponentials.sum(axis=axis, keepdims=True) * exponentials


def _zero_if_masked(dL_doutputs: Array, inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    masked = inputs.max(axis=axis, keepdims=True) == -np.inf
    return np.where(masked, 0, backward(dL_doutputs, inputs, axis=axis, keepdims=keepdims))


def _running(inputs: Array, *, axis: Axis, keepdims: bool = False) -> Array:
    """One element after the other, which rounds at their magnitude once for each."""
    outputs = running_logsumexp(in_a_row(inputs, axis))
    return outputs.reshape(kept_shape(inputs.shape, axis)) if keepdims else outputs.squeeze(-1)


def _few(call: Mapping[str, Any]) -> bool:
    """A running sum is sound over few elements alone."""
    return terms(call["inputs"].shape, call["axis"]) <= 5


RUNNING = Formulation(_running, "running logsumexp of at most 5 terms", stable=False, accumulates=True, differs=_few)

FORMULATIONS = {
    "forward": (RUNNING,),
    "backward": (
        *losing_digits(through(_by_outputs, (as_written(forward), RUNNING), name="g exp(x - y)")),
        Formulation(_divided_first, "(g / sum) exp(x)"),
    ),
}

ALTERNATIVES: Alternatives = {("all_masked_row", "0"): {"backward": (Formulation(_zero_if_masked, "0 if masked"),)}}
