"""Steps of optimizers: parameters, gradients and the optimizer's state, all of one shape, to what they are next."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..model.family import Draft, Inputs
from .elementwise import LARGE, LONG, ODD, SHAPES
from .paired import families, one_argument_at_a_time, refused, with_element
from .special_values import ends

Draw = Callable[[Words, Shape], np.ndarray]
Rates = Mapping[str, Parameter]
ROW = {"parameters": [[1.5, -2, 0.25, 3]], "gradients": [[0.5, -0.75, 2, -1.25]]}
STATES = ([[0.25, 0.5, -1.5, 0.75]], [[0.5, 1.25, 2, 0.375]])
"""A first moment, of either sign, and a second one."""
SMALL, LARGE_GRADIENT = -10, 10
"""Exponents of two of gradients below and above the usual."""


@dataclass(frozen=True)
class Variation:
    """A family of its own for further rates."""

    name: str
    flags: str
    comment: str
    rates: Rates
    point: str | None = None
    """The convention's point, if the field has several answers there."""
    first: bool = False
    """Whether all state is 0, as before the first step."""
    tall: bool = False
    """Whether what is computed is another formula, so that it needs sizes beyond a tile, and vectors, too."""


@dataclass(frozen=True)
class Optimizer:
    """The properties of an optimizer on which its families depend."""

    rates: Rates
    """The parameters of the call, such that whoever follows any convention gives the same results."""
    first_moment: str = ""
    """The name of a state of either sign, if there is one."""
    second_moment: str = ""
    """The name of a state of magnitudes, if there is one."""
    variations: tuple[Variation, ...] = ()

    @property
    def states(self) -> tuple[str, ...]:
        """The names of what is kept from step to step."""
        return tuple(name for name in (self.first_moment, self.second_moment) if name)

    def row(self, dtype: str) -> Inputs:
        """Give arguments of shape (1, 4)."""
        states = zip((self.first_moment, self.second_moment), STATES, strict=True)
        return {name: held(x, dtype) for name, x in (*ROW.items(), *states) if name}

    def drawn(self, w: Words, shape: Shape, gradients: Draw, first: bool = False) -> Inputs:
        """Draw arguments of a shape."""
        inputs = {"parameters": w.normal(shape), "gradients": gradients(w, shape)}
        if self.first_moment:
            inputs[self.first_moment] = w.normal(shape)
        if self.second_moment:
            inputs[self.second_moment] = w.uniform(shape, 0.125, 2)
        return {name: x * 0 if first and name in self.states else x for name, x in inputs.items()}


def bell(w: Words, shape: Shape) -> np.ndarray:
    """Draw bell-shaped gradients."""
    return w.normal(shape)


def tiny(kind: Optimizer, *names: str) -> Callable[[Words], Inputs]:
    """Make a draw in which those tensors are around 1e-7, the second moment as its square."""

    def draw(w: Words) -> Inputs:
        inputs = kind.drawn(w, (3, 4), bell)
        small = {name: abs(w.spread((3, 4), -50, -46)) for name in names if name == kind.second_moment}
        return {**inputs, **{name: w.spread((3, 4), -26, -22) for name in names}, **small}

    return draw


def large(kind: Optimizer, w: Words) -> Inputs:
    """Draw parameters beyond any size that gradients are clipped at."""
    return {**kind.drawn(w, (3, 4), bell), "parameters": w.signed((3, 4), 8, 64)}


def of_size(exponent: int) -> Draw:
    """Make a draw of gradients about a power of two."""
    return lambda w, shape: w.spread(shape, exponent - 1, exponent + 1)


def optimizer(kind: Optimizer, dtype: str) -> Iterator[Draft]:
    """Give all families of an optimizer's step at a dtype."""
    yield from chain(sizes(kind, dtype), states(kind, dtype), variations(kind), special(kind, dtype))
    yield from misfits(kind, dtype)


def _family(kind: Optimizer, name: str, flags: str, comment: str, *cases: Inputs, **more: Any) -> Iterator[Draft]:
    return families(f"forward-{name}", flags, comment, cases, **{"parameters": kind.rates, **more})


def _drawn(
    kind: Optimizer, name: str, flags: str, comment: str, shape: Shape, gradients: Draw = bell, **more: Any
) -> Iterator[Draft]:
    first, count = more.pop("first", False), more.pop("count", 3)
    draw = partial(_inputs, kind, shape, gradients, first)
    yield from _family(kind, name, flags, comment, draw=draw, counts=count, **more)


def _inputs(kind: Optimizer, shape: Shape, gradients: Draw, first: bool, w: Words) -> Inputs:
    return kind.drawn(w, shape, gradients, first)


