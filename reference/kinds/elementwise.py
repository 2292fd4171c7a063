"""Operations that work element by element on one tensor of any shape: inputs -> outputs."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, heavy, integers, offset
from ..model.family import DRAWN, Draft, Inputs
from .paired import changed, families, last_digits, one_argument_at_a_time, refused
from .special_values import ends
from .upstreams import mismatched, units

DrawTensor = Callable[[Words], np.ndarray]
SHAPES: dict[str, Shape] = {
    "n6": (6,),
    "n4-f5": (4, 5),
    "n3-f4-w2": (3, 4, 2),
    "n2-f3-h2-w3": (2, 3, 2, 3),
    "n1-f7": (1, 7),
    "n5-f5": (5, 5),
}
ODD: dict[str, Shape] = {"n9-f7": (9, 7), "n7-f17": (7, 17), "n3-f31": (3, 31), "n3-f33": (3, 33), "n2-f65": (2, 65)}
LARGE: dict[str, Shape] = {"n33-f3": (33, 3), "n130-f2": (130, 2), "n2-f130": (2, 130)}
"""More rows or columns than a block or a tile of a kernel has."""
EXACT: dict[str, Shape] = {"n256-f4": (256, 4), "n1-f128": (1, 128)}
"""As many rows, columns and elements as several blocks have: the last block is not a short one."""
PROFILES: dict[str, tuple[Profile, str]] = {
    "heavy": (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
    "offset": (offset, "All numbers are near a common one."),
    "integers": (integers, "Small whole numbers, whose products are exact."),
}
"""Profiles of inputs and upstream, with the comments of their families."""
LONG: dict[str, tuple[int, ...]] = {"float64": (257,), "float32": (257, 1025), "float16": (257,), "bfloat16": (257,)}
"""By dtype, more elements in a row than a block of threads has."""
THROUGHOUT = (67,)
"""More elements than a vector of registers has, and no multiple of any."""
ORDINARY = [[1.5, -2, 0.25], [-0.5, 3, -1], [2, 4, -8]]
FEW = ("random-n4-f5", "random-n2-f65", "random-n33-f3", "spread", "zero", "subnormal", "largest", "infinity", "nan")
"""What an operation is tested with again for a further value of a parameter, by name without the direction; besides
all about kinks and saturation."""
REQUIRED = {"level": "required", "overflows": False}
"""The change for an operation whose results are in range wherever its arguments are."""


@dataclass(frozen=True)
class Elementwise:
    """The properties of an elementwise operation on which its families depend."""

    kinks: Mapping[float, str | None] = field(default_factory=dict)
    """Where the derivative jumps, and the convention's point for the slope there, if that is one."""
    beside: int = 1
    """How many units in the last place beside a kink other than 0 its neighbours lie: enough that they stay beside it
    where something is added to them first."""
    inside: Callable[[np.ndarray], np.ndarray] = lambda x: x
    """Maps any numbers to ordinary inputs without rounding: `abs` for a logarithm."""
    scale: float = 2.0
    """The standard deviation of bell-shaped inputs, a power of two."""
    spread: tuple[int, int] = (-60, 60)
    """The exponents of two between which inputs and upstream are spread."""
    spread16: tuple[int, int] = (-6, 6)
    """The same in float16."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    sharp: bool = True
    """Whether results keep the digits of inputs of any magnitude, as those of activations do not."""
    suffix: str = ""
    """Suffix of the names of families, for an operation tested with several parameters."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""
    cases: int = DRAWN
    """Cases of a drawn family, unless they are large or much alike."""


