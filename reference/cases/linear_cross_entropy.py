"""Families of cases for a linear layer with softmax and cross-entropy in one step.

They are those of a loss of logits, whose logits become a product: of inputs and weight that are drawn, or where the
values of the logits matter, of the logits with their columns moved by one, and a weight that moves them back.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ..generation.draws import Words, held
from ..generation.profiles import bell
from ..kinds.labelled import common, far_upstreams
from ..kinds.loss import Loss, both_in_steps, curated, upstream_drawn
from ..kinds.loss_options import ROWS, options
from ..kinds.paired import changed, families, one_argument_at_a_time, refused
from ..kinds.special_values import ends
from ..model.family import Draft, Inputs

LOSS = Loss("logits", bell, forms=("indices",), even=lambda w, shape: w.normal(shape, 0.03125), few=3)
OF_LOGITS = ("many-rows", "unequal", "equal-rows")
"""Parts of names of drawn families whose logits are as they were drawn."""
LABELS, G = [1, 0, 2], [1.5, -2, 3]
SHORTER = ("backward-many-classes-indices-mean-n2-c1000",)
"""What costs more bytes than it shows beside softmax_cross_entropy."""
FLOAT32 = (
    *(f"forward-long-indices-{cell}" for cell in ("none-n1-c2051", "sum-n1-c1024", "sum-n1-c1025", "sum-n1280-c2")),
    "forward-unequal-indices-mean-n1031-c2",
)
"""The same in float32."""
WIDE = ((2, 131, 3, "none"), (3, 33, 5, "mean"), (2, 9, 2, "sum"), (5, 1, 3, "mean"))
"""Rows, their width, classes and reduction."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    given = (*common(LOSS, dtype), *far_upstreams(LOSS, dtype, ROWS[:2]), *options(LOSS, dtype))
    names = (*SHORTER, *(FLOAT32 if dtype == "float32" else ()))
    yield from through_layer(changed(given, dict.fromkeys(names), cases=2), dtype)
    yield from through_layer(extremes(dtype), dtype)
    yield from wide(dtype)
    if dtype in HALF:
        yield from equal_rows(dtype)
    yield from given_calls(dtype)


