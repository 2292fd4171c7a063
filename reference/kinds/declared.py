"""Operations of a user's own, whose module says of each argument its shape: "(N, D)", "(..., D) > 0", "(N,) < C"."""

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import DTYPES
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, bell, heavy, integers, offset, spread
from ..model.family import Draft, Inputs
from ..model.operation import Operation
from .paired import changed, families, one_at_a_time, refused
from .special_values import ends
from .two_operands import PLAIN
from .upstreams import far_upstreams, units

Sizes = Mapping[str, Shape]
"""By letter its size, as a shape of one axis; by "..." a shape of any."""
UPSTREAM = (2, -3, 0.5, 5, -1)
DISTINCT = ((4, 5, 3, 6, 2, 7), (3, 2, 6, 4, 7, 5))
EDGES = (33, 65)
"""One past the sides of tiles."""
LONG: Mapping[str, tuple[int, ...]] = {"float32": (257, 1025)} | dict.fromkeys(set(DTYPES) - {"float32"}, (257,))
PROFILES: tuple[tuple[Profile, str], ...] = (
    (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
    (offset, "All numbers of a tensor are near a common one, or its negative."),
    (integers, "Small whole numbers, whose products are exact."),
    (spread, "Magnitudes spread evenly over many powers of two."),
)
_SHAPE = re.compile(r"\s*\(([^()]*)\)\s*(?:(>)\s*0|<\s*([A-Za-z]\w*|\d+))?\s*")
_AXIS = re.compile(r"(?:(\d+)\s*\*\s*)?([A-Za-z]\w*|\.\.\.)|(\d+)")


@dataclass(frozen=True)
class Tensor:
    """What a module says of one argument."""

    axes: tuple[tuple[int, str], ...]
    """Of each axis a factor and a letter, which is empty for a number; "..." stands for any axes."""
    positive: bool = False
    below: str = ""
    """Of indices, the letter or number that they are below."""

    def shape(self, sizes: Sizes) -> Shape:
        """Give its shape."""
        return tuple(k * n for k, name in self.axes for n in (sizes[name] if name else (1,)))


def parse(text: str) -> Tensor:
    """Read a declaration. Raises ValueError where it is none."""
    whole = _SHAPE.fullmatch(text)
    axes = [_AXIS.fullmatch(axis.strip()) for axis in whole[1].rstrip(", ").split(",")] if whole and whole[1] else []
    if not whole or None in axes or sum("..." in axis[0] for axis in axes if axis) > 1:
        raise ValueError(f'{text!r} is no shape; write "(N, D)", "(..., 2*D)", "(N, D) > 0", or of indices "(N,) < C"')
    return Tensor(tuple((int(a[1] or a[3] or 1), a[2] or "") for a in axes if a), bool(whole[2]), whole[3] or "")


@dataclass(frozen=True)
class Declared:
    """An operation, called as its module declares it."""

    operation: Operation
    parameters: Mapping[str, Parameter]

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Forward's arguments, in order."""
        return {name: parse(self.operation.shapes[name]) for name in self.operation.arguments["forward"]}

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """All letters in order, and "..."."""
        axes = chain(*(tensor.axes for tensor in self.tensors.values()))
        below = (t.below for t in self.tensors.values() if not t.below.isdecimal())
        return tuple(name for name in dict.fromkeys([*(name for _, name in axes), *below]) if name)

    @cached_property
    def size(self) -> Sizes:
        """Sizes of which no two are the same."""
        return self.sizes(*DISTINCT[0])

    def sizes(self, *lengths: int, **given: int) -> Sizes:
        """Give each letter one of the lengths, or its own; "..." stands for two axes, or for one of its own."""
        plain = dict(zip(self.letters, np.resize(lengths, len(self.letters)).tolist(), strict=True))
        found: dict[str, Shape] = {name: (given.get(name, n),) for name, n in plain.items()}
        return {n: (2, *s) if n == "..." and n not in given else s for n, s in found.items()}

    def case(self, sizes: Sizes, fill: Callable[[str, Shape], np.ndarray]) -> Inputs:
        """Give backward's arguments, each filled by its name and shape."""
        given = {name: fill(name, tensor.shape(sizes)) for name, tensor in self.tensors.items()}
        return {**{name: fill(name, s) for name, s in self.upstream_shapes(given).items()}, **given}

    def upstream_shapes(self, given: Inputs) -> dict[str, Shape]:
        """Give the shapes of backward's upstreams for forward's arguments."""
        plain = (x if x.dtype == np.int64 else x.astype(np.float64) for x in given.values())
        with np.errstate(all="ignore"):
            outputs = self.operation.functions["forward"](*plain, **self.parameters)
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        return dict(zip(self.operation.upstreams, map(np.shape, several), strict=True))

    def bound(self, name: str, sizes: Sizes) -> int:
        """Give the number that an argument of indices is below, 0 for other arguments."""
        below = self.tensors[name].below if name in self.tensors else ""
        return int(below) if below.isdecimal() else sizes[below][0] if below else 0

    def plain(self, dtype: str, sizes: Sizes | None = None, shift: int = 0) -> Inputs:
        """Give ordinary numbers of few digits."""
        sizes = sizes or self.size

        def fill(name: str, shape: Shape) -> np.ndarray:
            if bound := self.bound(name, sizes):
                return (np.arange(math.prod(shape), dtype=np.int64).reshape(shape) + shift) % bound
            numbers = np.resize(np.roll(PLAIN if name in self.tensors else UPSTREAM, shift), shape)
            return self.inside(name, numbers, dtype)

        return self.case(sizes, fill)

    def is_positive(self, name: str) -> bool:
        """Say whether an argument is above 0."""
        return name in self.tensors and self.tensors[name].positive

    def inside(self, name: str, x: np.ndarray, dtype: str) -> np.ndarray:
        """Move numbers to those that an argument may have."""
        return held(abs(x.astype(np.float64)) if self.is_positive(name) else x, dtype)

    def drawn(self, sizes: Sizes, profile: Profile, w: Words, exponent: int = 0) -> Inputs:
        """Draw all of a profile, the upstreams times 2**exponent."""

        def fill(name: str, shape: Shape) -> np.ndarray:
            if bound := self.bound(name, sizes):
                return w.integers(shape, 0, bound)
            x = profile(w, shape)
            if exponent and name not in self.tensors:
                x = w.around(shape, exponent)
            return self.inside(name, x, w.dtype)

        return self.case(sizes, fill)


def declared(operation: Operation, dtype: str) -> Iterator[Draft]:
    """Give all families of a user's operation at a dtype: many for its first parameters, few for every other value."""
    first, *others = settings(operation)
    kind = Declared(operation, first)
    parts = (drawn, upstreams, special, shapes)
    yield from changed(chain(*(part(kind, dtype) for part in parts)), {}, first)
    for parameters in others:
        value = next(f"{name}-{value}" for name, value in parameters.items() if first.get(name) != value)
        kind = Declared(operation, parameters)
        few = [draft for draft in drawn(kind, dtype) if "distinct-sizes" in draft.flags]
        yield from changed(few, {}, parameters, f"-{value}")


def settings(operation: Operation) -> Iterator[dict[str, Any]]:
    """Give the parameters of calls: the first of each, and then every other value in turn. Defaults are left out."""
    names = operation.parameters["forward"]
    values = {p: [v for v in operation.values.get(p, ()) if v != operation.defaults.get(p)] for p in names}
    first = {p: values[p].pop(0) for p in names if p not in operation.defaults}
    yield first
    yield from ({**first, p: value} for p in names for value in values[p])


def named(sizes: Sizes) -> str:
    """Sizes as the name of a family has them: "n4-d5"; of "..." "2x3"."""
    words = (f"{'' if letter == '...' else letter.lower()}{'x'.join(map(str, n))}" for letter, n in sizes.items())
    return "-".join(words) or "fixed"


def drawn(kind: Declared, dtype: str) -> Iterator[Draft]:
    """Bell-shaped numbers of many sizes, and numbers of other profiles."""
    alone = partial(kind.sizes, 3, 2)
    groups = [(kind.sizes(*lengths), "distinct-sizes", 4) for lengths in DISTINCT]
    groups += [(kind.sizes(4), "square", 4), (kind.sizes(1), "smallest", 2)]
    for place, letter in enumerate(kind.letters):
        groups.append((kind.sizes(*DISTINCT[0], **{letter: 1}), "smallest" if place else "batch-of-one", 2))
        groups += [(alone(**{letter: n}), "odd-sizes", 1) for n in (*EDGES, *LONG[dtype])]
    groups += [({**kind.size, "...": lead}, "rank", 2) for lead in ((), (2, 3, 2)) if "..." in kind.letters]
    for name, (sizes, flag, count) in {named(sizes): (sizes, flag, count) for sizes, flag, count in groups}.items():
        draw, comment = partial(kind.drawn, sizes, bell), f"Bell-shaped, of sizes {name}."
        flags = f"random {flag} upstream-signed"
        yield from families(f"random-{name}", flags, comment, draw=draw, counts=count, sharp=False)
    for profile, comment in PROFILES:
        draw, flags = partial(kind.drawn, kind.size, profile), "random spread upstream-signed"
        yield from families(profile.__name__, flags, comment, draw=draw, counts=2, sharp=False)


def upstreams(kind: Declared, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and answers that are remembered."""
    plain = kind.plain(dtype)
    first, *others = kind.operation.upstreams
    zero = {name: np.zeros_like(plain[name]) for name in others}
    yield from units(lambda g: {**plain, **zero, first: held(g, dtype)}, plain[first].shape)
    yield from far_upstreams(partial(kind.drawn, kind.size, bell), dtype, half=(4, -4), cases=2)
    yield from one_at_a_time(plain, kind.plain(dtype, shift=1))


def special(kind: Declared, dtype: str) -> Iterator[Draft]:
    """Zeros, the ends of the range, infinities and NaN, in each argument in turn: what the formula makes of them."""
    end, plain = ends(dtype), kind.plain(dtype)
    table: tuple[tuple[str, str, str, tuple[float, ...]], ...] = (
        ("zero", "signed-zero", "0 and -0", (0.0, -0.0)),
        ("subnormal", "subnormal", "A subnormal number", (end.subnormal, -end.smallest)),
        ("largest", "near-overflow", "The largest finite number", (end.largest,)),
        ("infinity", "infinity", "An infinity", (math.inf, -math.inf)),
        ("nan", "nan", "A NaN", (math.nan,)),
    )
    for word, flag, what, values in table:
        for name, x in plain.items():
            if x.dtype == np.int64 or not x.size or (word == "zero" and kind.is_positive(name)):
                continue
            spoilt = [x.copy() for _ in values]
            for one, value in zip(spoilt, values, strict=True):
                one.flat[-1] = value
            cases = tuple({**plain, name: kind.inside(name, one, dtype)} for one in spoilt)
            start = "" if name in kind.tensors else "backward-"
            comment, overflows = f"{what} in {name}.", word in ("largest", "infinity")
            yield from families(f"{start}{word}-in-{name}", flag, comment, cases, level="robust", overflows=overflows)


def shapes(kind: Declared, dtype: str) -> Iterator[Draft]:
    """Sizes of 0, where the formula takes them, and arguments too long along an axis, where it refuses them."""
    for letter in kind.letters:
        sizes = kind.sizes(*DISTINCT[0], **{letter: 0})
        cases: list[Inputs] = []
        # the formula may refuse it, or take the mean of nothing
        with suppress(ValueError, IndexError, ZeroDivisionError, RuntimeWarning), warnings.catch_warnings():
            warnings.simplefilter("error")
            cases.append(kind.plain(dtype, sizes))
        if cases and not any(tensor.below == letter for tensor in kind.tensors.values()):
            comment = f"Nothing along {letter}: results that are empty, or sums of no terms."
            yield from families(f"empty-{named(sizes)}", "empty-batch", comment, tuple(cases), level="robust")
    plain = kind.plain(dtype)
    for name, axis in ((name, axis) for name, x in plain.items() for axis in range(x.ndim)):
        longer = np.concatenate([plain[name], np.take(plain[name], [0], axis)], axis)
        comment = f"{name} of shape {longer.shape} where {plain[name].shape} is due."
        start = "" if name in kind.tensors else "backward-"
        calls = refused(f"{start}mismatch-{name}-{axis}", "size-mismatch", comment, {**plain, name: longer})
        yield from (draft for draft in calls if _refuses(kind, draft))


def _refuses(kind: Declared, draft: Draft) -> bool:
    try:
        with np.errstate(all="ignore"):
            kind.operation.functions[draft.direction](*draft.cases[0].values(), **kind.parameters)
    except (ValueError, IndexError):
        return True
    return False
