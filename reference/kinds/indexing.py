"""Operations that pick elements of a tensor by index, or add up where indices point; one is the other's gradient."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, bell, heavy, integers, offset, skewed, spread
from ..model.family import Draft, Inputs
from .paired import changed, families, last_digits, one_at_a_time, refused, with_element
from .special_values import ends
from .upstreams import far_upstreams, mismatched, units

DrawIndices = Callable[[Words, Shape, int], np.ndarray]
"""Draws indices of a shape, below a size."""
PLAIN = (1.5, -2, 0.75, 1.25, -0.5, 3, -1.75)
MANY = {"float64": 781, "float32": 1025, "float16": 781, "bfloat16": 781}
"""By dtype, more indices than implementations handle at a time: 768, and 1024."""
PROFILES: dict[str, tuple[Profile, str]] = {
    "heavy": (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
    "offset": (offset, "All numbers of a tensor are near a common one, or its negative."),
    "spread": (spread, "Magnitudes spread over many powers of two."),
    "integers": (integers, "Small whole numbers, of which every sum is exact: the tolerance is that of one rounding."),
}


@dataclass(frozen=True)
class Lookup:
    """The shapes of a call."""

    table: Shape
    """Of the tensor that indices point into."""
    indices: Shape
    axis: int | None = None
    """The parameter, counted from the end; None where indices name rows of a matrix."""

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, shape)) for shape in (self.table, self.indices))
        return shapes if self.axis is None else f"{shapes}-axis{self.axis}"

    @property
    def size(self) -> int:
        """What indices lie below."""
        return self.table[self.axis or 0]

    @property
    def parameters(self) -> Mapping[str, int]:
        """The keywords of the call."""
        return {} if self.axis is None else {"axis": self.axis}


@dataclass(frozen=True)
class Indexing:
    """The properties of an operation with indices on which its families depend."""

    tensors: tuple[str, ...]
    """Forward's arguments, in the order of the call: "indices", and "source" for what is of their shape."""
    sums: str
    """The direction that adds up where an index is repeated."""
    axes: bool = True
    """Whether indices name elements along an axis, which is a parameter, and not the rows of a matrix."""
    cases: int = 2
    """Cases of a drawn family, unless they are large."""

    def lookup(self, table: Shape, indices: Shape, axis: int = -1) -> Lookup:
        """Give the shapes of a call: of `table`, and of indices along `axis`; rows are named by their first axis."""
        return Lookup(table, indices, axis) if self.axes else Lookup(table, indices[:1])

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """Shapes of several ranks, no two sizes of most of them the same."""
        if not self.axes:
            tables = (
                ((5, 3), (4,)),
                ((3, 4), (2, 5)),
                ((4, 2), (2, 3, 2)),
                ((3, 3), (3,)),
                ((7, 1), (5,)),
                ((1, 4), (3,)),
            )
            long = ((4, 65), (3,)), ((300, 1), (9,)), ((3, 2), (33,)), ((3, 1), (130,))
            return tuple(Lookup(*shapes) for shapes in (*tables, *long))
        return (
            *(Lookup((6,), (4,), -1), Lookup((3,), (8,), -1), Lookup((3, 5), (3, 4), -1), Lookup((5, 3), (4, 3), -2)),
            *(Lookup((4, 5), (2, 7), -1), Lookup((5, 4), (6, 2), -2), Lookup((3, 3), (3, 3), -1)),
            *(Lookup((3, 3), (3, 3), -2), Lookup((3, 4, 2), (2, 4, 2), -3), Lookup((2, 3, 4), (2, 5, 3), -2)),
            *(Lookup((3, 3, 3), (3, 3, 3), axis) for axis in (-1, -2, -3)),
            *(Lookup((2, 3, 4), (1, 3, 6), -1), Lookup((2, 3, 2, 3), (2, 2, 2, 3), -3), Lookup((1, 5), (1, 3), -1)),
            *(Lookup((5, 1), (7, 1), -2), Lookup((2, 300), (2, 5), -1), Lookup((4, 65), (3, 65), -2)),
            *(Lookup((3, 1), (130, 1), -2), Lookup((130, 1), (4, 1), -2), Lookup((35, 3), (35, 2), -1)),
            Lookup((35, 2, 1), (19, 2, 1), -3),
        )

    def case(self, lookup: Lookup, tensor: Callable[[Shape], np.ndarray], indices: np.ndarray) -> Inputs:
        """Give backward's arguments, the tensors of their shapes."""
        rows = lookup.indices if self.axes else lookup.indices + lookup.table[1:]
        shapes = {"dL_doutputs": lookup.table if self.sums == "forward" else rows, "source": rows}
        given = {name: shapes.get(name, lookup.table) for name in ("dL_doutputs", *self.tensors)}
        return {name: indices if name == "indices" else tensor(shape) for name, shape in given.items()}

    def drawn(self, lookup: Lookup, indices: DrawIndices, profile: Profile, w: Words) -> Inputs:
        """Draw everything."""
        named = indices(w, lookup.indices, lookup.size)
        return self.case(lookup, lambda shape: profile(w, shape), named)


