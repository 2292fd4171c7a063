"""Families of cases for binary cross-entropy of logits with a weight for positive targets."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ..kinds.binary import LOGITS, of_logits
from ..kinds.loss import invalid
from ..model.family import Draft

WEIGHTED = replace(LOGITS, weights="pos_weight")


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from of_logits(WEIGHTED, dtype)
    z, y, give = np.ones((3, 4)), np.eye(3, 4), partial(invalid, WEIGHTED, dtype)
    for name, weights in {
        "short": [2, 3, 4],
        "one": [2],
        "scalar": 2,
        "rows": [[2, 3, 4, 5]] * 3,
        "column": [[2]] * 3,
    }.items():
        comment = "Weights that are not one for each column, to be broadcast by none."
        yield from give(f"weights-{name}", "size-mismatch", comment, (z, y, 2.5, weights))
