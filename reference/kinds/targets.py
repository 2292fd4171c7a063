"""Losses of predictions and targets of one shape, element by element."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.records import DIRECTIONS
from ..model.family import DRAWN, Draft
from ..model.losses import REDUCTIONS
from .loss import Call, Loss, curated, drawn, empty, invalid, upstreams
from .paired import changed
from .special_values import ends

SIZES = (
    (
        "random",
        "random reduction upstream-signed",
        "Reduction {reduction}, of shape {shape}.",
        DRAWN,
        "mean-n5-c3 mean-n7-c3 mean-n6 mean-n2-c3-h4 sum-n3-c4 sum-n5 none-n4-c3 none-n3 none-n2-c3-h2",
    ),
    ("square", "square upstream-signed", "As many rows as columns.", DRAWN, "mean-n3-c3 sum-n5-c5 none-n4-c4"),
    ("batch-of-one", "batch-of-one", "A single row.", DRAWN, "mean-n1-c4 sum-n1-c5 none-n1-c3"),
    ("smallest", "smallest", "A single element.", DRAWN // 2, "mean-n1-c1 sum-n1 none-n1"),
    (
        "odd",
        "random odd-sizes",
        "Sizes beside a power of two, where tiles have ragged edges.",
        2,
        "mean-n9-c7 none-n7-c9 mean-n3-c17 sum-n3-c31 mean-n3-c33 none-n2-c65 mean-n31-c2 mean-n65-c2",
    ),
    ("long", "many-rows", "A long sum.", 1, "mean-n1000-c2 mean-n2-c1025"),
)
"""Name, flags, comment, number of cases, and cells."""
Table = list[list[float]]


def by_element(
    loss: Loss,
    dtype: str,
    scores: Table,
    targets: Table,
    changes: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> Iterator[Draft]:
    """Give all families of a loss by element at a dtype; scores and targets (3, 4) are ordinary ones."""
    sizes = (drawn(loss, name, flags, comment, cells, count=count) for name, flags, comment, count, cells in SIZES)
    none, fixed = np.zeros((0, 3)), special(loss, dtype, np.array(scores), np.array(targets))
    misfit, few = misfits(loss, dtype, np.array(scores), np.array(targets)), empty(loss, dtype, none)
    yield from changed(chain(*sizes, upstreams(loss), few, fixed, misfit), changes or {})


def special(loss: Loss, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """Scores equal to their targets, the ends of the range, NaN and infinities."""
    nan, inf, end, give = math.nan, math.inf, ends(dtype), partial(curated, loss, dtype)
    call: Call
    g = np.array([[1.5, -2, 3, -0.75], [0.5, 4, -1, 2], [-3, 1.25, 2.5, -5]])
    spoilt, spoilt_g, infinite, infinite_g = z.copy(), g.copy(), z.copy(), g.copy()
    spoilt[1, 2] = spoilt_g[1, 2] = nan
    infinite[1, 2] = infinite_g[1, 2] = inf
    robust: dict[str, Any] = {"level": "robust"}
    yield from give("equal", "kink", "Scores that are their targets.", (y, y, g), **robust)
    comment = "Subnormal scores and targets on both sides of 0."
    yield from give("subnormal", "subnormal", comment, (np.sign(z) * end.smallest, 0 * y, g), **robust)
    comment, call = "Gradients that are subnormal.", (z, y, g * end.subnormal / 8)
    yield from give("backward-subnormal-upstream", "subnormal upstream-signed", comment, call, **robust)
    comment, call = "An upstream at the end of the range.", (z, y, np.sign(g) * end.top / 2)
    yield from give("backward-near-overflow", "near-overflow upstream-signed", comment, call, **robust, overflows=True)
    comment = "A NaN stays in its place."
    yield from give("nan", "nan", comment, (spoilt, y, g), **robust)
    yield from give("backward-nan-upstream", "nan upstream-signed", comment, (z, y, spoilt_g), **robust)
    comment, call = "A NaN makes the whole loss NaN.", (spoilt, y, 1.5)
    yield from give("forward-nan-mean", "nan reduction", comment, call, reduction="mean", **robust)
    comment = "An infinity stays in its place."
    yield from give("infinity", "infinity", comment, (infinite, y, g), **robust)
    yield from give("backward-infinite-upstream", "infinite-upstream", comment, (z, y, infinite_g), **robust)
    for reduction in REDUCTIONS[:2]:  # those above have none, but for one
        for name, flag, scores, upstream in (
            ("equal", "kink", y, 1.5),
            ("nan", "nan", spoilt, 1.5),
            ("infinity", "infinity", infinite, 1.5),
            ("subnormal", "subnormal", np.sign(z) * end.smallest, 1.5),
            ("nan-upstream", "nan upstream-signed", z, nan),
            ("infinite-upstream", "infinite-upstream", z, inf),
        ):
            targets = 0 * y if name == "subnormal" else y
            for direction in (
                ("backward",) if "upstream" in name or (name, reduction) == ("nan", "mean") else DIRECTIONS
            ):
                call, id = (scores, targets, upstream), f"{direction}-{name}-{reduction}"
                yield from give(id, flag, f"The same under {reduction}.", call, reduction=reduction, **robust)


def misfits(loss: Loss, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """Calls to refuse: shapes that do not fit."""
    give = partial(invalid, loss, dtype)
    for name, comment, targets in (
        ("too-short", "Targets for a row too few.", y[:2]),
        ("one-row", "Targets of one row, to be broadcast by none.", y[:1]),
        ("one-column", "Targets of one column, to be broadcast by none.", y[:, :1]),
        ("rank", "Targets of rank 1, to be broadcast by none.", y[0]),
    ):
        yield from give(f"targets-{name}", "size-mismatch", comment, (z, targets, 2.5))
        for reduction, call in (("sum", (z, targets, 2.5)), ("none", (z, targets, z))):
            yield from give(f"targets-{name}-{reduction}", "size-mismatch", comment, call, reduction=reduction)
    yield from give("backward-upstream-rows", "size-mismatch", "An upstream for rows.", (z, y, z[:, 0]))
    yield from give("backward-upstream-one-row", "size-mismatch", "An upstream of one row.", (z, y, z[:1]))
    one, scalar = np.array([2.5]), np.array(2.5)
    for reduction, wrong in (("mean", one), ("sum", one), ("sum", z[:, 0]), ("none", z[0]), ("none", scalar)):
        name = f"backward-upstream-{'x'.join(map(str, wrong.shape)) or 'scalar'}-{reduction}"
        comment = "An upstream of another shape than the loss, to be broadcast by none."
        yield from give(name, "size-mismatch", comment, (z, y, wrong), reduction=reduction)
