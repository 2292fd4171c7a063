"""Rows that are divided by the root of a mean of squares and an epsilon, then scaled by a weight for each column."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import heavy
from ..model.family import DRAWN, Draft, Inputs
from .normalization import LONG, PLAIN, UPSTREAM, Rows, ordinary, rows
from .paired import families, refused
from .upstreams import FAR

EPS = 1e-5
BOTH = ("forward", "backward")
LARGE: tuple[tuple[tuple[str, ...], str, Shape], ...] = (
    (BOTH, "float64", (33, 3)),
    (BOTH, "float64", (1, 781)),
    (("forward",), "float32", (257, 4)),
    (("backward",), "float32", (1025, 4)),
    (BOTH, "float32", (1, 2049)),
    (BOTH, "float32", (256, 3)),
    (BOTH, "float32", (1, 1024)),
    (BOTH, "float16", (33, 3)),
    (BOTH, "float16", (1, 257)),
    (BOTH, "bfloat16", (33, 3)),
)
"""Directions, dtype and shape: more rows, or longer ones, than a block of threads takes. They take bytes."""


def normalised_rows(kind: Rows, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a normalisation at a dtype; its changes apply to `more` families too."""
    kind = replace(kind, parameters={"eps": EPS}, long=LONG[dtype])
    parts = (large, epsilons, magnitudes, constants, mismatches)
    yield from rows(kind, dtype, chain(*(part(kind, dtype) for part in parts), more))


def large(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Many rows, over which the gradients of the weights are summed, and long ones."""
    for directions, of, (n, c) in LARGE:
        flags = f"random {'many-classes batch-of-one' if n == 1 else 'many-rows'} upstream-signed"
        comment, draw = f"Bell-shaped inputs of shape {(n, c)}.", partial(ordinary, kind, (n, c))
        for direction in directions if of == dtype else ():
            name = f"{direction}-random-n{n}-c{c}"
            yield from families(name, flags, comment, draw=draw, counts=1)


def epsilons(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Other epsilons, each beside mean squares of about its size, and none."""

    def near(exponent: int, w: Words, shape: Shape = (3, 4)) -> Inputs:
        return kind.drawn(w, w.normal(shape), w.normal(shape, 2.0**exponent))

    small, flags = -5 if dtype == "float16" else -40, "random epsilon upstream-signed"
    for eps, exponent in ((1e-5, -8), (1e-3, -5), (0.125, -1), (0.0, 1), (0.0, small)):
        name = f"eps-{eps:g}" + ("-small-values" if exponent == small else "")
        comment = f"eps {eps:g}, and inputs of which the mean square is about {4.0**exponent:.1g}."
        yield from families(name, flags, comment, draw=partial(near, exponent), parameters={"eps": eps})
    given: dict[str, Any] = {"parameters": {"eps": 0.125}, "counts": 1}
    for shape in ((2, 35), (35, 2)):
        name, comment = "eps-0.125-n{}-c{}".format(*shape), f"eps 0.125, and inputs of shape {shape}."
        yield from families(name, flags, comment, draw=partial(near, -1, shape=shape), **given)


def magnitudes(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Rows far from 1, and rows of very different magnitudes."""
    far = {"float64": 300, "float16": 6}.get(dtype, 30)

    def scaled(low: int, w: Words) -> Inputs:
        exponents = np.array([[far], [low], [0]])
        return kind.drawn(w, w.normal((3, 4)), w.scaled(w.normal((3, 4)), exponents))

    comment = f"Rows around 2**{far} and 1: an epsilon relative to the batch shows."
    flags = "spread near-overflow upstream-signed"
    yield from families("rows-apart", flags, comment, draw=partial(scaled, far // 2))

    def tailed(w: Words) -> Inputs:
        return kind.drawn(w, w.normal((3, 5)), heavy(w, (3, 5)))

    comment = "Heavy tails: some numbers are hundreds of times as large as most of their row."
    yield from families("heavy", "spread upstream-signed", comment, draw=tailed, counts=2)
    if dtype != "float16":

        def small_weights(w: Words) -> Inputs:
            case = kind.call(dtype, UPSTREAM, PLAIN)
            return {**case, **{name: w.spread((3,), -FAR, 1 - FAR) for name in kind.weights}}

        comment = "Weights around 1e-31, and with them all that they are factors of."
        flags = "random small-values upstream-signed"
        yield from families("tiny-weights", flags, comment, draw=small_weights, counts=1)

    end = FORMATS[dtype].smallest_normal
    tiny = kind.call(dtype, UPSTREAM, np.ldexp(np.array(PLAIN), end))
    comment = "Subnormal inputs, which are small beside eps."
    yield from families("subnormal", "subnormal epsilon", comment, (tiny,), level="robust")


def constants(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Rows of zeros, and rows of one element far from 0."""
    case = kind.call(dtype, UPSTREAM, [[0, 0, 0], PLAIN[1]])
    comment = "A row of zeros: what is divided by is the root of eps."
    yield from families("row-of-zeros", "small-values epsilon", comment, (case,))
    far = 2.0 ** (10 if dtype == "float16" else 20)
    case = kind.call(dtype, [[3], [-5]], [[far], [-far]])
    comment = f"Rows of the single element {far:g} or {-far:g}."
    yield from families("one-class-far", "one-class offset", comment, (case,), level="robust")


def offsets(kind: Rows, dtype: str) -> Iterator[Draft]:
    """What all elements of a row share, for a normalisation that takes it off."""

    def around(offset: int, w: Words) -> Inputs:
        width = max(2.0, 2.0 ** (3 + math.floor(math.log2(offset)) - FORMATS[dtype].significand))
        values = w.uniform((3, 5), offset - width, offset + width).astype(np.float64)
        return kind.drawn(w, w.normal((3, 5)), w.array(values * w.signs((3, 1))))

    half = (DRAWN // 2, DRAWN // 2)
    for offset in (4, 60, 10000):
        draw, comment = partial(around, offset), f"Rows around {offset} or -{offset}."
        if offset < 100:
            yield from families(f"offset-{offset}", "random offset upstream-signed", comment, draw=draw)
        comment += " The tolerance is that of formulas that take off the mean first."
        yield from families(f"offset-{offset}-stable", "offset", comment, draw=draw, counts=half, level="robust")
    cases = tuple(kind.call(dtype, UPSTREAM, [[c] * 3, PLAIN[1]]) for c in (3, -7.5, 0.625))
    comment = "A row of equal elements: the variance is 0, and what is divided by is the root of eps."
    yield from families("constant-row", "offset epsilon", comment, cases, level="robust")


def mismatches(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Weights of another length than a row, to be refused."""
    case = kind.call(dtype, np.ones((2, 4)), [[1, -0.5, 2, 0], [0.25, 3, -1, 1]])
    for name in kind.weights:
        for word, weight in (("long", [1, 2, -1, 0.5, 3]), ("one", [1.5]), ("rows", [2, -1])):
            wrong = {**case, name: held(weight, dtype)}
            comment = f"{len(weight)} elements of {name} for rows of 4, to be broadcast by none."
            yield from refused(f"mismatch-{name}-{word}", "size-mismatch", comment, wrong)
        wrong = {**kind.call(dtype, [1, 2, -1, 3], [0.5, -2, 1, 3]), name: held([1, 2, -1, 0.5, 3], dtype)}
        yield from refused(f"mismatch-{name}-of-one-row", "size-mismatch", f"A single row, shorter than {name}.", wrong)
