"""Losses of scores (N, C) and labels of classes, in their three forms: indices, one-hot rows and soft rows."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Shape, Words
from ..model.family import DRAWN, Draft
from .labels import FORMS, as_form, first_and_last
from .loss import Call, Loss, curated, drawn, empty, invalid, upstream_drawn, upstreams
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


def common(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give the families that every loss of labels has, at a dtype."""
    give, none = partial(drawn, loss), np.zeros(0, dtype=np.int64)
    for name, flags, comment, count, cells in SIZES:
        yield from give(name, flags, comment, cells, count=count)
    comment = "A single class: it is certain."
    yield from give("one-class", "one-class", comment, "indices-mean-n3-c1 one-hot-none-n3-c1", count=loss.few)
    yield from give("one-class", "one-class smallest", comment, "indices-sum-n1-c1", count=loss.few)
    comment = "A thousand losses near log 2: one after the other in a half precision, they all lose the same way."
    yield from give("forward-many-rows", "many-rows", comment, "indices-mean-n1000-c2", scores=loss.even, count=1)
    cells, comment = "indices-mean-n5-c4 one-hot-none-n3-c6 indices-none-n6-c3", "First and last class in turn."
    yield from give("label-edge", "label-edge labels-{form}", comment, cells, labels=first_and_last)
    if dtype not in HALF:
        comment, flags = "Small gradients are not 0.", "small-values upstream-signed"
        yield from give("backward-small-upstream", flags, comment, "indices-none-n2-c3", upstream=small, count=1)
    yield from upstreams(loss, ("indices-", "one-hot-", "soft-"))
    for form in FORMS[:2]:
        yield from empty(loss, dtype, as_form(none, form, 3, dtype), form)
    yield from misfits(loss, dtype)


def small(w: Words, shape: Shape, reduction: str) -> np.ndarray:
    """Draw an upstream under 2**-24."""
    return w.array(upstream_drawn(w, shape, reduction).astype(np.float64) * 2.0**-26)


def misfits(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Calls to refuse: labels or shapes that do not fit."""
    scores, one_hot = loss.draw(Words(f"{loss.scores}/refused", dtype), (3, 4)), np.eye(5)
    beyond, negative = ([0, 4, 1], [7, 0, 1], [2, 1, 1 << 40]), ([0, -1, 1], [-4, 0, 1], [2, 1, -5])
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
        yield from invalid(loss, dtype, name, flag, comment, *((scores, labels, 2.5) for labels in wrong))
    comment, call = "Upstream for a row too many.", (scores, [0, 3, 1], [2.5, -1.5, 3, 2])
    yield from invalid(loss, dtype, "backward-upstream-too-long", "size-mismatch", comment, call)


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
