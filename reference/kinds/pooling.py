"""Pools: windows of images (N, C, H, W), of which each gives one output a channel."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held, nearest_held
from ..generation.profiles import Profile, heavy, integers, offset, spread
from ..model.family import Draft, Inputs
from ..model.formulations import Function
from .convolution import NUMBERS, UPSTREAM
from .convolution_settings import crossed
from .paired import changed, families, last_digits, one_at_a_time, refused, table, with_element
from .special_values import ends
from .upstreams import far_upstreams, mismatched, scaled, units

SHORT = {
    "kernel_size": "k",
    "stride": "s",
    "padding": "p",
    "dilation": "d",
    "count_include_pad": "counted",
}
"""The parameters as names of families have them."""


@dataclass(frozen=True)
class Pool:
    """The sizes of a call, and its parameters."""

    inputs: Shape
    parameters: Mapping[str, Parameter]
    flag: str
    comment: str

    @property
    def name(self) -> str:
        """As a name of families has it: "2x3x5x4-k2-s2x1"."""
        given = ("-" + SHORT[name] + crossed(value).lower() for name, value in self.parameters.items())
        return crossed(self.inputs) + "".join(given)


def pool(
    inputs: Shape, kernel_size: Any, stride: Any, comment: str = "", flag: str = "strides", **more: Parameter
) -> Pool:
    """A pool of inputs (N, C, H, W)."""
    return Pool(inputs, {"kernel_size": kernel_size, "stride": stride, **more}, flag, comment)


OVERLAP, APART = "Windows overlap: an input is in several.", "Windows lie apart: some inputs are in none."
SETTINGS = (
    pool((2, 3, 4, 6), 2, 2, "Windows side by side."),
    pool((2, 2, 5, 7), 2, 2, "Windows side by side, and what is left at the end is in none."),
    pool((2, 2, 5, 4), 2, 1, OVERLAP),
    pool((2, 2, 4, 7), (3, 2), 1, OVERLAP),
    pool((1, 3, 6, 5), 3, 2, OVERLAP),
    pool((2, 2, 5, 6), 3, (1, 2), OVERLAP, padding=1),
    pool((2, 2, 4, 5), (2, 3), (2, 1), OVERLAP, padding=(0, 1)),
    pool((1, 2, 5, 4), 4, 1, OVERLAP, padding=2),
    pool((2, 2, 6, 5), (1, 4), (2, 1), "Windows of one row."),
    pool((2, 2, 5, 7), 2, 3, APART),
    pool((2, 2, 7, 4), (2, 1), (3, 2), APART),
    pool((2, 2, 4, 5), 2, 3, APART, padding=1),
    pool((2, 3, 4, 3), (4, 3), 1, "One window, as large as the images.", "smallest"),
    pool((2, 3, 3, 4), 1, 1, "Windows of one element.", "smallest"),
    pool((2, 3, 3, 4), 1, 2, "Windows of one element, most places in none.", "smallest"),
    pool((3, 3, 3, 3), 3, 3, "All sizes equal.", "square"),
    pool((2, 2, 2, 2), 2, 2, "All sizes equal.", "square", padding=1),
    pool((1, 1, 5, 4), 2, 2, "One image, of one channel.", "batch-of-one"),
    pool((1, 17, 3, 2), 2, 1, "More channels than a vector has elements.", "odd-sizes"),
    pool((9, 1, 2, 3), 2, 1, "More images than a vector has elements.", "odd-sizes"),
    pool((131, 1, 2, 1), (2, 1), 1, "More images than a block of threads, and no multiple of one.", "many-rows"),
    pool((1, 1, 3, 33), 3, 2, "Longer rows than a vector has elements.", "odd-sizes"),
    pool((1, 1, 4, 35), (2, 3), 2, "Longer rows than a vector has elements, and padding.", "odd-sizes", padding=1),
    pool((1, 1, 19, 17), (17, 16), 1, "Windows of more elements than a block of threads.", "odd-sizes"),
)
ORDINARY, PLAIN = SETTINGS[6], pool((1, 1, 3, 3), 2, 1)


@dataclass(frozen=True)
class Pooling:
    """The properties of a pool on which its families depend."""

    forward: Function
    draw: Profile = Words.normal
    """Draws ordinary inputs."""
    settings: tuple[Pool, ...] = SETTINGS
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""

    def outputs(self, setting: Pool) -> Shape:
        """The shape of the outputs."""
        outputs: Shape = self.forward(np.zeros(setting.inputs), **setting.parameters).shape
        return outputs

    def drawn(self, setting: Pool, draw: Profile, w: Words) -> Inputs:
        """Draw an upstream of magnitudes between 1 and 2, and inputs."""
        return {"dL_doutputs": w.signed(self.outputs(setting), 1, 2), "inputs": draw(w, setting.inputs)}

    def plain(self, dtype: str, setting: Pool, shift: int = 0, **given: object) -> Inputs:
        """Give arguments of few digits, but for those that are given."""
        upstream = np.resize(np.roll(UPSTREAM, shift), self.outputs(setting))
        inputs = np.resize(np.roll(NUMBERS, shift), setting.inputs)
        return {
            name: held(values, dtype) for name, values in {"dL_doutputs": upstream, "inputs": inputs, **given}.items()
        }


def pooling(kind: Pooling, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a pool at a dtype; its changes apply to `more` families too."""
    parts = (upstreams, special, shapes)
    yield from changed(chain(drawn(kind), *(part(kind, dtype) for part in parts), more), kind.changes)


