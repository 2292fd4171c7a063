"""Operations that normalise each row along the last axis: softmax and log-softmax, on logits of any rank."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words, held, nearest_held
from ..model.family import DRAWN, Draft, Inputs
from .paired import changed, families
from .special_values import ends
from .upstreams import far, mismatched, units

RANKS = {"c5": (5,), "n4-c3": (4, 3), "n3-c6": (3, 6), "n2-h3-c4": (2, 3, 4), "n2-h3-w2-c5": (2, 3, 2, 5)}
COINCIDING = {"n3-c3": (3, 3), "n4-c4": (4, 4), "n3-h3-c3": (3, 3, 3), "n2-h2-w2-c2": (2, 2, 2, 2)}
THIN = {"n1-c4": (1, 4), "n5-c2": (5, 2)}
BESIDE_TILES = ((9, 7), (17, 3), (3, 9), (2, 17), (2, 31), (3, 33), (1, 65))
ODD = {f"n{rows}-c{classes}": (rows, classes) for rows, classes in BESIDE_TILES}
UPSTREAM = [[3, -5, 0.5], [-1, 2, 4]]
PLAIN = [[1, -0.5, 2], [0.25, 3, -1]]
HELD_SHIFTS = {"float64": (4, 60, 10000), "float32": (4, 60, 10000), "float16": (4, 60), "bfloat16": (4,)}
"""Constants beside which logits still have the digits of their differences."""
ROWS_APART = {"float64": 512.0}
"""How far apart rows are, 64 by default: exp of the difference underflows."""
ABOVE_THE_MEAN = {"float64": 1536.0}
"""How far a logit stands out, 192 by default: exp of the distance from the mean overflows."""


@dataclass(frozen=True)
class Rows:
    """What tells one such operation from another."""

    inputs: str = "logits"
    """The name of the argument."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """What is changed of the families below, by name; None leaves one out."""


def rows(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Give all families of such an operation at a dtype."""
    parts = (upstreams, ties, shifts, far_apart, masks, special, shapes)
    given = chain(drawn(kind), *(part(kind, dtype) for part in parts))
    yield from changed(given, kind.changes)


def call(kind: Rows, dtype: str, upstream: object, inputs: object) -> Inputs:
    """Give backward's arguments."""
    return {"dL_doutputs": held(upstream, dtype), kind.inputs: held(inputs, dtype)}


def ordinary(kind: Rows, shape: Shape, w: Words) -> Inputs:
    """Bell-shaped logits under an asymmetric upstream.

    In the half precisions logits are closer together, and the upstream has as many positive elements in a row as
    negative ones: else many elements of the gradient would be smaller than what a sound implementation may err by.
    """
    if w.dtype in HALF:
        return {"dL_doutputs": balanced(w, shape), kind.inputs: w.normal(shape, 0.5)}
    return {"dL_doutputs": w.normal(shape), kind.inputs: w.normal(shape, 2.0)}


def balanced(w: Words, shape: Shape, exponent: int = 0) -> np.ndarray:
    """Draw magnitudes between 2**exponent and twice that, half of each row positive."""
    places = [w.permutation(shape[-1]) for _ in range(math.prod(shape[:-1]))]
    signs = 1 - 2 * (np.array(places, dtype=np.int64).reshape(shape) % 2)
    return w.array(np.ldexp(w.uniform(shape, 1, 2).astype(np.float64), exponent) * signs)


def drawn(kind: Rows) -> Iterator[Draft]:
    """Ordinary input of every rank."""
    for group, flag, counts in (
        (RANKS, "rank", (DRAWN, DRAWN)),
        (COINCIDING, "square", (DRAWN, DRAWN)),
        (THIN, "smallest", (DRAWN, DRAWN)),
        (ODD, "odd-sizes", (2, 4)),
        ({"n2-c1000": (2, 1000)}, "many-classes", (1, 1)),
    ):
        for name, shape in group.items():
            flags = f"random {'batch-of-one' if shape[0] == 1 else flag} upstream-signed"
            comment = f"Bell-shaped {kind.inputs} of shape {shape}."
            draw = partial(ordinary, kind, shape)
            yield from families(f"random-{name}", flags, comment, draw=draw, counts=counts)


