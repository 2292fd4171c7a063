"""Normalisations of inputs (N, C, ...) by moments that several elements share, with a weight and a bias a channel."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, HALF
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..generation.profiles import heavy
from ..model.family import Draft, Inputs
from .convolution import NUMBERS
from .convolution_settings import crossed
from .moments import EPS
from .normalization import WEIGHTS, apart
from .paired import changed, families, one_at_a_time, refused, with_element
from .special_values import ends
from .upstreams import FAR, far_upstreams, mismatched, scaled, units

UPSTREAM = [2, -3, 0.5, 4, -1]


@dataclass(frozen=True)
class Layout:
    """A shape of inputs, and the number of groups where an operation has them."""

    inputs: Shape
    flag: str
    groups: int | None = None

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The keywords of the call, without eps."""
        return {} if self.groups is None else {"num_groups": self.groups}

    @property
    def name(self) -> str:
        """As a name of families has it: "2x6x4-g3"."""
        return crossed(self.inputs) + ("" if self.groups is None else f"-g{self.groups}")


@dataclass(frozen=True)
class Channels:
    """What an operation normalises."""

    layouts: tuple[Layout, ...]
    large: Mapping[str, tuple[Layout, ...]]
    """By dtype, more elements than a block of threads has places."""
    plain: Layout
    """Of small images, of which each moment is that of six elements at least."""
    smallest: Layout
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""

    def call(self, dtype: str, shift: int = 0, layout: Layout | None = None, **given: object) -> Inputs:
        """Give arguments of few digits, but for those that are given."""
        shape = (layout or self.plain).inputs
        sizes = {"dL_doutputs": (UPSTREAM, shape), "inputs": (NUMBERS, shape)}
        sizes |= {"weight": (WEIGHTS, shape[1:2]), "bias": (WEIGHTS[3:], shape[1:2])}
        values = {name: np.resize(np.roll(numbers, shift), size) for name, (numbers, size) in sizes.items()}
        return {name: held(x, dtype) for name, x in {**values, **given}.items()}

    def drawn(self, w: Words, upstream: np.ndarray, inputs: np.ndarray) -> Inputs:
        """Give backward's arguments, with weights drawn: in the half precisions none near 0."""
        draw = apart if w.dtype in HALF else Words.normal
        weight, bias = (draw(w, inputs.shape[1:2]) for _ in range(2))
        return {"dL_doutputs": upstream, "inputs": inputs, "weight": weight, "bias": bias}

    def ordinary(self, layout: Layout, w: Words) -> Inputs:
        """Bell-shaped inputs under an upstream of magnitudes between 1 and 2."""
        return self.drawn(w, w.signed(layout.inputs, 1, 2), w.normal(layout.inputs))


