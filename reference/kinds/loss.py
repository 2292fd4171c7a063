"""Losses of rows of scores and labels, drawn over forms of labels, reductions and shapes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...vectors.records import DIRECTIONS
from ..generation.draws import Shape, Words, held
from ..model.family import DRAWN, Draft, Inputs
from ..model.losses import REDUCTIONS
from .labels import FORMS, as_form, first_and_last, labels_drawn
from .paired import families, refused
from .special_values import ends

DrawScores = Callable[[Words, Shape], np.ndarray]
DrawLabels = Callable[[Words, str, np.ndarray], np.ndarray]
DrawUpstream = Callable[[Words, Shape, str], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """What tells one loss's calls from another's."""

    scores: str
    """The name of the argument beside the labels."""
    draw: DrawScores
    """Draws ordinary scores (N, C)."""
    labels: DrawLabels = labels_drawn
    """Draws ordinary labels of a form for given scores."""
    even: DrawScores | None = None
    """Draws scores whose classes are all nearly as likely."""
    directions: tuple[str, ...] = DIRECTIONS
    few: int = DRAWN // 2
    """Cases of a family whose cases are much alike."""

    def call(self, dtype: str, scores: object, labels: object, upstream: object) -> Inputs:
        """Give the arguments of backward. Labels of rank 1 are indices."""
        y = np.asarray(labels)
        y = y.astype(np.int64) if y.ndim == 1 else held(y, dtype)
        return {"dL_dloss": held(upstream, dtype), self.scores: held(scores, dtype), "labels": y}


@dataclass(frozen=True)
class Cell:
    """A form of labels, a reduction and a shape."""

    name: str
    """As ids have it: "indices-mean-n5-c3"."""
    form: str
    reduction: str
    rows: int
    classes: int


def cells(names: str) -> Iterator[Cell]:
    """Read names of cells with spaces between."""
    for name in names.split():
        form, reduction, rows, classes = name.rsplit("-", 3)
        yield Cell(name, form, reduction, int(rows[1:]), int(classes[1:]))


def drawn(
    loss: Loss,
    name: str,
    flags: str,
    comment: str,
    where: str,
    *,
    scores: DrawScores | None = None,
    labels: DrawLabels | None = None,
    upstream: DrawUpstream | None = None,
    count: int = DRAWN,
    **more: Any,
) -> Iterator[Draft]:
    """Give drawn families at each cell named in `where`; flags and comment may name fields of the cell in braces.

    `scores`, `labels` and `upstream` say what is not as usual. The name may begin with a direction.
    """
    draw_scores, draw_labels, draw_upstream = scores or loss.draw, labels or loss.labels, upstream or upstream_drawn
    for cell in cells(where):

        def draw(w: Words, cell: Cell = cell) -> Inputs:
            z = draw_scores(w, (cell.rows, cell.classes))
            y = draw_labels(w, cell.form, z)
            return {"dL_dloss": draw_upstream(w, (cell.rows,), cell.reduction), loss.scores: z, "labels": y}

        fields = vars(cell)
        given = families(
            f"{name}-{cell.name}",
            flags.format(**fields),
            comment.format(**fields),
            draw=draw,
            counts=(count, count),
            parameters={"reduction": cell.reduction},
            **more,
        )
        yield from (draft for draft in given if draft.direction in loss.directions)


def curated(
    loss: Loss,
    dtype: str,
    name: str,
    flags: str,
    comment: str,
    call: tuple[object, object, object],
    reduction: str = "none",
    **more: Any,
) -> Iterator[Draft]:
    """Give families of one call: scores, labels, and the upstream, which forward does without."""
    given = families(name, flags, comment, (loss.call(dtype, *call),), parameters={"reduction": reduction}, **more)
    yield from (draft for draft in given if draft.direction in loss.directions)


def upstream_drawn(w: Words, shape: Shape, reduction: str) -> np.ndarray:
    """Draw dL_dloss, () or for "none" of a shape, of either sign and never of size 1."""
    return w.signed(shape if reduction == "none" else (), 1.25, 3.5)


def common(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give the families that every loss has, at a dtype."""
    yield from sizes(loss)
    yield from upstreams(loss)
    yield from empty(loss, dtype)
    yield from invalid(loss, dtype)


