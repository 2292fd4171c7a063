"""Losses of logits (N, C) and labels: exp of logits that are far from 0, from one another, or -inf."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words, nearest_held
from ..model.family import Draft
from .labelled import common, special
from .labels import least_likely
from .loss import Call, Loss, curated, drawn
from .special_values import ends

SHIFT = {"float64": 10000, "float32": 10000, "float16": 64, "bfloat16": 8}
"""How far from 0 logits can lie, by dtype, so that it still resolves their differences."""
THREE_G, FOUR_G = [1.5, -2, 3], [1.5, -2, 3, -0.75]


def loss_of_logits(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give all families of a loss of logits at a dtype."""
    yield from common(loss, dtype)
    yield from scattered(loss, dtype)
    for size in (60, 100 if dtype in HALF else 10000):  # in half precision z - logsumexp(z) loses all at 10,000
        yield from at_size(loss, dtype, size, f"far-{size}", "required")
    for size in (60, 10000):
        yield from at_size(loss, dtype, size, f"far-{size}-stable", "robust")
    yield from fixed(loss, dtype)
    yield from masked(loss, dtype)
    two, three = [[0.5, -1, 0.25], [1, 0.125, -0.5]], [[0.5, -1, 0.25], [1, -0.25, -0.5], [2, 0.125, 1]]
    yield from special(loss, dtype, two, three, [three[0], [1, math.nan, -0.5], three[2]])


