"""Large cases: shapes that fill the tiles of a GPU, made after golden families as live cases are."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from ..own_data.call import OwnCall
from ..own_data.sampling import grids_of
from .cases import KEYS, LiveCase, by_parameters, elements, result_shapes, shapes_of
from .parameters import in_turn
from .profiles import Stream
from .templates import Axis, Length, Template

SHAPES = {
    1: (2**22,),
    2: (8192, 4096),
    3: (64, 512, 512),
    4: (32, 64, 56, 56),
    5: (16, 32, 16, 28, 28),
}
"""By rank, what the first argument's lengths are if nothing else is known of them."""
ATTENTION = dict.fromkeys(("query", "key", "value"), (1, 16, 2048, 128))
"""The same of arguments by name: batch, heads, positions, features."""
INDEXED = 50257
"""A length that an argument of indices chooses from: GPT-2's vocabulary."""
LOOP = 16
"""The most steps of a formula's loop, as over time: each costs as many calls of NumPy as one over whole tensors."""
LONG = 2**10
"""Other lengths give way to an indexed one down to this."""
SIZE = (13 * 2**22, 2**36)
"""The most elements of all arguments of a case that are not the upstream, together, and the most terms of a
contraction: an embedding of 50,257 x 1,024, and two tensors of 4,096 x 4,096. So large a case is judged at some of its
elements."""
OF_CLASSES = 4
"""So many times as large is one in which a class is chosen from each row of a batch: 4,096 rows of 50,257 logits. In
float64 it has half the rows."""
FULL = (2**23, 2**32)
"""The same of one that is judged in full."""
SAMPLE, RAREST = 2**20, 80
"""Of how many elements a result is judged, if judging all of it is too dear, and at least one of how many of a case."""
AT_ONCE = (2**25, 2**30)
"""The same of one some result of which sums over all that there is to cut, so that all of its terms are computed again,
several times each. The elements count where there is no batch, so that it may have to be evaluated at once."""
CASES = (("integers", 0, SIZE), ("sparse", 1, FULL), ("heavy", 0, FULL))
"""The profile of each case, what is added to its lengths, as kernels go other ways beside a tile's, and its limits."""
FURTHER = ("bell", 1, (2**20, 2**28))
"""Further cases, one for each keyword of which all of these have one value where the golden families have several."""
LONGEST = 2**16 + 1
"""Where axes mean nothing to an operation, each of them is so long in a case of its own."""
MOST_TRIED = 2**14
"""Elements of all arguments with which a formula is asked whether it takes them."""
SHORT = 8
"""Lengths up to this are not shortened for it."""
MOST_TEMPLATES, MOST_HALVED = 4, 5
"""How many templates of the same parameters are asked, and how often their lengths are halved."""
SHARE = 2**10
"""A case of a smaller share of the most elements is no large one, as where many axes are 1: others come first."""
Limits = tuple[int, int]
Sized = tuple[Template, tuple[int, ...]]


def large_cases(templates: Sequence[Template], key: str) -> Iterator[tuple[Template, LiveCase]]:
    """The large cases of a function, the same for the same key anywhere; each with other parameters, where it has
    several, and the first with the first family's. They are followed by those along each axis, where these mean nothing
    to the operation."""
    w = Stream(key, "float64")
    for place, ((template, sizes), profile) in enumerate(_chosen(by_parameters(templates))):
        number, variation = (int(n) for n in w.integers((2,), 0, KEYS))
        varied = variation if place and template.ranges else 0
        yield template, LiveCase(template.family.name, sizes, profile, number, varied)
    if alike := [template for template in templates if _is_elementwise(template)]:
        template = max(alike, key=lambda template: len(template.lengths))
        golden = tuple(length.golden for length in template.lengths)
        for place in range(len(golden)):
            sizes = (*golden[:place], LONGEST, *golden[place + 1 :])
            number, variation = (int(n) for n in w.integers((2,), 0, KEYS))
            yield template, LiveCase(template.family.name, sizes, "bell", number, variation if template.ranges else 0)


def _chosen(groups: Sequence[Sequence[Template]]) -> Iterator[tuple[Sized, str]]:
    """The template, sizes and profile of each case, further ones last, given the templates by parameters."""
    order = list(in_turn([group[0].family for group in groups]))
    left, small, used = order.copy(), list[tuple[int, bool]](), list[int]()
    for number, (profile, more, limits) in enumerate(CASES):
        found = None
        while left and found is None:
            place, _ = turn = left.pop(0)
            found = _largest(groups[place], more, limits)
            if found is None or elements_of(*found) < limits[0] // SHARE:
                small.append(turn)
                found = None
            else:
                used.append(place)
        again = (used or [place for place, _ in order])[number % (len(used) or len(order))]
        if found := found or _largest(groups[again], more, limits):
            yield found, profile
    profile, more, limits = FURTHER
    for place, is_new in small + left:
        if is_new and (found := _largest(groups[place], more, limits)):
            yield found, profile