def sizes(kind: Optimizer, dtype: str) -> Iterator[Draft]:
    """Drawn families of every rank, and past the sizes of blocks."""
    long: dict[str, Shape] = {f"n{size}": (size,) for size in LONG[dtype]}
    for group, flag, count in ((SHAPES, "rank", 3), (ODD, "odd-sizes", 1), (LARGE | long, "odd-sizes", 1)):
        for name, shape in group.items():
            yield from _drawn(
                kind, f"random-{name}", f"random {flag}", f"Bell-shaped, of shape {shape}.", shape, count=count
            )
    for name, exponent, comment in (
        ("small", SMALL, "Gradients near 1e-3: an eps other than the one given shows."),
        ("large", LARGE_GRADIENT if dtype != "float16" else 4, "Large gradients: one that is clipped shows."),
    ):
        yield from _drawn(kind, f"{name}-gradients", "random spread", comment, (4, 5), of_size(exponent))

    comment = "Large parameters: they are not to be clipped."
    yield from _family(kind, "large-parameters", "random spread", comment, draw=partial(large, kind), counts=1)
    for name, tensors in (
        {}
        if dtype == "float16"
        else {
            "parameters": ("parameters", "gradients", kind.first_moment),
            "state": ("gradients", *kind.states),
        }.items()
    ):
        comment, draw = f"Tiny {name}: what is small is not 0.", tiny(kind, *filter(None, tensors))
        yield from _family(kind, f"tiny-{name}", "random small-values", comment, draw=draw, counts=1)


def states(kind: Optimizer, dtype: str) -> Iterator[Draft]:
    """State of 0, gradients of 0, and successive calls that differ in one argument or in its last digits."""
    give, row = partial(_family, kind), kind.row(dtype)
    no_gradients = {**row, "gradients": row["gradients"] * 0}
    comment = "No gradients: the state decays, and moves the parameters where it has a first moment."
    yield from give("zero-gradients", "zero-gradient", comment, no_gradients)
    if "eps" in kind.rates:
        nothing = {name: x if name == "parameters" else x * 0 for name, x in row.items()}
        comment = "Neither a gradient nor a state: 0 over eps is 0, and eps no 0, as in float16 1e-8 is."
        given: dict[str, Any] = {"parameters": {**kind.rates, "eps": 1e-8}, "level": "robust"}
        yield from give("nothing-yet", "zero-gradient epsilon", comment, nothing, **given)
    comment = "The same in every row, as broadcasting makes it."
    yield from give("equal-rows", "stride-zero", comment, {name: np.repeat(x, 3, axis=0) for name, x in row.items()})
    comment = "Parameters of 0 move as others do."
    yield from give("zero-parameters", "signed-zero", comment, {**row, "parameters": row["parameters"] * 0})
    comment = "A learning rate of 0, as warming up begins: parameters stay, and the state does not."
    yield from give("zero-lr", "settings", comment, row, parameters={**kind.rates, "lr": 0.0})
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    last = {name: x[:, ::-1] * (1 if name == kind.second_moment else -1) for name, x in row.items()}
    yield from give("one-argument-at-a-time", "successive", comment, *one_argument_at_a_time(row, last))
    unit = 2.0 ** (3 - FORMATS[dtype].significand)
    comment = "Each case differs from the one before in the last digits of an argument: results remembered show."
    for name in row:
        cases = ({**row, name: held(row[name].astype(np.float64) * (1 + k * unit), dtype)} for k in (0, 1, 2))
        yield from give(f"last-digits-of-{name.replace('_', '-')}", "successive", comment, *cases)


def variations(kind: Optimizer) -> Iterator[Draft]:
    """Other rates, one at a time, and what the field has several answers to; each with more elements than a vector has,
    too."""
    for v in kind.variations:
        more: dict[str, Any] = {"parameters": {**kind.rates, **v.rates}, "point": v.point, "first": v.first}
        yield from _drawn(kind, v.name, v.flags, v.comment, (4, 4), **more)
        for word, shape in {"n35": (35,), **({"n33-f9": (33, 9), "n6": (6,)} if v.tall else {})}.items():
            yield from _drawn(kind, f"{v.name}-{word}", v.flags, v.comment, shape, count=1, **more)


def special(kind: Optimizer, dtype: str) -> Iterator[Draft]:
    """NaN, subnormal numbers, the smallest shapes and sizes of 0."""
    give, row = partial(_family, kind, level="robust"), kind.row(dtype)
    for name in row:
        comment = f"A NaN of the {name.replace('_', ' ')} stays in its place."
        yield from give(f"nan-{name.replace('_', '-')}", "nan", comment, with_element(row, name, (0, 1), math.nan))
    small = held(np.array([[1, -1, 0.5, -0.5]]) * ends(dtype).subnormal, dtype)
    yield from give("subnormal-parameters", "subnormal", "Subnormal parameters.", {**row, "parameters": small})
    for word, shape in (("empty", (0, 3)), ("empty-columns", (3, 0))):
        none = {name: np.resize(x, shape) for name, x in row.items()}
        yield from give(word, "empty-batch", "Nothing in, nothing out.", none)
    yield from give("scalar", "smallest rank", "Numbers without an axis.", {name: x[0, 0] for name, x in row.items()})
    one = {name: x[:, :1] for name, x in row.items()}
    yield from _family(kind, "smallest", "smallest", "A single element.", one)


def misfits(kind: Optimizer, dtype: str) -> Iterator[Draft]:
    """Calls to refuse: a tensor of another shape than the others, to be broadcast by none."""
    whole = {name: np.repeat(x, 3, axis=0) for name, x in kind.row(dtype).items()}
    for name, x in whole.items():
        for word, other in (
            ("one-row", x[:1]),
            ("one-column", x[:, :1]),
            ("rank", x[0]),
            ("too-long", x[[0, 1, 2, 0]]),
        ):
            comment = f"{name.replace('_', ' ').capitalize()} of another shape than the others."
            id, case = f"forward-{name.replace('_', '-')}-{word}", {**whole, name: np.ascontiguousarray(other)}
            yield from refused(id, "size-mismatch", comment, case, **kind.rates)
