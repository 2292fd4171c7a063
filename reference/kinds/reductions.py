"""Reductions over an axis, several, or all: inputs -> outputs."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.records import Parameter
from ..arithmetic.protocol import Axis
from ..generation.draws import Shape, Words, held, nearest_held
from ..generation.profiles import Profile, heavy, integers, offset
from ..model.family import Draft, Inputs
from .paired import changed, families, last_digits, one_at_a_time, refused
from .special_values import ends
from .upstreams import far_upstreams, mismatched, scaled, units


@dataclass(frozen=True)
class Over:
    """A shape, the axes to be reduced, and whether they are kept with size 1."""

    shape: Shape
    axis: Axis
    keepdims: bool = False

    @property
    def outputs(self) -> Shape:
        """The shape of the outputs."""
        inputs: Any = np.zeros(self.shape)
        shape: Shape = inputs.sum(axis=self.axis, keepdims=self.keepdims).shape
        return shape

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The keywords of the call."""
        return {"axis": self.axis, **({"keepdims": True} if self.keepdims else {})}

    @property
    def name(self) -> str:
        """As a name of families has it: "3x4x2-over-1-3", the axes counted from the end, or "3x4-over-axis-0"."""
        axes = (
            "all"
            if self.axis is None
            else "-".join(f"axis-{k}" if k >= 0 else str(-k) for k in np.atleast_1d(self.axis))
        )
        return f"{'x'.join(map(str, self.shape)) or 'scalar'}-over-{axes}{'-kept' if self.keepdims else ''}"


RANKS = (
    Over((6,), -1),
    Over((4, 5), -1),
    Over((4, 5), -2),
    Over((4, 5), None),
    Over((4, 5), -1, True),
    Over((5, 4), -2, True),
    Over((3, 4, 2), -2),
    Over((2, 3, 4), -1),
    Over((3, 4, 2), (-1, -3)),
    Over((4, 2, 3), (-3, -2)),
    Over((2, 4, 3), (-2, -1), True),
    Over((2, 3, 2), None, True),
    Over((2, 3, 2, 4), (-4, -1)),
    Over((2, 3, 2, 4), (-3, -1), True),
    Over((3, 2, 4, 2), -3),
    Over((2, 3, 4, 2), (-2, -4, -1)),
)
FROM_THE_FRONT = (Over((3, 4), 0), Over((4, 3), 0, True), Over((2, 4, 3), 1), Over((3, 2, 4), (0, 2)))
"""Axes counted from the front, of which the first, 0, is no less an axis than others."""
SQUARE = (
    *(Over((3, 3), -1), Over((4, 4), -2), Over((3, 3, 3), (-1, -3)), Over((3, 3, 3), -2)),
    Over((2, 2, 2, 2), (-2, -4, -1)),
)
THIN = (Over((1, 4), -1), Over((4, 1), -1), Over((1, 5), -2), Over((2, 1, 3), (-2, -1)), Over((3, 2), (-2,)))
ODD = (
    *(Over(shape, -1) for shape in ((9, 7), (7, 17), (3, 33), (2, 65), (33, 2))),
    *(Over(shape, -2) for shape in ((7, 9), (17, 3), (33, 3), (65, 2), (2, 33))),
    *(Over((3, 19, 2), (-2, -1)), Over((19, 3, 2), (-1, -3)), Over((35, 2, 3), -3), Over((35, 2), 0, True)),
)
LARGE: Mapping[str, tuple[Over, ...]] = {
    "float64": (Over((1, 513), -1), Over((257, 2), -2), Over((130, 3), -1)),
    "float32": (Over((1, 1025), -1), Over((1025, 1), -2), Over((257, 3), -1), Over((2, 256), None), Over((2, 257), -2)),
    "float16": (Over((257,), -1), Over((129, 2), -2), Over((2, 130), -2)),
    "bfloat16": (Over((257,), None), Over((129, 2), -2), Over((130, 2), -1)),
}
"""By dtype, more elements in a sum, or more sums, than a block of threads has places."""
COUNTED = {**LARGE, "bfloat16": (*LARGE["bfloat16"], Over((259, 3), -2))}
"""The same where terms are counted: bfloat16 does not hold 259, so that a count that is kept in it shows; 257 would be
off by no more than a rounding."""
PLAIN = Over((2, 3), -1)
INPUTS = [[1, -0.5, 2], [0.25, 3, -1]]
UNEVEN = [[1, -0.5, 2.25], [0.25, 3.5, -1]]
"""Inputs of which no row's mean is a number of any dtype."""
UPSTREAM = [3, -5]