def _largest(group: Sequence[Template], more: int, limits: Limits) -> Sized | None:
    """Of templates of the same parameters that which is worth most, and its sizes; None where none has any."""
    ranked = sorted(((_worth(t, limits), t) for t in group), key=lambda pair: pair[0], reverse=True)
    taken: list[Sized] = []
    best = None
    for (*worth, _), asked in ranked[:MOST_TEMPLATES]:
        if taken and worth != best:  # asking a formula takes time, and what is worth less is not taken
            break
        if (sizes := _taken_sizes(asked, more, limits)) is not None:
            taken.append((asked, sizes))
            best = worth
    if not taken:
        return None
    template, sizes = max(taken, key=lambda pair: elements_of(*pair))
    in_chunks = template.operation.batch_axis.get(template.drawn_first[0]) is not None
    fewer = min(limits[0], SIZE[0] if in_chunks else AT_ONCE[0]), min(limits[1], AT_ONCE[1])
    if fewer != limits and not _is_sampled(template, sizes):
        sizes = _taken_sizes(template, more, fewer) or sizes
    return template, sizes


def _is_elementwise(template: Template) -> bool:
    """Whether all arguments and outputs have the same axes, each of which may have any length."""
    shapes = template.shapes([length.golden for length in template.lengths])
    outputs = len(template.operation.results.get("forward", ()))
    axes = range(len(shapes[template.drawn_first[0]]))
    together = [
        ({(name, axis): 1 for name in shapes}, {(output, axis): 1 for output in range(outputs)}) for axis in axes
    ]
    found = zip((length.multiples for length in template.lengths), template.followers, strict=True)
    return bool(outputs) and sorted(map(repr, found)) == sorted(map(repr, together))


def _is_sampled(template: Template, sizes: Sequence[int]) -> bool:
    """Whether results of these sizes can be judged at some of their elements."""
    return bool(grids_of(call_of_zeros(template, sizes)))


