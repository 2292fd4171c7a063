"""Families that every loss has: each form of labels with each reduction, over the shapes in which losses go wrong."""

from collections.abc import Iterator

import numpy as np

from ..generation.draws import Words, held
from ..model.family import Draft
from .labels_drawn import FORMS, REDUCTIONS, as_form, upstream_drawn
from .loss_drafts import Cell, Loss, family

ORDINARY = (
    Cell("indices", "mean", 5, 3),
    Cell("indices", "sum", 3, 4),
    Cell("indices", "none", 4, 3),
    Cell("one-hot", "mean", 3, 5),
    Cell("one-hot", "sum", 5, 4),
    Cell("one-hot", "none", 6, 4),
    Cell("soft", "mean", 7, 3),
    Cell("soft", "sum", 3, 5),
    Cell("soft", "none", 5, 4),
)
"""Every form with every reduction; a mean is over 3, 5 or 7 rows, so that 1 / N rounds."""
COINCIDING = (
    Cell("indices", "mean", 3, 3),
    Cell("indices", "none", 4, 4),
    Cell("one-hot", "mean", 5, 5),
    Cell("one-hot", "none", 3, 3),
    Cell("soft", "mean", 3, 3),
    Cell("soft", "sum", 4, 4),
)
BATCH_OF_ONE = (Cell("indices", "mean", 1, 4), Cell("one-hot", "none", 1, 3), Cell("soft", "sum", 1, 5))
ONE_CLASS = (Cell("indices", "mean", 3, 1), Cell("one-hot", "none", 3, 1), Cell("indices", "sum", 1, 1))
TWO_CLASSES = (Cell("indices", "mean", 6, 2), Cell("one-hot", "sum", 3, 2))
ODD = (
    Cell("indices", "mean", 9, 7),
    Cell("one-hot", "none", 7, 9),
    Cell("soft", "mean", 3, 17),
    Cell("indices", "sum", 3, 31),
    Cell("one-hot", "mean", 3, 33),
    Cell("indices", "none", 2, 65),
    Cell("indices", "mean", 31, 2),
    Cell("soft", "mean", 33, 2),
    Cell("indices", "mean", 65, 2),
)
EDGES = (Cell("indices", "mean", 5, 4), Cell("one-hot", "none", 3, 6), Cell("indices", "none", 6, 3))
MANY_CLASSES = Cell("indices", "mean", 2, 1000)
MANY_ROWS = Cell("indices", "mean", 1000, 2)


def common(loss: Loss, dtype: str) -> Iterator[Draft]:
    """Give the families that every loss has, at a dtype."""
    for direction in loss.directions:
        yield from random(loss, direction)
        yield from sizes(loss, direction)
        yield from label_edges(loss, direction)
        yield from empty(loss, direction, dtype)
        yield from refused(loss, direction, dtype)
    yield from upstreams(loss)


def random(loss: Loss, direction: str) -> Iterator[Draft]:
    """Ordinary input."""
    flags = ("upstream-signed",) if direction == "backward" else ()
    for cell in ORDINARY:
        comment = f"Labels as {spoken(cell.form)}, reduction {cell.reduction}, {cell.rows} rows of {cell.classes}."
        yield family(loss, direction, cell, "random", ("random", f"labels-{cell.form}", "reduction", *flags), comment)
    for cell in COINCIDING:
        comment = f"As many rows as classes, labels as {spoken(cell.form)}: a transpose shows by value alone."
        yield family(
            loss, direction, cell, "square", ("square", f"labels-{cell.form}", *flags), comment, count=loss.count // 2
        )


