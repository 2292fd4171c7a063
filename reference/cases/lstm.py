"""Families of cases for an LSTM layer."""

from collections.abc import Iterator

from ..kinds.recurrence import Cell, recurrent
from ..model.family import Draft

GROUPS = (
    ("distinct-sizes", "all different", 1, ((1, 2, 3, 4), (2, 4, 3, 1), (7, 2, 1, 3))),
    ("square", "some of them equal", 1, ((2, 2, 2, 2), (3, 3, 3, 3))),
    ("many-steps", "many steps", 1, ((33, 1, 2, 1),)),
    ("odd-sizes", "beside the sizes that tiles have", 1, ((1, 17, 2, 1), (1, 2, 33, 1), (2, 1, 1, 9), (1, 33, 1, 1))),
    ("many-rows", "more rows than a block of threads takes", 1, ((1, 131, 1, 1),)),
)
LARGE = (
    ("many-steps", "many steps of several rows", 1, ((33, 2, 1, 2),)),
    ("odd-sizes", "one of which is more than a block of threads has", 1, ((1, 2, 129, 1), (1, 1, 1, 33))),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    layer = Cell(4, 2, ("hidden", "cell"), steps=(2,), groups=GROUPS, large=LARGE, ladder=(5, 10, 20, 60))
    yield from recurrent(layer, dtype)
