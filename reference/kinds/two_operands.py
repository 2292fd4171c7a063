"""Operations on two tensors, element by element: of one shape, or of shapes that broadcast.

Either operand in turn takes the families of an elementwise operation, while the other is ordinary.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..model.family import DRAWN, Draft, Inputs
from .elementwise import Elementwise, elementwise
from .paired import changed, families, one_at_a_time, refused
from .upstreams import far_upstreams, mismatched, scaled

Pair = tuple[Shape, Shape]
PLAIN = (1.5, -2, 0.75, 1.25, -0.5, 3, -1.75)
"""Ordinary numbers; not as many as the rows or columns of a shape."""
BROADCAST = (
    "3x4-4 4-3x4 3x1-1x4 1x5-2x1 3x1-4 2x3x4-3x1 1x3x1-2x3x4 2x3x4-2x1x4 3x3-3x1 3-3x3 2x1x3x1-4x1x2 3x4-scalar "
    "scalar-2x3 5-1 1x1-4 1x4-1x4 1x4x3-1x3 33x3-3 3x1-3x65"
)
"""Shapes of which one is repeated, or each: new axes, axes of size 1, numbers without an axis."""
LONG = {
    "float64": "257x1-1 1x1-2x129",
    "float32": "1025x1-1x1 1-1025 256x2-1x2 2x130-2x1",
    "float16": "257x1-1 1-130",
    "bfloat16": "257x1-1x1 scalar-1x130",
}
"""By dtype, shapes of more elements than a block of threads has places, for backward: one is repeated as often."""
MANY = 60
"""Elements of which one case is enough."""
EMPTY, MISFITS = "0x3-3 3x0-3x1 0-1 2x1-0 0x2-scalar", "3-4 2x3-3x2 2x3-2 2x3x4-3x3"

OF_FIRST = {"random", "empty-batch", "size-mismatch"}
"""Flags of families that are the same whichever operand is the special one."""


@dataclass(frozen=True)
class Operand:
    """One of two tensors, and the families in which it is what is special."""

    name: str
    drafts: Iterable[Draft] = ()
    """Of an elementwise operation on it alone."""
    inside: Callable[[np.ndarray], np.ndarray] = lambda x: x
    """Maps any numbers to ordinary ones without rounding: `abs` for the base of a power."""
    scale: float = 1.0
    """The standard deviation of bell-shaped numbers, a power of two."""
    ordinary: tuple[float, ...] = PLAIN
    """What it is where the other is special."""

    def plain(self, shape: Shape, dtype: str) -> np.ndarray:
        """Give ordinary numbers of a shape."""
        return held(self.inside(np.resize(self.ordinary, shape)), dtype)

    def drawn(self, w: Words, shape: Shape) -> np.ndarray:
        """Draw bell-shaped numbers."""
        return w.array(self.inside(w.normal(shape, self.scale).astype(np.float64)))


@dataclass(frozen=True)
class TwoOperands:
    """The properties of an operation on two tensors on which its families depend."""

    first: Operand
    second: Operand
    broadcasts: bool = True
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    suffix: str = ""
    """Suffix of the names of families, for an operation tested with several parameters."""
    changes: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Changes to the families below, by name; None omits one."""
    cases: int = 2
    """Cases of a drawn family, unless they are large or much alike."""

    @property
    def operands(self) -> tuple[Operand, Operand]:
        """Both."""
        return self.first, self.second

    def call(self, upstream: np.ndarray, *tensors: np.ndarray) -> Inputs:
        """Give backward's arguments."""
        return {"dL_doutputs": upstream, **{one.name: x for one, x in zip(self.operands, tensors, strict=True)}}

    def drawn(self, pair: Pair, w: Words) -> Inputs:
        """Draw everything bell-shaped."""
        upstream = w.normal(np.broadcast_shapes(*pair))
        return self.call(upstream, *(one.drawn(w, shape) for one, shape in zip(self.operands, pair, strict=True)))

    def numbered(self, upstream: Shape, pair: Pair, dtype: str) -> Inputs:
        """Give ordinary numbers of any shapes."""
        of_upstream = held(np.arange(1, 1 + math.prod(upstream)).reshape(upstream), dtype)
        return self.call(
            of_upstream, *(one.plain(shape, dtype) for one, shape in zip(self.operands, pair, strict=True))
        )


