"""Losses of logits (N, C) and labels: exp of logits that are far from 0, from one another, or -inf."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words, nearest_held
from ..model.family import Draft
from .labelled import MASS, SOFT_ROWS, Table, common, far_upstreams, label_mass, remembered, special
from .labels import least_likely
from .logits import (
    DEEP,
    DEEP_APART,
    FAR_ABOVE,
    LAST_DIGITS,
    MASKED_BLOCKS,
    beyond_rows,
    ladder_rows,
    masked_blocks,
    nearly_the_same,
    past_blocks,
    rungs,
)
from .loss import ROW_UPSTREAM, Call, Loss, curated, drawn, in_every_form
from .probabilities import PROFILES
from .special_values import ends

SHIFT = {"float64": 10000, "float32": 10000, "float16": 64, "bfloat16": 8}
"""How far from 0 logits can lie, by dtype, so that it still resolves their differences."""
THREE_G, FOUR_G = ROW_UPSTREAM[:3], ROW_UPSTREAM


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
    for part in (ladder, last_digits, in_all_forms, profiles, large_sums, blocks):
        yield from part(loss, dtype)
    yield from label_mass(loss, dtype, [[0.5, -1, 0.25], [1, 0.125, -0.5], [-0.25, 2, 1]])
    yield from far_upstreams(loss, dtype, [[0.5, -1, 0.25], [1, 0.125, -0.5]])
    yield from remembered(
        loss, dtype, [[0, 0.5, 0], [1, 0, 1]], [[1, -0.5, 0.25], [-1, 0.5, 0]], underflowed(dtype), point=loss.certain
    )
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
        more: dict[str, Any] = {"reduction": reduction, "level": level, "point": loss.certain}
        yield from curated(loss, dtype, f"{name}-{kind}", flags, comment, call, **more)


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
        yield from give("confident-right-small-loss", flags, comment, call, point=loss.certain)
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
    more: dict[str, Any] = {"level": "robust", "overflows": True, "point": loss.certain}
    yield from give("largest", "near-overflow far-logits", comment, call, **more)
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
    point, flags = loss.certain, "masked-logits confident-right"
    yield from give("masked-all-but-one", flags, comment, call, reduction="mean", point=point)
    comment, call = "The true class is masked: the loss is infinite, the gradient is not.", (z, [0, 1, 3], THREE_G)
    yield from give("masked-true-class", "masked-logits confident-wrong", comment, call, point=point)
    call = ([[1, -0.5, 0.25], [0.5, 2, -1]], [[0, 0, 0], [0.25, 0, 0.75]], [1, 1])
    comment = "A row without any label has no loss."
    yield from give("forward-label-row-of-zeros", "labels-soft", comment, call, point=MASS)


def underflowed(dtype: str) -> Table:
    """Give logits (2, 3) of which the second of the first row, and the third of the other, is so far below the largest
    that no exponential of the difference is held."""
    return [[0, -800, -1], [-2, 0.5, -1000]] if dtype == "float64" else [[0, -112, -1], [-2, 0.5, -200]]


def ladder(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Whole rows at and beyond the thresholds, of either sign: a maximum that starts at a finite number shows."""
    give, flags = partial(curated, loss, dtype), "far-logits saturated"
    for name, sizes in zip(("ladder", "ladder-beyond"), rungs(dtype), strict=True):
        calls: list[Call] = [(ladder_rows(m, dtype), [0, 2], FOUR_G[:2]) for m in sizes]
        yield from give(f"{name}-stable", flags, DEEP, *calls, level="robust")
        if name == "ladder":
            yield from give(name, flags, DEEP, *calls)
        else:
            calls = [(beyond_rows(m), [0, 0], FOUR_G[:2]) for m in sizes]
            yield from give(name, flags, DEEP_APART, *calls, point=loss.certain)