def sizes(loss: Loss, direction: str) -> Iterator[Draft]:
    """The smallest sizes, sizes beside powers of two, and many classes."""
    half = loss.count // 2
    for cell in BATCH_OF_ONE:
        yield family(loss, direction, cell, "batch-of-one", ("batch-of-one",), "A single row.", count=half)
    for cell in ONE_CLASS:
        flags = ("one-class", "smallest") if cell.rows == 1 else ("one-class",)
        yield family(loss, direction, cell, "one-class", flags, "A single class.", count=half // 2)
    for cell in TWO_CLASSES:
        comment = "Two classes, where code for the binary loss may be at work."
        yield family(loss, direction, cell, "two-classes", ("random", "distinct-sizes"), comment, count=half)
    for cell in ODD:
        comment = "Sizes beside a power of two, where tiles have ragged edges."
        yield family(loss, direction, cell, "odd", ("random", "odd-sizes"), comment, count=2)
    comment = "A thousand classes: a long sum, and probabilities near 1/1000."
    yield family(loss, direction, MANY_CLASSES, "many-classes", ("many-classes",), comment, count=1)
    if direction == "forward":
        comment = "A thousand losses near log 2: one after the other in a half precision, they all lose the same way."
        yield family(loss, direction, MANY_ROWS, "many-rows", ("many-rows",), comment, scores=loss.even, count=1)


def label_edges(loss: Loss, direction: str) -> Iterator[Draft]:
    """Labels of the first and the last class alone."""

    def first_and_last(w: Words, form: str, scores: np.ndarray) -> np.ndarray:
        (rows, classes), start = scores.shape, int(w.integers((), 0, 2))
        return as_form((start + np.arange(rows)) % 2 * (classes - 1), form, classes, w.dtype)

    for cell in EDGES:
        comment = "First and last class in turn."
        flags = ("label-edge", f"labels-{cell.form}")
        yield family(loss, direction, cell, "label-edge", flags, comment, labels=first_and_last, count=loss.count // 2)


def upstreams(loss: Loss) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""
    half = loss.count // 2

    def zero(w: Words, rows: int, reduction: str) -> np.ndarray:
        return w.array(np.zeros((rows,) if reduction == "none" else ()))

    def one_row(w: Words, rows: int, reduction: str) -> np.ndarray:
        everywhere = upstream_drawn(w, rows, reduction)
        return np.where(np.arange(rows) == w.integers((), 0, rows), everywhere, zero(w, rows, reduction))

    def same_for_all(w: Words, rows: int, reduction: str) -> np.ndarray:
        return np.full_like(upstream_drawn(w, rows, reduction), upstream_drawn(w, 1, "sum"))

    def far_apart(w: Words, rows: int, reduction: str) -> np.ndarray:
        return w.spread((rows,) if reduction == "none" else (), -8, 8)

    for cell in (Cell("one-hot", "mean", 3, 4), Cell("indices", "none", 3, 4)):
        comment = "No upstream, no gradient."
        yield family(
            loss, "backward", cell, "upstream-zero", ("upstream-zero",), comment, upstream=zero, count=half // 2
        )
    for cell in (Cell("indices", "none", 5, 3), Cell("soft", "none", 3, 4)):
        comment = "Upstream for one row alone: all others get none."
        yield family(
            loss, "backward", cell, "upstream-one-hot", ("upstream-one-hot",), comment, upstream=one_row, count=half
        )
    cell = Cell("indices", "none", 4, 3)
    comment = "The same upstream for every row, as broadcasting makes it."
    yield family(
        loss, "backward", cell, "upstream-broadcast", ("stride-zero",), comment, upstream=same_for_all, count=half
    )
    for cell in (Cell("indices", "none", 6, 3), Cell("soft", "mean", 3, 4)):
        comment = "Upstream of very different sizes."
        flags = ("spread", "upstream-signed")
        yield family(loss, "backward", cell, "upstream-spread", flags, comment, upstream=far_apart, count=half)


def empty(loss: Loss, direction: str, dtype: str) -> Iterator[Draft]:
    """No rows at all."""
    classes = 3
    for form in FORMS[:2]:
        labels = as_form(np.zeros(0, dtype=np.int64), form, classes, dtype)
        call = {loss.scores: held(np.zeros((0, classes)), dtype), "labels": labels}
        for reduction in REDUCTIONS:
            upstream = held([] if reduction == "none" else 2.5, dtype)
            undefined = direction == "forward" and reduction == "mean"
            yield Draft(
                name=f"{direction}-empty-{form}-{reduction}",
                direction=direction,
                flags=("empty-batch", f"labels-{form}"),
                comment="A mean over no rows." if undefined else "No rows: a sum of 0, and an empty gradient.",
                cases=(call if direction == "forward" else {"dL_dloss": upstream, **call},),
                parameters={"reduction": reduction},
                level="robust",
                result="convention" if undefined else "valid",
                point="empty_mean" if undefined else None,
            )


def refused(loss: Loss, direction: str, dtype: str) -> Iterator[Draft]:
    """Calls that no sound implementation answers."""
    rows, classes = 3, 4
    scores = loss.draw(Words(f"{loss.scores}/refused", dtype), (rows, classes))
    rows_of = {n: as_form(np.arange(n) % 3, "one-hot", classes, dtype) for n in (rows - 1, rows + 1)}
    narrow, wide = (as_form(np.arange(rows), "one-hot", c, dtype) for c in (classes - 1, classes + 1))
    beyond = tuple(np.array(x, dtype=np.int64) for x in ([0, 4, 1], [7, 0, 1], [2, 1, 1 << 40]))
    negative = tuple(np.array(x, dtype=np.int64) for x in ([0, -1, 1], [-4, 0, 1], [2, 1, -5]))
    table: tuple[tuple[str, str, str, tuple[np.ndarray, ...]], ...] = (
        ("label-out-of-range", "label-range", "A label past the last class.", beyond),
        ("label-negative", "label-range", "A negative label, which NumPy would count from the end.", negative),
        ("labels-too-short", "label-length", "A label too few.", (np.array([0, 3]),)),
        ("labels-too-long", "label-length", "A label too many.", (np.array([0, 3, 1, 2]),)),
        ("one-hot-too-short", "label-length", "A row of labels too few.", (rows_of[rows - 1],)),
        ("one-hot-too-long", "label-length", "A row of labels too many.", (rows_of[rows + 1],)),
        ("one-hot-too-narrow", "size-mismatch", "Labels for a class too few.", (narrow,)),
        ("one-hot-too-wide", "size-mismatch", "Labels for a class too many.", (wide,)),
    )
    for name, flag, comment, wrong in table:
        calls = [{loss.scores: scores, "labels": labels} for labels in wrong]
        yield Draft(
            name=f"{direction}-{name}",
            direction=direction,
            flags=(flag,),
            comment=comment,
            cases=tuple(call if direction == "forward" else {"dL_dloss": held(2.5, dtype), **call} for call in calls),
            parameters={"reduction": "mean"},
            level="robust",
            result="invalid",
        )
    if direction == "backward":
        labels = np.array([0, 3, 1], dtype=np.int64)
        yield Draft(
            name="backward-upstream-too-long",
            direction="backward",
            flags=("size-mismatch",),
            comment="Upstream for a row too many.",
            cases=({"dL_dloss": held([2.5, -1.5, 3, 2], dtype), loss.scores: scores, "labels": labels},),
            parameters={"reduction": "none"},
            level="robust",
            result="invalid",
        )


def spoken(form: str) -> str:
    """Say a form of labels in words."""
    return {"indices": "indices", "one-hot": "one-hot rows", "soft": "soft rows"}[form]
