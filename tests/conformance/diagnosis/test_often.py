"""Mistakes that many people ship, written by hand: each is named, whatever the operation."""

from typing import Any

import numpy as np
from backproof.reference.model.fault import widened
from backproof.reference.ops import softmax
from diagnosed import findings, implementation, whole

Array = Any


def of_quotient(g: Array, x: Array, *, beta: float = 1.0) -> Array:
    e = np.exp(beta * x)
    return np.where(e == np.inf, 0, g * e / (1 + e))


def test_what_is_nan_beside_a_named_fault_gets_no_name_of_its_own() -> None:
    def backward(g: Array, x: Array, *, axis: int = -1) -> Array:
        p = softmax.forward(x, axis=axis)
        return g - p * (p * g / p).sum(axis=axis, keepdims=True)

    (found,) = findings(implementation("log_softmax", backward=widened(backward)), whole("log_softmax"))
    assert found.name == "log_softmax.through_the_probabilities"


def test_a_threshold_that_leaves_the_same_unexplained_in_another_dtype_is_not_told() -> None:
    found = findings(implementation("softplus", backward=widened(of_quotient)), whole("softplus"))
    assert not any(finding.name == "a branch" for finding in found)
