"""Losses of scores and labels, or of predictions and targets, drawn over reductions and shapes."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ...vectors.records import DIRECTIONS, Parameter
from ..generation.draws import Shape, Words, held
from ..model.family import DRAWN, Draft, Inputs
from ..model.losses import REDUCTIONS
from .labels import FORMS, as_form, exact_labels, labels_drawn, nearly_hard
from .paired import families, in_steps, one_argument_at_a_time

Draw = Callable[[Words, Shape], np.ndarray]
DrawLabels = Callable[[Words, str, np.ndarray], np.ndarray]
DrawUpstream = Callable[[Words, Shape, str], np.ndarray]
Options = Mapping[str, Parameter]
NONE: Options = {}
Call = tuple[object, ...]
"""The values of scores, labels and upstream, and of weights where others than the usual are wanted."""
Trap = tuple[object, list[int], object]
"""The values of scores (N, C), of labels as indices (N,) and of soft labels (N, C)."""
ROW_UPSTREAM = [1.5, -2, 3, -0.75]
CELL = re.compile(r"(?:(indices|one-hot|soft)-)?([a-z]+)((?:-[a-z]\d+)+)")
"""The form of labels, if any, reduction and shape, as in ids: "indices-mean-n5-c3"."""


@dataclass(frozen=True)
class Loss:
    """The arguments of a loss, and how they are drawn."""

    scores: str
    """The name of the first argument."""
    draw: Draw
    """Draws ordinary scores."""
    labels: DrawLabels = labels_drawn
    """Draws ordinary labels of a form for given scores, or ordinary targets."""
    second: str = "labels"
    """The name of the second argument."""
    by_element: bool = False
    """Whether there is a loss for each element instead of each row."""
    even: Draw | None = None
    """Draws scores whose classes are all nearly equally likely."""
    exact: DrawLabels = exact_labels
    """Draws soft labels of full significands for given scores."""
    nearly: DrawLabels = nearly_hard
    """Draws soft labels of which one class has nearly all weight, for given scores."""
    directions: tuple[str, ...] = DIRECTIONS
    few: int = DRAWN // 2
    """Number of cases where they are much alike."""
    certain: str | None = None
    """The convention's point, if any, at which the loss of what is certain is not 0."""
    long: Mapping[str, str] = field(default_factory=dict)
    """By dtype, cells of backward past the sizes at which kernels switch, and of exact multiples of a block."""
    weights: str = ""
    """The name of a third argument, if there is one: positive weights (C,), C being the last axis."""
    weigh: Draw = lambda w, shape: w.uniform(shape, 0.25, 4)
    """Draws such weights."""
    forms: tuple[str, ...] = FORMS
    """The forms of labels, if there are labels."""
    alone: bool = False
    """Whether one class alone has a loss and a gradient other than 0: then many rows are of one class."""

    def call(self, dtype: str, scores: object, labels: object, upstream: object, weights: object = None) -> Inputs:
        """Give the arguments of backward. Integers are indices where they are a list of them or an array, unless the
        loss is by element. Where there are weights, of columns, a list of scores is one row, and weights that are not
        given repeat four of them."""
        if self.weights and np.asarray(scores).ndim == 1:
            scores, labels = np.array([scores]), np.array([labels])
            upstream = np.array([upstream]) if np.asarray(upstream).ndim else upstream
        y = np.asarray(labels)
        indices = y.dtype.kind == "i" and (y.ndim == 1 or y is labels) and not self.by_element
        y = y.astype(np.int64) if indices else held(y, dtype)
        inputs = {"dL_dloss": held(upstream, dtype), self.scores: held(scores, dtype), self.second: y}
        if self.weights:
            repeated = np.resize([0.5, 2, 1.25, 3], np.asarray(scores).shape[-1:])
            inputs[self.weights] = held(repeated if weights is None else weights, dtype)
        return inputs


def drawn(
    loss: Loss,
    name: str,
    flags: str,
    comment: str,
    cells: str,
    *,
    scores: Draw | None = None,
    labels: DrawLabels | None = None,
    upstream: DrawUpstream | None = None,
    options: Options = NONE,
    count: int = DRAWN,
    **more: Any,
) -> Iterator[Draft]:
    """Give drawn families at each cell; flags and comment may use {form}, {reduction} and {shape}.

    `scores`, `labels` and `upstream` replace the loss's own draws. The name may begin with a direction.
    options: parameters besides the reduction.
    """
    for cell in cells.split():
        form, reduction, sizes = CELL.fullmatch(cell).groups("")  # type: ignore[union-attr]
        if form and form not in loss.forms:
            continue
        shape = tuple(int(size[1:]) for size in sizes.split("-")[1:])

        def draw(w: Words, form: str = form, reduction: str = reduction, shape: Shape = shape) -> Inputs:
            z = (scores or loss.draw)(w, shape)
            y = (labels or loss.labels)(w, form, z)
            g = (upstream or upstream_drawn)(w, shape if loss.by_element else shape[:1], reduction)
            weights = {loss.weights: loss.weigh(w, shape[-1:])} if loss.weights else {}
            return {"dL_dloss": g, loss.scores: z, loss.second: y, **weights}

        id, fields = f"{name}-{cell}", {"form": form, "reduction": reduction, "shape": shape}
        flags_here, comment_here = flags.format(**fields), comment.format(**fields)
        more_here = {"draw": draw, "counts": count, "parameters": {**options, "reduction": reduction}, **more}
        yield from _asked(loss, families(id, flags_here, comment_here, **more_here))