def call_of_zeros(template: Template, sizes: Sequence[int]) -> OwnCall:
    """The call of a case of these sizes with zeros for numbers, in no memory."""
    inputs, first = template.family.inputs, template.family.inputs[template.drawn_first[0]]

    def placed(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        return {n: np.broadcast_to(np.zeros((), inputs.get(n, first).dtype), shape) for n, shape in shapes.items()}

    arguments, results = placed(shapes_of(template, sizes)), placed(result_shapes(template, sizes))
    direction, parameters = template.family.direction, template.family.parameters
    return OwnCall(template.operation, direction, arguments, parameters, results, {}, sample_of(template, sizes))


def sample_of(template: Template, sizes: Sequence[int]) -> int:
    """Of how many elements a result is judged."""
    return max(SAMPLE, elements_of(template, sizes) // RAREST)


def _worth(template: Template, limits: Limits) -> tuple[bool, bool, int, bool, int]:
    """Of several templates the one with indices, with matrices, with the most long lengths, none of which comes in
    threes, say, and with the most elements is taken."""
    sizes = large_sizes(template, limits)
    matrices = len(template.shapes(sizes)[template.drawn_first[0]]) == 2
    golden = [length.golden for length in template.lengths]
    indexed = bool(_indexed(template)) and len(set(golden)) == len(golden)  # else what is indexed is uncertain
    longer = sum(n > was for n, was in zip(sizes, golden, strict=True))
    even = all(m & (m - 1) == 0 for length in template.lengths for m in length.multiples.values())
    return indexed, matrices, longer, even, elements_of(template, sizes)


def large_sizes(template: Template, limits: Limits) -> list[int]:
    """A size of each length of a template, as large as all together may be."""
    indexed = _indexed(template)
    most = _most_elements(template, indexed, limits)
    sizes, least = [], []
    for length, follows, is_loop in zip(template.lengths, template.followers, template.loops, strict=True):
        chosen = not indexed.isdisjoint(length.multiples)
        size = INDEXED if chosen else _usual(template, length, follows is None)
        size = min(size, LOOP) if is_loop else size
        sizes.append(max(size // max(length.multiples.values()), 1))
        least.append(LONG if chosen else 1)
    table = {name for name, _ in indexed}
    beside = [table.isdisjoint(name for name, _ in length.multiples) for length in template.lengths]
    while (size := elements_of(template, sizes)) > most or terms_of(template, sizes) > limits[1]:
        by_outputs = elements(template, sizes) <= most < size
        ranks = zip(least, beside, sizes, strict=True)
        order = [(shortest == 1 and n > 64, by_outputs and apart, n) for shortest, apart, n in ranks]
        place = order.index(max(order))
        sizes[place] = sizes[place] // 2
    return sizes


def _most_elements(template: Template, indexed: set[Axis], limits: Limits) -> int:
    """How many elements a case of such limits may have."""
    batch = template.operation.batch_axis
    chosen = any(batch.get(name) not in (None, axis) for name, axis in indexed)
    if not chosen or limits[0] < SIZE[0]:
        return limits[0]
    return limits[0] * OF_CLASSES // (2 if template.family.dtype == "float64" else 1)


def _taken_sizes(template: Template, more: int, limits: Limits) -> tuple[int, ...] | None:
    """Such sizes that the formula takes, with `more` added where it takes that; None where there are none."""
    for sizes in _fallbacks(template, large_sizes(template, limits)):
        for added in dict.fromkeys((more, 0)):
            lengths = zip(sizes, template.lengths, strict=True)
            large = tuple(n + added if n > length.golden else n for n, length in lengths)
            if _takes(template, large):
                return large
    return None


def _fallbacks(template: Template, sizes: list[int]) -> Iterator[list[int]]:
    """Sizes; with those of windows as they are; and with those halved that the first argument has not, as it may limit
    them."""
    yield sizes
    windows = [follows is None for follows in template.followers]
    if any(windows):
        sizes = [length.golden if w else n for n, w, length in zip(sizes, windows, template.lengths, strict=True)]
        yield sizes
    first = template.drawn_first[0]
    others = [all(name != first for name, _ in length.multiples) for length in template.lengths]
    for _ in range(MOST_HALVED):
        halved = zip(sizes, others, template.lengths, strict=True)
        sizes = [max(n // 2, length.golden) if other else n for n, other, length in halved]
        yield sizes


def _takes(template: Template, sizes: Sequence[int]) -> bool:
    """Whether the formula takes these sizes: it is asked with long lengths shortened, but for those of windows."""
    part, some = 1, list(sizes)
    while elements_of(template, some) > MOST_TRIED and part < max(sizes):
        part *= 2
        lengths = zip(sizes, template.followers, strict=True)
        some = [n if follows is None else min(n, max(n // part, SHORT)) for n, follows in lengths]
    try:
        template.outputs(some)
    except (ValueError, IndexError):  # of the formula, which refuses such arguments
        return False
    return True


def _indexed(template: Template) -> set[Axis]:
    """The axes that arguments of indices choose from."""
    return {axis for axis, _ in template.limits.values() if axis is not None}


def _usual(template: Template, length: Length, is_window: bool) -> int:
    """How long a length is that is not indexed. The sides of a kernel, and what is tied to them, stay as they are."""
    (name, axis), *_ = length.multiples
    names = [n for n, _ in length.multiples]
    if (is_window and name != template.drawn_first[0]) or len(names) - len(set(names)) > 1:
        return length.golden * max(length.multiples.values())
    rank = len(template.shapes([length.golden for length in template.lengths])[name])
    shape = ATTENTION[name] if name in ATTENTION and rank == 4 else SHAPES.get(rank, (2,) * rank)
    return shape[axis]


def terms_of(template: Template, sizes: Sequence[int]) -> int:
    """How many terms the contraction of two arguments with a common length has: the product of all their lengths."""
    shapes = template.shapes(sizes)

    def common(one: str, other: str) -> list[int]:
        by_length = [
            [multiple * n for (name, _), multiple in length.multiples.items() if name in (one, other)]
            for length, n in zip(template.lengths, sizes, strict=True)
            if {one, other} <= {name for name, _ in length.multiples}
        ]
        return [min(sides) for sides in by_length]

    return max(
        (
            math.prod(shapes[one] + shapes[other]) // math.prod(shared)
            for one, other in combinations(shapes, 2)
            if (shared := common(one, other))
        ),
        default=1,
    )


def elements_of(template: Template, sizes: Sequence[int]) -> int:
    """The elements of all arguments that are not the upstream, or of the outputs where these are more."""
    outputs = [
        math.prod(
            multiple * n
            for follows, n in zip(template.followers, sizes, strict=True)
            for (place, _), multiple in (follows or {}).items()
            if place == output
        )
        for output in range(len(template.operation.results.get("forward", ())))
    ]
    return max(elements(template, sizes), sum(outputs))