def indexing(kind: Indexing, dtype: str) -> Iterator[Draft]:
    """Give all families of an operation with indices at a dtype."""
    lookup = kind.lookup((4, 3), (3, 3), -2)
    parts = (upstreams, successive, special, sizes, refusals)
    given = chain(drawn(kind, dtype), *(part(kind, dtype, lookup) for part in parts))
    yield from changed(given, {}, lookup.parameters)


def drawn(kind: Indexing, dtype: str) -> Iterator[Draft]:
    """Indices drawn evenly, or most of them the same, of tensors of many shapes."""

    def give(name: str, flags: str, comment: str, lookup: Lookup, *how: Any, counts: int) -> Iterator[Draft]:
        draw, flags = partial(kind.drawn, lookup, *how), f"{flags} upstream-signed"
        yield from families(name, flags, comment, draw=draw, counts=counts, parameters=lookup.parameters)

    for lookup in kind.lookups:
        comment = f"Indices of shape {lookup.indices} into a tensor of shape {lookup.table}."
        count = kind.cases if math.prod(lookup.table) + math.prod(lookup.indices) < 60 else 1
        yield from give(f"random-{lookup}", "random rank", comment, lookup, evenly, bell, counts=count)
    lookup = kind.lookup((5, 3), (12, 3), -2)
    for name, indices, comment in (
        ("skewed", skewed, "Most indices are the same one, as those of frequent words are."),
        ("each-once", each_once, "Every index once, in any order."),
        ("all-the-same", all_the_same, "All indices are the same one."),
        (
            "ends",
            ends_alone,
            "The first and the last index alone: others get no gradient, or nothing is added to them.",
        ),
    ):
        flags = f"random {'label-edge' if indices is ends_alone else 'repeated-indices'}"
        shapes = kind.lookup((5, 3), (5, 3), -2) if indices is each_once else lookup
        yield from give(name, flags, comment, shapes, indices, bell, counts=kind.cases)
    for name, (profile, comment) in PROFILES.items():
        yield from give(name, "spread repeated-indices", comment, lookup, skewed, profile, counts=kind.cases)
    many, n = kind.lookup((4, 2), (MANY[dtype], 2), -2), MANY[dtype]
    for name, profile, comment in (
        ("many", bell, f"{n} indices, most of them the same one."),
        ("many-integers", integers, f"{n} indices, most of them the same one, of numbers whose sums are exact."),
        (
            "many-ones",
            ones,
            f"{n} indices, most of them the same one: a sum of ones, which stalls in a half precision.",
        ),
    ):
        flags = "random many-rows repeated-indices"
        yield from give(f"{kind.sums}-{name}", flags, comment, many, skewed, profile, counts=1)


def evenly(w: Words, shape: Shape, size: int) -> np.ndarray:
    """Draw indices of which none is likelier than another."""
    return w.integers(shape, 0, size)


def each_once(w: Words, shape: Shape, size: int) -> np.ndarray:
    """Draw an order of all indices for each column; the first axis is as long as there are indices."""
    columns = [w.permutation(size) for _ in range(math.prod(shape[1:]))]
    return np.array(columns, dtype=np.int64).T.reshape(shape)


def all_the_same(w: Words, shape: Shape, size: int) -> np.ndarray:
    """Draw one index, for all places."""
    return np.broadcast_to(w.integers((), 0, size), shape).copy()


def ends_alone(w: Words, shape: Shape, size: int) -> np.ndarray:
    """Draw the first or the last index."""
    return w.integers(shape, 0, 2) * (size - 1)


def ones(w: Words, shape: Shape) -> np.ndarray:
    """Ones, whatever is drawn."""
    return w.array(np.ones(shape))


def plain(kind: Indexing, dtype: str, lookup: Lookup, upstream: object = None, start: int = 0) -> Inputs:
    """Give ordinary numbers, and indices of which some are repeated; with an upstream, of whatever shape."""
    indices = (start + np.arange(math.prod(lookup.indices)) ** 2).reshape(lookup.indices) % max(lookup.size, 1)
    case = kind.case(lookup, lambda shape: held(np.roll(np.resize(PLAIN, shape), start), dtype), indices)
    return case if upstream is None else {**case, "dL_doutputs": held(upstream, dtype)}