def drawn(kind: Pooling) -> Iterator[Draft]:
    """Ordinary input in every setting, and numbers that are not bell-shaped."""
    for setting in kind.settings:
        flags, draw = f"random {setting.flag} upstream-signed", partial(kind.drawn, setting, kind.draw)
        given: dict[str, Any] = {"draw": draw, "counts": 2, "parameters": setting.parameters}
        yield from families(f"random-{setting.name}", flags, setting.comment, **given)
    table: tuple[tuple[Profile, str], ...] = (
        (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
        (offset, "All numbers of a tensor are near a common one, or its negative."),
        (spread, "Magnitudes spread evenly over many powers of two."),
        (integers, "Small whole numbers, of which every sum is exact."),
    )
    for profile, comment in table:
        if profile is not integers or kind.draw is Words.normal:  # of small whole numbers many tie
            given = {"draw": partial(kind.drawn, ORDINARY, profile), "parameters": ORDINARY.parameters}
            yield from families(profile.__name__, "spread upstream-signed", comment, counts=2, **given)


def upstreams(kind: Pooling, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and results that are remembered."""

    def under(upstream: object) -> Inputs:
        return kind.plain(dtype, PLAIN, dL_doutputs=upstream)

    shape, unit = kind.outputs(PLAIN), 2.0 ** (2 - FORMATS[dtype].significand)
    of_digits = (nearest_held(np.resize(NUMBERS, PLAIN.inputs) * (1 + k * unit), dtype) for k in (0, 1, 2))
    parts = (
        units(under, shape),
        far_upstreams(scaled(partial(kind.drawn, PLAIN, kind.draw)), dtype),
        families(
            "backward-equal-upstream", "stride-zero", "The same upstream throughout.", (under(np.full(shape, -3)),)
        ),
        one_at_a_time(kind.plain(dtype, PLAIN), kind.plain(dtype, PLAIN, shift=1)),
        last_digits(*(kind.plain(dtype, PLAIN, inputs=x) for x in of_digits)),
    )
    yield from changed(chain(*parts), {}, PLAIN.parameters, cases=2)


def special(kind: Pooling, dtype: str) -> Iterator[Draft]:
    """The ends of the range, infinities and NaN, which reach what depends on them, and nothing else."""
    end = ends(dtype)
    plain, zeros = np.resize(NUMBERS, PLAIN.inputs), np.zeros(PLAIN.inputs)
    tiny, shape = np.resize([1, -2, 3, -1, 5], PLAIN.inputs) * end.smallest, kind.outputs(PLAIN)

    spoilt = partial(with_element, kind.plain(dtype, PLAIN))
    below = np.resize(UPSTREAM, shape) * end.smallest * 2
    infinite = spoilt("inputs", 0, math.inf), spoilt("inputs", 8, -math.inf)
    yield from table(
        ("forward-zeros", "signed-zero", "Zeros of both signs.", (kind.plain(dtype, PLAIN, inputs=zeros * plain),)),
        ("forward-subnormal", "subnormal", "Subnormal inputs.", (kind.plain(dtype, PLAIN, inputs=tiny),)),
        ("forward-infinity", "infinity", "An infinity.", infinite),
        ("forward-nan", "nan", "A NaN in one window.", (spoilt("inputs", 0, math.nan),)),
        (
            "backward-subnormal-upstream",
            "subnormal one-product upstream-signed",
            "A subnormal upstream of either sign.",
            (kind.plain(dtype, PLAIN, dL_doutputs=np.resize([1, 0, 0, 0], shape) * below),),
        ),
        (
            "backward-nan-upstream",
            "nan",
            "A NaN in the upstream of one window.",
            (spoilt("dL_doutputs", 0, math.nan),),
        ),
        level="robust",
        parameters=PLAIN.parameters,
    )


def shapes(kind: Pooling, dtype: str) -> Iterator[Draft]:
    """The smallest images, none at all, and calls to refuse."""
    smallest = pool((1, 1, 1, 1), 1, 1)
    cases = tuple(kind.plain(dtype, smallest, shift=k) for k in (0, 1, 2))
    given: dict[str, Any] = {"parameters": smallest.parameters}
    yield from families("smallest", "smallest batch-of-one", "One number.", cases, **given)
    empty = pool((0, 2, 3, 3), 2, 1)
    given = {"level": "robust", "parameters": empty.parameters}
    yield from families("empty", "empty-batch", "No images in, none out.", (kind.plain(dtype, empty),), **given)
    setting = pool((2, 2, 4, 5), 2, 2)
    outputs = kind.outputs(setting)
    names = "longer one-image one-channel inputs rank"
    wrong = ((2, 2, 2, 3), (1, *outputs[1:]), (2, 1, *outputs[2:]), setting.inputs, outputs[1:])
    refusals = mismatched(lambda g: kind.plain(dtype, setting, dL_doutputs=g), names, wrong, outputs)
    yield from changed(refusals, {}, setting.parameters)
    one = pool((2, 2, 3, 4), 1, 1)
    refusals = mismatched(lambda g: kind.plain(dtype, one, dL_doutputs=g), "of-one", ((2, 2, 3, 5),), one.inputs)
    yield from changed(refusals, {}, one.parameters)
    case = kind.plain(dtype, setting)
    for name, comment, sizes in (
        ("window", "A window larger than the images.", {"kernel_size": 6, "stride": 1}),
        ("padding", "Padding of more than half a window.", {"kernel_size": 2, "stride": 1, "padding": 2}),
    ):
        yield from refused(f"mismatch-{name}", "size-mismatch", comment, case, **sizes)
