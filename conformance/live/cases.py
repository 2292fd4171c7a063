"""Live cases: how one is drawn from a seed, written in a word, read again, and turned into tensors."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from ...reference.generation.draws import Shape
from ...vectors.dtypes import FORMATS, numpy_dtype
from .domains import Domain, Indices
from .parameters import key_of
from .profiles import PROFILES, Stream, repeated
from .templates import Template

TILES = (16, 32, 64, 128, 256, 512, 1024, 2048, 2048, 4096, 4096)
"""Lengths at which kernels change their ways; large ones are drawn more often, since no golden file has them."""
LONG = (8192, 16384, 32768, 65536, 65536)
"""Lengths at which indices of 16 bits and whole buffers end: not of a loop, in which each step would cost a call."""
BESIDE = (-1, 0, 1, 1, 17)
"""What is added to them."""
PAIRS = ((33, 33), (33, 65), (65, 97), (129, 33), (257, 257), (33, 2049))
"""Tiles on two sides; with the last two an index of 16 bits is too short."""
SMALL = 9
"""Other lengths are below this."""
MOST_ELEMENTS, MOST_TERMS = 2**19, 2**21
"""Of all arguments of a case that are not the upstream, together; and the product of all lengths, which bounds how
many terms the sums of contractions have together."""
WIDE, DEEP = 64, 4
"""Weights of so many rows or columns, in an operation of so many weights, are smaller than the golden ones."""
KEYS = 2**16
PATTERN = re.compile(
    r"(?P<name>[\w.-]+)\+(?P<sizes>\d+(?:x\d+)*|-)\+(?P<profile>[a-z-]+)\+(?P<key>\d+)(?:\+(?P<variation>\d+))?"
)


class CaseTextError(ValueError):
    """A text that is no live case. The message is one line."""


@dataclass(frozen=True)
class LiveCase:
    """A case: which golden family it is made after, its sizes, and what its numbers are like."""

    name: str
    """The golden family's."""
    sizes: tuple[int, ...]
    """One for each of the template's lengths."""
    profile: str
    key: int
    """What the numbers are drawn from."""
    variation: int = 0
    """What numbers among the parameters are drawn from; 0 for those of the golden family."""

    def __str__(self) -> str:
        varied = f"+{self.variation}" if self.variation else ""
        return f"{self.name}+{'x'.join(map(str, self.sizes)) or '-'}+{self.profile}+{self.key}{varied}"


def read_case(text: str, templates: Sequence[Template]) -> tuple[Template, LiveCase]:
    """Read what `str` of a case writes. Raises CaseTextError."""
    found = PATTERN.fullmatch(text)
    template = next((t for t in templates if found and t.family.name == found["name"]), None)
    if not found or found["profile"] not in PROFILES:
        raise CaseTextError(
            f"{text!r} is no live case; one is written FAMILY+SIZES+PROFILE+NUMBER, with a further +NUMBER where "
            "parameters are drawn, as failures print it"
        )
    if template is None:
        raise CaseTextError(f"{text!r}: there is no family {found['name']} that live cases are made after")
    sizes = () if found["sizes"] == "-" else tuple(map(int, found["sizes"].split("x")))
    if len(sizes) != len(template.lengths) or 0 in sizes:
        raise CaseTextError(f"{text!r}: {found['name']} has {len(template.lengths)} sizes, each at least 1")
    return template, LiveCase(found["name"], sizes, found["profile"], int(found["key"]), int(found["variation"] or 0))


def draw_case(templates: Sequence[Template], key: str) -> tuple[Template, LiveCase]:
    """Draw a case of a function, the same for the same key anywhere: parameters first, then a family that has them."""
    w = Stream(key, "float64")
    groups = by_parameters(templates)
    group = groups[_below(w, len(groups))]
    template = group[_below(w, len(group))]
    sizes = _sizes(w, template)
    profile = tuple(PROFILES)[_below(w, len(PROFILES))]
    number = _below(w, KEYS)
    variation = _below(w, KEYS) if _below(w, 2) and template.ranges else 0
    return template, LiveCase(template.family.name, sizes, profile, number, variation)


def by_parameters(templates: Sequence[Template]) -> list[list[Template]]:
    """Put the templates of the same parameters together."""
    groups: dict[str, list[Template]] = {}
    for template in templates:
        groups.setdefault(key_of(template.family), []).append(template)
    return list(groups.values())