def upstreams(kind: Indexing, dtype: str, lookup: Lookup) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and far from 1."""
    shape = plain(kind, dtype, lookup)["dL_doutputs"].shape
    yield from units(partial(plain, kind, dtype, lookup), shape)
    row = np.resize(PLAIN, shape[1:])
    comment = "The same upstream in every row, as broadcasting makes it."
    case = plain(kind, dtype, lookup, np.broadcast_to(row, shape))
    yield from families("backward-upstream-broadcast", "stride-zero", comment, (case,))

    def scaled(w: Words, exponent: int) -> Inputs:
        case = kind.drawn(lookup, evenly, bell, w)
        return {**case, "dL_doutputs": w.around(shape, exponent)}

    yield from far_upstreams(scaled, dtype, cases=2)


def successive(kind: Indexing, dtype: str, lookup: Lookup) -> Iterator[Draft]:
    """Cases of which each differs from the one before in one argument, or in the last digits."""
    first, last = (plain(kind, dtype, lookup, start=start) for start in (0, 2))
    yield from one_at_a_time(first, last)
    unit = math.ldexp(1.0, 1 - FORMATS[dtype].significand)
    near = (
        {name: x if name == "indices" else held(1 + k * unit + np.zeros(x.shape), dtype) for name, x in first.items()}
        for k in (1, 2, 3, 5)
    )
    yield from last_digits(*near)


def special(kind: Indexing, dtype: str, lookup: Lookup) -> Iterator[Draft]:
    """Infinities and NaN reach what is picked, or added to, and nothing else; the ends of the range."""
    case, end = plain(kind, dtype, lookup), ends(dtype)
    places = [(name, at) for name, x in case.items() if name != "indices" for at in np.ndindex(x.shape)]
    for word, values, what in (
        ("nan", (math.nan,), "NaN"),
        ("infinity", (math.inf, -math.inf), "infinity of either sign"),
    ):
        cases = (with_element(case, name, at, values[k % len(values)]) for k, (name, at) in enumerate(places))
        comment = f"One {what} at each place in turn: it reaches what an index says, and nothing else."
        yield from families(word, word, comment, tuple(cases), level="robust")
    for name, flags, extremes, comment in (
        (
            "subnormal",
            "subnormal",
            (end.smallest, -end.subnormal, 3 * end.smallest),
            "Subnormal numbers, which are not 0.",
        ),
        ("near-overflow", "near-overflow", (end.top / 8, -end.top / 4, end.top / 8), "Numbers near the largest one."),
    ):
        spread = {n: x if n == "indices" else held(np.resize(extremes, x.shape), dtype) for n, x in case.items()}
        yield from families(name, flags, comment, (spread,), level="robust")


def sizes(kind: Indexing, dtype: str, _: Lookup) -> Iterator[Draft]:
    """One of everything, and nothing of something."""
    for name, table, indices, comment in (
        ("smallest", (1, 1), (1, 1), "One index, into one element."),
        ("empty", (4, 3), (0, 3), "No indices: nothing is picked, or added."),
        ("empty-columns", (4, 0), (2, 0), "Indices, but nothing at them."),
        ("empty-table", (0, 3), (0, 3), "No indices, and nothing to point into."),
    ):
        case, small = plain(kind, dtype, kind.lookup(table, indices, -2)), name == "smallest"
        flags, level = ("smallest batch-of-one", "required") if small else ("empty-batch", "robust")
        yield from families(name, flags, comment, (case,), level=level)


def refusals(kind: Indexing, dtype: str, lookup: Lookup) -> Iterator[Draft]:
    """Indices out of range, and shapes that do not fit."""
    case = plain(kind, dtype, lookup)
    for name, index, where in (
        ("above", lookup.size, "The first"),
        ("far-above", 1000, "A far"),
        ("negative", -1, "A"),
    ):
        for at in (0, -1):
            what = "negative index, which counts from no end" if index < 0 else "index out of range"
            comment = f"{where} {what}, at the {'last' if at else 'first'} place."
            ended = "-last" if at else ""
            yield from refused(f"index-{name}{ended}", "label-range", comment, with_element(case, "indices", at, index))
    shape = case["dL_doutputs"].shape
    names, wrong = "rows one-row columns rank scalar", ((5, 3), (1, 3), (shape[0], 2), (3,), ())
    yield from mismatched(partial(plain, kind, dtype, lookup), names, wrong, shape)
    if kind.axes:
        for name, of_indices in (("rank", (3,)), ("longer", (3, 4)), ("stacked", (1, 3, 3))):
            comment = f"Indices of shape {of_indices} for a tensor of shape {lookup.table}, along its first axis."
            misfit = {n: np.zeros(of_indices, np.int64) if n == "indices" else x for n, x in case.items()}
            yield from refused(f"mismatch-indices-{name}", "size-mismatch", comment, misfit)
    if "source" in case:
        of_source = {"rows": (4, 3), "one-row": (1, 3), "columns": (3, 1), "flat": (9,), "column": (9, 1)}
        for name, of in of_source.items():
            comment = f"A source of shape {of} for indices of shape {lookup.indices}, which is not theirs."
            misfit = {n: held(np.resize(PLAIN, of), dtype) if n == "source" else x for n, x in case.items()}
            yield from refused(f"mismatch-source-{name}", "size-mismatch", comment, misfit)
