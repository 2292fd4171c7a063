"""Families of cases for the logarithm."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import held
from ..kinds.paired import families
from ..model.family import Draft
from .sqrt import POSITIVE, positive

LOG = replace(POSITIVE, changes={**POSITIVE.changes, "backward-subnormal": {"overflows": True}})


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from positive(LOG, dtype)
    steps = np.array([[1, -1, 2, -3, 5]]) * 2.0 ** (1 - FORMATS[dtype].significand)
    comment = "Numbers next to 1, whose logarithm has as many digits as any."
    yield from families("forward-near-one", "cancellation", comment, ({"inputs": held(1 + steps, dtype)},))
