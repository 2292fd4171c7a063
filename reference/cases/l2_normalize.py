"""Families of cases for the division of rows by their norms."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ..generation.draws import Shape, Words
from ..kinds.normalization import AXES, FROM_THE_FRONT, LONG, PLAIN, UPSTREAM, Rows, along_axes, ordinary, rows
from ..kinds.paired import families
from ..kinds.special_values import ends
from ..model.family import Draft, Inputs

EPS = 0.0
"""With which all that the field understands by an epsilon is the same."""
OF_ZEROS = ("forward-one-class-n4-c1", "backward-one-class-n4-c1")
"""Families of which a row is 0."""
ALONG = "Of shape {shape}, along axis {axis}."
LARGE = 0.125
"""An epsilon that rows are beside."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    kind = Rows(cases=3, parameters={"eps": EPS}, long=LONG[dtype], changes=dict.fromkeys(OF_ZEROS))
    yield from rows(
        kind, dtype, chain(along_axes(kind, AXES + FROM_THE_FRONT, ALONG), sizes(kind, dtype), epsilons(kind, dtype))
    )


def sizes(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Many rows, and rows far from 1."""
    far = 4 if dtype == "float16" else 30
    for shape in ((257, 2), (1, 1024)) if dtype == "float32" else ((33, 3),):
        name, draw = "random-n{}-c{}".format(*shape), partial(ordinary, kind, shape)
        comment = f"Bell-shaped inputs of shape {shape}."
        yield from families(name, "random many-rows upstream-signed", comment, draw=draw, counts=1)

    def apart(w: Words) -> Inputs:
        exponents = np.array([[far], [far // 2], [-far // 2]])
        return kind.drawn(w, w.normal((3, 4)), w.around((3, 4), exponents))

    yield from families("rows-apart", "spread upstream-signed", "Rows of very different norms.", draw=apart)
    small = 3 * 2.0 ** (-10 if dtype == "float16" else -40)
    case, comment = (
        kind.call(dtype, UPSTREAM, [[1, small, 2], [-small, 3, -1]]),
        "Numbers of 1e-12 beside others: no zeros.",
    )
    yield from families("small-beside-others", "small-values upstream-signed", comment, (case,))


def epsilons(kind: Rows, dtype: str) -> Iterator[Draft]:
    """An epsilon that rows are beside, and rows of zeros."""

    def around(exponent: int | np.ndarray, w: Words, shape: Shape = (3, 4)) -> Inputs:
        return kind.drawn(w, w.normal(shape), w.around(shape, exponent))

    fields: dict[str, Any] = {"parameters": {"eps": LARGE}, "point": "normalize_epsilon"}
    draw, flags = partial(around, -8, shape=(2, 35)), "epsilon odd-sizes upstream-signed"
    comment = f"An epsilon of {LARGE}, and norms of long rows below it."
    yield from families("norm-below-eps-n2-c35", flags, comment, draw=draw, counts=1, **fields)
    for word, exponent in (("above", -2), ("just-above", -4), ("below", -8), ("far-below", -12)):
        comment = f"An epsilon of {LARGE}, and norms {word.replace('-', ' ')} it."
        flags, draw = "epsilon upstream-signed", partial(around, exponent)
        yield from families(f"norm-{word}-eps", flags, comment, draw=draw, counts=2, **fields)
    comment = f"Rows of norms above an epsilon of {LARGE} and below it: each row is divided by its own."
    draw = partial(around, np.array([[-2], [-8], [-1]]))
    yield from families("norms-around-eps", "epsilon upstream-signed", comment, draw=draw, counts=2, **fields)
    case = kind.call(dtype, UPSTREAM, [[0, 0, 0], PLAIN[1]])
    tiny = kind.call(dtype, UPSTREAM, [[1, ends(dtype).subnormal, 2], [-ends(dtype).smallest, 3, -1]])
    yield from families("subnormal", "subnormal", "A subnormal number beside others.", (tiny,), level="robust")
    yield from families("forward-zeros", "small-values epsilon", "A row of zeros.", (case,), **fields)
    usual: dict[str, Any] = {"parameters": {"eps": 1e-12}, "level": "robust"}
    comment = "A row of zeros, over the usual eps: it is no 0, as in float16 it would be."
    yield from families("forward-zeros-usual-eps", "small-values epsilon", comment, (case,), **usual)
    fields = {"parameters": {"eps": 1.0}, "level": "robust", "point": "norm_at_zero"}
    case = kind.call(dtype, [UPSTREAM[0]], [[0, 0, 0]])
    comment = "A row of zeros, which all that the field understands by an epsilon of 1 divides by 1."
    yield from families("backward-zeros", "small-values epsilon", comment, (case,), **fields)
