"""Families of cases for group normalisation."""

from collections.abc import Iterator

from ..kinds.channels import Channels, Layout, normalised_channels
from ..kinds.paired import refused
from ..model.family import Draft

GROUP_NORM = Channels(
    layouts=(
        *(Layout(shape, "rank", g) for shape, g in (((3, 8), 2), ((2, 4, 3), 2), ((2, 6, 3), 3), ((2, 4, 2, 3), 2))),
        *(Layout(shape, "rank", g) for shape, g in (((3, 5), 1), ((2, 3, 4), 1), ((2, 2, 2, 3), 1), ((2, 3, 5), 3))),
        Layout((2, 4, 2, 1, 2), "rank", 2),
        *(Layout(shape, "square", g) for shape, g in (((4, 4, 4), 2), ((3, 3, 3), 1), ((2, 4, 2, 2), 2))),
        *(Layout(shape, "batch-of-one", g) for shape, g in (((1, 4, 3), 2), ((1, 6, 2, 2), 3))),
        *(
            Layout(shape, "odd-sizes", g)
            for shape, g in (((9, 4, 2), 2), ((1, 18, 3), 6), ((2, 33), 3), ((1, 2, 33), 2))
        ),
    ),
    large={
        "float64": (Layout((33, 4), "many-rows", 1), Layout((1, 2, 257), "many-classes", 2)),
        "float32": (Layout((257, 4), "many-rows", 1), Layout((1, 2, 513), "many-classes", 1)),
        "float16": (Layout((17, 8), "many-rows", 2),),
        # 259 is a number that bfloat16 does not hold: a count that is kept in it shows
        "bfloat16": (Layout((17, 8), "many-rows", 2), Layout((1, 2, 259), "many-classes", 2)),
    },
    plain=Layout((2, 4, 3), "rank", 2),
    smallest=Layout((1, 2), "smallest", 1),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    comment, case = "Four channels in three groups.", GROUP_NORM.call(dtype)
    more = refused("mismatch-groups", "size-mismatch", comment, case, num_groups=3)
    yield from normalised_channels(GROUP_NORM, dtype, more)
