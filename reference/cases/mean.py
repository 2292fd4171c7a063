"""Families of cases for the mean over axes."""

from collections.abc import Iterator

import numpy as np

from ..kinds.paired import families
from ..kinds.reductions import COUNTED, Over, Reduction, reduction
from ..model.family import Draft

NOTHING = ("0x3-over-2", "3x0-over-1", "0-over-all")
EMPTY = {f"forward-nothing-{name}": {"point": "empty_mean"} for name in NOTHING}
PAST_FLOAT16 = Over((1, 2051), -1)
"""A number of terms that float16 does not hold."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Reduction(changes=EMPTY, large=COUNTED)
    yield from reduction(kind, dtype)
    if dtype == "float16":
        over, comment = PAST_FLOAT16, "More terms than float16 counts: a count that is rounded to it shows."
        case = kind.call(dtype, [256], np.full(over.shape, 1.75))
        name, flags = f"counted-{over.name}", "many-rows odd-sizes"
        yield from families(name, flags, comment, (case,), parameters=over.parameters)
