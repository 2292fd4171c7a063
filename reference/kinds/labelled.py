"""Losses of scores (N, C) and labels of classes, in their three forms: indices, one-hot rows and soft rows."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ..generation.draws import Shape, Words
from ..model.family import DRAWN, Draft
from ..model.losses import REDUCTIONS
from .labels import FORMS, as_form, first_and_last, largest_odd, last, mostly_one, unequal
from .loss import Call, Loss, Trap, curated, drawn, empty, in_every_form, invalid, successive, upstream_drawn, upstreams
from .special_values import ends

Table = list[list[float]]
SIZES = (
    (
        "random",
        "random labels-{form} reduction upstream-signed",
        "Labels as {form}, reduction {reduction}, scores of shape {shape}.",
        DRAWN,
        "indices-mean-n5-c3 indices-sum-n3-c4 indices-none-n4-c3 one-hot-mean-n3-c5 one-hot-sum-n5-c4 "
        "one-hot-none-n6-c4 soft-mean-n7-c3 soft-sum-n3-c5 soft-none-n5-c4",
    ),
    (
        "square",
        "square labels-{form} upstream-signed",
        "As many rows as classes, labels as {form}: a transpose shows by value alone.",
        DRAWN,
        "indices-mean-n3-c3 indices-none-n4-c4 one-hot-mean-n5-c5 one-hot-none-n3-c3 soft-mean-n3-c3 soft-sum-n4-c4",
    ),
    (
        "batch-of-one",
        "batch-of-one",
        "A single row.",
        DRAWN,
        "indices-mean-n1-c4 one-hot-none-n1-c3 soft-sum-n1-c5",
    ),
    (
        "two-classes",
        "random distinct-sizes",
        "Two classes, where code for the binary loss may be at work.",
        DRAWN,
        "indices-mean-n6-c2 one-hot-sum-n3-c2",
    ),
    (
        "odd",
        "random odd-sizes",
        "Sizes beside a power of two, where tiles have ragged edges.",
        2,
        "indices-mean-n9-c7 one-hot-none-n7-c9 soft-mean-n3-c17 indices-sum-n3-c31 one-hot-mean-n3-c33 "
        "indices-none-n2-c65 indices-mean-n31-c2 soft-mean-n33-c2 indices-mean-n65-c2",
    ),
    ("large", "random odd-sizes", "More rows than a block has.", 1, "indices-none-n131-c3 indices-sum-n131-c2"),
    ("many-classes", "many-classes", "A long sum, and probabilities near 1/1000.", 1, "indices-mean-n2-c1000"),
)
"""Name, flags, comment, number of cases, and cells. Means are over 3, 5 or 7 rows, since 1 / N rounds there."""


LONG = {
    "float64": "none-n1-c781",
    "float32": "none-n1-c257 mean-n1-c300 sum-n1-c384 mean-n1-c513 none-n1-c781 sum-n1-c1025 none-n1-c2051 "
    "sum-n1-c1024 none-n2-c16 mean-n2-c32 none-n1-c128 sum-n16-c2 mean-n32-c2 sum-n1280-c2",
    "float16": "none-n1-c2050",
    "bfloat16": "mean-n1-c300 mean-n257-c2",
}
"""By dtype, cells of forward past the sizes at which kernels switch, and exact multiples of blocks; float32, which
nearly all have, has them all."""
MASS = "label_mass"
"""The convention's point of soft labels that do not sum to 1."""
STEPS = ((0, 0), (1, 0), (0, 1), (1, 1))
SOFT_ROWS = [[0.25, 0.5, 0.25], [0.375, 0, 0.625], [0.125, 0.75, 0.125]]


