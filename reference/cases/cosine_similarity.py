"""Families of cases for the cosine similarity."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held, nearest_held
from ..generation.profiles import heavy
from ..kinds.paired import changed, families, one_argument_at_a_time, refused
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams, mismatched, units
from ..model.family import Draft, Inputs

SHAPES: tuple[tuple[str, int, tuple[Shape, ...]], ...] = (
    ("rank", 3, ((5,), (4, 3), (3, 6), (2, 3, 4), (2, 3, 2, 5))),
    ("square", 3, ((3, 3), (4, 4), (3, 3, 3))),
    ("smallest", 3, ((1, 4), (5, 2), (2, 1, 3))),
    ("odd-sizes", 1, ((9, 7), (17, 3), (2, 17), (3, 33), (1, 65), (33, 3), (131, 2))),
)
LONG: dict[str, tuple[Shape, ...]] = {
    "float64": ((1, 257),),
    "float32": ((1, 1025), (257, 2)),
    "float16": ((2, 129),),
    "bfloat16": ((1, 257),),
}
EPS, LARGE = 1e-8, 0.125
TINY = {"float64": 2.0**-600, "float32": 2.0**-100, "float16": EPS, "bfloat16": 2.0**-100}
"""By dtype, an epsilon of which the square is 0, in float16 itself is."""
A, B, G = [[1, -0.5, 2], [0.25, 3, -1]], [[0.5, 1.5, -1], [2, -0.75, 1.25]], [3, -5]
Draw = Callable[[Words, Shape], np.ndarray]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    parts = (drawn(dtype), upstreams(dtype), special(dtype), shapes(dtype))
    for part in parts:
        yield from changed(part, {}, {"eps": EPS})
    yield from epsilons(dtype)


def call(dtype: str, g: object, a: object, b: object) -> Inputs:
    """Give backward's arguments."""
    return {"dL_doutputs": held(g, dtype), "a": held(a, dtype), "b": held(b, dtype)}


def bell(w: Words, shape: Shape) -> np.ndarray:
    """Bell-shaped numbers."""
    return w.normal(shape)


def vectors(shape: Shape, draw: Draw, w: Words) -> Inputs:
    """Draw backward's arguments."""
    return {"dL_doutputs": w.signed(shape[:-1], 1, 2), "a": draw(w, shape), "b": draw(w, shape)}


def at(exponents: tuple[int | np.ndarray, int], w: Words) -> Inputs:
    """Draw vectors of which both have magnitudes of their own."""
    a, b = (w.array(np.ldexp(w.signed((3, 4), 1, 2).astype(np.float64), e)) for e in exponents)
    return {"dL_doutputs": w.signed((3,), 1, 2), "a": a, "b": b}


