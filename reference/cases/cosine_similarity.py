"""Families of cases for the cosine similarity."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held, nearest_held
from ..generation.profiles import Profile, bell, heavy
from ..kinds.paired import changed, families, one_at_a_time, refused, table
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams, mismatched, scaled, units
from ..model.family import Draft, Inputs

SHAPES = (
    *(("rank", 3, "5 4x3 3x6 2x3x4 2x3x2x5"), ("square", 3, "3x3 4x4 3x3x3"), ("smallest", 3, "1x4 5x2 2x1x3")),
    ("odd-sizes", 1, "9x7 17x3 2x17 3x33 1x65 33x3 131x2"),
)
LONG = {"float64": "1x257", "float32": "1x1025 257x2", "float16": "2x129", "bfloat16": "1x257"}
EPS, LARGE = 1e-8, 0.125
TINY = {"float64": 2.0**-600, "float32": 2.0**-100, "float16": EPS, "bfloat16": 2.0**-100}
"""By dtype, an epsilon of which the square is 0, in float16 itself is."""
A, B, G = [[1, -0.5, 2], [0.25, 3, -1]], [[0.5, 1.5, -1], [2, -0.75, 1.25]], [3, -5]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    parts = (drawn, upstreams, special, shapes, epsilons)
    yield from changed(chain.from_iterable(part(dtype) for part in parts), {}, {"eps": EPS})


def call(dtype: str, g: object = G, a: object = A, b: object = B) -> Inputs:
    """Give backward's arguments."""
    return {"dL_doutputs": held(g, dtype), "a": held(a, dtype), "b": held(b, dtype)}


def vectors(shape: Shape, draw: Profile, w: Words) -> Inputs:
    """Draw backward's arguments."""
    return {"dL_doutputs": w.signed(shape[:-1], 1, 2), "a": draw(w, shape), "b": draw(w, shape)}


def at(exponents: tuple[int | np.ndarray, int], w: Words, shape: Shape = (3, 4)) -> Inputs:
    """Draw vectors of which both have magnitudes of their own."""
    a, b = (w.around(shape, exponent) for exponent in exponents)
    return {"dL_doutputs": w.signed(shape[:-1], 1, 2), "a": a, "b": b}