def sizes(loss: Loss) -> Iterator[Draft]:
    """Every form of labels with every reduction, over the shapes in which losses go wrong.

    A mean is over 3, 5 or 7 rows in the ordinary families, so that 1 / N rounds.
    """
    yield from drawn(
        loss,
        "random",
        "random labels-{form} reduction upstream-signed",
        "Labels as {form}, reduction {reduction}, {rows} rows of {classes}.",
        "indices-mean-n5-c3 indices-sum-n3-c4 indices-none-n4-c3 one-hot-mean-n3-c5 one-hot-sum-n5-c4 "
        "one-hot-none-n6-c4 soft-mean-n7-c3 soft-sum-n3-c5 soft-none-n5-c4",
    )
    yield from drawn(
        loss,
        "square",
        "square labels-{form} upstream-signed",
        "As many rows as classes, labels as {form}: a transpose shows by value alone.",
        "indices-mean-n3-c3 indices-none-n4-c4 one-hot-mean-n5-c5 one-hot-none-n3-c3 soft-mean-n3-c3 soft-sum-n4-c4",
    )
    table: tuple[tuple[str, str, str, int, str], ...] = (
        (
            "batch-of-one",
            "batch-of-one",
            "A single row.",
            DRAWN,
            "indices-mean-n1-c4 one-hot-none-n1-c3 soft-sum-n1-c5",
        ),
        ("one-class", "one-class", "A single class.", loss.few, "indices-mean-n3-c1 one-hot-none-n3-c1"),
        ("one-class", "one-class smallest", "A single class, a single row.", loss.few, "indices-sum-n1-c1"),
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
        (
            "many-classes",
            "many-classes",
            "A thousand classes: a long sum, and probabilities near 1/1000.",
            1,
            "indices-mean-n2-c1000",
        ),
    )
    for name, flags, comment, count, where in table:
        yield from drawn(loss, name, flags, comment, where, count=count)
    comment = "A thousand losses near log 2: one after the other in a half precision, they all lose the same way."
    where = "indices-mean-n1000-c2"
    yield from drawn(loss, "forward-many-rows", "many-rows", comment, where, scores=loss.even, count=1)
    comment, where = "First and last class in turn.", "indices-mean-n5-c4 one-hot-none-n3-c6 indices-none-n6-c3"
    yield from drawn(loss, "label-edge", "label-edge labels-{form}", comment, where, labels=first_and_last)


def upstreams(loss: Loss) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""

    def zero(w: Words, shape: Shape, reduction: str) -> np.ndarray:
        return w.array(np.zeros(shape if reduction == "none" else ()))

    def one_hot(w: Words, shape: Shape, reduction: str) -> np.ndarray:
        everywhere, size = upstream_drawn(w, shape, reduction), math.prod(shape)
        chosen = (np.arange(size) == w.integers((), 0, size)).reshape(shape)
        return np.where(chosen, everywhere, zero(w, shape, reduction))

    def same_for_all(w: Words, shape: Shape, reduction: str) -> np.ndarray:
        return np.full_like(upstream_drawn(w, shape, reduction), upstream_drawn(w, (), "sum"))

    def far_apart(w: Words, shape: Shape, reduction: str) -> np.ndarray:
        return w.spread(shape if reduction == "none" else (), -8, 8)

    for name, flags, comment, where, count, upstream in (
        ("zero", "upstream-zero", "No upstream, no gradient.", "one-hot-mean-n3-c4 indices-none-n3-c4", loss.few, zero),
        (
            "one-hot",
            "upstream-one-hot",
            "Upstream for one row alone: all others get none.",
            "indices-none-n5-c3 soft-none-n3-c4",
            DRAWN,
            one_hot,
        ),
        (
            "broadcast",
            "stride-zero",
            "The same upstream for every row, as broadcasting makes it.",
            "indices-none-n4-c3",
            DRAWN,
            same_for_all,
        ),
        (
            "spread",
            "spread upstream-signed",
            "Upstream of very different sizes.",
            "indices-none-n6-c3 soft-mean-n3-c4",
            DRAWN,
            far_apart,
        ),
    ):
        yield from drawn(loss, f"backward-upstream-{name}", flags, comment, where, upstream=upstream, count=count)


