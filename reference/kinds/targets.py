"""Losses of predictions and targets of one shape, element by element."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, nearest_held
from ..model.family import Draft
from ..model.losses import REDUCTIONS
from .loss import Call, Loss, curated, drawn, empty, invalid, successive, upstreams
from .paired import changed
from .special_values import ends

Table = list[list[float]]
SIZES = (
    (
        "random",
        "random reduction upstream-signed",
        "Reduction {reduction}, of shape {shape}.",
        4,
        "mean-n5-c3 mean-n7 mean-n2-c3-h4 mean-n2-c3-h2-w2 sum-n3-c4 sum-n5 sum-n2-c2-h3 none-n4-c3 none-n5 "
        "none-n2-c3-h2 none-n2-c1-h3-w2",
    ),
    ("square", "square upstream-signed", "As many rows as columns.", 2, "mean-n3-c3 none-n4-c4"),
    ("batch-of-one", "batch-of-one", "A single row.", 2, "mean-n1-c5 sum-n1-c3 none-n1-c4"),
    ("smallest", "smallest", "A single element.", 2, "mean-n1-c1 sum-n1 none-n1 none-n1-c1 mean-n1-c1-h1"),
    (
        "odd",
        "random odd-sizes",
        "Sizes beside a power of two, where tiles have ragged edges.",
        1,
        "mean-n9-c7 none-n7-c9 none-n3-c17 sum-n3-c31 mean-n3-c33 none-n2-c65 none-n33-c2 mean-n65-c2",
    ),
)
"""Name, flags, comment, number of cases, and cells. Means are over 7 elements, 15 or more, since 1 / n rounds there."""
LONG = {
    "float64": {"forward": "mean-n257 sum-n513", "backward": "none-n257"},
    "float32": {
        "forward": "mean-n257 mean-n1024 sum-n1031 sum-n2-c513 none-n131-c3 none-n3-c131 none-n257",
        "backward": "mean-n257 none-n131-c3 none-n3-c131 none-n1025 none-n128",
    },
    "float16": {"forward": "mean-n1000 none-n257", "backward": "none-n257 mean-n513"},
    "bfloat16": {"forward": "mean-n1000 none-n257", "backward": "none-n257 mean-n513"},
}
"""By dtype, cells past the sizes at which kernels switch, and exact multiples of blocks; float32, which nearly all
have, has them all."""
THROUGHOUT = 67
"""More elements than a vector of registers has, and no multiple of any."""
COUNTED = {"float16": 2051, "bfloat16": 259}
"""By half precision, a number that it does not hold: a mean over as many elements is off by more than a rounding where
the count is kept in it."""
G = np.array([[1.5, -2, 3, -0.75], [0.5, 4, -1, 2], [-3, 1.25, 2.5, -5]])
NAN = "loss_slope_at_nan"


def numbers(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped predictions."""
    return w.normal(shape, 2.0)


def targets_drawn(w: Words, _: str, predictions: np.ndarray) -> np.ndarray:
    """Draw bell-shaped targets."""
    return w.normal(predictions.shape)


@dataclass(frozen=True)
class Kink:
    """A place where the derivative of a loss jumps, or a formula changes."""

    predictions: list[float]
    """Four of them, exactly there once they are rounded to a dtype."""
    targets: list[float]
    point: str | None = None
    """The convention's point for the slope there, if that is one."""
    forward_point: str | None = None


@dataclass(frozen=True)
class Pointwise:
    """The properties of a loss by element on which its families depend."""

    loss: Loss
    scores: Table = field(default_factory=lambda: [[1.5, -2, 0.25, 3], [-0.5, 3, -1, 2], [2, 4, -8, 0.5]])
    """Ordinary predictions (3, 4), none of them where the loss is flat."""
    targets: Table = field(default_factory=lambda: [[0.5, 1, -0.5, 3.5], [2, -1, 0.75, 1], [-1, 0.25, 4, -2]])
    kinks: Mapping[str, Kink] = field(default_factory=dict)
    """By name."""
    slope_at_nan: str | None = None
    """The convention's point for the slope where a prediction is NaN."""
    of_nan: str | None = None
    """The convention's point for the loss there."""
    at_infinity: str | None = None
    """The convention's point for infinite predictions."""
    tiny: str | None = None
    """The convention's point for subnormal predictions."""
    finite: bool = False
    """Whether infinite predictions are refused."""
    still: float = 0.0
    """The magnitude of targets beside subnormal predictions."""