def drawn(dtype: str) -> Iterator[Draft]:
    """Ordinary vectors of every rank."""
    for flag, count, group in (*SHAPES, ("many-classes", 1, LONG[dtype])):
        for shape in group:
            name, comment = f"random-{'x'.join(map(str, shape))}", f"Bell-shaped vectors of shape {shape}."
            draw, flags = partial(vectors, shape, bell), f"random {flag} upstream-signed"
            yield from families(name, flags, comment, draw=draw, counts=(count, count))
    draw, comment = partial(vectors, (4, 6), heavy), "Heavy tails: some numbers are hundreds of times as large as most."
    yield from families("heavy", "spread upstream-signed", comment, draw=draw, counts=(2, 2))
    far = 3 if dtype == "float16" else 20
    for name, exponents in (("apart", (far, -far)), ("large", (far, far)), ("small", (-far // 2, -far // 2))):
        draw, comment = partial(at, exponents), f"Vectors around 2**{exponents[0]} and 2**{exponents[1]}."
        flags = "spread small-values upstream-signed"
        yield from families(name, flags, comment, draw=draw, counts=(2, 2))


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and results that are remembered."""

    def scaled(w: Words, exponent: int) -> Inputs:
        upstream = w.array(np.ldexp(w.signed((3,), 1, 2).astype(np.float64), exponent))
        return {**vectors((3, 4), bell, w), "dL_doutputs": upstream}

    yield from units(lambda g: call(dtype, g, A, B), (2,))
    yield from changed(far_upstreams(scaled, dtype, *((4, -3) if dtype == "float16" else (12, -20))), {}, cases=2)
    yield from families("equal-rows", "stride-zero", "Equal rows.", (call(dtype, [3, 3], [A[0]] * 2, [B[1]] * 2),))
    unit = math.ldexp(1.0, 4 - FORMATS[dtype].significand)
    comment = "Each case differs from the one before in the last digits of an argument: results remembered show."
    for name, by in (("last-digits", (0, 1, 0)), ("last-digits-of-b", (0, 0, 1)), ("backward-last-digits", (1, 0, 0))):
        steps = ([np.array(x) * (1 + k * one * unit) for x, one in zip((G, A, B), by, strict=True)] for k in range(4))
        turned = (
            [g, *(x + d * k * unit * (np.arange(3) == 1) for x, d in zip(ab, by[1:], strict=True))]
            for k, (g, *ab) in enumerate(steps)
        )
        cases = tuple(call(dtype, *(nearest_held(x, dtype) for x in three)) for three in turned)
        name = f"{name}-of-the-upstream" if by[0] else name
        yield from families(name, "successive", comment, cases)
    ends_of = call(dtype, G, A, B), call(dtype, [-2, 4], [[2, 1, -1], [0.5, 1, 3]], [[1, 2, 0.5], [-1, 3, 0.75]])
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    yield from families("one-argument-at-a-time", "successive", comment, one_argument_at_a_time(*ends_of))


def special(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN, which make NaN of their own row alone, and subnormal upstreams."""
    inf, nan, half = math.inf, math.nan, ends(dtype).subnormal
    for word, value in (("infinity", inf), ("nan", nan)):
        spoilt = [[1, value, 2], A[1]]
        cases = call(dtype, G, spoilt, B), call(dtype, G, A, [B[0], [value, 1, 2]])
        comment = f"A {value} makes NaN of its row, and of no other."
        yield from families(f"backward-{word}", word, comment, cases, level="robust")
        if word == "nan":
            yield from families("forward-nan", word, comment, cases, level="robust")
    comment, case = "A NaN of the upstream reaches its row alone.", call(dtype, [nan, 2], A, B)
    yield from families("backward-nan-upstream", "nan upstream-signed", comment, (case,), level="robust")
    case = call(dtype, G, [[1, half, 2], A[1]], [B[0], [2, -half, 1.25]])
    yield from families("subnormal", "subnormal", "A subnormal number beside others.", (case,), level="robust")
    comment = "A subnormal upstream of either sign."
    case = call(dtype, [half, -half], A, B)
    yield from families("backward-subnormal-upstream", "subnormal upstream-signed", comment, (case,), level="robust")


def shapes(dtype: str) -> Iterator[Draft]:
    """Vectors of one element, none at all, and calls to refuse."""

    def numbered(*three: Shape) -> Inputs:
        return call(dtype, *(np.arange(1, 1 + math.prod(shape)).reshape(shape) for shape in three))

    cases = tuple(call(dtype, [3, -5], [[a], [-a]], [[2], [b]]) for a, b in ((2, -1), (0.75, 4)))
    yield from families("one-element", "smallest", "Vectors of one element: the cosine is 1 or -1.", cases)
    yield from families("empty", "empty-batch", "No rows.", (numbered((0,), (0, 3), (0, 3)),), level="robust")
    for name, a, b in (
        ("rows", (3, 4), (2, 4)),
        ("one-row", (3, 4), (1, 4)),
        ("columns", (3, 4), (3, 3)),
        ("rank", (3, 4), (4,)),
    ):
        comment = f"Vectors of shapes {a} and {b}, to be broadcast by none."
        yield from refused(f"mismatch-vectors-{name}", "size-mismatch", comment, numbered((3,), a, b))
    wrong, names = ((3,), (1,), (2, 1), (), (2, 3)), "rows one column scalar inputs"
    yield from mismatched(lambda g: call(dtype, g, A, B), names, wrong, (2,))


def epsilons(dtype: str) -> Iterator[Draft]:
    """No epsilon, norms on both sides of one, and vectors of zeros."""
    flags = "epsilon upstream-signed"
    draw, parameters = partial(at, (0, 0)), {"eps": 0.0}
    yield from families("eps-0", f"random {flags}", "No epsilon.", draw=draw, counts=(2, 2), parameters=parameters)
    fields: dict[str, Any] = {"counts": (2, 2), "parameters": {"eps": LARGE}}
    for name, exponents in (("a", (-8, 0)), ("b", (0, -8)), ("both", (-8, -7))):
        draw, comment = partial(at, exponents), f"An epsilon of {LARGE}, and the norm of {name} below it."
        yield from families(f"forward-below-eps-{name}", flags, comment, draw=draw, **fields)
        yield from families(f"backward-below-eps-{name}", flags, comment, draw=draw, point="cosine_below_eps", **fields)
    draw, comment = (
        partial(at, (np.array([[0], [-8], [0]]), 0)),
        f"An epsilon of {LARGE}, and one norm of three below it.",
    )
    yield from families("forward-one-below-eps", flags, comment, draw=draw, **fields)
    yield from families("backward-one-below-eps", flags, comment, draw=draw, point="cosine_below_eps", **fields)
    near = call(dtype, [3, -5], [[1, 2.0**-12, 0], [1, 0, 2.0**-12]], [[2, 0, 0], [-4, 0, 0]])
    comment = "Vectors that point nearly the same way, or against one another: cosines of 1 - 3e-8 are not clipped."
    parameters = {"eps": EPS}
    yield from families("nearly-parallel", "small-values upstream-signed", comment, (near,), parameters=parameters)
    small = 2.0 ** (-8 if dtype == "float16" else -40)
    case, comment = call(dtype, [3], [[1, small, 0]], [[0, 2, 0]]), "A cosine of 1e-12: no right angle."
    yield from families("nearly-orthogonal", "small-values upstream-signed", comment, (case,), parameters={"eps": EPS})
    cases = tuple(call(dtype, [3], *both) for both in (([[0, 0, 0]], [B[1]]), ([A[0]], [[0, 0, 0]])))
    fields = {"level": "robust", "parameters": {"eps": LARGE}}
    yield from families("forward-zeros", "small-values epsilon", "A vector of zeros.", cases, **fields)
    comment, both = "Both vectors are 0, and the square of eps is too.", call(dtype, [3], [[0, 0, 0]], [[0, 0, 0]])
    tiny = fields | {"parameters": {"eps": TINY[dtype]}}
    yield from families("forward-zeros-tiny-eps", "small-values epsilon", comment, (both,), **tiny)
    fields |= {"point": "norm_at_zero"}
    yield from families("backward-zeros", "small-values epsilon", "A vector of zeros.", cases, **fields)
