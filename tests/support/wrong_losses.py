"""Wrong losses and softmaxes made of a rule for rows, and how one family ends for them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome
from backproof.reference.model.losses import one_hot, reduced, row_upstream
from backproof.vectors.records import Family
from diagnosed import implementation, whole

Array = Any


@cache
def _families(op: str) -> dict[tuple[str, str], Family]:
    return {(family.dtype, family.name): family for family in whole(op).families}


def golden(op: str, dtype: str, name: str) -> Family:
    """A family as the golden file has it, which `backproof generate --check` holds to what its draft says."""
    return _families(op)[dtype, name]


def outcome(op: str, name: str, function: Callable[..., Any], dtype: str = "float32") -> Outcome:
    """How one family ends for a function."""
    family = golden(op, dtype, name)
    subject = implementation(op, **{family.direction: function})
    return check(family, subject, whole(op)).outcome


def softmax(z: Array, start: float = -np.inf) -> Array:
    """A softmax whose running maximum starts at a number."""
    e = np.exp(z - np.maximum(z.max(axis=-1, keepdims=True), z.dtype.type(start)))
    return e / e.sum(axis=-1, keepdims=True)


def the_loss(losses: Callable[[Array, Array], Array]) -> Callable[..., Any]:
    """A forward from the loss of each row."""
    return lambda z, labels, *, reduction: reduced(losses(z, one_hot(labels, z).astype(z.dtype)), reduction)


def the_gradient(rows: Callable[[Array, Array], Array]) -> Callable[..., Any]:
    """A backward from the gradient of each row's loss."""

    def backward(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
        rule = rows(z, one_hot(labels, z).astype(z.dtype))
        return (rule * row_upstream(g, len(z), reduction)).astype(z.dtype)

    return backward