def by_element(
    kind: Pointwise,
    dtype: str,
    more: Iterable[Draft] = (),
    changes: Mapping[str, Mapping[str, Any] | None] | None = None,
    parameters: Mapping[str, Parameter] | None = None,
) -> Iterator[Draft]:
    """Give all families of a loss by element at a dtype; the changes apply to `more` families too."""
    loss, z, y = kind.loss, np.array(kind.scores), np.array(kind.targets)
    parts = (
        sizes(kind, dtype),
        counted(kind, dtype),
        upstreams(loss),
        empty(loss, dtype, np.zeros((0, 3))),
        kinks(kind, dtype),
        special(kind, dtype, z, y),
        far_upstreams(loss, dtype, z, y),
        remembered(loss, dtype, z, y),
        misfits(loss, dtype, z, y),
    )
    yield from changed(chain(*parts, more), changes or {}, parameters)


DIFFERENCE = Loss("predictions", numbers, targets_drawn, second="targets", by_element=True)
EQUAL = [1.1, -2.3, 0, 0.3]


def with_a_bend(at: float) -> Pointwise:
    """A loss of the difference of which the formula changes where the difference is `at`, or -`at`."""
    targets = np.array([0, 0, 3 * at, -3 * at])
    bend = Kink((targets + np.array([at, -at, at, -at])).tolist(), targets.tolist())
    return Pointwise(DIFFERENCE, kinks={"equal": Kink(EQUAL, EQUAL), "at-the-bend": bend}, slope_at_nan=NAN)


ROUNDED = {f"{way}-near-equal{end}": {"level": "robust"} for way in ("forward", "backward") for end in ("", "-mean")}
"""The changes for a loss with a bend: what lies close to 0 has no digits left in formulas that subtract what lies there
from what lies at the bend."""
FEW = (
    *("random-mean-n5-c3", "random-sum-n3-c4", "random-none-n4-c3", "odd-none-n33-c2"),
    *("equal", "at-the-bend", "near-at-the-bend"),
)
"""The names of families that further values of a parameter are tested with."""


def by_element_again(
    kind: Pointwise, dtype: str, parameters: Mapping[str, Parameter], suffix: str, *more: str
) -> Iterator[Draft]:
    """Give the families that a further value of a parameter is tested with, and `more` by name."""
    for draft in by_element(kind, dtype, parameters=parameters):
        if draft.name.partition("-")[2] in (*FEW, *more):
            yield from changed([draft], {}, suffix=suffix)


def sizes(kind: Pointwise, dtype: str) -> Iterator[Draft]:
    """Drawn families of every rank and reduction, and past the sizes of blocks."""
    give = partial(drawn, kind.loss)
    weighted = bool(kind.loss.weights)  # whose rows are a batch only where there are columns besides
    for name, flags, comment, count, cells in SIZES:
        given = " ".join(cell for cell in cells.split() if cell.count("-") > 1 or not weighted)
        yield from give(name, flags, comment, given, count=count)
    for reduction in () if weighted else REDUCTIONS:
        comment, calls = (
            "Predictions and targets without an axis.",
            zip(kind.scores[0], kind.targets[0], G[0], strict=True),
        )
        yield from curated(
            kind.loss, dtype, f"scalar-{reduction}", "smallest rank", comment, *calls, reduction=reduction
        )
    for direction, cells in LONG[dtype].items():
        given = " ".join(f"{cell}-c1" if cell.count("-") == 1 and weighted else cell for cell in cells.split())
        yield from give(f"{direction}-long", "many-rows odd-sizes", "Sizes past blocks: {shape}.", given, count=1)

    def equal_rows(w: Words, shape: Shape) -> np.ndarray:
        return np.repeat(kind.loss.draw(w, (1, *shape[1:])), shape[0], axis=0)

    comment = "The same predictions in every row, under other targets and upstreams."
    yield from give("equal-rows", "random upstream-signed", comment, "none-n4-c3", scores=equal_rows, count=1)