def curated(
    loss: Loss,
    dtype: str,
    name: str,
    flags: str,
    comment: str,
    *calls: Call,
    reduction: str = "none",
    options: Options = NONE,
    **more: Any,
) -> Iterator[Draft]:
    """Give families of given calls; forward gets them without the upstream."""
    cases = tuple(loss.call(dtype, *call) for call in calls)
    return _asked(loss, families(name, flags, comment, cases, parameters={**options, "reduction": reduction}, **more))


def in_every_form(
    loss: Loss,
    dtype: str,
    name: str,
    flags: str,
    comment: str,
    *traps: Trap,
    forms: Iterable[str] = FORMS,
    but: str = "",
    **more: Any,
) -> Iterator[Draft]:
    """Give curated families of the same scores under every form of labels and every reduction.

    A library that has one of them alone meets the same traps. The names are NAME-FORM-REDUCTION; `but` lists forms with
    reductions, "indices-none", of which an operation has such families already.
    """
    for form, reduction in product(forms, REDUCTIONS):
        if form not in loss.forms or f"{form}-{reduction}" in but.split():
            continue
        calls = [_call(dtype, form, reduction, *trap) for trap in traps]
        id = f"{name}-{form}-{reduction}"
        yield from curated(loss, dtype, id, flags, comment, *calls, reduction=reduction, **more)


def _call(dtype: str, form: str, reduction: str, scores: object, indices: list[int], soft: object) -> Call:
    rows, classes = np.asarray(scores).shape
    labels = soft if form == "soft" else as_form(np.array(indices, dtype=np.int64), form, classes, dtype)
    return scores, labels, ROW_UPSTREAM[:rows] if reduction == "none" else ROW_UPSTREAM[0]


def successive(
    loss: Loss, dtype: str, name: str, first: Call, last: Call, reduction: str, **more: Any
) -> Iterator[Draft]:
    """Give families whose cases lead from one call to another, changing one argument at a time."""
    cases = one_argument_at_a_time(loss.call(dtype, *first), loss.call(dtype, *last))
    return _asked(loss, both_in_steps(name, cases, {"reduction": reduction}, **more))


def both_in_steps(name: str, cases: tuple[Inputs, ...], parameters: Options, **more: Any) -> Iterator[Draft]:
    """Give families of cases of which each changes one argument of backward, the first the upstream."""
    for direction, chosen in (("backward", cases), ("forward", cases[1:])):
        yield from in_steps(chosen, f"{direction}-{name}", parameters=parameters, **more)


def invalid(
    loss: Loss, dtype: str, name: str, flag: str, comment: str, *calls: Call, reduction: str = "", **more: Any
) -> Iterator[Draft]:
    """Give families of calls to refuse, with a mean where the upstream is a scalar unless a reduction is given."""
    reduction = reduction or ("mean" if np.asarray(calls[0][2]).ndim == 0 else "none")
    more |= {"reduction": reduction, "level": "robust", "result": "invalid"}
    return curated(loss, dtype, name, flag, comment, *calls, **more)


def _asked(loss: Loss, drafts: Iterator[Draft]) -> Iterator[Draft]:
    return (draft for draft in drafts if draft.direction in loss.directions)


def upstream_drawn(w: Words, shape: Shape, reduction: str) -> np.ndarray:
    """Draw dL_dloss, () or for "none" of a shape: of either sign, and of magnitude 1.25 to 3.5."""
    return w.signed(shape if reduction == "none" else (), 1.25, 3.5)


def upstreams(loss: Loss, forms: tuple[str, str, str] = ("", "", "")) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them; `forms` are prefixes of cells."""

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

    (indices, one_hots, soft), give = forms, partial(drawn, loss)
    cells, name = f"{one_hots}mean-n3-c4 {indices}none-n3-c4", "backward-upstream"
    yield from give(f"{name}-zero", "upstream-zero", "No upstream, no gradient.", cells, upstream=zero, count=loss.few)
    cells, comment = f"{indices}none-n5-c3 {soft}none-n3-c4", "One unit of upstream alone: all others get none."
    yield from give(f"{name}-one-hot", "upstream-one-hot", comment, cells, upstream=one_hot)
    cells, comment = f"{indices}none-n4-c3", "The same upstream for every row, as broadcasting makes it."
    yield from give(f"{name}-broadcast", "stride-zero", comment, cells, upstream=same_for_all)
    cells, comment = f"{indices}none-n6-c3 {soft}mean-n3-c4", "Upstream of very different sizes."
    yield from give(f"{name}-spread", "spread upstream-signed", comment, cells, upstream=far_apart)


def empty(loss: Loss, dtype: str, labels: np.ndarray, form: str = "") -> Iterator[Draft]:
    """Empty batches under every reduction; `labels` are empty too."""
    scores, flags = np.zeros((0, 3)), f"empty-batch labels-{form}" if form else "empty-batch"
    name, give = "empty-" + (f"{form}-" if form else ""), partial(curated, loss, dtype, level="robust")
    none, comment = np.zeros(scores.shape if loss.by_element else 0), "No rows: a sum of 0, and an empty gradient."
    yield from give(
        f"forward-{name}mean",
        flags,
        "A mean over no rows.",
        (scores, labels, 2.5),
        reduction="mean",
        point="empty_mean",
    )
    yield from give(f"backward-{name}mean", flags, comment, (scores, labels, 2.5), reduction="mean")
    yield from give(f"{name}sum", flags, comment, (scores, labels, 2.5), reduction="sum")
    yield from give(f"{name}none", flags, comment, (scores, labels, none))
