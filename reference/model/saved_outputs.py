"""The gradient of softmax with cross-entropy from the outputs of the softmax: other ways to compute it, other answers.

`p_minus_y` are (p - y) g and p g - y g, functions of dL_dloss, the outputs, labels and a reduction.
"""

from typing import Any

import numpy as np

from ..ops import cross_entropy, softmax
from .formulations import Formulation, Function, as_written, through
from .losses import divided_last, one_hot, row_upstream, sums_of_others

Array = Any
Rules = tuple[Formulation, ...]


def two_steps(dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """The chain rule through the probabilities: cross-entropy's backward, then softmax's."""
    dL_doutputs = cross_entropy.backward(dL_dloss, outputs, labels, reduction=reduction)
    return softmax.centred(dL_doutputs, outputs)


def by_weights(counted: Function, dL_dloss: Array, outputs: Array, labels: np.ndarray, reduction: str) -> Array:
    """p sum_k c_k - c, where c are the labels as far as they count: all of y, or what clipping leaves of it."""
    c = counted(one_hot(labels, outputs), outputs)
    return (outputs * c.sum(axis=-1, keepdims=True) - c) * row_upstream(dL_dloss, len(outputs), reduction)


def all_labels(y: np.ndarray, _: Array) -> np.ndarray:
    """Labels that all count, so that the gradient is p sum(y) - y."""
    return y


def unclipped_labels(y: np.ndarray, outputs: Array) -> np.ndarray:
    """Labels without those of clipped probabilities; that one is above 1 - 1e-7 is seen by the sum of the others."""
    others = sums_of_others(outputs)
    return np.where((outputs > cross_entropy.SMALLEST) & (others > cross_entropy.SMALLEST), y, 0)


def labels_over_clipped(y: np.ndarray, outputs: Array) -> Array:
    """y p / p', where p' is the clipped probability."""
    return y * (outputs / cross_entropy.clipped(outputs))


def scalings(*p_minus_y: Function) -> Rules:
    """Give the gradient in all its ways."""
    in_two_steps = Formulation(two_steps, "in two steps", stable=False)  # where a p underflows, -y / p has no bound
    return *_differences(*p_minus_y), in_two_steps


def scalings_by_answer(*p_minus_y: Function) -> dict[tuple[str, str], Rules]:
    """Give what others hold it to be, by answer."""
    return {
        ("probability_clipping", "zero-slope"): _last_too(through(by_weights, [as_written(unclipped_labels)])),
        ("probability_clipping", "denominator"): _last_too(through(by_weights, [as_written(labels_over_clipped)])),
        ("label_mass", "scaled"): _last_too(through(by_weights, [as_written(all_labels)])),
        ("label_mass", "unscaled"): _differences(*p_minus_y),
    }


def _differences(first: Function, apart: Function) -> Rules:
    return *_last_too((as_written(first),)), Formulation(apart, "p g - y g")


def _last_too(rules: Rules) -> Rules:
    return *rules, *through(divided_last, rules, name="divided by N last")