def counted(kind: Pointwise, dtype: str) -> Iterator[Draft]:
    """A mean over more elements than a half precision counts without rounding."""
    if dtype not in COUNTED:
        return
    n = COUNTED[dtype]
    comment = f"A mean over {n} elements: a count that is rounded to the dtype shows."
    some = (slice(None), slice(2, 3))  # a whole row, and one number alone, whose mean is that of one element
    given = (
        (z[at], y[at], g) for z, y, g in zip(kind.scores, kind.targets, (256, -320, 448), strict=True) for at in some
    )
    calls = ((np.resize(z, n), np.resize(y, n), g) for z, y, g in given)
    yield from curated(kind.loss, dtype, f"counted-n{n}", "many-rows odd-sizes", comment, *calls, reduction="mean")


def kinks(kind: Pointwise, dtype: str) -> Iterator[Draft]:
    """Predictions at each kink, at the nearest numbers beside it, and at it throughout a long row."""
    give, g = partial(curated, kind.loss, dtype), np.array([2, -3, 5, 7])
    for name, kink in kind.kinks.items():
        z, y = (nearest_held(x, dtype).astype(np.float64) for x in (kink.predictions, kink.targets))
        unit = np.array([math.ulp(x) if x else 0.0 for x in z]) * 2.0 ** (53 - FORMATS[dtype].significand)
        unit = np.where(z == 0, ends(dtype).normal, unit)
        words = name.replace("-", " ")
        comment, points = f"Predictions {words}.", {"forward": kink.forward_point, "backward": kink.point}
        for direction, point in points.items():
            calls: list[Call] = [(z, y, g), (z, y, -g)]
            yield from give(f"{direction}-{name}", "kink", comment, *calls, point=point)
            for reduction in REDUCTIONS[:2]:
                call = z, y, 1.5
                id = f"{direction}-{name}-{reduction}"
                yield from give(id, "kink", comment, call, reduction=reduction, point=point)
            long = np.resize(z, THROUGHOUT), np.resize(y, THROUGHOUT), np.resize(g, THROUGHOUT)
            said = f"A long row of predictions {words}: the last, short part of a loop does as the others do."
            yield from give(f"{direction}-{name}-throughout", "kink", said, long, point=point)
        comment = f"The nearest numbers on both sides of predictions {words}."
        near = [(z + k * unit, y, g) for k in (1, -1, 2, -2)]
        yield from give(f"near-{name}", "near-kink", comment, *near)
        yield from give(f"near-{name}-mean", "near-kink", comment, (near[0][0], y, 1.5), reduction="mean")


