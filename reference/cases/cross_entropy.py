"""Families of cases for categorical cross-entropy of probabilities."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, nearest_held
from ..kinds.labelled import SOFT_ROWS, common, far_upstreams, last_digits, remembered
from ..kinds.loss import Call, Loss, curated, drawn, in_every_form
from ..kinds.probabilities import CLIPPING, EDGES_HELD, rows_of_probabilities, small_probabilities
from ..kinds.special_values import ends
from ..model.family import Draft

SOURCE = "nnfs.io, chapter on backpropagation: categorical cross-entropy"
EDGE = 1e-7
"""Where implementations that clip probabilities clip them, from 0 and from 1."""
LOSS = Loss(
    "probabilities",
    rows_of_probabilities,
    even=lambda w, shape: w.uniform(shape, 0.484375, 0.515625),
    long={
        "float64": "none-n1-c781",
        "float32": "mean-n1-c300 none-n1-c2051 sum-n1-c1024 none-n2-c16 mean-n2-c32 none-n1-c128 sum-n16-c2 "
        "mean-n32-c2 mean-n1024-c2 sum-n1031-c2",
        "float16": "none-n1-c2051 mean-n2051-c2",
        "bfloat16": "mean-n257-c2",
    },
    alone=True,
)
G = [1.5, -2, 3]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    p = nearest_held([[0.1, 0.5, 0.3, 0.1], [0.2, 0.1, 0.4, 0.3], [0.3, 0.2, 0.1, 0.4]], dtype)
    comment = "The lesson's probabilities and classes: -y / p is -2, -2.5, -2.5, for a mean divided by 3."
    for form, labels in {"indices": [1, 2, 3], "one-hot": np.eye(4)[[1, 2, 3]]}.items():
        for reduction in ("sum", "mean"):
            name, flags = f"lesson-{form}-{reduction}", f"lesson labels-{form} reduction"
            yield from curated(LOSS, dtype, name, flags, comment, (p, labels, 1.0), reduction=reduction, source=SOURCE)
    yield from common(LOSS, dtype)

    def apart(w: Words, shape: Shape) -> np.ndarray:
        return w.uniform(shape, 0.015625, 0.9375)

    comment = "Small probabilities, as those of a network that is wrong: 1e-7 added in the logarithm or below y shows."
    where = "indices-mean-n3-c4 indices-none-n5-c3 one-hot-sum-n4-c3 one-hot-none-n3-c4 soft-mean-n5-c3 soft-none-n3-c4"
    yield from drawn(LOSS, "small", "small-values labels-{form}", comment, where, scores=small_probabilities)
    comment = "Rows that do not sum to 1: to divide by their sum, or to use softmax's gradient, shows."
    yield from drawn(LOSS, "unnormalised", "random", comment, "indices-mean-n3-c5 soft-none-n5-c3", scores=apart)
    yield from zeros(dtype)
    yield from ones(dtype)
    if dtype in EDGES_HELD:
        yield from clipping_edges(dtype)
    yield from magnitudes(dtype)
    yield from special_values(dtype)
    yield from in_all_forms(dtype)
    yield from far_upstreams(LOSS, dtype, SOFT_ROWS[:2])
    yield from remembered(
        LOSS, dtype, [[0.25, 0.5, 0.25], [0.5, 0.25, 0.125]], [[0.5, 0.125, 0.375], [0.25, 0.5, 0.75]]
    )
    for name, flags, numbers in (
        ("last-digits", "successive", (0.5, 0.25, 15 * 2.0 ** -FORMATS[dtype].significand)),
        *[("last-decimals", "successive small-values", (2.0**-22, 0.25, 2.0**-23))] * (dtype != "float16"),
    ):
        yield from last_digits(LOSS, dtype, name, flags, "a probability", numbers, [0, 1])
    yield from tiny(dtype)


def zeros(dtype: str) -> Iterator[Draft]:
    """Probabilities of exactly 0, with and without weight."""
    call: Call
    give = partial(curated, LOSS, dtype, level="robust")
    at_zero: dict[str, Any] = {"point": CLIPPING, "overflows": True}
    p = [[0, 0.75, 0.25], [0.5, 0, 0.5], [0.5, 0.25, 0.25]]
    soft = [[0.25, 0.75, 0], [0, 0.5, 0.5], [0.125, 0, 0.875]]
    comment = "p = 0 at a class with weight: -log p and -y / p are infinite, or what clipping makes of them."
    for form, labels in {"indices": [0, 1, 2], "soft": soft}.items():
        yield from give(f"zero-{form}", f"probability-zero labels-{form}", comment, (p, labels, G), **at_zero)
    comment = "One infinite loss makes the whole infinite, unless probabilities are clipped."
    for reduction in ("mean", "sum"):
        call, flags = (p, [0, 2, 1], 1.5), "probability-zero reduction"
        yield from give(f"zero-{reduction}", flags, comment, call, reduction=reduction, **at_zero)
    p = [[0, 0.75, 0.25], [0.375, 0, 0.625], [0.625, 0.375, 0]]
    soft = [[0, 0.5, 0.5], [0.125, 0, 0.875], [0.375, 0.625, 0]]
    comment = "p = 0 where y = 0 adds nothing: neither 0 log 0 nor 0 / 0 may be NaN."
    for form, labels in {"indices": [1, 2, 0], "one-hot": np.eye(3)[[1, 2, 0]], "soft": soft}.items():
        yield from give(f"zero-unweighted-{form}", f"probability-zero labels-{form}", comment, (p, labels, G))
    call = ([[0.5, 0.25, 0.25], [0.125, 0.5, 0.375]], [[0, 0, 0], [0.25, 0, 0.75]], [1.5, -3])
    comment = "A row without any label has no loss and no gradient."
    yield from give("label-row-of-zeros", "labels-soft", comment, call)


def ones(dtype: str) -> Iterator[Draft]:
    """Probabilities of exactly 1, and confident predictions."""
    give, held = partial(curated, LOSS, dtype), dtype in EDGES_HELD
    call = ([[1, 0.5, 0.25], [0.5, 1, 0.125], [0.25, 0.375, 1]], [0, 1, 2], G)
    comment = "log 1 is 0; clipping makes it 1e-7. What stands beside it has no weight."
    yield from give("forward-one", "probability-one", comment, call, point=CLIPPING)
    comment = "-y / p is -1 at p = 1; a term (1 - y) / (1 - p) would be infinite beside it."
    level = "required" if held else "robust"  # 1 - 1e-7 rounds to 1 here, and may count as clipped
    yield from give("backward-one", "probability-one", comment, call, point=CLIPPING, level=level)
    tiny, near = 2.0 ** (-13 if dtype == "float16" else -20), 1 - 2.0 ** -min(FORMATS[dtype].significand - 1, 20)
    p = [[near, tiny, tiny], [tiny, near, tiny], [tiny, tiny, near]]
    for word, comment, labels in (
        ("right", "Nearly 1 at the true class.", [0, 1, 2]),
        ("wrong", "Nearly 0 at the true class.", [1, 2, 0]),
    ):
        flag = f"confident-{word}"
        yield from give(f"{flag}-mean", flag, comment, (p, labels, 1.25), reduction="mean")
        yield from give(f"{flag}-none", flag, comment, (p, labels, G))


def clipping_edges(dtype: str) -> Iterator[Draft]:
    """Probabilities near the edges 1e-7 and 1 - 1e-7, and still distinct from them in the dtype.

    Exactly at the edges either one-sided slope is right, so backward is not tested there.
    """
    lower, upper = nearest_held([EDGE, 1 - EDGE], dtype).astype(np.float64).tolist()
    inside, outside = nearest_held([EDGE * 1.125, EDGE * 0.875], dtype).astype(np.float64).tolist()
    near_one, nearer_one = EDGES_HELD[dtype]
    for name, comment, low, high in (
        ("forward-clipping-edge-at", "At 1e-7 and 1 - 1e-7, as near as the dtype has them.", lower, upper),
        ("clipping-edge-inside", "Just inside 1e-7 and 1 - 1e-7: not changed by clipping.", inside, near_one),
        ("clipping-edge-outside", "Just outside 1e-7 and 1 - 1e-7: changed by clipping.", outside, nearer_one),
    ):
        p = [[low, 0.5, 0.25], [0.5, low, 0.25], [0.25, 0.125, high], [high, low, 0.375]]
        call = (p, [0, 1, 2, 0], [1.5, -2, 3, -0.75])
        yield from curated(LOSS, dtype, name, "clipping-edge small-values", comment, call, point=CLIPPING)


def magnitudes(dtype: str) -> Iterator[Draft]:
    """Subnormal probabilities, and gradients at the ends of the range."""
    call: Call
    end, give = ends(dtype), partial(curated, LOSS, dtype)
    half, quarter = end.subnormal, end.top / 4
    tiny = 3 / end.top / 16  # its reciprocal is past the largest number
    robust = partial(give, level="robust")
    p, comment = (
        [[0.75, half, 0.25], [3 * end.smallest, 0.5, 0.5]],
        "The logarithm of a subnormal probability is no infinity.",
    )
    yield from robust(
        "forward-subnormal", "subnormal probability-zero", comment, (p, [1, 0], [1, 1]), point=CLIPPING, overflows=True
    )
    call = ([[0.75, 0.125, 0.125], [0.5, 0.25, 0.25]], [0, 1], [half / 2, -half / 2])
    yield from robust("backward-subnormal-upstream", "subnormal", "A gradient that is subnormal, or just above.", call)
    call = ([[0.75, tiny, 0.25], [tiny, 0.5, 0.5]], [[0.9375, 0.0625, 0], [0.0625, 0, 0.9375]], [0.5, -1])
    comment, point = (
        "Gradients in range of probabilities so small that 1 / p is not.",
        CLIPPING if tiny < EDGE else None,
    )
    yield from robust("backward-subnormal", "subnormal near-overflow", comment, call, point=point)
    call = ([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]], [0, 1], [quarter, -quarter])
    comment = "Gradients a factor 2 from the largest finite number."
    yield from give("backward-near-overflow", "near-overflow", comment, call)
    call = ([[0.0625, 0.75, 0.1875], [0.125, 0.8125, 0.0625]], [0, 2], [quarter, -quarter])
    comment = "Gradients past the largest finite number are infinite."
    yield from robust("backward-overflow", "overflow", comment, call, overflows=True)


def tiny(dtype: str) -> Iterator[Draft]:
    """Many probabilities near the smallest, whose losses add up to more than ten thousand."""
    if dtype != "float16":
        comment = "Losses that add up to more than 10,000, unless probabilities are clipped."
        p = np.tile([2.0 ** (-900 if dtype == "float64" else -120), 0.75], (151, 1))
        call: Call = (p, [0] * 151, 1.5)
        name, flags = "forward-large-sum", "small-values confident-wrong"
        yield from curated(LOSS, dtype, name, flags, comment, call, reduction="sum", point=CLIPPING)


def special_values(dtype: str) -> Iterator[Draft]:
    """NaN and infinities."""
    nan, inf, give = math.nan, math.inf, partial(curated, LOSS, dtype, level="robust")
    p = [[0.5, 0.25, 0.25], [nan, 0.5, 0.5], [0.125, 0.625, 0.25]]
    full = [[0.25, 0.5, 0.25], [0.125, 0.125, 0.75], [0.5, 0.0625, 0.4375]]
    for reduction in ("mean", "none"):
        comment = "A NaN at the true class makes " + ("the whole loss NaN." if reduction == "mean" else "its row NaN.")
        yield from give(f"forward-nan-{reduction}", "nan", comment, (p, [0, 0, 2], 1), reduction=reduction)
    for name, flags, comment, call in (
        ("nan", "nan", "A NaN at a weighted class makes its own gradient NaN.", (p, full, G)),
        ("nan-upstream", "nan upstream-signed", "A NaN of the upstream stays in its row.", (full, full, [1.5, nan, 3])),
        (
            "infinite-upstream",
            "infinity upstream-signed",
            "An infinite upstream makes its row infinite, with the opposite sign.",
            (full, full, [inf, 1.5, -inf]),
        ),
    ):
        yield from give(f"backward-{name}", flags, comment, call)


def in_all_forms(dtype: str) -> Iterator[Draft]:
    """Probabilities of 0 and 1 and NaN, under every form of labels and every reduction."""
    give, here = partial(in_every_form, LOSS, dtype, level="robust"), "indices-none soft-none"
    p, soft = [[0, 0.75, 0.25], [0.5, 0.5, 0]], [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]
    comment, more = "p = 0 at a class with weight.", dict[str, Any](point=CLIPPING, overflows=True)
    yield from give("zero-weighted", "probability-zero", comment, (p, [0, 1], soft), but=here, **more)
    comment, soft = "p = 0 where y = 0 adds nothing.", [[0, 0.25, 0.75], [0.25, 0.75, 0]]
    yield from give("zero-unweighted", "probability-zero", comment, (p, [1, 0], soft), but=f"{here} one-hot-none")
    comment, p = "Probabilities of 1 beside ordinary ones.", [[1, 0.5, 0.25], [0.25, 0.5, 0.125]]
    level = {"level": "required"} if dtype in EDGES_HELD else {}
    yield from give("one", "probability-one", comment, (p, [0, 2], SOFT_ROWS[:2]), point=CLIPPING, **level)
    comment, p = "A NaN of one row.", [[math.nan, 0.5, 0.25], [0.25, 0.5, 0.125]]
    yield from give("nan", "nan", comment, (p, [0, 2], SOFT_ROWS[:2]))