def drawn(dtype: str) -> Iterator[Draft]:
    """Ordinary vectors of every rank, heavy tails, and vectors far from 1."""
    for flag, count, names in (*SHAPES, ("many-classes", 1, LONG[dtype])):
        for name in names.split():
            draw, flags = partial(vectors, tuple(map(int, name.split("x"))), bell), f"random {flag} upstream-signed"
            comment = f"Bell-shaped vectors of shape {draw.args[0]}."
            yield from families(f"random-{name}", flags, comment, draw=draw, counts=count)
    draw, comment = partial(vectors, (4, 6), heavy), "Heavy tails: some numbers are hundreds of times as large as most."
    yield from families("heavy", "spread upstream-signed", comment, draw=draw, counts=2)
    far = 3 if dtype == "float16" else 20
    for name, exponents in (("apart", (far, -far)), ("large", (far, far)), ("small", (-far // 2, -far // 2))):
        comment, flags = "Vectors around 2**{} and 2**{}.".format(*exponents), "spread small-values upstream-signed"
        yield from families(name, flags, comment, draw=partial(at, exponents), counts=2)


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and results that are remembered."""
    yield from units(partial(call, dtype), (2,))
    yield from far_upstreams(scaled(partial(vectors, (3, 4), bell), (3,)), dtype, half=(4, -3), cases=2)
    yield from families("equal-rows", "stride-zero", "Equal rows.", (call(dtype, [3, 3], [A[0]] * 2, [B[1]] * 2),))
    comment = "Each case differs from the one before in the last digits of an argument: results remembered show."
    for place, name in ((1, "last-digits"), (2, "last-digits-of-b"), (0, "backward-last-digits-of-the-upstream")):
        cases = []
        for unit in np.arange(4) * math.ldexp(1.0, 4 - FORMATS[dtype].significand):
            three = [np.array(x, dtype=np.float64) for x in (G, A, B)]
            three[place] *= 1 + unit
            if place:  # the length alone would change no cosine
                three[place][:, 1] += unit
            cases.append(call(dtype, *(nearest_held(x, dtype) for x in three)))
        yield from families(name, "successive", comment, tuple(cases))
    last = call(dtype, [-2, 4], [[2, 1, -1], [0.5, 1, 3]], [[1, 2, 0.5], [-1, 3, 0.75]])
    yield from one_at_a_time(call(dtype), last)


def special(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN, which make NaN of their own row alone, and subnormal upstreams."""
    half = ends(dtype).subnormal
    for name, value in (("backward-infinity", math.inf), ("backward-nan", math.nan), ("forward-nan", math.nan)):
        cases = call(dtype, a=[[1, value, 2], A[1]]), call(dtype, b=[B[0], [value, 1, 2]])
        comment = f"A {value} makes NaN of its row, and of no other."
        yield from families(name, name.partition("-")[2], comment, cases, level="robust")
    nan, signed = call(dtype, [math.nan, 2]), call(dtype, [half, -half])
    small, flags = call(dtype, a=[[1, half, 2], A[1]], b=[B[0], [2, -half, 1.25]]), "subnormal upstream-signed"
    yield from table(
        ("backward-nan-upstream", "nan upstream-signed", "A NaN of the upstream reaches its row alone.", (nan,)),
        ("subnormal", "subnormal", "A subnormal number beside others.", (small,)),
        ("backward-subnormal-upstream", flags, "A subnormal upstream of either sign.", (signed,)),
        level="robust",
    )


def shapes(dtype: str) -> Iterator[Draft]:
    """Vectors of one element, none at all, and calls to refuse."""

    def numbered(*three: Shape) -> Inputs:
        return call(dtype, *(np.arange(1, 1 + math.prod(shape)).reshape(shape) for shape in three))

    cases = tuple(call(dtype, G, [[a], [-a]], [[2], [b]]) for a, b in ((2, -1), (0.75, 4)))
    yield from families("one-element", "smallest", "Vectors of one element: the cosine is 1 or -1.", cases)
    yield from families("empty", "empty-batch", "No rows.", (numbered((0,), (0, 3), (0, 3)),), level="robust")
    for name, b in {"rows": (2, 4), "one-row": (1, 4), "columns": (3, 3), "rank": (4,)}.items():
        comment = f"Vectors of shapes (3, 4) and {b}, to be broadcast by none."
        yield from refused(f"mismatch-vectors-{name}", "size-mismatch", comment, numbered((3,), (3, 4), b))
    wrong, names = ((3,), (1,), (2, 1), (), (2, 3)), "rows one column scalar inputs"
    yield from mismatched(partial(call, dtype), names, wrong, (2,))


def epsilons(dtype: str) -> Iterator[Draft]:
    """No epsilon, norms on both sides of one, and vectors of zeros."""
    flags, beside, zeros = "epsilon upstream-signed", {"eps": LARGE}, [[0, 0, 0]]
    none: dict[str, Any] = {"draw": partial(at, (0, 0)), "counts": 2, "parameters": {"eps": 0.0}}
    yield from families("eps-0", f"random {flags}", "No epsilon.", **none)
    of_three = np.array([[0], [-8], [0]])
    for name, norms, draw in (
        ("below-eps-a", "the norm of a below it", partial(at, (-8, 0))),
        ("below-eps-b", "the norm of b below it", partial(at, (0, -8))),
        ("below-eps-both", "the norm of both below it", partial(at, (-8, -7))),
        ("just-above-eps", "the norm of both just above it", partial(at, (-4, -4))),
        ("one-below-eps", "one norm of three below it", partial(at, (of_three, 0))),
        ("below-eps-n2-d35", "the norm of both, long ones, below it", partial(at, (-8, -9), shape=(2, 35))),
    ):
        given: dict[str, Any] = {"draw": draw, "counts": 2, "parameters": beside}
        comment = f"An epsilon of {LARGE}, and {norms}."
        yield from families(f"forward-{name}", flags, comment, **given)
        yield from families(f"backward-{name}", flags, comment, point="cosine_below_eps", **given)
    near = call(dtype, G, [[1, 2.0**-12, 0], [1, 0, 2.0**-12]], [[2, 0, 0], [-4, 0, 0]])
    across = call(dtype, [3], [[1, 2.0 ** (-8 if dtype == "float16" else -40), 0]], [[0, 2, 0]])
    alike = "Vectors that point nearly the same way, or against one another: cosines of 1 - 3e-8 are not clipped."
    yield from table(
        ("nearly-parallel", "small-values upstream-signed", alike, (near,)),
        ("nearly-orthogonal", "small-values upstream-signed", "A cosine of 1e-12: no right angle.", (across,)),
    )
    cases, both = (call(dtype, [3], zeros, B[1:]), call(dtype, [3], A[:1], zeros)), (call(dtype, [3], zeros, zeros),)
    comment, said = "A vector of zeros.", "Both vectors are 0, and the square of eps is too."
    for id, words, chosen, eps, point in (
        ("forward-zeros", comment, cases, LARGE, None),
        ("forward-zeros-tiny-eps", said, both, TINY[dtype], None),
        ("backward-zeros", comment, cases, LARGE, "norm_at_zero"),
    ):
        more: dict[str, Any] = {"level": "robust", "parameters": {"eps": eps}, "point": point}
        yield from families(id, "small-values epsilon", words, chosen, **more)