def common(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give the families that every loss of labels has, at a dtype."""
    give, none = partial(drawn, loss), np.zeros(0, dtype=np.int64)
    for name, flags, comment, count, cells in SIZES:
        yield from give(name, flags, comment, cells, count=count)
    comment, point = "A single class: it is certain.", loss.certain
    yield from give(
        "one-class", "one-class", comment, "indices-mean-n3-c1 one-hot-none-n3-c1", count=loss.few, point=point
    )
    yield from give("one-class", "one-class smallest", comment, "indices-sum-n1-c1", count=loss.few, point=point)
    cells = " ".join(f"{form}-{reduction}-n1-c1" for form in FORMS for reduction in REDUCTIONS)
    cells, comment = cells.replace("indices-sum-n1-c1", ""), "A single class and a single row."
    yield from give("one-class", "one-class smallest", comment, cells, count=1, point=point)
    comment = "A thousand losses near log 2: one after the other in a half precision, they all lose the same way."
    yield from give("forward-many-rows", "many-rows", comment, "indices-mean-n1000-c2", scores=loss.even, count=1)
    cells, comment = "indices-mean-n5-c4 one-hot-none-n3-c6 indices-none-n6-c3", "First and last class in turn."
    yield from give("label-edge", "label-edge labels-{form}", comment, cells, labels=first_and_last)
    if dtype not in HALF:
        comment, flags = "Small gradients are not 0.", "small-values upstream-signed"
        yield from give("backward-small-upstream", flags, comment, "indices-none-n2-c3", upstream=small, count=1)
    yield from upstreams(loss, ("indices-", "one-hot-", "soft-"))
    for form in (form for form in FORMS[:2] if form in loss.forms):
        yield from empty(loss, dtype, as_form(none, form, 3, dtype), form)
    yield from misfits(loss, dtype)
    yield from long(loss, dtype)
    yield from labels_of_all_sorts(loss, dtype)


def long(loss: Loss, dtype: str) -> Iterator[Draft]:
    """One case each past the sizes at which kernels switch, and of exact multiples of a block. A single row has the
    label of the last class, and of more than 2048 that of the last odd one, which float16 does not hold."""
    for direction, cells in (("forward", LONG[dtype]), ("backward", loss.long.get(dtype, ""))):
        for cell in cells.split():
            n, c = (int(size[1:]) for size in cell.split("-")[1:])
            comment, flag = f"{n} rows of {c} classes.", "many-classes label-edge" if n < 3 else "many-rows"
            draws: dict[str, Any] = {}
            if n < 3:
                labels = largest_odd if c > 2048 else last
                draws = {"labels": labels, "scores": loss.even if dtype == "float16" else None}
            shape = cell.replace("-c2", "-c1") if loss.alone and n > 256 else cell
            yield from drawn(loss, f"{direction}-long", flag, comment, f"indices-{shape}", count=1, **draws)


def far_upstreams(loss: Loss, dtype: str, scores: Table) -> Iterator[Draft]:
    """Upstreams far from 1: a gradient that is clipped, or one taken for 0; `scores` are two rows."""
    comment = "Upstreams far from 1: a gradient that is clipped, or taken for 0, shows."
    flags, more = "spread upstream-signed", (-26, -27, -60, -104, 15, 18, 24, 104)
    for reduction in REDUCTIONS:
        powers = (15 if reduction == "mean" else 14,) if dtype == "float16" else more
        g = ([1, -1.25] if reduction == "none" else [1.25])[: 2 if reduction == "none" else 1]
        sizes = (np.ldexp(g, power) if reduction == "none" else math.ldexp(g[0], power) for power in powers)
        calls = ((scores, [1, 2], size) for size in sizes)
        yield from curated(
            loss, dtype, f"backward-far-upstream-{reduction}", flags, comment, *calls, reduction=reduction
        )


def remembered(
    loss: Loss, dtype: str, first: Table, last: Table, sharp: Table | None = None, **more: Any
) -> Iterator[Draft]:
    """Successive cases that differ in one argument, or in the last digits of the upstream; the gradient at `sharp`, or
    at the first scores, has hardly more of an error than the upstream."""
    name, soft = "one-argument-at-a-time", [[0.25, 0.5, 0.25], [0.375, 0, 0.625]]
    ends_of: tuple[Call, Call] = (first, [1, 2], [1.5, -2]), (last, [2, 0], [-3, 0.75])
    yield from successive(loss, dtype, f"{name}-indices-none", *ends_of, reduction="none")
    if "soft" in loss.forms:
        ends_of = (first, soft, 1.5), (last, soft[::-1], -2)
        yield from successive(loss, dtype, f"{name}-soft-mean", *ends_of, reduction="mean")
    unit = 15 * 2.0 ** (1 - FORMATS[dtype].significand)
    comment = "Each case differs from the one before in the last digits of the upstream."
    calls: list[Call] = [(sharp or first, [1, 2], [1 + a * unit, -2 - 2 * b * unit]) for a, b in STEPS]
    yield from curated(loss, dtype, "backward-last-digits-of-the-upstream", "successive", comment, *calls, **more)


def last_digits(
    loss: Loss, dtype: str, name: str, flags: str, what: str, numbers: tuple[float, float, float], labels: list[int]
) -> Iterator[Draft]:
    """Two rows of two scores, of which one each differs by little from one case to the next: it, the other, by what."""
    comment, (x, y, by) = f"Each case differs from the one before in the last digits of {what}", numbers
    calls: list[Call] = [([[x + a * by, y], [y, x + b * by]], labels, [1.5, -2]) for a, b in STEPS]
    yield from curated(loss, dtype, name, flags, f"{comment}: results remembered show.", *calls)


def labels_of_all_sorts(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Soft labels of full significands, labels that are mostly of one class, and rows of very different losses."""

    def equal_rows(w: Words, shape: Shape) -> np.ndarray:
        return np.repeat(loss.draw(w, (1, *shape[1:])), shape[0], axis=0)

    give = partial(drawn, loss, count=1)
    comment = "Soft labels of full significands whose rows sum to exactly 1, small weights and hard rows among them."
    cells = "soft-mean-n5-c3 soft-sum-n3-c4 soft-none-n4-c5"
    yield from give("exact", "random labels-soft", comment, cells, labels=loss.exact)
    comment = "Soft labels of which one class has nearly all weight: they are not hard ones."
    yield from give("nearly-hard", "random labels-soft", comment, "soft-none-n3-c4", labels=loss.nearly)
    comment, cells = "Nearly all labels are of one class.", "indices-mean-n7-c4 indices-sum-n5-c3 one-hot-none-n6-c3"
    yield from give("skewed", "random labels-{form}", comment, cells, labels=mostly_one)
    comment = "Rows of small losses, then of large ones: a mean of the means of parts shows."
    cells, flags = "one-hot-mean-n6-c4 indices-none-n7-c3", "random labels-{form}"
    cell = "indices-mean-n1031-c2" if dtype == "float32" else ""
    yield from give("forward-unequal", flags, comment, f"indices-mean-n37-c2 {cell}", labels=unequal)
    yield from give("unequal", flags, comment, cells, labels=unequal)
    comment = "The same scores in every row, under other labels and upstreams."
    cells = "indices-none-n4-c3 soft-none-n3-c4"
    yield from give("equal-rows", "random labels-{form}", comment, cells, scores=equal_rows)


def small(w: Words, shape: Shape, reduction: str) -> np.ndarray:
    """Draw an upstream under 2**-24."""
    return w.array(upstream_drawn(w, shape, reduction).astype(np.float64) * 2.0**-26)


def misfits(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Calls to refuse: labels or shapes that do not fit."""
    scores, one_hot = loss.draw(Words(f"{loss.scores}/refused", dtype), (3, 4)), np.eye(5)
    beyond, negative = ([0, 4, 1], [7, 0, 1], [2, 1, 1 << 40]), ([0, -1, 1], [-4, 0, 1], [2, 1, -5])
    give = partial(invalid, loss, dtype)
    for name, flag, comment, wrong in (
        ("label-out-of-range", "label-range", "A label past the last class.", beyond),
        ("label-negative", "label-range", "A negative label, which NumPy would count from the end.", negative),
        ("labels-too-short", "label-length", "A label too few.", ([0, 3],)),
        ("labels-too-long", "label-length", "A label too many.", ([0, 3, 1, 2],)),
        ("one-hot-too-short", "label-length", "A row of labels too few.", (one_hot[:2, :4],)),
        ("one-hot-too-long", "label-length", "A row of labels too many.", (one_hot[[0, 1, 2, 0], :4],)),
        ("one-hot-too-narrow", "size-mismatch", "Labels for a class too few.", (one_hot[:3, :3],)),
        ("one-hot-too-wide", "size-mismatch", "Labels for a class too many.", (one_hot[:3],)),
    ):
        if name.startswith("one-hot") and "one-hot" not in loss.forms:
            continue
        yield from give(name, flag, comment, *((scores, labels, 2.5) for labels in wrong))
        for reduction, g in (("sum", 2.5), ("none", [2.5, -1.5, 3])):
            yield from give(f"{name}-{reduction}", flag, comment, (scores, wrong[0], g), reduction=reduction)
    for name, comment, labels in (
        ("one-hot-one-row", "A single row of labels, to be broadcast by none.", one_hot[:1, :4]),
        ("one-hot-one-column", "A single column of labels, to be broadcast by none.", one_hot[:3, :1]),
        ("labels-one-for-all", "One index for several rows.", [2]),
        ("labels-column", "Indices as a column.", np.array([[0], [3], [1]])),
        ("labels-scalar", "An index of rank 0 for several rows.", np.array(2)),
        ("one-hot-rank", "Labels of one row, of rank 1.", one_hot[0, :4]),
    ):
        if name.startswith("one-hot") and "one-hot" not in loss.forms:
            continue
        for reduction, g in (("mean", 2.5), ("sum", 2.5), ("none", [2.5, -1.5, 3])):
            yield from give(f"{name}-{reduction}", "label-length", comment, (scores, labels, g), reduction=reduction)
    call: Call = (scores, [0, 3, 1], [2.5, -1.5, 3, 2])
    yield from give("backward-upstream-too-long", "size-mismatch", "Upstream for a row too many.", call)
    shapes: dict[str, object] = {
        "rows": [2.5, -1.5, 3],
        "one": [2.5],
        "scalar": 2.5,
        "column": [[2.5]] * 3,
        "matrix": [[2.5]],
    }
    for reduction, words in (("mean", "rows one matrix"), ("sum", "rows one matrix"), ("none", "one scalar column")):
        for word in words.split():
            name, call = f"backward-upstream-{word}-{reduction}", (scores, [0, 3, 1], shapes[word])
            comment = f"An upstream of another shape than the {reduction}, to be broadcast by none."
            yield from give(name, "size-mismatch", comment, call, reduction=reduction)
    more: dict[str, Any] = {"level": "robust", "result": "invalid", "forms": ["one-hot"]}
    comment = "No class that a label could name."
    yield from in_every_form(loss, dtype, "no-classes", "label-range", comment, (np.zeros((2, 0)), [0, 0], []), **more)


def special(loss: Loss, dtype: str, two: Table, three: Table, spoilt: Table) -> Iterator[Draft]:
    """The ends of the upstream's range, and NaN; `two` and `three` are rows of scores, `spoilt` three with a NaN."""
    call: Call
    half, small, give = ends(dtype).top / 2, ends(dtype).subnormal, partial(curated, loss, dtype, level="robust")
    comment, call = "An upstream a factor 2 from the largest finite number.", (two, [1, 2], [half, -half])
    yield from give("backward-near-overflow", "near-overflow upstream-signed", comment, call)
    comment, call = "Gradients that are subnormal.", (two, [0, 1], [small, -small])
    yield from give("backward-subnormal-upstream", "subnormal upstream-signed", comment, call)
    comment, call = "A NaN of the upstream stays in its row.", (three, [0, 1, 2], [1.5, math.nan, -2])
    yield from give("backward-nan-upstream", "nan upstream-signed", comment, call)
    yield from give("nan", "nan", "A NaN makes its row NaN, and no other.", (spoilt, [0, 1, 2], [1.5, -2, 3]))
    comment, call = "A NaN makes the whole loss NaN.", (spoilt, [0, 1, 2], 1.5)
    yield from give("forward-nan-mean", "nan reduction", comment, call, reduction="mean")
    for reduction in REDUCTIONS[:2]:
        for word, flags, g in (
            ("nan", "nan", math.nan),
            ("subnormal", "subnormal", small),
            ("near-overflow", "near-overflow", half),
        ):
            comment, call = f"An upstream of the {reduction} that is {word}.", (two, [1, 2], g)
            name = f"backward-{word}-upstream-{reduction}"
            yield from give(name, f"{flags} upstream-signed", comment, call, reduction=reduction)
    trap: Trap = (spoilt, [0, 1, 2], SOFT_ROWS)
    yield from in_every_form(loss, dtype, "nan", "nan", "A NaN of one row.", trap, level="robust", but="indices-none")


def label_mass(loss: Loss, dtype: str, scores: Table) -> Iterator[Draft]:
    """Rows of soft labels that do not sum to 1."""
    half, more, zero = ([0.25, 0.125, 0.125], [0, 0.5, 0]), ([1, 0.5, 0.25], [0, 0, 2]), ([0, 0, 0],)
    labels, comment = ([*half, *zero], [*more, half[0]]), "Soft labels that do not sum to 1."
    for reduction, g in (("mean", 1.5), ("sum", -2), ("none", [1.5, -2, 3])):
        calls = ((scores, y, g) for y in labels)
        fields: dict[str, Any] = {"reduction": reduction, "level": "robust", "point": MASS}
        yield from curated(loss, dtype, f"label-mass-{reduction}", "label-mass", comment, *calls, **fields)