def special(kind: Pointwise, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """The ends of the range, NaN and infinities, under every reduction."""
    nan, inf, end = math.nan, math.inf, ends(dtype)
    give = partial(curated, kind.loss, dtype, level="robust")
    spoilt, spoilt_g, infinite, infinite_g = z.copy(), G.copy(), z.copy(), G.copy()
    spoilt[1, 2] = spoilt_g[1, 2] = nan
    infinite[1, 2] = infinite_g[1, 2] = inf
    infinite[2, 0] = infinite_g[2, 0] = -inf
    subnormal: Call = np.sign(z) * end.subnormal, np.sign(y) * kind.still, G
    at_infinity = {"point": kind.at_infinity}
    table: tuple[tuple[str, str, str, Call, Mapping[str, Any]], ...] = (
        ("subnormal", "subnormal", "Subnormal predictions.", subnormal, {"point": kind.tiny}),
        (
            "backward-subnormal-upstream",
            "subnormal",
            "Gradients that are subnormal.",
            (z, y, G * end.subnormal / 8),
            {},
        ),
        (
            "backward-near-overflow",
            "near-overflow upstream-signed",
            "An upstream at the end of the range.",
            (z, y, np.sign(G) * end.top / 2),
            {"overflows": True},
        ),
        ("forward-nan", "nan", "A NaN stays in its place.", (spoilt, y, G), {"point": kind.of_nan}),
        ("backward-nan", "nan", "A NaN stays in its place.", (spoilt, y, G), {"point": kind.slope_at_nan}),
        ("backward-nan-upstream", "nan upstream-signed", "A NaN stays in its place.", (z, y, spoilt_g), {}),
        ("infinity", "infinity", "An infinity stays in its place.", (infinite, y, G), at_infinity),
        ("backward-infinite-upstream", "infinite-upstream", "It stays in its place.", (z, y, infinite_g), {}),
    )
    for name, flags, comment, call, more in table:
        if kind.finite and name == "infinity":
            continue
        yield from give(name, flags, comment, call, **more)
        for reduction in REDUCTIONS[:2]:
            upstream: float = np.asarray(call[2])[1, 2] if "upstream" in name or "overflow" in name else 1.5
            said = f"The same under {reduction}."
            scalar: Call = call[0], call[1], upstream
            yield from give(f"{name}-{reduction}", flags, said, scalar, reduction=reduction, **more)


def far_upstreams(loss: Loss, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """Upstreams far from 1: a gradient that is clipped, or one taken for 0, shows."""
    comment = "Upstreams far from 1: a gradient that is clipped, or taken for 0, shows."
    for reduction in REDUCTIONS:
        powers = (-4, 4, 7) if dtype == "float16" else (-26, -60, -104, 15, 24, 104)
        sizes = (np.ldexp(G[0, :2] if reduction == "none" else 1.25, power) for power in powers)
        calls = ((z[0, :2], y[0, :2], size) for size in sizes)
        name = f"backward-far-upstream-{reduction}"
        yield from curated(loss, dtype, name, "spread upstream-signed", comment, *calls, reduction=reduction)


def remembered(loss: Loss, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """Successive cases that differ in one argument, or in its last digits alone."""
    for reduction, g in (("none", G[:2]), ("mean", G[0, :2])):
        first, last = ((z[k], y[k], g[k]) for k in (0, 1))
        name = f"one-argument-at-a-time-{reduction}"
        yield from successive(loss, dtype, name, first, last, reduction)
    if dtype in HALF:
        return
    unit, steps = 2.0 ** (2 - FORMATS[dtype].significand), np.array([0, 1, 3, 4, 6])
    comment = "Each case differs from the one before in the last digits of an argument: results remembered show."
    for name, by in (
        ("last-digits", (8, 0, 0)),
        ("last-digits-of-targets", (0, 8, 0)),
        ("last-digits-of-upstream", (0, 0, 8)),
    ):
        calls: list[Call] = [
            tuple(x[0] * (1 + k * b * unit) for x, b in zip((z, y, G), by, strict=True)) for k in steps
        ]
        start = "backward-" if by[2] else ""
        yield from curated(loss, dtype, f"{start}{name}", "successive", comment, *calls)


def misfits(loss: Loss, dtype: str, z: np.ndarray, y: np.ndarray) -> Iterator[Draft]:
    """Calls to refuse: shapes that do not fit."""
    give, g = partial(invalid, loss, dtype), {"mean": 2.5, "sum": 2.5, "none": G}
    for name, comment, targets in (
        ("too-short", "Targets for a row too few.", y[:2]),
        ("one-row", "Targets of one row, to be broadcast by none.", y[:1]),
        ("one-column", "Targets of one column, to be broadcast by none.", y[:, :1]),
        ("rank", "Targets of rank 1, to be broadcast by none.", y[0]),
        ("scalar", "A target of rank 0 for several predictions.", y[0, 0]),
        ("column", "Targets of a rank more, a column for a row.", y[..., None]),
    ):
        for reduction in REDUCTIONS:
            id = f"targets-{name}-{reduction}"
            yield from give(id, "size-mismatch", comment, (z, targets, g[reduction]), reduction=reduction)
    comment = "Predictions of one row, to be broadcast to the targets by none."
    yield from give("predictions-one-row", "size-mismatch", comment, (z[:1], y, 2.5), reduction="mean")
    one, scalar = np.array([2.5]), np.array(2.5)
    for reduction, wrong in (
        *(("mean", x) for x in (one, z[:, 0], z)),
        *(("sum", x) for x in (one, z[:, 0])),
        *(("none", x) for x in (z[0], z[:1], z[:, :1], z[:, 0], scalar, z[:2])),
    ):
        name = f"backward-upstream-{'x'.join(map(str, wrong.shape)) or 'scalar'}-{reduction}"
        comment = "An upstream of another shape than the loss, to be broadcast by none."
        yield from give(name, "size-mismatch", comment, (z, y, wrong), reduction=reduction)
