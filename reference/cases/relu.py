"""Families of cases for ReLU."""

from collections.abc import Iterator

from ..kinds.elementwise import REQUIRED, Elementwise, call, elementwise
from ..kinds.paired import families
from ..model.family import Draft

RELU = Elementwise(
    kinks={0.0: "relu_slope_at_zero"},
    spread=(-100, 100),
    spread16=(-12, 12),
    changes={
        "forward-largest": REQUIRED,
        "backward-largest": REQUIRED,
        "forward-nan": {"point": "relu_of_nan"},
        "backward-nan": {"point": "relu_slope_at_nan"},
        "backward-upstream-broadcast": {"flags": ("stride-zero", "dead")},
        "backward-infinite-upstream": {"point": "infinite_times_zero", "flags": ("infinite-upstream", "dead")},
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    inputs = [[1, 2, -3, -4], [2, -7, -1, 3], [-1, 2, 5, -1]]
    upstream = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
    yield from families(
        "lesson",
        "lesson",
        "The lesson's inputs: the gradient passes where they are positive.",
        (call(RELU, dtype, upstream, inputs),),
        source="nnfs.io, chapter on backpropagation: ReLU",
    )
    off, on = (call(RELU, dtype, [[3, -5, 0.5]], z) for z in ([[-1, -2, -0.125]], [[1, 2, 0.125]]))
    yield from families("backward-dead", "dead", "All units off, then all on.", (off, on))
    yield from elementwise(RELU, dtype)