def last_digits(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Logits that differ in their last digits alone, from one case to the next."""
    for name, places in nearly_the_same(dtype).items():
        calls: list[Call] = [(logits, [0, 1], [1.5, -2]) for logits in places]
        yield from curated(loss, dtype, name, "successive shifted-logits", LAST_DIGITS, *calls)


def blocks(loss: Loss, dtype: str) -> Iterator[Draft]:
    """A class far above the rest beyond the first blocks of classes, and whole blocks that are masked."""
    sizes = [*past_blocks(dtype, False), *(past_blocks(dtype, True) if dtype == "float32" else ())]
    for classes, logits in sizes:
        name, call = f"last-far-above-c{classes}", (logits, [0], [1.5])
        for direction in ("forward", "backward")[: 1 if classes > 33 else 2]:
            id, flags = f"{direction}-{name}", "far-logits many-classes"
            yield from curated(loss, dtype, id, flags, FAR_ABOVE, call, point=loss.certain)
    for classes in (40, 160) if dtype == "float32" else (40,):
        flags, call = "masked-logits many-classes", (masked_blocks(classes), [classes - 1, 0], [1.5, -2])
        yield from curated(loss, dtype, f"masked-blocks-c{classes}", flags, MASKED_BLOCKS, call, level="robust")


def in_all_forms(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Far, masked, largest and equal logits under every form of labels and every reduction."""
    far: Table
    most, small, inf, give = ends(dtype).largest, ends(dtype).subnormal, math.inf, partial(in_every_form, loss, dtype)
    soft, point, deep = SOFT_ROWS[:2], loss.certain, float(nearest_held(2e4, dtype))
    comment, far = "Probabilities that round to 1 or vanish.", [[40, 12, -29], [-6, 0, 40]]
    yield from give("sure", "far-logits", comment, (far, [1, 2], soft), point=point, but="indices-none soft-mean")
    far, comment = (
        underflowed(dtype),
        "A true class whose probability underflows: its logarithm is to be computed as such.",
    )
    names, flags = "forward-underflowed", "far-logits confident-wrong"
    yield from give(names, flags, comment, (far, [1, 2], soft), point=point)
    comment, far = "Rows far from 0: their own maximum is to be subtracted.", [[-deep] * 3, ladder_rows(104, dtype)[1]]
    yield from give("deep", "far-logits", comment, (far, [1, 2], soft), but="indices-none")
    comment, tiny = "Subnormal logits are as good as 0.", ([[small, -small, 0], [0, small / 2, small]], [0, 1], soft)
    more: dict[str, Any] = {"level": "robust", "forms": ("indices",), "but": "indices-mean"}
    yield from give("tiny", "subnormal equal-logits", comment, tiny, **more)
    comment, infinite = "An infinite logit makes NaN of its row.", ([[inf, 0, 1], [0.5, -1, 2]], [1, 0], soft)
    yield from give("infinity", "infinity", comment, infinite, level="robust", forms=("indices",))
    comment, far = "The largest logits, and -inf as a mask.", [[most, -most, 0], [-inf, 1, 0.5]]
    soft = [[0.75, 0, 0.25], [0, 0.25, 0.75]]
    more = {"level": "robust", "overflows": True, "point": point, "but": "indices-none"}
    yield from give("extreme", "masked-logits near-overflow", comment, (far, [2, 1], soft), **more)


def profiles(loss: Loss, _: str) -> Iterator[Draft]:
    """Logits that are not bell-shaped."""
    cells = ("indices-mean-n3-c6", "one-hot-none-n3-c5", "soft-sum-n4-c3")
    for cell, (name, (comment, draw)) in zip(cells, PROFILES.items(), strict=True):
        yield from drawn(loss, f"profile-{name}", "spread labels-{form}", comment, cell, scores=draw, count=1)


def large_sums(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Losses that add up past float16's largest number, or to nearly the dtype's, and whose mean fits."""
    comment = "Large losses: in float16 their sum, in no dtype their mean, is beyond the largest number."
    size = float(nearest_held(2e4, dtype)) if dtype == "float16" else ends(dtype).top / 8
    sizes: dict[str, tuple[float, ...]] = {"mean": (size, size / 2), "sum": (size / 4,), "none": (size / 2,)}
    for reduction, held in sizes.items():
        name, g = f"large-sum{'' if reduction == 'mean' else f'-{reduction}'}", FOUR_G if reduction == "none" else 1.5
        calls = [([[m, 0, -m], [0, m, -m], [0, 1, m], [-m, m, 2]], [1, 2, 0, 0], g) for m in held]
        name = name if reduction == "mean" else f"forward-{name}"
        more: dict[str, Any] = {"reduction": reduction, "point": loss.certain}
        yield from curated(loss, dtype, name, "near-overflow confident-wrong", comment, *calls, **more)
