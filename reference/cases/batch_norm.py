"""Families of cases for batch normalisation in training."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from ..kinds.channels import Channels, Layout, normalised_channels
from ..kinds.paired import refused
from ..model.family import Draft

BATCH_NORM = Channels(
    layouts=(
        *(
            Layout(shape, "rank")
            for shape in ((5, 3), (6, 2), (3, 4, 2), (2, 3, 5), (2, 3, 2, 4), (3, 2, 2, 3), (2, 3, 2, 1, 2))
        ),
        *(Layout(shape, "square") for shape in ((4, 4), (3, 3, 3), (2, 2, 2, 2))),
        *(Layout(shape, "batch-of-one") for shape in ((1, 3, 5), (1, 2, 3, 2))),
        *(Layout(shape, "smallest") for shape in ((7, 1), (5, 2, 1), (4, 1, 2, 1))),
        *(Layout(shape, "odd-sizes") for shape in ((9, 3), (17, 2), (4, 17), (2, 2, 33), (5, 9, 1, 1))),
    ),
    large={
        "float64": (Layout((257, 2), "many-rows"), Layout((2, 1, 129), "many-rows")),
        "float32": (*(Layout(x, "many-rows") for x in ((1025, 1), (33, 2, 3, 5))), Layout((3, 131), "many-classes")),
        "float16": (Layout((65, 2), "many-rows"),),
        "bfloat16": (Layout((129, 1), "many-rows"), Layout((259, 1), "many-rows")),
    },
    plain=Layout((2, 2, 3), "rank"),
    smallest=Layout((2, 1), "smallest"),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    single = (Layout((1, 3), "smallest"), Layout((1, 2, 1, 1), "smallest"))
    comment = "A single value a channel, which is its mean whatever it is."
    refusals = (
        refused(f"single-{layout.name}", "smallest", comment, BATCH_NORM.call(dtype, layout=layout))
        for layout in single
    )
    narrow, upstream = Layout((2, 2, 1), "smallest"), np.ones((2, 2, 3))
    misfit = BATCH_NORM.call(dtype, layout=narrow, dL_doutputs=upstream)
    due = f"An upstream of shape {upstream.shape} where {narrow.inputs} is due: inputs are broadcast by none."
    longer = refused("backward-mismatch-longer", "size-mismatch", due, misfit)
    yield from normalised_channels(BATCH_NORM, dtype, chain(*refusals, longer))