def empty(loss: Loss, dtype: str) -> Iterator[Draft]:
    """No rows at all."""
    classes = 3
    for form in FORMS[:2]:
        labels = as_form(np.zeros(0, dtype=np.int64), form, classes, dtype)
        for reduction in REDUCTIONS:
            call = (np.zeros((0, classes)), labels, [] if reduction == "none" else 2.5)
            for direction in DIRECTIONS:
                undefined = direction == "forward" and reduction == "mean"
                yield from curated(
                    loss,
                    dtype,
                    f"{direction}-empty-{form}-{reduction}",
                    f"empty-batch labels-{form}",
                    "A mean over no rows." if undefined else "No rows: a sum of 0, and an empty gradient.",
                    call,
                    reduction,
                    level="robust",
                    point="empty_mean" if undefined else None,
                )


def invalid(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Calls that no sound implementation answers."""
    rows, classes = 3, 4
    scores = loss.draw(Words(f"{loss.scores}/refused", dtype), (rows, classes))
    one_hot = np.eye(classes + 1)
    table: tuple[tuple[str, str, str, tuple[object, ...]], ...] = (
        ("label-out-of-range", "label-range", "A label past the last class.", ([0, 4, 1], [7, 0, 1], [2, 1, 1 << 40])),
        (
            "label-negative",
            "label-range",
            "A negative label, which NumPy would count from the end.",
            ([0, -1, 1], [-4, 0, 1], [2, 1, -5]),
        ),
        ("labels-too-short", "label-length", "A label too few.", ([0, 3],)),
        ("labels-too-long", "label-length", "A label too many.", ([0, 3, 1, 2],)),
        ("one-hot-too-short", "label-length", "A row of labels too few.", (one_hot[[0, 1], :classes],)),
        ("one-hot-too-long", "label-length", "A row of labels too many.", (one_hot[[0, 1, 2, 0], :classes],)),
        ("one-hot-too-narrow", "size-mismatch", "Labels for a class too few.", (one_hot[:rows, : classes - 1],)),
        ("one-hot-too-wide", "size-mismatch", "Labels for a class too many.", (one_hot[:rows],)),
    )
    for name, flag, comment, wrong in table:
        calls = [loss.call(dtype, scores, labels, 2.5) for labels in wrong]
        for draft in refused(name, flag, comment, *calls, reduction="mean"):
            if draft.direction in loss.directions:
                yield draft
    case = loss.call(dtype, scores, [0, 3, 1], [2.5, -1.5, 3, 2])
    comment = "Upstream for a row too many."
    yield from refused("backward-upstream-too-long", "size-mismatch", comment, case, reduction="none")


Rows = list[list[float]]


def special(loss: Loss, dtype: str, two: Rows, three: Rows, spoilt: Rows) -> Iterator[Draft]:
    """The ends of the upstream's range over two rows of scores, and NaN: of the upstream, and in the second of
    three rows."""
    half, small = ends(dtype).top / 2, ends(dtype).subnormal
    for name, flags, comment, call in (
        (
            "backward-near-overflow",
            "near-overflow upstream-signed",
            "An upstream a factor 2 from the largest finite number.",
            (two, [1, 2], [half, -half]),
        ),
        (
            "backward-subnormal-upstream",
            "subnormal upstream-signed",
            "Gradients that are subnormal.",
            (two, [0, 1], [small, -small]),
        ),
        ("nan", "nan", "A NaN makes its row NaN, and no other.", (spoilt, [0, 1, 2], [1.5, -2, 3])),
        (
            "backward-nan-upstream",
            "nan upstream-signed",
            "A NaN of the upstream stays in its row.",
            (three, [0, 1, 2], [1.5, math.nan, -2]),
        ),
    ):
        yield from curated(loss, dtype, name, flags, comment, call, level="robust")
    comment, call = "A NaN makes the whole loss NaN.", (spoilt, [0, 1, 2], 1.5)
    yield from curated(loss, dtype, "forward-nan-mean", "nan reduction", comment, call, "mean", level="robust")