def wide(dtype: str) -> Iterator[Draft]:
    """Drawn inputs of other widths."""

    def drawn(n: int, d: int, v: int, reduction: str, w: Words) -> Inputs:
        scale = 2.0 ** -((d.bit_length() - 1) // 2)
        inputs = {"inputs": w.normal((n, d)), "weight": w.normal((v, d), scale), "labels": w.integers((n,), 0, v)}
        return {"dL_dloss": upstream_drawn(w, (n,), reduction), **inputs}

    for n, d, v, reduction in WIDE:
        name = "forward-wide" if d > 16 and dtype in HALF else "wide"  # sums near 0 cannot be judged in halves
        more: dict[str, Any] = {"draw": partial(drawn, n, d, v, reduction), "parameters": {"reduction": reduction}}
        id, flags = f"{name}-indices-{reduction}-n{n}-d{d}-v{v}", "random distinct-sizes upstream-signed"
        yield from families(id, flags, "Inputs of another width, wide and narrow.", counts=2, **more)


def equal_rows(dtype: str) -> Iterator[Draft]:
    """Give a family whose rows, all the same, lose the same way where they are added up in the half one by one. Both
    classes are equally likely, so that gradients of logits lose nothing when they are stored."""
    inputs, labels = [[1.203125, 1.171875]] * 1000, [1] * 1000
    case = call(dtype, dL_dloss=1, inputs=inputs, weight=[[0.5, -0.5]] * 2, labels=labels)
    name, comment = "backward-many-equal-rows", "Rows that are all the same: added up in a half, they all lose."
    yield from families(name, "many-rows", comment, (case,), parameters={"reduction": "sum"})


def extremes(dtype: str) -> Iterator[Draft]:
    """Large logits, NaN, and subnormal numbers."""
    give, tiny, nan = partial(curated, LOSS, dtype, level="robust"), ends(dtype).subnormal, np.nan
    comment = "Large logits near one another: the largest is to be subtracted."
    yield from give("large", "far-logits", comment, ([[800, 796, 804], [-804, -800, -796]], [1, 0], G[:2]))
    comment = "A NaN of one row makes its loss NaN, and no other."
    yield from give("forward-nan", "nan", comment, ([ROWS[0], [nan, 0.125, -0.5], ROWS[2]], LABELS, G))
    comment = "A NaN of the upstream stays in its row of the inputs' gradient, and is in all of the weight's."
    yield from give("backward-nan-upstream", "nan upstream-signed", comment, (ROWS, LABELS, [1.5, nan, -2]))
    comment = "Inputs that are subnormal: all classes are equally likely."
    yield from give("forward-subnormal", "subnormal", comment, ([[tiny, -tiny, 0]] * 3, LABELS, G))
    flags, of_two = "subnormal upstream-signed", (ROWS[:2], [0, 1], [tiny, -tiny])
    yield from give("backward-subnormal-upstream", flags, "Gradients that are subnormal.", of_two)


def through_layer(drafts: Iterable[Draft], dtype: str) -> Iterator[Draft]:
    """Make families of logits those of inputs and weight."""
    for draft in drafts:
        kept = any(part in draft.name for part in OF_LOGITS)
        draw = partial(_layered, draft.draw, kept) if draft.draw else None
        yield replace(draft, cases=tuple(as_product(case, dtype) for case in draft.cases), draw=draw)


def _layered(draw: Callable[[Words], Inputs], kept: bool, w: Words) -> Inputs:
    case = draw(w)
    n, v = case["logits"].shape
    if kept:
        return as_product(case, w.dtype)
    d = n if n == v else 2 if max(n, v) > 16 else next(width for width in (4, 3, 5) if width not in (n, v))
    return with_layer(case, w.normal((n, d)), w.normal((v, d), 0.5))


def as_product(case: Inputs, dtype: str) -> Inputs:
    """Put logits into inputs and weight whose product they are exactly, each entry with zeros added."""
    logits = case["logits"]
    moved = np.roll(np.eye(logits.shape[-1]), 1, axis=1)
    return with_layer(case, np.roll(logits, 1, axis=-1), held(moved, dtype))


def with_layer(case: Inputs, inputs: np.ndarray, weight: np.ndarray) -> Inputs:
    """Replace the logits by inputs and weight, in their place."""
    layer = {"inputs": inputs, "weight": weight}
    return {k: x for name, y in case.items() for k, x in (layer if name == "logits" else {name: y}).items()}


def call(dtype: str, **changes: object) -> Inputs:
    """Give backward's arguments without a reduction, the usual ones but for some."""
    usual: dict[str, object] = {"dL_dloss": G, "inputs": [[0.5, -1], [1, 0.25], [-0.75, 2]], "labels": [3, 0, 2]}
    given = {**usual, "weight": [[1, 0.5], [-0.5, 1.5], [2, -1], [0.25, 0.75]], **changes}
    tensors = {name: held(given[name], dtype) for name in ("dL_dloss", "inputs", "weight")}
    return {**tensors, "labels": np.array(given["labels"], dtype=np.int64)}


def given_calls(dtype: str) -> Iterator[Draft]:
    """Successive calls, and calls to refuse."""
    last = {"inputs": [[1, 0.5], [-1, 2], [0.25, 1]], "weight": [[0.25, 0.75], [2, -1], [-0.5, 1.5], [1, 0.5]]}
    cases = one_argument_at_a_time(call(dtype), call(dtype, dL_dloss=[-3, 0.5, 2], labels=[0, 3, 1], **last))
    yield from both_in_steps("one-argument-at-a-time", cases, {"reduction": "none"})
    wrong: dict[str, dict[str, object]] = {
        "weight-columns": {"weight": np.ones((4, 3)), "labels": [2, 0, 2]},
        "weight-transposed": {"weight": np.ones((2, 4))},
        "weight-vector": {"weight": [1, 0.5], "labels": [0, 0, 0]},
        "inputs-vector": {"inputs": [0.5, -1], "labels": [3], "dL_dloss": [1.5]},
        "inputs-columns": {"inputs": np.ones((3, 1))},
    }
    for name, changes in wrong.items():
        comment = f"{name.replace('-', ', ')}: inputs and weight that do not fit each other."
        yield from refused(name, "size-mismatch", comment, call(dtype, **changes), reduction="none")