def elementwise(kind: Elementwise, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of an elementwise operation at a dtype; its changes apply to `more` families too."""
    given = (drawn(kind, dtype), upstreams(kind, dtype), kinks(kind, dtype), special(kind, dtype), shapes(kind, dtype))
    yield from changed(chain(*given, more), kind.changes, kind.parameters, kind.suffix, kind.cases)


def again(kind: Elementwise, drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Give those families that a further value of a parameter is tested with; `kind` gives them a suffix."""
    for draft in drafts:
        name = draft.name.removesuffix(kind.suffix).partition("-")[2]
        if name in FEW or name.startswith(("saturated", "zero", "kink", "near")):
            yield draft


def below_zero(kind: Elementwise, drafts: Iterable[Draft], *ways: str) -> Iterator[Draft]:
    """Give a robust family backward, or of all `ways`, of a parameter below 0: on which side an input lies cannot be
    read off the output."""
    for draft in drafts:
        if draft.name in [f"{way}-random-n4-f5{kind.suffix}" for way in ways or ("backward",)]:
            yield replace(draft, level="robust")


def off(*kinks: float, within: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """A function that moves inputs off kinks, without rounding, by a quarter of their size; with `within`, also those
    that lie closer than that."""
    return lambda x: np.where(np.any([(x == k) | (abs(x - k) < within) for k in kinks], axis=0), x * 0.75, x)


def _but_at(kink: float, inside: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    return np.where(x == kink, x, inside(x))


def call(kind: Elementwise, dtype: str, upstream: object, inputs: object) -> Inputs:
    """Give backward's arguments."""
    return {"dL_doutputs": held(upstream, dtype), "inputs": held(kind.inside(np.asarray(inputs, float)), dtype)}


def drawn(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """Bell-shaped numbers in every rank, and numbers spread over most of the range."""
    long: dict[str, Shape] = {f"n{size}": (size,) for size in LONG[dtype]} | (EXACT if dtype == "float32" else {})
    groups = ((SHAPES, "rank", DRAWN), (ODD, "odd-sizes", DRAWN // 2), (LARGE | long, "odd-sizes", 1))
    for group, flag, count in groups:
        for name, shape in group.items():
            flags, comment = f"random {flag} upstream-signed", f"Bell-shaped, of shape {shape}."
            inputs, upstream = _normal(shape, kind.scale), _normal(shape, 1.0)
            yield from _drawn(kind, f"random-{name}", flags, comment, inputs, upstream, count)
    between = kind.spread16 if dtype == "float16" else kind.spread

    def spread(w: Words) -> np.ndarray:
        return w.spread((4, 6), *between)

    comment = "Magnitudes spread over most of the range."
    yield from _drawn(kind, "spread", "spread upstream-signed", comment, spread, spread, DRAWN)
    for name, (profile, comment) in PROFILES.items() if kind.sharp else ():
        like = partial(_like, profile)
        yield from _drawn(kind, name, "random upstream-signed", comment, like, like, 2)


def _like(profile: Profile, w: Words) -> np.ndarray:
    return profile(w, (4, 5))


def _normal(shape: Shape, scale: float) -> DrawTensor:
    return lambda w: w.normal(shape, scale)


def _drawn(
    kind: Elementwise, name: str, flags: str, comment: str, inputs: DrawTensor, upstream: DrawTensor, count: int
) -> Iterator[Draft]:
    """Give drawn families; backward draws its upstream before the inputs."""

    def x(w: Words) -> Inputs:
        return {"inputs": w.array(kind.inside(inputs(w).astype(np.float64)))}

    def g_and_x(w: Words) -> Inputs:
        return {"dL_doutputs": upstream(w), **x(w)}

    for direction, draw in (("forward", x), ("backward", g_and_x)):
        yield from families(f"{direction}-{name}", flags, comment, draw=draw, counts=count)


def upstreams(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them."""

    def under(upstream: object) -> Inputs:
        return call(kind, dtype, upstream, ORDINARY)

    yield from units(under, (3, 3))
    comment = "The same upstream in every row, as broadcasting makes it."
    yield from families("backward-upstream-broadcast", "stride-zero", comment, (under([[3, -5, 0.5]] * 3),))
    comment = "Rows of inputs, then columns, that are the same under upstreams that are not."
    equal = (np.repeat(np.array(ORDINARY)[:1], 3, axis=0), np.repeat(np.array(ORDINARY)[:, :1], 3, axis=1))
    cases = tuple(call(kind, dtype, ORDINARY, x) for x in equal)
    yield from families("backward-equal-inputs", "stride-zero upstream-signed", comment, cases)
    if kind.sharp:
        unit = math.ldexp(1.0, 1 - FORMATS[dtype].significand)
        near = (call(kind, dtype, [[3, -5, 1]], np.array([[1.5, -1.25, 1]]) + k * unit) for k in (1, 2, 3, 5))
        yield from last_digits(*near)
        cases = tuple(call(kind, dtype, np.array([[1.5, -1.25, 1]]) + k * unit, [[3, 5, 1]]) for k in (1, 2, 3, 5))
        comment = "Each upstream differs from the one before in the last digits: results remembered for it show."
        yield from families("backward-last-digits-of-the-upstream", "successive", comment, cases)
    ends_of = (call(kind, dtype, g, x) for g, x in (([[3, -5, 0.5]], [[1.5, -2, 0.25]]), ([[-2, 4, 1]], [[0.5, 1, 2]])))
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    yield from families("backward-one-argument-at-a-time", "successive", comment, one_argument_at_a_time(*ends_of))


def kinks(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """Inputs of 0 and -0, and at each jump of the derivative and the nearest normal numbers beside it."""
    g = np.array([[2, -3, 5, 7]])
    moved = kind
    for kink in {0.0: None, **kind.kinks}:
        place = "zero" if kink == 0 else f"kink{'-minus' if kink < 0 else ''}-{abs(kink):g}"
        flags = ("kink " if kink in kind.kinks else "") + ("signed-zero" if kink == 0 else "")
        at = [[kink, -kink if kink == 0 else kink, kink + 1, kink - 1]]
        where = "0 and -0" if kink == 0 else f"{kink:g}"
        if kind.kinks:  # inputs that are moved off kinks are left on this one
            kind = replace(moved, inside=partial(_but_at, kink, moved.inside))
        forward, backward = call(kind, dtype, g, at), call(kind, dtype, -g, at)
        yield from families(f"forward-{place}", flags, f"Inputs of exactly {where}.", (forward,))
        point = kind.kinks.get(kink)
        comment = f"Inputs of exactly {where}" + (", where the derivative jumps." if kink in kind.kinks else ".")
        yield from families(f"backward-{place}", flags, comment, (forward, backward), point=point)
        if kink in kind.kinks:
            unit = math.ulp(kink) * 2.0 ** (53 - FORMATS[dtype].significand)
            step = ends(dtype).normal if kink == 0 else kind.beside * unit
            near = call(kind, dtype, g, [[kink + k * step for k in (1, -1, 2, -2)]])
            those = "The nearest normal numbers" if step in (ends(dtype).normal, unit) else "Numbers close by"
            comment = f"{those} on both sides of {kink:g}: a threshold such as 1e-7 shows."
            yield from families(f"near-{place}", "near-kink", comment, (near,))
            everywhere = call(
                kind, dtype, np.resize(g, THROUGHOUT), np.resize([[kink, -kink if kink == 0 else kink]], THROUGHOUT)
            )
            comment = (
                f"Every input of a long row is {where}: the slope there is the same in the last, short part of a loop."
            )
            yield from families(f"backward-{place}-throughout", flags, comment, (everywhere,), point=point)


def special(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """The ends of the range, infinities and NaN."""
    inf, nan, least, largest = math.inf, math.nan, ends(dtype).smallest, ends(dtype).largest
    near_kink = " near-kink" if 0 in kind.kinks else ""
    robust, overflows = {"level": "robust"}, {"level": "robust", "overflows": True}
    signs, small = [[2, -3, 5, 7]], [[least, -least, 3 * least, -3 * least]]
    table: tuple[tuple[str, str, str, object, object, dict[str, Any]], ...] = (
        ("forward-subnormal", "subnormal", "Subnormal inputs on both sides of 0.", signs, small, robust),
        ("backward-subnormal", f"subnormal{near_kink}", "Subnormal inputs are not 0.", signs, small, robust),
        (
            "largest",
            "near-overflow",
            "The largest finite number as upstream and as input.",
            [[largest, largest, -largest]],
            [[largest, -largest, 1]],
            overflows,
        ),
        ("infinity", "infinity", "Infinite inputs.", signs, [[inf, -inf, 1, -1]], robust),
        ("nan", "nan", "A NaN stays in its place, and is no other.", signs, [[nan, 1, -1, nan]], robust),
        (
            "backward-nan-upstream",
            "nan upstream-signed",
            "A NaN of the upstream passes where the slope is not 0.",
            [[nan, -3, 5, nan]],
            [[1, 2, -1, 4]],
            robust,
        ),
        (
            "backward-infinite-upstream",
            "infinite-upstream",
            "An infinite upstream.",
            [[inf, -inf, 5, inf]],
            [[-1, -2, 1, 4]],
            robust,
        ),
    )
    half = ends(dtype).subnormal
    comment = "A subnormal upstream of either sign: what is computed of it may be 0, but not of the other sign."
    case = call(kind, dtype, [[half, -half, 3 * least, -3 * least]], [[0.5, 0.75, 1, 1.25]])
    flags = "subnormal one-product upstream-signed"
    yield from families("backward-subnormal-upstream", flags, comment, (case,), level="robust")
    if kind.sharp:
        low = math.ldexp(1.0, FORMATS[dtype].smallest_normal // 2 - 2)
        case = call(kind, dtype, np.array(signs) * low, np.array([[1, -1.25, -1.5, 0.75]]) * low)
        comment = "Numbers of which products are subnormal: they may be 0, but not of the other sign."
        yield from families("one-product", flags, comment, (case,), level="robust")
    for name, flags, comment, g, z, more in table:
        yield from families(name, flags, comment, (call(kind, dtype, g, z),), **more)


def shapes(kind: Elementwise, dtype: str) -> Iterator[Draft]:
    """The smallest shapes, sizes of 0, and calls to refuse."""
    for name, shape in {"1": (1,), "1x1": (1, 1)}.items():
        cases = tuple(call(kind, dtype, np.full(shape, 5), np.full(shape, z)) for z in (3, -3))
        yield from families(f"smallest-{name}", "smallest", "A single element, positive and negative.", cases)
    for name, shape in {"": (0, 3), "-columns": (3, 0), "-inside": (2, 0, 3)}.items():
        empty = call(kind, dtype, np.zeros(shape), np.zeros(shape))
        yield from families(f"empty{name}", "empty-batch", "Nothing in, nothing out.", (empty,), level="robust")
    numbers = tuple(call(kind, dtype, 5, z) for z in (0.0625, -0.0625))
    comment = "A number without an axis, positive and negative."
    yield from families("scalar", "smallest rank", comment, numbers, level="robust")
    many = call(kind, dtype, np.ones((3, 4)), np.ones((2, 4)))
    yield from refused("backward-mismatch", "size-mismatch", "An upstream with one row too many.", many)
    inputs = [[1, -2, 3, 0.5], [-1, 2, 0.25, -4], [2, 1, -3, 5]]
    wrong = ((1, 4), (3, 1), (4,))
    yield from mismatched(lambda g: call(kind, dtype, g, inputs), "one-row one-column rank", wrong, (3, 4))