def tiny(w: Words, shape: Shape) -> np.ndarray:
    """Draw numbers near 2^-40, in float16 near 2^-8."""
    return w.scaled(w.normal(shape), -8 if w.dtype == "float16" else -40)


PROFILES: Mapping[str, tuple[Profile, str]] = {
    "heavy": (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
    "offset": (offset, "All numbers are near a common one."),
    "integers": (integers, "Small whole numbers, of which every sum is exact."),
    "tiny": (tiny, "Numbers that a threshold such as 1e-6 takes for 0."),
}


@dataclass(frozen=True)
class Reduction:
    """The properties of a reduction on which its families depend."""

    draw: Profile = lambda w, shape: w.normal(shape)
    """Draws ordinary inputs."""
    profiles: tuple[str, ...] = tuple(PROFILES)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    suffix: str = ""
    """Suffix of the names of families, for an operation tested with several parameters."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""
    large: Mapping[str, tuple[Over, ...]] = field(default_factory=lambda: LARGE)
    cases: int = 2
    """Cases of a drawn family, unless they are large or much alike."""

    def call(self, dtype: str, upstream: object, inputs: object) -> Inputs:
        """Give backward's arguments."""
        return {"dL_doutputs": held(upstream, dtype), "inputs": held(inputs, dtype)}

    def drawn(self, over: Over, draw: Profile, w: Words) -> Inputs:
        """Draw backward's arguments: an upstream of magnitudes between 1 and 2."""
        return {"dL_doutputs": w.signed(over.outputs, 1, 2), "inputs": draw(w, over.shape)}


def reduction(kind: Reduction, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a reduction at a dtype; its changes apply to `more` families too."""
    given = chain(drawn(kind, dtype), upstreams(kind, dtype), special(kind, dtype), shapes(kind, dtype), more)
    yield from changed(given, kind.changes, kind.parameters, kind.suffix)


def drawn(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """Ordinary inputs of every rank, over every sort of axes."""
    for group, flags, counts in (
        (RANKS + FROM_THE_FRONT, "rank distinct-sizes", (kind.cases, kind.cases)),
        (SQUARE, "square", (kind.cases, kind.cases)),
        (THIN, "smallest", (kind.cases, kind.cases)),
        (ODD, "odd-sizes", (1, 1)),
        (kind.large[dtype], "many-rows odd-sizes", (1, 1)),
    ):
        for over in group:
            comment = f"Ordinary inputs of shape {over.shape}, over axis {over.axis}."
            yield from families(
                f"random-{over.name}",
                f"random {flags} upstream-signed",
                comment,
                draw=partial(kind.drawn, over, kind.draw),
                counts=counts,
                parameters=over.parameters,
            )
    for name in kind.profiles:
        profile, comment = PROFILES[name]
        over = Over((4, 6), -1)
        draw, flags = partial(kind.drawn, over, profile), "spread upstream-signed"
        yield from families(name, flags, comment, draw=draw, counts=2, parameters=over.parameters)


def upstreams(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and results that are remembered."""

    def under(upstream: object) -> Inputs:
        return kind.call(dtype, upstream, INPUTS)

    unit = math.ldexp(1.0, 2 - FORMATS[dtype].significand)
    near = (kind.call(dtype, UPSTREAM, nearest_held(np.array(UNEVEN) * (1 + k * unit), dtype)) for k in (0, 1, 2, 3))
    of_upstream = tuple(under(np.array([1, -1.5]) * (1 + k * unit)) for k in (0, 1, 2, 3))
    comment = "Each case differs from the one before in the last digits alone: results remembered for it show."
    far = scaled(lambda w: {"inputs": kind.draw(w, (3, 4))}, (3,))
    parts = (
        units(under, (2,)),
        far_upstreams(far, dtype),
        families("backward-equal-upstream", "stride-zero", "The same upstream throughout.", (under([3, 3]),)),
        last_digits(*near),
        families("backward-last-digits-of-the-upstream", "successive", comment, of_upstream),
        one_at_a_time(under(UPSTREAM), kind.call(dtype, [-2, 4], [[0.5, 1.5, -3], [2, -0.75, 1]])),
    )
    yield from changed(chain(*parts), {}, PLAIN.parameters, cases=2)


def special(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """The ends of the range, infinities and NaN, which reach what depends on them, and nothing else."""
    inf, nan, end = math.inf, math.nan, ends(dtype)
    zeros = [[0, -0.0, 0], [-0.0, -0.0, 2]]
    subnormal = np.array([[1, -1, 3], [-3, 2, 1]]) * end.smallest
    robust: dict[str, Any] = {"level": "robust", "parameters": PLAIN.parameters}
    far = {**robust, "overflows": True}
    infinite = [[1, inf, 2], INPUTS[1]], [INPUTS[0], [1, -inf, 2]]
    spoilt = [[1, nan, 2], INPUTS[1]], [INPUTS[0], [nan, 3, 4]]
    table: tuple[tuple[str, str, str, object, tuple[object, ...], dict[str, Any]], ...] = (
        ("zeros", "signed-zero", "Zeros of both signs.", UPSTREAM, (zeros,), robust),
        ("subnormal", "subnormal", "Subnormal inputs.", UPSTREAM, (subnormal,), robust),
        ("largest", "near-overflow", "The largest finite number.", [1, -1], ([[end.largest, 1, 2], INPUTS[1]],), far),
        ("infinity", "infinity", "An infinity of either sign.", UPSTREAM, infinite, robust),
        ("nan", "nan", "A NaN in one row alone.", UPSTREAM, spoilt, robust),
        ("backward-nan-upstream", "nan upstream-signed", "A NaN of the upstream.", [nan, 2], (INPUTS,), robust),
        ("backward-infinite-upstream", "infinite-upstream", "An infinite upstream.", [inf, -inf], (INPUTS,), robust),
        (
            "backward-subnormal-upstream",
            "subnormal one-product upstream-signed",
            "A subnormal upstream of either sign.",
            [end.subnormal, -end.subnormal],
            (INPUTS,),
            robust,
        ),
    )
    for name, flags, comment, upstream, values, fields in table:
        cases = tuple(kind.call(dtype, upstream, x) for x in values)
        yield from families(name, flags, comment, cases, **fields)


def shapes(kind: Reduction, dtype: str) -> Iterator[Draft]:
    """The smallest shapes, sizes of 0, and calls to refuse."""

    def numbered(over: Over) -> Inputs:
        upstream, inputs = (np.arange(1, 1 + math.prod(s)).reshape(s) for s in (over.outputs, over.shape))
        return kind.call(dtype, upstream, inputs)

    for over in (Over((1,), -1), Over((1, 1), None), Over((1, 1), -2, True)):
        comment = "A single element."
        yield from families(f"smallest-{over.name}", "smallest", comment, (numbered(over),), parameters=over.parameters)
    for over in (Over((), None), Over((0, 3), -1), Over((3, 0, 2), -1), Over((0, 3), -1, True)):
        comment = "A number without an axis." if over.shape == () else "Nothing in, nothing out."
        flags, case = "smallest rank" if over.shape == () else "empty-batch", numbered(over)
        name = f"{'scalar' if over.shape == () else 'empty'}-{over.name}"
        yield from families(name, flags, comment, (case,), level="robust", parameters=over.parameters)
    for over in (Over((0, 3), -2), Over((3, 0), -1), Over((0,), None)):
        comment, parameters = "No terms.", over.parameters
        name = f"nothing-{over.name}"
        yield from families(name, "empty-batch", comment, (numbered(over),), level="robust", parameters=parameters)
    for name, axis in (("beyond", -3), ("twice", (-1, -1)), ("one-beyond", (-1, -3))):
        comment, case = f"axis={axis} of two axes.", kind.call(dtype, UPSTREAM, INPUTS)
        yield from refused(f"mismatch-axis-{name}", "rank", comment, case, axis=axis)
    wrong, names = ((3,), (1,), (2, 1), (), (2, 3)), "transposed one kept scalar inputs"
    given = mismatched(lambda g: kind.call(dtype, g, INPUTS), names, wrong, (2,))
    yield from changed(given, {}, PLAIN.parameters)
    given = mismatched(lambda g: kind.call(dtype, g, INPUTS), "dropped other rows", ((2,), (1, 3), (3, 1)), (2, 1))
    yield from changed(given, {}, {"axis": -1, "keepdims": True}, "-kept")