def _sizes(w: Stream, template: Template) -> tuple[int, ...]:
    """Draw sizes: a quarter of the time all small, mostly one that is about a tile's, or two."""
    count = len(template.lengths)
    small = (1 + w.integers((count,), 0, SMALL - 1)).tolist()
    golden = w.integers((count,), 0, 2).tolist()
    sizes = [min(a.golden, SMALL) if g else s for a, g, s in zip(template.lengths, golden, small, strict=True)]
    order, how = w.permutation(count), _below(w, 4)
    if not count or how == 0:
        return tuple(sizes)
    tiles = TILES if template.loops[order[0]] else TILES + LONG
    large = [tiles[_below(w, len(tiles))] + BESIDE[_below(w, len(BESIDE))]]
    if count > 1 and how == 1:
        large = list(PAIRS[_below(w, len(PAIRS))])
    for place, size in zip(order, large, strict=False):
        sizes[place] = max(size // max(template.lengths[place].multiples.values()), 1)
    for place in (*order[len(large) :], *order[len(large) - 1 :: -1]):  # the small ones give way first
        while _too_large(template, sizes) and sizes[place] > 1:
            sizes[place] = sizes[place] // 2
    return tuple(sizes)


def _too_large(template: Template, sizes: Sequence[int]) -> bool:
    terms = math.prod(max(a.multiples.values()) * size for a, size in zip(template.lengths, sizes, strict=True))
    return terms > MOST_TERMS or elements(template, sizes) > MOST_ELEMENTS


def elements(template: Template, sizes: Sequence[int]) -> int:
    """The elements of all arguments that are not the upstream."""
    return sum(map(math.prod, template.shapes(sizes).values()))


def _below(w: Stream, n: int) -> int:
    return int(w.integers((), 0, n))


def shapes_of(template: Template, sizes: Sequence[int]) -> dict[str, Shape]:
    """The shapes of all arguments, in the order of the call. Raises what the formula does where it refuses them."""
    shapes = template.shapes(sizes)
    names = template.operation.arguments[template.family.direction]
    if len(shapes) < len(names):
        upstreams = [name for name in names if name not in shapes]
        shapes |= dict(zip(upstreams, template.output_shapes(sizes), strict=False))
    return {name: shapes[name] for name in names}


def result_shapes(template: Template, sizes: Sequence[int]) -> dict[str, Shape]:
    """The shape of each result; a gradient's is that of its argument."""
    operation, direction = template.operation, template.family.direction
    names = operation.results[direction]
    if direction == "backward" and "forward" in operation.functions:
        shapes = template.shapes(sizes)
        return {name: shapes[name.removeprefix("dL_d")] for name in names}
    return dict(zip(names, template.output_shapes(sizes), strict=True))


def tensors_of(template: Template, case: LiveCase) -> dict[str, np.ndarray]:
    """Draw the arguments of a case, in the order of the call. Raises what the formula does where it refuses them."""
    shapes = shapes_of(template, case.sizes)
    return {name: draw_argument(template, case, name, shapes) for name in shapes}


def draw_argument(template: Template, case: LiveCase, name: str, shapes: Mapping[str, Shape]) -> np.ndarray:
    """Draw one argument of a case, given the shapes of all."""
    w = Stream(f"{case.profile}/{case.key}/{name}", template.family.dtype)
    domain = template.domains.get(name)
    is_large = elements(template, case.sizes) > MOST_ELEMENTS
    weights = weights_of(template, shapes)
    is_weight = name in weights and (is_large or (len(weights) >= DEEP and max(shapes[name]) >= WIDE))
    halvings = _halvings(max(shapes[name]), case.profile) if is_weight else 0

    def draw(shape: Shape) -> np.ndarray:
        if isinstance(domain, Indices):
            axis, golden = template.limits[name]
            return domain.draw(w, golden if axis is None else shapes[axis[0]][axis[1]], shape)
        x = domain.draw(w, case.profile, shape) if domain else w.array(PROFILES[case.profile](w, shape))
        return _normal(np.ldexp(x, -halvings), template.family.dtype) if is_large or is_weight else x

    return repeated(draw, shapes[name], isinstance(domain, Domain) and domain.shares)


def _halvings(terms: int, profile: str) -> int:
    """How often weights are halved: about by the root of the number of terms, which integers exceed, and by that
    number where all are shifted alike."""
    bits = math.frexp(terms)[1]
    return bits if profile == "offset" else bits // 2 + 2 * (profile == "integers")


def weights_of(template: Template, shapes: Mapping[str, Shape]) -> tuple[str, ...]:
    """The weights of an operation that has several, as the layers of a network.

    At size they are scaled by a power of 2, about their magnitude times the root of the number of terms: sums would
    otherwise be so large that a softmax or a sigmoid of them has no bound. Those of many layers are wherever they are
    wide.
    """
    operation, others = template.operation, template.drawn_first[1:]
    apart = [n for n in others if n not in operation.labels and operation.batch_axis.get(n) is None]
    found = tuple(name for name in apart if sum(n > 1 for n in shapes[name]) > 1)
    return found if len(found) > 1 else ()


def _normal(x: np.ndarray, dtype: str) -> np.ndarray:
    """Put the smallest normal number in the place of those that are subnormal, which a case is passed over for."""
    smallest = np.asarray(2.0 ** FORMATS[dtype].smallest_normal, numpy_dtype(dtype))
    return np.where((abs(x) < smallest) & (x != 0), np.copysign(smallest, x), x)


def simpler(case: LiveCase) -> list[LiveCase]:
    """Cases that are simpler in one respect other than size: the golden parameters, an earlier profile, the first
    numbers."""
    profiles = tuple(PROFILES)
    earlier = profiles[: profiles.index(case.profile)]
    others = [
        replace(case, variation=0),
        *(replace(case, profile=profile) for profile in earlier),
        replace(case, key=0),
    ]
    return [one for one in others if one != case]


def alone(case: LiveCase) -> list[LiveCase]:
    """Cases that have one of its lengths alone, the shortest first: all others are 1."""
    ones = (1,) * len(case.sizes)
    single = sorted((size, place) for place, size in enumerate(case.sizes) if size > 1)
    found = [replace(case, sizes=(*ones[:place], size, *ones[place + 1 :])) for size, place in single]
    return [one for one in found if one != case]


def in_one(case: LiveCase) -> list[LiveCase]:
    """Cases of as many elements that have one length less: it is 1, and another so much longer."""
    longer = []
    for one, other in permutations(range(len(case.sizes)), 2):
        if case.sizes[one] > 1 and case.sizes[other] > 1:
            sizes = list(case.sizes)
            sizes[one], sizes[other] = 1, sizes[other] * sizes[one]
            longer.append(replace(case, sizes=tuple(sizes)))
    return longer
