"""Convolutions of signals and images: inputs (N, C, ...), a weight and a bias, under windows that slide."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, bell, heavy, integers, long_integers, offset, spread
from ..model.family import Draft, Inputs
from ..model.formulations import Function
from .convolution_settings import EVERY_PAIR, FURTHER, LARGE, ORDINARY, PLAIN, SMALLEST, Setting, as_written
from .paired import changed, families, one_at_a_time, refused, with_element
from .special_values import ends
from .upstreams import FAR, far_upstreams, mismatched, scaled, units

NUMBERS = [1.5, -2, 0.25, 3, -0.5, 2, -1, 4, 0.75, -3, 1, -0.25, 2.5]
UPSTREAM = [2, -3, 0.5, 4, -1, 1.5, -0.75]
WEIGHT = [0.5, -1.5, 2, 0.25, -3, 4, 1, -0.125, -0.75]


@dataclass(frozen=True)
class Convolution:
    """A convolution, and how its settings follow from those of `conv2d`."""

    forward: Function
    of: Callable[[Setting], Setting] = as_written
    transposed: bool = False
    """Whether a weight begins with the channels of the inputs."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""

    def shapes(self, setting: Setting) -> tuple[Shape, ...]:
        """The shapes of upstream, inputs, weight and bias."""
        groups, channels = setting.parameters.get("groups", 1), setting.inputs[1]
        assert isinstance(groups, int)
        both = (channels, setting.outputs // groups) if self.transposed else (setting.outputs, channels // groups)
        others = (setting.inputs, (*both, *setting.kernel), (setting.outputs,))
        outputs: Shape = self.forward(*map(np.zeros, others), **setting.parameters).shape
        return (outputs, *others)

    def case(self, *arrays: np.ndarray) -> Inputs:
        """Name the arguments of backward."""
        return dict(zip(("dL_doutputs", "inputs", "weight", "bias"), arrays, strict=True))

    def plain(
        self, dtype: str, setting: Setting, shift: int = 0, given: Mapping[str, object] = MappingProxyType({})
    ) -> Inputs:
        """Give arguments of few digits, but for those that are given."""
        shapes = zip(self.shapes(setting), (UPSTREAM, NUMBERS, WEIGHT, NUMBERS[3:]), strict=True)
        case = self.case(*(held(np.resize(np.roll(values, shift), shape), dtype) for shape, values in shapes))
        return {**case, **{name: held(values, dtype) for name, values in given.items()}}

    def drawn(self, setting: Setting, profile: Profile, w: Words) -> Inputs:
        """Draw all arguments of one profile."""
        return self.case(*(profile(w, shape) for shape in self.shapes(setting)))


def convolution(kind: Convolution, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of a convolution at a dtype; its changes apply to `more` families too."""
    parts = (drawn, profiles, upstreams, successive, smallest, special, mismatches)
    yield from changed(chain(*(part(kind, dtype) for part in parts), more), kind.changes)


def drawn(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """Ordinary input in every setting, and long sums."""
    seen: set[str] = set()
    pairs = "Strides, paddings, dilations and groups, each value beside each of another."
    for setting in map(kind.of, (*EVERY_PAIR, *FURTHER)):
        if setting.name in seen:
            continue
        seen.add(setting.name)
        comment, flags = f"{setting.comment or pairs}", f"random {setting.flag} upstream-signed"
        draw, parameters = partial(kind.drawn, setting, bell), setting.parameters
        yield from families(f"random-{setting.name}", flags, comment, draw=draw, counts=(1, 2), parameters=parameters)
    for setting in map(kind.of, LARGE[dtype]):
        draw, parameters = partial(whole, kind, setting), setting.parameters
        comment = "Whole numbers, of which every sum is exact: the tolerance is 0, and a single missing term shows."
        yield from families(
            f"integers-{setting.name}",
            "random odd-sizes upstream-signed",
            comment,
            draw=draw,
            counts=1,
            parameters=parameters,
        )


def whole(kind: Convolution, setting: Setting, w: Words) -> Inputs:
    """Whole numbers: of many bits in the inputs, 1 or -1 in all other arguments, so that every sum is exact."""
    upstream, inputs, weight, bias = kind.shapes(setting)
    ones = partial(integers, bits=0)
    return kind.case(ones(w, upstream), long_integers(w, inputs), ones(w, weight), ones(w, bias))


def zeros_between(w: Words, shape: Shape) -> np.ndarray:
    """Half of them 0, some of them -0."""
    return w.array(w.normal(shape).astype(np.float64) * w.integers(shape, 0, 2))


def tiny(w: Words, shape: Shape) -> np.ndarray:
    """Numbers whose products are around 1e-31."""
    return w.around(shape, -FAR // 2)


def profiles(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """Numbers that are not bell-shaped."""
    padded, small = kind.of(replace(ORDINARY, parameters={"padding": 1})), kind.of(PLAIN)
    table: tuple[tuple[Profile, str, str], ...] = (
        (heavy, "spread", "Heavy tails: some numbers are hundreds of times as large as most."),
        (offset, "spread", "All numbers of a tensor are near a common one, or its negative."),
        (spread, "spread", "Magnitudes spread evenly over many powers of two."),
        (integers, "spread", "Small whole numbers, of which every sum is exact: the tolerance is 0."),
        (zeros_between, "signed-zero", "About half of all elements are 0 or -0."),
        (tiny, "random small-values", "Products around 1e-31, of numbers around 1e-16, are not 0."),
    )
    for profile, flags, comment in table if dtype != "float16" else table[:-1]:
        setting = small if profile is offset else padded  # of which float16 holds the sums
        name, draw = profile.__name__.replace("_", "-"), partial(kind.drawn, setting, profile)
        given: dict[str, Any] = {"draw": draw, "counts": 1, "parameters": setting.parameters}
        yield from families(name, f"{flags} upstream-signed", comment, **given)


def upstreams(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them."""
    plain, setting = kind.of(PLAIN), kind.of(ORDINARY)

    def under(upstream: object) -> Inputs:
        return kind.plain(dtype, plain, given={"dL_doutputs": upstream})

    shape = kind.shapes(plain)[0]
    yield from units(under, shape)
    near_one = partial(kind.drawn, setting, partial(Words.signed, low=1, high=2))
    yield from far_upstreams(scaled(near_one), dtype, cases=1)
    comment = "The same upstream throughout, as a sum of the outputs has it, or in every image."
    equal = tuple(under(np.resize(values, shape)) for values in ([1], [-3]))
    yield from families("backward-equal-upstream", "stride-zero", comment, equal)


def successive(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """Cases that differ in little, one after the other."""
    plain, unit = kind.of(PLAIN), 2.0 ** -FORMATS[dtype].significand
    yield from one_at_a_time(kind.plain(dtype, plain), kind.plain(dtype, plain, shift=1))
    signs = np.resize([1, -1], kind.shapes(plain)[2])
    for name, place in (("last-digits", "inputs"), ("backward-last-digits-of-the-upstream", "dL_doutputs")):
        shape = kind.case(*map(np.zeros, kind.shapes(plain)))[place].shape
        near = (np.resize([0.75, 0.75 - k * unit, 0.75 - 2 * k * unit], shape) for k in (1, 2, 3, 5))
        cases = tuple(kind.plain(dtype, plain, given={"weight": signs, place: x}) for x in near)
        said = f"Each case differs from the one before in the last digits of {place}: results remembered for it show."
        yield from families(name, "successive cancellation", said, cases)


def smallest(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """One of everything, and no images at all."""
    cases = tuple(kind.plain(dtype, kind.of(SMALLEST), shift=k) for k in (0, 1, 2))
    yield from families("smallest", "smallest batch-of-one", "One number by one weight.", cases)
    empty = replace(kind.of(PLAIN), inputs=(0, *kind.of(PLAIN).inputs[1:]))
    comment = "No images: no outputs, and gradients of 0 for what all images share."
    yield from families("empty", "empty-batch", comment, (kind.plain(dtype, empty),), level="robust")


def special(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """The ends of the range, infinities and NaN, which reach what depends on them, and nothing else."""
    setting, one, end, fmt = kind.of(PLAIN), kind.of(replace(PLAIN, kernel=(1, 1))), ends(dtype), FORMATS[dtype]
    plain = kind.plain(dtype, setting)
    for word, odd in (("infinity", (math.inf, -math.inf)), ("nan", (math.nan,))):
        for direction, names in (("forward", ("inputs", "bias")), ("backward", ("dL_doutputs", "inputs"))):
            cases = tuple(with_element(plain, name, -2, value) for name in names for value in odd)
            comment = f"One {word} in each argument in turn."
            yield from families(f"{direction}-{word}", word, comment, cases, level="robust")
    half = math.ldexp(1.0, fmt.smallest_normal // 2 - 1)
    single = kind.plain(dtype, replace(one, inputs=(1, 1, *one.inputs[2:]), outputs=1))
    scaled = {name: np.sign(x.astype(np.float64)) * half * 1.25 for name, x in single.items()}
    products: Inputs = {**kind.case(*(held(x, dtype) for x in scaled.values())), "bias": held([0], dtype)}
    comment = "Outputs of one product each, which is subnormal, and of either sign."
    yield from families("forward-one-product", "subnormal one-product", comment, (products,), level="robust")
    top = math.ldexp(1.0, min(-fmt.smallest_normal, int(fmt.largest).bit_length() - 4))
    tensors = (plain[name].astype(np.float64) for name in plain)
    scales = (end.smallest * 8, end.smallest * 8, top, 1)
    case = kind.case(*(held(x * scale, dtype) for x, scale in zip(tensors, scales, strict=True)))
    comment = "Subnormal numbers times large ones are ordinary: flushed to 0, they show."
    yield from families("subnormal-inputs", "subnormal", comment, (case,), level="robust")


def mismatches(kind: Convolution, dtype: str) -> Iterator[Draft]:
    """What does not fit, to be refused."""
    setting = kind.of(ORDINARY)
    outputs, inputs, weight, bias = kind.shapes(setting)
    longer, wider = (*outputs[:-1], outputs[-1] + 1), (outputs[0], outputs[1] + 1, *outputs[2:])
    names = "longer one-image more-channels one-channel inputs rank"
    wrong = (longer, (1, *outputs[1:]), wider, (outputs[0], 1, *outputs[2:]), inputs, outputs[1:])

    def under(upstream: object) -> Inputs:
        return kind.plain(dtype, setting, given={"dL_doutputs": upstream})

    yield from mismatched(under, names, wrong, outputs)
    table: tuple[tuple[str, str, str, Shape], ...] = (
        ("weight-channels", "A weight for one channel more.", "weight", (weight[0], weight[1] + 1, *weight[2:])),
        (
            "weight-one-channel",
            "A weight for one channel, to be broadcast by none.",
            "weight",
            (*weight[:1], 1, *weight[2:]),
        ),
        ("weight-rank", "A weight without its first axis.", "weight", weight[1:]),
        ("bias", "A bias for one channel more.", "bias", (bias[0] + 1,)),
        ("bias-one", "A bias of one element, to be broadcast by none.", "bias", (1,)),
    )
    for name, comment, argument, shape in table:
        case = kind.plain(dtype, setting, given={argument: np.resize(WEIGHT, shape)})
        yield from refused(f"mismatch-{name}", "size-mismatch", comment, case)
    alike = kind.of(replace(PLAIN, inputs=(2, 2, 3, 3)))
    sizes = list(kind.shapes(alike)[2])
    sizes[0 if kind.transposed else 1] += 1
    comment = "A weight for one channel more, where two images of two channels have two: what is cut to fit would do."
    case = kind.plain(dtype, alike, given={"weight": np.resize(WEIGHT, sizes)})
    yield from refused("mismatch-weight-cut", "size-mismatch", comment, case)
    given = kind.plain(dtype, setting)
    yield from refused("mismatch-groups", "size-mismatch", "Two channels in three groups.", given, groups=3)
    if not kind.transposed:
        comment = "Windows with gaps are larger than the inputs."
        yield from refused("mismatch-window", "size-mismatch", comment, given, dilation=7)
        comment, given = "Windows with gaps that are larger than the inputs by one.", kind.plain(dtype, kind.of(PLAIN))
        yield from refused("mismatch-window-by-one", "size-mismatch", comment, given, dilation=3)