def scattered(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Drawn logits: far apart, in ascending order, or all far from 0."""
    wide = 3 if dtype == "float16" else 6  # half the range of logits: probabilities become small, and stay normal

    def ascending(w: Words, shape: Shape) -> np.ndarray:
        return np.sort(w.normal(shape, 0.5), axis=1)

    def near_shift(w: Words, shape: Shape) -> np.ndarray:
        shift = SHIFT[dtype]
        return w.array(w.signs((shape[0], 1)) * w.uniform(shape, shift - 2, shift + 2).astype(np.float64))

    def at_sixty(w: Words, shape: Shape) -> np.ndarray:
        return w.array(w.uniform(shape, 58, 62).astype(np.float64) * w.signs(shape))

    def low(w: Words, shape: Shape) -> np.ndarray:
        return w.uniform(shape, -wide, wide)

    give = partial(drawn, loss)
    flags, where = "small-values confident-wrong", "indices-mean-n5-c3 one-hot-none-n3-c4 indices-sum-n4-c6"
    comment = "The true class is the least likely: 1e-7 added to its probability shows."
    yield from give("small", flags, comment, where, scores=low, labels=least_likely)
    comment = "Logits in ascending order: a sum kept for a running maximum has to be rescaled as that rises."
    yield from give("rising", "many-classes", comment, "indices-none-n3-c9", scores=ascending)
    yield from give("rising", "many-classes", comment, "indices-mean-n1-c300", scores=ascending, count=2)
    comment = "Rows far from 0 on either side: exp of them would overflow, or underflow altogether."
    flags, where = "shifted-logits far-logits", "indices-mean-n3-c4 one-hot-none-n4-c3 soft-sum-n3-c5"
    yield from give("shifted", flags, comment, where, scores=near_shift)
    comment += " The largest is to be subtracted first."
    yield from give("shifted-stable", flags, comment, where, scores=near_shift, level="robust")
    comment, where = "Logits on both sides, near 60 in size.", "indices-mean-n3-c4 soft-none-n4-c3"
    yield from give("far-drawn", "far-logits", comment, where, scores=at_sixty, level="robust")


def at_size(loss: Loss, dtype: str, size: int, name: str, level: str) -> Iterator[Draft]:
    """Logits at both ends of a range and in its middle."""
    end = float(nearest_held(size, dtype))
    z = [[end, 0, 1, -1], [-end, 0.5, 0, 2], [0.25, end, -end, 1], [-1, end, 0, end]]
    soft = [[0.5, 0.25, 0.25, 0], [0.25, 0, 0.625, 0.125], [0.125, 0, 0.875, 0], [0, 0.75, 0.25, 0]]
    comment = f"Logits at +-{size}, the true class among the likely ones or not."
    for kind, flag, labels, g, reduction in (
        ("right", "confident-right", [0, 3, 1, 3], FOUR_G, "none"),
        ("wrong", "confident-wrong", [1, 0, 2, 2], FOUR_G, "none"),
        ("soft", "labels-soft", soft, -1.25, "mean"),
    ):
        flags, call = f"far-logits {flag}", (z, labels, g)
        yield from curated(loss, dtype, f"{name}-{kind}", flags, comment, call, reduction=reduction, level=level)


def fixed(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Equal logits, confident predictions, and the ends of the range."""
    call: Call
    give, sure = partial(curated, loss, dtype), 7 if dtype == "float16" else 13
    z = [[sure - 0.5, 0.5, -1], [-0.25, sure + 1, 1], [1, -0.5, sure]]
    for flag, comment, labels in (
        ("confident-right", "p - 1 cancels: what is left is small, and so is the loss.", [0, 1, 2]),
        ("confident-wrong", "A large loss, which is not to be clipped.", [2, 0, 1]),
    ):
        yield from give(f"{flag}-mean", flag, comment, (z, labels, 1.25), reduction="mean")
        yield from give(f"{flag}-none", flag, comment, (z, labels, THREE_G))
    if dtype == "float64":
        call = ([[17, 0.5, -1], [-0.25, 18, 1]], [0, 1], [1.5, -2])
        flags, comment = "confident-right small-values", "A loss under 1e-6 is not 0."
        yield from give("confident-right-small-loss", flags, comment, call)
    z = [[0, 0, 0, 0], [7.5, 7.5, 7.5, 7.5], [-3, -3, -3, -3], [2, 2, -1, 0.5]]
    soft = [[0.5, 0.125, 0.375, 0], [0, 0.0625, 0.75, 0.1875], [0.25, 0.25, 0.5, 0], [0.125, 0.125, 0.25, 0.5]]
    equal = "Equal logits; the largest may be there twice."
    yield from give("equal-logits-indices", "equal-logits labels-indices", equal, (z, [0, 3, 1, 1], FOUR_G))
    one_hot = np.eye(4)[[2, 0, 3, 0]]
    yield from give("equal-logits-one-hot", "equal-logits labels-one-hot", equal, (z, one_hot, FOUR_G))
    comment = "Equal logits, soft labels; where p is y there is no gradient."
    yield from give("equal-logits-soft", "equal-logits labels-soft", comment, (z, soft, 2.5), reduction="mean")
    most, small = ends(dtype).largest, ends(dtype).subnormal
    comment = "Logits of the largest finite size, whose differences overflow: probabilities are still 0 and 1."
    call = ([[most, -most, 0], [-most, 1, 0.5]], [0, 2], [1.5, -2])
    yield from give("largest", "near-overflow far-logits", comment, call, level="robust", overflows=True)
    call, comment = ([[small, -small], [0, small / 2]], [0, 1], 1.5), "Subnormal logits are as good as 0."
    yield from give("subnormal", "subnormal equal-logits", comment, call, reduction="mean", level="robust")


def masked(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Logits of -inf, as a mask makes them, and a row of labels that are all 0."""
    call: Call
    inf, give = math.inf, partial(curated, loss, dtype, level="robust")
    z = [[-inf, 0.5, 1, -1], [2, -inf, -inf, 0.25], [1.5, -0.5, 0, -inf]]
    soft = [[0, 0.5, 0.25, 0.25], [0.375, 0, 0, 0.625], [0.125, 0.25, 0.625, 0]]
    comment = "-inf at classes without weight: their probability is 0, and nothing becomes NaN."
    for form, labels in {"indices": [1, 3, 2], "one-hot": np.eye(4)[[2, 0, 1]], "soft": soft}.items():
        yield from give(f"masked-{form}", f"masked-logits labels-{form}", comment, (z, labels, THREE_G))
    comment, call = "All others are masked: no loss, no gradient.", ([[-inf, 1.5, -inf], [-2, -inf, -inf]], [1, 0], 1.5)
    yield from give("masked-all-but-one", "masked-logits confident-right", comment, call, reduction="mean")
    comment, call = "The true class is masked: the loss is infinite, the gradient is not.", (z, [0, 1, 3], THREE_G)
    yield from give("masked-true-class", "masked-logits confident-wrong", comment, call)
    call = ([[1, -0.5, 0.25], [0.5, 2, -1]], [[0, 0, 0], [0.25, 0, 0.75]], [1, 1])
    yield from give("forward-label-row-of-zeros", "labels-soft", "A row without any label has no loss.", call)