def normalised_channels(kind: Channels, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of such a normalisation at a dtype; its changes apply to `more` families too."""
    parts = (drawn, upstreams, magnitudes, offsets, special, shapes)
    given = chain(*(part(kind, dtype) for part in parts), more)
    yield from changed(given, kind.changes, {**kind.plain.parameters, "eps": EPS})


def drawn(kind: Channels, dtype: str) -> Iterator[Draft]:
    """Ordinary input of every layout, and other epsilons."""
    for layout in (*kind.layouts, *kind.large[dtype]):
        counts = (1, 1) if layout in kind.large[dtype] else (2, 2)
        flags, draw = f"random {layout.flag} upstream-signed", partial(kind.ordinary, layout)
        comment = f"Bell-shaped inputs of shape {layout.inputs}."
        yield from families(
            f"random-{layout.name}", flags, comment, draw=draw, counts=counts, parameters=layout.parameters
        )

    def near(exponent: int, shape: Shape, w: Words) -> Inputs:
        return kind.drawn(w, w.signed(shape, 1, 2), w.normal(shape, 2.0**exponent))

    small, flags = -5 if dtype == "float16" else -40, "random epsilon upstream-signed"
    for eps, exponent in ((1e-5, -8), (1e-3, -5), (0.125, -1), (0.0, 1), (0.0, small)):
        name = f"eps-{eps:g}" + ("-small-values" if exponent == small else "")
        comment = f"eps {eps:g}, and inputs whose variance is about {4.0**exponent:.1g}."
        draw, given = partial(near, exponent, kind.plain.inputs), {**kind.plain.parameters, "eps": eps}
        yield from families(name, flags, comment, draw=draw, counts=2, parameters=given)
    for layout in (layout for layout in kind.layouts if layout.flag == "odd-sizes"):
        draw, given = partial(near, -1, layout.inputs), {**layout.parameters, "eps": 0.125}
        comment = f"eps 0.125, and inputs whose variance is about 0.25, of shape {layout.inputs}."
        yield from families(f"eps-0.125-{layout.name}", flags, comment, draw=draw, counts=1, parameters=given)


def upstreams(kind: Channels, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, weights of 0, and results that are remembered."""
    shape = kind.plain.inputs
    yield from units(lambda g: kind.call(dtype, dL_doutputs=g), shape)
    comment = "The same upstream throughout: the gradient of the inputs is small, and that of the bias is not."
    equal = (kind.call(dtype, dL_doutputs=np.full(shape, 1)), kind.call(dtype, dL_doutputs=np.full(shape, -3)))
    yield from families("backward-equal-upstream", "stride-zero", comment, equal, level="robust")
    rows = np.broadcast_to(np.resize(UPSTREAM, shape[1:]), shape)
    comment = "The same upstream in every image, as broadcasting makes it."
    yield from families("backward-equal-rows", "stride-zero", comment, (kind.call(dtype, dL_doutputs=rows),))
    comment = "Weights of 0, and below 0: no gradient, or one of the other sign."
    cases = tuple(kind.call(dtype, weight=np.resize(w, shape[1])) for w in ([0, -1.5], [-2, 0], [-1, -0.5]))
    yield from families("weights-of-zero", "dead", comment, cases)
    yield from one_at_a_time(kind.call(dtype), kind.call(dtype, shift=1))
    yield from far_upstreams(scaled(partial(kind.ordinary, kind.plain)), dtype, large=20, cases=2)


def magnitudes(kind: Channels, dtype: str) -> Iterator[Draft]:
    """Numbers far from 1."""
    shape, end = kind.plain.inputs, FORMATS[dtype].smallest_normal

    def tailed(w: Words) -> Inputs:
        return kind.drawn(w, w.signed(shape, 1, 2), heavy(w, shape))

    def small_weights(w: Words) -> Inputs:
        case = kind.ordinary(kind.plain, w)
        return {**case, **{name: w.spread(shape[1:2], -FAR, 1 - FAR) for name in ("weight", "bias")}}

    comment = "Heavy tails: some numbers are hundreds of times as large as most."
    yield from families("heavy", "spread upstream-signed", comment, draw=tailed, counts=2)
    if dtype != "float16":
        comment, flags = (
            "Weights around 1e-31, and all that they are factors of.",
            "random small-values upstream-signed",
        )
        yield from families("tiny-weights", flags, comment, draw=small_weights, counts=1)
    tiny = kind.call(dtype, inputs=np.ldexp(np.resize([1, -0.5, 2, 0.25, 3, -1, 1.5], shape), end))
    comment = "Subnormal inputs, which are small beside eps."
    yield from families("subnormal", "subnormal epsilon", comment, (tiny,), level="robust")


def offsets(kind: Channels, dtype: str) -> Iterator[Draft]:
    """What all elements share, which is taken off."""

    def around(offset: int, w: Words) -> Inputs:
        width = max(2.0, 2.0 ** (3 + math.floor(math.log2(offset)) - FORMATS[dtype].significand))
        values = w.uniform(kind.plain.inputs, offset - width, offset + width)
        return kind.drawn(w, w.signed(kind.plain.inputs, 1, 2), values)

    for offset in (4, 60, 10000):
        draw, comment = partial(around, offset), f"Inputs around {offset}."
        if offset < 100:
            flags = "random offset upstream-signed"
            yield from families(f"offset-{offset}", flags, comment, draw=draw, counts=2)
        comment += " The tolerance is that of formulas that take off the mean first."
        yield from families(f"offset-{offset}-stable", "offset", comment, draw=draw, counts=2, level="robust")
    cases = tuple(kind.call(dtype, inputs=np.full(kind.plain.inputs, c)) for c in (3, -7.5, 0))
    comment = "Equal elements: the variance is 0, and what is divided by is the root of eps."
    yield from families("constant", "offset epsilon", comment, cases, level="robust")


def special(kind: Channels, dtype: str) -> Iterator[Draft]:
    """Infinities and NaN, which make NaN of what shares their moments, and of nothing else."""
    plain = kind.call(dtype)
    for name, argument, word, value in (
        ("infinity", "inputs", "infinity", math.inf),
        ("nan", "inputs", "nan", math.nan),
        ("backward-nan-upstream", "dL_doutputs", "nan", math.nan),
    ):
        spoilt = with_element(plain, argument, (0, -1, *(0 for _ in plain[argument].shape[2:])), value)
        comment = f"A {value} in {argument} makes NaN of what shares its moments, and of nothing else."
        yield from families(name, word, comment, (spoilt,), level="robust")
    least = ends(dtype).smallest
    upstream = np.resize(UPSTREAM, kind.plain.inputs) * 2 * least
    comment = "A subnormal upstream of either sign: what is computed of it may be 0, but not of the other sign."
    case, flags = kind.call(dtype, dL_doutputs=upstream), "subnormal upstream-signed"
    yield from families("backward-subnormal-upstream", flags, comment, (case,), level="robust")


def shapes(kind: Channels, dtype: str) -> Iterator[Draft]:
    """The smallest inputs, none at all, and calls to refuse."""
    layout, shape = kind.smallest, kind.plain.inputs
    cases = tuple(kind.call(dtype, shift, layout) for shift in (0, 1, 2))
    given: dict[str, Any] = {"parameters": {**layout.parameters, "eps": 0.125}}
    yield from families("smallest", "smallest", f"Inputs of shape {layout.inputs}.", cases, **given)
    empty = kind.call(dtype, layout=Layout((0, *shape[1:]), "empty-batch"))
    comment = "No rows: no outputs, and gradients of 0 for what all rows share."
    yield from families("empty", "empty-batch", comment, (empty,), level="robust")
    names = "rows one-row one-channel rank transposed"
    wrong = ((shape[0] + 1, *shape[1:]), (1, *shape[1:]), (shape[0], 1, *shape[2:]), shape[1:], shape[::-1])
    yield from mismatched(lambda g: kind.call(dtype, dL_doutputs=g), names, wrong, shape)
    for name in ("weight", "bias"):
        for word, size in (("long", (shape[1] + 1,)), ("one", (1,)), ("last-axis", shape[-1:])):
            wrong_weight = {**kind.call(dtype), name: held(np.resize(WEIGHTS, size), dtype)}
            comment = f"{name} of shape {size} for {shape[1]} channels, to be broadcast by none."
            yield from refused(f"mismatch-{name}-{word}", "size-mismatch", comment, wrong_weight)