def two_operands(kind: TwoOperands, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of an operation on two tensors at a dtype; its changes apply to `more` families too."""
    given = [special(kind, place, dtype) for place in (0, 1)]
    shapes = broadcasting(kind, dtype) if kind.broadcasts else of_one_shape(kind, dtype)
    yield from changed(chain(*given, successive(kind, dtype), shapes, more), kind.changes, kind.parameters, kind.suffix)


def two_operands_again(
    kind: TwoOperands, first: Operand, dtype: str, parameters: Mapping[str, Parameter], suffix: str
) -> Iterator[Draft]:
    """Give the families of the first operand alone that a further value of a parameter is tested with."""
    yield from changed(special(replace(kind, first=first), 0, dtype), {}, parameters, suffix)


def plain_operand(name: str, dtype: str, kind: Elementwise, **more: Any) -> Operand:
    """Give an operand that takes the families of an elementwise operation, with far upstreams."""

    def inputs(w: Words) -> Inputs:
        return {"inputs": w.array(kind.inside(w.normal((3, 5)).astype(np.float64)))}

    drafts = elementwise(kind, dtype, far_upstreams(scaled(inputs, (3, 5)), dtype, half=(4, -4)))
    return Operand(name, drafts, kind.inside, **more)


def special(kind: TwoOperands, place: int, dtype: str) -> Iterator[Draft]:
    """The families of an elementwise operation in one operand; what is drawn at random is drawn for the first alone."""
    one, other = kind.operands[place], kind.operands[1 - place]

    def with_other(case: Inputs, plain: Callable[[Shape], np.ndarray]) -> Inputs:
        given = {(one.name if name == "inputs" else name): x for name, x in case.items()}
        given[other.name] = plain(case["inputs"].shape)
        names = ("dL_doutputs", kind.first.name, kind.second.name)
        return {name: given[name] for name in names if name in given}

    def drawn(draw: Callable[[Words], Inputs], w: Words) -> Inputs:
        return with_other(draw(w), partial(other.drawn, w))

    for draft in one.drafts:
        if "one-argument" in draft.name or (place and (OF_FIRST & {*draft.flags} or "upstream" in draft.name)):
            continue
        if kind.broadcasts and draft.direction == "backward" and draft.count == 1 and "odd-sizes" in draft.flags:
            continue  # as large as those that broadcast
        yield replace(
            draft,
            name=f"{draft.name}-{one.name}" if place else draft.name,
            cases=tuple(with_other(case, lambda shape: other.plain(shape, dtype)) for case in draft.cases),
            draw=partial(drawn, draft.draw) if draft.draw else None,
            count=max(draft.count * kind.cases // DRAWN, 1),
        )


def successive(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Cases of which each differs from the one before in one argument."""
    ends_of = (
        kind.call(
            held(g, dtype), *(held(one.inside(np.array(x)), dtype) for one, x in zip(kind.operands, ab, strict=True))
        )
        for g, ab in (
            ([[3, -5, 0.5]], ([[1.5, -2, 0.25]], [[0.75, 1.25, -3]])),
            ([[-2, 4, 1]], ([[0.5, 1, 2]], [[-1.5, 0.5, 2.5]])),
        )
    )
    yield from one_at_a_time(*ends_of)


def words(pair: Pair) -> str:
    """The two shapes of a pair as a name has them: "2x3x4-4x5", and "scalar" where there is no axis."""
    return "-".join("x".join(map(str, shape)) or "scalar" for shape in pair)


def pairs(names: str) -> Iterator[Pair]:
    """The pairs of shapes that `words` calls so, whose names are separated by spaces."""
    for name in names.split():
        first, second = (() if one == "scalar" else tuple(map(int, one.split("x"))) for one in name.split("-"))
        yield first, second


def broadcasting(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Operands of which one is repeated, or each; nothing of something; what does not fit."""
    for names, start, flag in ((BROADCAST, "", "broadcast"), (LONG[dtype], "backward-", "broadcast many-rows")):
        for pair in pairs(names):
            count = 1 if math.prod(np.broadcast_shapes(*pair)) > MANY else kind.cases
            comment = f"Operands of shapes {pair[0]} and {pair[1]}: a gradient is a sum where its operand was repeated."
            flags, draw = f"random {flag} upstream-signed", partial(kind.drawn, pair)
            yield from families(f"{start}random-{words(pair)}", flags, comment, draw=draw, counts=count)
    for pair in pairs(EMPTY):
        comment = "A size of 0: no elements, or gradients that are sums of no terms, which are 0."
        case = kind.numbered(np.broadcast_shapes(*pair), pair, dtype)
        yield from families(f"empty-{words(pair)}", "empty-batch broadcast", comment, (case,), level="robust")
    for pair in pairs(MISFITS):
        comment = f"Operands of shapes {pair[0]} and {pair[1]}, which do not broadcast."
        case = kind.numbered(pair[0], pair, dtype)
        yield from refused(f"mismatch-{words(pair)}", "size-mismatch", comment, case)
    pair, names, wrong = ((3, 1), (1, 4)), "first second rank transposed", ((3, 1), (1, 4), (4,), (4, 3))
    _, *given = kind.numbered((), pair, dtype).values()
    broadcast = mismatched(lambda g: kind.call(held(g, dtype), *given), names, wrong, (3, 4))
    yield from changed(broadcast, {}, suffix="-broadcast")


def of_one_shape(kind: TwoOperands, dtype: str) -> Iterator[Draft]:
    """Operands of different shapes, to be refused."""
    for pair in pairs("3x4-1x4 3x4-3x1 1x4-3x4 3x4-4 3x4-scalar 3x4-2x4"):
        comment = f"Operands of shapes {pair[0]} and {pair[1]}, to be broadcast by none."
        case = kind.numbered((3, 4), pair, dtype)
        yield from refused(f"mismatch-{words(pair)}", "size-mismatch", comment, case)
