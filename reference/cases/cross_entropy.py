"""What is tested of categorical cross-entropy of probabilities."""

import math
from collections.abc import Iterator

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Words, nearest_held, round_to_significand
from ..kinds.loss_drafts import Cell, Loss, Shape, curated, family
from ..kinds.loss_families import common
from ..kinds.paired import paired
from ..model.family import Draft, Inputs

SOURCE = "nnfs.io, chapter on backpropagation: categorical cross-entropy"
EDGE = 1e-7
"""Where implementations that clip probabilities clip them, from 0 and from 1."""
CLIPPING = "probability_clipping"
EDGES_HELD = {"float64": (1 - 0.1875 * 2.0**-20, 1 - 0.0625 * 2.0**-20), "float32": (1 - 2.0**-22, 1.0)}
"""By dtype that holds the edges: the numbers within and beyond 1 - 1e-7 that rounding the edge cannot mistake."""
SMALL = {"float16": (-13, -9), "bfloat16": (-21, -14)}
"""Exponents of small probabilities: above float16's smallest normal, and above the clipping edge everywhere."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from lesson(dtype)
    yield from common(LOSS, dtype)
    yield from small_probabilities(dtype)
    yield from unnormalised()
    yield from zeros(dtype)
    yield from ones(dtype)
    if dtype in EDGES_HELD:
        yield from clipping_edges(dtype)
    yield from confident(dtype)
    yield from magnitudes(dtype)
    yield from special_values(dtype)


def rows_of_probabilities(w: Words, shape: Shape) -> np.ndarray:
    """Draw rows that sum to 1 but for the rounding of each element; a single class is drawn below 1."""
    if shape[1] == 1:
        return w.uniform(shape, 0.125, 0.875)
    bits, parts = FORMATS[w.dtype].significand, w.integers(shape, 1 << 36, 1 << 40).tolist()
    quotients = [[round_to_significand((part << 120) // sum(row), bits) for part in row] for row in parts]
    return w.array([[math.ldexp(quotient, -120) for quotient in row] for row in quotients])


LOSS = Loss("probabilities", rows_of_probabilities, even=lambda w, shape: w.uniform(shape, 0.484375, 0.515625))


def lesson(dtype: str) -> Iterator[Draft]:
    """The figures of the lesson that derives backpropagation in NumPy."""
    p = nearest_held([[0.1, 0.5, 0.3, 0.1], [0.2, 0.1, 0.4, 0.3], [0.3, 0.2, 0.1, 0.4]], dtype)
    classes = np.array([1, 2, 3])
    for form, labels in {"indices": classes, "one-hot": np.eye(4)[classes]}.items():
        for reduction in ("sum", "mean"):
            yield from paired(
                f"lesson-{form}-{reduction}",
                ("lesson", f"labels-{form}", "reduction"),
                "The lesson's probabilities and classes: -y / p is -2, -2.5, -2.5, for a mean divided by 3.",
                cases=(LOSS.call(dtype, p, labels, 1.0),),
                parameters={"reduction": reduction},
                source=SOURCE,
            )


def small_probabilities(dtype: str) -> Iterator[Draft]:
    """Small probabilities, in which a constant added to them shows."""
    low, high = SMALL.get(dtype, (-20, -10))

    def small(w: Words, shape: Shape) -> np.ndarray:
        return abs(w.spread(shape, low, high))

    cells = (
        Cell("indices", "mean", 3, 4),
        Cell("indices", "none", 5, 3),
        Cell("one-hot", "sum", 4, 3),
        Cell("one-hot", "none", 3, 4),
        Cell("soft", "mean", 5, 3),
        Cell("soft", "none", 3, 4),
    )
    for direction, where in {"forward": "inside the logarithm", "backward": "to the denominator"}.items():
        for cell in cells:
            comment = f"Small probabilities, as those of a network that is wrong: 1e-7 added {where} shows."
            yield family(
                LOSS, direction, cell, "small", ("small-values", f"labels-{cell.form}"), comment, scores=small, count=10
            )


def unnormalised() -> Iterator[Draft]:
    """Rows that do not sum to 1: cross-entropy is of the probabilities as they are."""

    def apart(w: Words, shape: Shape) -> np.ndarray:
        return w.uniform(shape, 0.015625, 0.9375)

    for direction in LOSS.directions:
        for cell in (Cell("indices", "mean", 3, 5), Cell("soft", "none", 5, 3)):
            comment = "Rows that do not sum to 1: to divide by their sum, or to use softmax's gradient, shows."
            yield family(LOSS, direction, cell, "unnormalised", ("random",), comment, scores=apart, count=10)


def zeros(dtype: str) -> Iterator[Draft]:
    """Probabilities of exactly 0, with and without weight."""
    g = [1.5, -2, 3]
    p = [[0, 0.75, 0.25], [0.5, 0, 0.5], [0.5, 0.25, 0.25]]
    for form, labels in {"indices": [0, 1, 2], "soft": [[0.25, 0.75, 0], [0, 0.5, 0.5], [0.125, 0, 0.875]]}.items():
        yield from paired(
            f"zero-{form}",
            ("probability-zero", f"labels-{form}"),
            "p = 0 at a class with weight: -log p and -y / p are infinite, or what clipping makes of them.",
            cases=(LOSS.call(dtype, p, labels, g),),
            parameters={"reduction": "none"},
            level="robust",
            result="convention",
            point=CLIPPING,
            overflows=True,
        )
    for reduction in ("mean", "sum"):
        yield from paired(
            f"zero-{reduction}",
            ("probability-zero", "reduction"),
            "One infinite loss makes the whole infinite, unless probabilities are clipped.",
            cases=(LOSS.call(dtype, p, [0, 2, 1], 1.5),),
            parameters={"reduction": reduction},
            level="robust",
            result="convention",
            point=CLIPPING,
            overflows=True,
        )
    p = [[0, 0.75, 0.25], [0.375, 0, 0.625], [0.625, 0.375, 0]]
    soft = [[0, 0.5, 0.5], [0.125, 0, 0.875], [0.375, 0.625, 0]]
    for form, labels in {"indices": [1, 2, 0], "one-hot": np.eye(3)[[1, 2, 0]], "soft": soft}.items():
        yield from paired(
            f"zero-unweighted-{form}",
            ("probability-zero", f"labels-{form}"),
            "p = 0 where y = 0 adds nothing: neither 0 log 0 nor 0 / 0 may be NaN.",
            cases=(LOSS.call(dtype, p, labels, g),),
            parameters={"reduction": "none"},
            level="robust",
        )
    p, labels = [[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]], [[0, 0, 0], [0.25, 0, 0.75]]
    yield from paired(
        "label-row-of-zeros",
        ("labels-soft",),
        "A row without any label has no loss and no gradient.",
        cases=(LOSS.call(dtype, p, labels, [1.5, -3]),),
        parameters={"reduction": "none"},
        level="robust",
    )


def ones(dtype: str) -> Iterator[Draft]:
    """Probabilities of exactly 1."""
    edges_held = dtype in EDGES_HELD
    point = CLIPPING if edges_held else None
    p, labels = [[1, 0.5, 0.25], [0.5, 1, 0.125], [0.25, 0.375, 1]], [0, 1, 2]
    comment = "log 1 is 0; clipping makes it 1e-7. What stands beside it has no weight."
    yield curated("forward-one", ("probability-one",), comment, (LOSS.call(dtype, p, labels),), point=point)
    yield curated(
        "backward-one",
        ("probability-one",),
        "-y / p is -1 at p = 1; a term (1 - y) / (1 - p) would be infinite beside it.",
        (LOSS.call(dtype, p, labels, [1.5, -2, 3]),),
        point=point,
        level="required" if edges_held else "robust",  # 1 - 1e-7 is 1 here: what clips may count it as clipped
    )


def clipping_edges(dtype: str) -> Iterator[Draft]:
    """Probabilities about the edges 1e-7 and 1 - 1e-7, each far enough from them for the dtype to tell."""
    lower, upper = nearest_held([EDGE, 1 - EDGE], dtype).astype(np.float64).tolist()
    inside, outside = nearest_held([EDGE * 1.125, EDGE * 0.875], dtype).astype(np.float64).tolist()
    near_one, nearer_one = EDGES_HELD[dtype]

    def call(low: float, high: float) -> Inputs:
        p = [[low, 0.5, 0.25], [0.5, low, 0.25], [0.25, 0.125, high], [high, low, 0.375]]
        return LOSS.call(dtype, p, [0, 1, 2, 0], [1.5, -2, 3, -0.75])

    for name, comment, case in (
        ("at", "At the edges 1e-7 and 1 - 1e-7, as near as the dtype has them.", call(lower, upper)),
        ("inside", "Just inside 1e-7 and 1 - 1e-7: not changed by clipping.", call(inside, near_one)),
        ("outside", "Just outside 1e-7 and 1 - 1e-7: changed by clipping.", call(outside, nearer_one)),
    ):
        for draft in paired(
            f"clipping-edge-{name}",
            ("clipping-edge", "small-values"),
            comment,
            cases=(case,),
            parameters={"reduction": "none"},
            result="convention",
            point=CLIPPING,
        ):
            if (name, draft.direction) != ("at", "backward"):  # exactly there both one-sided slopes are defended
                yield draft


def confident(dtype: str) -> Iterator[Draft]:
    """Networks that are sure, and right or wrong."""
    tiny = 2.0 ** (-13 if dtype == "float16" else -20)
    near = 1 - 2.0 ** -min(FORMATS[dtype].significand - 1, 20)
    p = [[near, tiny, tiny], [tiny, near, tiny], [tiny, tiny, near]]
    for flag, comment, labels in (
        ("confident-right", "Nearly 1 at the true class.", [0, 1, 2]),
        ("confident-wrong", "Nearly 0 at the true class.", [1, 2, 0]),
    ):
        for reduction, g in {"mean": 1.25, "none": [1.5, -2, 3]}.items():
            yield from paired(
                f"{flag}-{reduction}",
                (flag,),
                comment,
                cases=(LOSS.call(dtype, p, labels, g),),
                parameters={"reduction": reduction},
            )


def magnitudes(dtype: str) -> Iterator[Draft]:
    """Subnormal probabilities, and gradients at the ends of the range."""
    fmt = FORMATS[dtype]
    subnormal = math.ldexp(1.0, fmt.smallest_normal - 1)
    smallest = math.ldexp(1.0, fmt.smallest_normal - fmt.significand + 1)
    p = [[0.75, subnormal, 0.25], [3 * smallest, 0.5, 0.5]]
    yield curated(
        "forward-subnormal",
        ("subnormal", "probability-zero"),
        "The logarithm of a subnormal probability is no infinity.",
        (LOSS.call(dtype, p, [1, 0]),),
        level="robust",
        point=CLIPPING,
        overflows=True,
    )
    yield curated(
        "backward-subnormal-upstream",
        ("subnormal",),
        "A gradient that is subnormal, or just above.",
        (LOSS.call(dtype, [[0.75, 0.125, 0.125], [0.5, 0.25, 0.25]], [0, 1], [subnormal / 2, -subnormal / 2]),),
        level="robust",
    )
    labels = [[0.9375, 0.0625, 0], [0.0625, 0, 0.9375]]
    tiny = 3 * math.ldexp(1.0, -fmt.largest.numerator.bit_length() - 3)  # its reciprocal is past the largest number
    yield curated(
        "backward-subnormal",
        ("subnormal", "near-overflow"),
        "Gradients in range of probabilities so small that 1 / p is not.",
        (LOSS.call(dtype, [[0.75, tiny, 0.25], [tiny, 0.5, 0.5]], labels, [0.5, -1]),),
        level="robust",
        point=CLIPPING if tiny < EDGE else None,
    )
    large = math.ldexp(1.0, fmt.largest.numerator.bit_length() - 3)
    rows = [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]
    yield curated(
        "backward-near-overflow",
        ("near-overflow",),
        "Gradients a factor 2 from the largest finite number.",
        (LOSS.call(dtype, rows, [0, 1], [large, -large]),),
    )
    yield curated(
        "backward-overflow",
        ("overflow",),
        "Gradients past the largest finite number are infinite.",
        (LOSS.call(dtype, [[0.0625, 0.75, 0.1875], [0.125, 0.8125, 0.0625]], [0, 2], [large, -large]),),
        level="robust",
        overflows=True,
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """NaN and infinities."""
    nan, inf = math.nan, math.inf
    p = [[0.5, 0.25, 0.25], [nan, 0.5, 0.5], [0.125, 0.625, 0.25]]
    full = [[0.25, 0.5, 0.25], [0.125, 0.125, 0.75], [0.5, 0.0625, 0.4375]]
    for reduction in ("mean", "none"):
        comment = "A NaN at the true class makes " + ("the whole loss NaN." if reduction == "mean" else "its row NaN.")
        yield curated(
            f"forward-nan-{reduction}", ("nan",), comment, (LOSS.call(dtype, p, [0, 0, 2]),), reduction, level="robust"
        )
    yield curated(
        "backward-nan",
        ("nan",),
        "A NaN at a weighted class makes its own gradient NaN.",
        (LOSS.call(dtype, p, full, [1.5, -2, 3]),),
        level="robust",
    )
    yield curated(
        "backward-nan-upstream",
        ("nan", "upstream-signed"),
        "A NaN of the upstream stays in its row.",
        (LOSS.call(dtype, full, full, [1.5, nan, 3]),),
        level="robust",
    )
    yield curated(
        "backward-infinite-upstream",
        ("infinity", "upstream-signed"),
        "An infinite upstream makes its row infinite, with the opposite sign.",
        (LOSS.call(dtype, full, full, [inf, 1.5, -inf]),),
        level="robust",
    )
