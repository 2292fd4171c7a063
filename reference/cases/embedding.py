"""Families of cases for embeddings: rows of a table by index."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from ..generation.draws import held
from ..generation.profiles import bell, integers, skewed
from ..kinds.indexing import MANY, PLAIN, Indexing, Lookup, indexing
from ..kinds.paired import families, refused
from ..model.family import Draft

EMBEDDING = Indexing(("indices", "weight"), "backward", axes=False)
POINT = "embedding_padding"


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from indexing(EMBEDDING, dtype)
    indices, weight = np.array([[1, 0, 3], [2, 1, 1]]), held(np.resize(PLAIN, (4, 2)), dtype)
    case = {"dL_doutputs": held(np.resize(PLAIN, (2, 3, 2)), dtype), "indices": indices, "weight": weight}
    for name, row in {"first": 0, "inside": 1, "last": 3, "negative": -3, "minus-1": -1}.items():
        comment = f"padding_idx={row}: its row is read as any other."
        given = {"padding_idx": row}
        yield from families(f"forward-padding-{name}", "padding", comment, (case,), parameters=given)
        comment = f"padding_idx={row}: its row gets no gradient, and other rows theirs."
        yield from families(
            f"backward-padding-{name}", "padding upstream-signed", comment, (case,), point=POINT, parameters=given
        )
    comment, given = "Many indices of the padding row, beside others.", {"padding_idx": 1}
    for direction, n, profile, point in (("forward", 35, bell, None), ("backward", MANY[dtype], integers, POINT)):
        name, flags = f"{direction}-padding-many", "padding many-rows upstream-signed"
        draw = partial(EMBEDDING.drawn, Lookup((4, 2), (n,)), skewed, profile)
        yield from families(name, flags, comment, draw=draw, counts=1, parameters=given, point=point)
    absent = {**case, "indices": np.where(indices == 1, 2, indices)}
    comment = "No index is the padding row."
    yield from families("padding-absent", "padding upstream-signed", comment, (absent,), parameters={"padding_idx": 1})
    for name, row in {"above": 4, "below": -5}.items():
        comment = f"padding_idx={row} is no row of four."
        yield from refused(f"padding-{name}", "label-range", comment, case, padding_idx=row)
