"""Large cases: shapes that fill the tiles of a GPU, made after golden families as live cases are."""

import math
from collections.abc import Iterator, Sequence
from itertools import cycle

from .cases import KEYS, LiveCase, by_parameters
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
LONG = 2**10
"""Other lengths give way to an indexed one down to this."""
MOST_ELEMENTS, MOST_TERMS = 2**24, 2**34
"""Of all arguments of a case that are not the upstream, together; and the product of its three largest lengths."""
CASES = (("integers", 0), ("sparse", 1), ("heavy", 0))
"""The profile of each case, and what is added to its lengths: kernels take other ways beside a tile's length."""


def large_cases(templates: Sequence[Template], key: str) -> Iterator[tuple[Template, LiveCase]]:
    """The large cases of a function, the same for the same key anywhere; each with other parameters, where it has
    several."""
    w = Stream(key, "float64")
    for group, (profile, more) in zip(cycle(by_parameters(templates)), CASES, strict=False):
        template = max(group, key=_worth)
        sizes, number = large_sizes(template, more), int(w.integers((), 0, KEYS))
        yield template, LiveCase(template.family.name, sizes, profile, number)


def _worth(template: Template) -> tuple[bool, bool, int, int]:
    """Of several templates the one with indices, with matrices, with the most lengths and elements is taken."""
    matrices = len(template.shapes([length.golden for length in template.lengths])[template.drawn_first[0]]) == 2
    return bool(_indexed(template)), matrices, len(template.lengths), _elements(template, large_sizes(template))


def large_sizes(template: Template, more: int = 0) -> tuple[int, ...]:
    """A size of each length of a template, as large as all together may be; `more` is added to those that are."""
    indexed = _indexed(template)
    sizes, least = [], []
    for length, follows in zip(template.lengths, template.followers, strict=True):
        chosen = not indexed.isdisjoint(length.multiples)
        size = INDEXED if chosen else _usual(template, length, follows is None)
        sizes.append(max(size // max(length.multiples.values()), 1))
        least.append(LONG if chosen else 1)
    while _too_large(template, sizes):
        place = max(range(len(sizes)), key=lambda i: (least[i] == 1 and sizes[i] > 64, sizes[i]))
        sizes[place] = sizes[place] // 2
    return tuple(
        size + more if size > length.golden else size for size, length in zip(sizes, template.lengths, strict=True)
    )


def _indexed(template: Template) -> set[Axis]:
    """The axes that arguments of indices choose from."""
    return {axis for axis, _ in template.limits.values() if axis is not None}


def _usual(template: Template, length: Length, is_window: bool) -> int:
    """How long a length is that is not indexed. The sides of a kernel, and what is tied to them, stay as they are."""
    (name, axis), *_ = length.multiples
    names = [n for n, _ in length.multiples]
    if is_window and (name != template.drawn_first[0] or len(set(names)) < len(names)):
        return length.golden * max(length.multiples.values())
    rank = len(template.shapes([length.golden for length in template.lengths])[name])
    shape = ATTENTION[name] if name in ATTENTION and rank == 4 else SHAPES.get(rank, (2,) * rank)
    return shape[axis]


def _too_large(template: Template, sizes: Sequence[int]) -> bool:
    lengths = sorted(
        max(length.multiples.values()) * size for length, size in zip(template.lengths, sizes, strict=True)
    )
    return math.prod(lengths[-3:]) > MOST_TERMS or _elements(template, sizes) > MOST_ELEMENTS


def _elements(template: Template, sizes: Sequence[int]) -> int:
    return sum(map(math.prod, template.shapes(sizes).values()))
