"""Families of cases for the square root, and the kind that it is: defined on the right of 0."""

from collections.abc import Iterator

import numpy as np

from ..generation.draws import held
from ..kinds.elementwise import Elementwise, elementwise
from ..kinds.paired import families
from ..model.family import Draft

POSITIVE = Elementwise(
    inside=np.abs,
    cases=4,
    changes={
        "forward-zero": {"level": "robust"},
        "backward-zero": {"level": "robust", "comment": "At 0 the slope is infinite."},
        "forward-one-product": None,
        "backward-one-product": None,
    },
)


def positive(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """Give all families of a function that is defined on the right of 0, at a dtype."""
    yield from elementwise(kind, dtype)
    case = {"inputs": held([[-1, 4, -0.25]], dtype)}
    comment = "A number below 0 has no result: NaN, and no other is."
    yield from families("forward-negative", "nan", comment, (case,), level="robust")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from positive(POSITIVE, dtype)