def upstreams(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""

    def under(upstream: object) -> Inputs:
        return call(kind, dtype, upstream, PLAIN)

    def scaled(w: Words, exponent: int) -> Inputs:
        return {"dL_doutputs": balanced(w, (3, 4), exponent), kind.inputs: w.normal((3, 4), 0.5)}

    yield from units(under, (2, 3))
    comment = "The same upstream in every row, as broadcasting makes it."
    equal = (under([[3, -5, 0.5]] * 2), under([[-1, 0.25, 7]] * 2))
    yield from families("backward-equal-rows", "stride-zero", comment, equal)
    yield from far(scaled, *((8, -4) if dtype == "float16" else (20, -20)))


def ties(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Logits of which several, or all, are the same."""
    upstream = [3, -5, 1.5, 2, -1.25, 7, 4, -6.5]
    for classes in (2, 4, 8):
        values = [np.full((1, classes), z) for z in (0, 3, -7.5)]
        comment = f"All logits of a row are the same: every probability is 1/{classes}."
        cases = tuple(call(kind, dtype, [upstream[:classes]], z) for z in values)
        yield from families(f"equal-c{classes}", "equal-logits", comment, cases)
        comment = "An upstream that is the same for all classes changes no probability: the gradient is exactly 0."
        cases = tuple(call(kind, dtype, np.ones((1, classes)), z) for z in values)
        yield from families(f"backward-equal-c{classes}-constant", "equal-logits", comment, cases)
    tied = ([2, 2, -1, 0.5], [-1, 1.5, 0, 1.5], [0, 0, 0, -3])
    cases = tuple(call(kind, dtype, [[3, -5, 0.5, 2]], [z]) for z in tied)
    yield from families("tied-maximum", "equal-logits", "Two or three logits share the maximum.", cases)


def shifts(kind: Rows, dtype: str) -> Iterator[Draft]:
    """A constant that all logits of a row share."""
    bits = FORMATS[dtype].significand

    def around(shift: int, w: Words) -> Inputs:
        width = max(2.0, 2.0 ** (2 + math.floor(math.log2(shift)) - (bits - 1)))
        logits = w.uniform((3, 4), shift - width, shift + width).astype(np.float64)
        return {"dL_doutputs": balanced(w, (3, 4)), kind.inputs: w.array(logits * w.signs((3, 1)))}

    flags = "shifted-logits upstream-signed"
    for shift in (4, 60, 10000):
        comment, draw, half = f"Rows of logits around {shift} or -{shift}.", partial(around, shift), DRAWN // 2
        if shift in HELD_SHIFTS[dtype]:
            yield from families(f"shifted-{shift}", flags, comment, draw=draw)
        comment += " The tolerance is that of formulas whose error does not grow with the shift."
        yield from families(f"shifted-{shift}-stable", flags, comment, draw=draw, counts=(half, half), level="robust")


def far_apart(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Logits and rows far from one another."""
    gap, apart, above = (
        8.0 if dtype == "float16" else 16.0,
        ROWS_APART.get(dtype, 64.0),
        ABOVE_THE_MEAN.get(dtype, 192.0),
    )
    deep, largest = math.ceil((3 - FORMATS[dtype].smallest_normal) * math.log(2)), ends(dtype).largest
    held_here = "robust" if dtype == "bfloat16" else "required"
    table: tuple[tuple[str, str, str, str, tuple[Any, ...]], ...] = (
        (
            "dominant",
            "confident-right cancellation",
            "One logit stands out: its probability is close to 1, the others close to 0.",
            "required",
            (
                [[gap, 0, 0.5], [0, -1, gap - 2]],
                [[-gap / 2, gap / 2, -gap / 4], [gap / 2, 0, 0.25]],
                [[4, 0, 1], [-3, -8, -7]],
            ),
        ),
        (
            "rows-apart",
            "far-logits",
            "Each row has a maximum of its own: with the maximum of the whole batch, a row's exponentials are all 0.",
            held_here,
            ([[apart, apart - 1, apart - 3], [-apart, -apart - 2, 1 - apart]],),
        ),
        (
            "far-from-the-mean",
            "far-logits",
            "One logit stands so far above the mean of its row that exp of the difference overflows.",
            held_here,
            ([[above, 0, -1], [-2, above, 0.5]], [[0, above / 4, above], [-above, 0.5, -above]]),
        ),
        (
            "far-60",
            "far-logits",
            "Logits at 60 and -60.",
            "required" if dtype == "float64" else "robust",
            ([[60, -60, 0], [-60, 60, 59]], [[-60, -60, 60], [60, 60, -60]]),
        ),
        (
            "far-10000",
            "far-logits",
            "Logits at 10000 and -10000: all but the largest have a probability that no format holds.",
            "robust",
            (nearest_held([[10000, -10000, 0], [-10000, 0, 10000]], dtype),),
        ),
        (
            "subnormal-results",
            "subnormal",
            "Probabilities below the smallest normal number.",
            "robust",
            (nearest_held([[0, -deep, -deep - 1], [-deep, 0, -1]], dtype),),
        ),
    )
    for name, flags, comment, level, logits in table:
        cases = tuple(call(kind, dtype, UPSTREAM, z) for z in logits)
        yield from families(name, flags, comment, cases, level=level)
    case = call(kind, dtype, UPSTREAM, [[largest, -largest, largest], [-largest, 0, largest]])
    comment = "Differences of logits that overflow to -inf, whose exponential is 0."
    yield from families("largest", "overflow", comment, (case,), level="robust", overflows=True)


def masks(kind: Rows, dtype: str) -> Iterator[Draft]:
    """-inf as a mask."""
    inf = math.inf

    def masked(w: Words) -> Inputs:
        case = ordinary(kind, (3, 6), w)
        logits = case[kind.inputs].copy()
        logits[:, w.permutation(6)[0]] = -inf
        logits[0, :3] = -inf
        logits[0, 4] = 0.5
        return {**case, kind.inputs: logits}

    comment = "Classes masked by -inf have probability 0 and gradient 0."
    yield from families("masked", "masked-logits", comment, draw=masked, level="robust")
    for name, comment, logits, point in (
        ("masked-but-one", "A single class is left: it is certain.", [[-inf, 2, -inf], [-0.5, -inf, -inf]], None),
        (
            "all-masked",
            "A row whose classes are all masked, beside an ordinary one.",
            [[-inf, -inf, -inf], [-0.5, 1, 2]],
            "all_masked_row",
        ),
    ):
        case = call(kind, dtype, UPSTREAM, logits)
        yield from families(name, "masked-logits", comment, (case,), level="robust", point=point)


def special(kind: Rows, dtype: str) -> Iterator[Draft]:
    """Infinities and NaN spoil their own row alone."""
    for word, value in (("infinity", math.inf), ("nan", math.nan)):
        first = [[value if k == column else x for k, x in enumerate(PLAIN[0])] for column in range(3)]
        cases = tuple(call(kind, dtype, UPSTREAM, [row, PLAIN[1]]) for row in first)
        comment = f"A logit of {value} makes NaN of its row, and of no other."
        yield from families(word, word, comment, cases, level="robust")
    comment = "A NaN of the upstream makes NaN of its row, and of no other."
    case = call(kind, dtype, [[3, math.nan, 0.5], UPSTREAM[1]], PLAIN)
    yield from families("backward-nan-upstream", "nan", comment, (case,), level="robust")


def shapes(kind: Rows, dtype: str) -> Iterator[Draft]:
    """One class, no rows, and calls to refuse."""
    for name, shape in {"1": (1,), "n1-c1": (1, 1), "n4-c1": (4, 1)}.items():
        upstream, *values = (
            np.reshape(row[: math.prod(shape)], shape) for row in ([3, -5, 0.5, 2], [2, -1, 0, 0.75], [-50, 3, 4, 60])
        )
        comment = "The only class has probability 1 whatever its logit, and no gradient."
        cases = tuple(call(kind, dtype, upstream, z) for z in values)
        yield from families(f"one-class-{name}", "one-class smallest", comment, cases)
    for name, shape in {"n0-c3": (0, 3), "n0-h2-c3": (0, 2, 3)}.items():
        case = call(kind, dtype, np.zeros(shape), np.zeros(shape))
        yield from families(f"empty-{name}", "empty-batch", "No rows in, no rows out.", (case,), level="robust")
    logits = [[1, -0.5, 2, 0], [0.25, 3, -1, 1]]
    wrong = ((3, 4), (1, 4), (2, 1), (4,))
    yield from mismatched(lambda g: call(kind, dtype, g, logits), "rows one-row one-column rank", wrong, (2, 4))
