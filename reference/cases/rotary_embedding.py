"""Families of cases for rotary position embeddings."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain, product

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, bell, heavy, integers, offset
from ..kinds.paired import changed, families, last_digits, one_at_a_time, refused, with_element
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams, mismatched, scaled, units
from ..model.family import Draft, Inputs

SHAPES: tuple[Shape, ...] = (
    *((3, 4), (2, 3, 6), (4, 2), (1, 8), (2, 2), (4, 4), (2, 1, 5, 2), (2, 3, 2, 4), (1, 3, 3, 4), (3, 1, 4)),
    *((33, 2), (2, 66), (65, 4), (2, 130), (2, 2, 17, 6)),
)
LONG: dict[str, tuple[Shape, ...]] = {"float64": ((257, 2),), "float32": ((2, 514),), "float16": (), "bfloat16": ()}
"""By dtype, more positions or features than a block of threads has."""
PLAIN = (1.5, -2, 0.75, 1.25, -0.5, 3, -1.75)
TABLE = (0.5, -0.75, 0.875, 0.25, -0.125)
TURNS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""cos and sin of no turn and of one, two and three quarter turns."""
PROFILES: dict[str, tuple[Profile, str]] = {
    "heavy": (heavy, "Heavy tails: some numbers are hundreds of times as large as most."),
    "offset": (offset, "All numbers of a tensor are near a common one, or its negative."),
    "integers": (integers, "Small whole numbers."),
}


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype, in either layout."""
    yield from of_layout(dtype)
    yield from changed(of_layout(dtype), {}, {"layout": "interleaved"}, "-interleaved")
    yield from refused("layout", "label-range", "A layout of no name.", case(dtype), layout="neighbours")


def of_layout(dtype: str) -> Iterator[Draft]:
    """Give all families in one layout."""
    yield from chain(drawn(dtype), turns(dtype), upstreams(dtype), special(dtype), sizes(dtype))


def case(dtype: str, upstream: object = None, shape: Shape = (3, 4), table: Shape | None = None) -> Inputs:
    """Give ordinary numbers, and tables of whatever shape."""
    rows = table or (shape[-2], shape[-1] // 2)
    inputs, cos, sin = (np.resize(x, of) for x, of in ((PLAIN, shape), (TABLE, rows), (TABLE[::-1], rows)))
    g = np.resize(PLAIN[::-1], shape) if upstream is None else upstream
    given = {"dL_doutputs": g, "inputs": inputs, "cos": cos, "sin": sin}
    return {name: held(x, dtype) for name, x in given.items()}


def ordinary(shape: Shape, profile: Profile, w: Words) -> Inputs:
    """Draw everything; the tables between -1 and 1."""
    tables = {name: w.uniform((shape[-2], shape[-1] // 2), -1, 1) for name in ("cos", "sin")}
    return {"dL_doutputs": profile(w, shape), "inputs": profile(w, shape), **tables}


def drawn(dtype: str) -> Iterator[Draft]:
    """Bell-shaped numbers in every rank, and others."""
    for shape in (*SHAPES, *LONG[dtype]):
        count = 2 if math.prod(shape) < 60 else 1
        flags, comment = "random rank upstream-signed", f"Bell-shaped, of shape {shape}."
        draw = partial(ordinary, shape, bell)
        yield from families(f"random-{'x'.join(map(str, shape))}", flags, comment, draw=draw, counts=count)
    for name, (profile, comment) in PROFILES.items():
        draw = partial(ordinary, (3, 6), profile)
        yield from families(name, "spread upstream-signed", comment, draw=draw, counts=2)


def turns(dtype: str) -> Iterator[Draft]:
    """Quarter turns, which are exact, and angles that differ by pair or by position alone."""
    every = (*((turn,) for turn in TURNS), TURNS)  # the same everywhere, then all of them in turn
    turned = (np.resize(turns, (3, 2, 2)) for turns in every)
    cases = tuple({**case(dtype), "cos": held(x[..., 0], dtype), "sin": held(x[..., 1], dtype)} for x in turned)
    comment = "Quarter turns: features change places and signs, and no digit."
    yield from families("quarter-turns", "square upstream-signed", comment, cases)
    for name, axis, comment in (
        ("equal-positions", 0, "The same angles at every position."),
        ("equal-pairs", 1, "The same angle for every pair."),
    ):
        given = case(dtype)
        lines = {name: np.take(given[name], [0], axis=axis) for name in ("cos", "sin")}
        alike = {name: np.repeat(line, given[name].shape[axis], axis=axis) for name, line in lines.items()}
        yield from families(name, "stride-zero upstream-signed", comment, ({**given, **alike},))


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and cases that differ by little."""
    yield from units(partial(case, dtype), (3, 4))
    comment = "The same upstream in every row, as broadcasting makes it."
    yield from families("backward-upstream-broadcast", "stride-zero", comment, (case(dtype, [[3, -5, 0.5, 2]] * 3),))
    yield from far_upstreams(scaled(partial(ordinary, (3, 4), bell), (3, 4)), dtype, cases=2)
    first, unit = case(dtype), math.ldexp(1.0, 1 - FORMATS[dtype].significand)
    yield from one_at_a_time(first, {name: np.roll(x, 1, axis=-1) for name, x in first.items()})
    near = (
        {name: held(x * 0 + 1 + k * unit * (name in ("dL_doutputs", "inputs")), dtype) for name, x in first.items()}
        for k in (1, 2, 3, 5)
    )
    yield from last_digits(*near)


def special(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN reach both of their pair, and nothing else; the ends of the range."""
    plain, end = case(dtype), ends(dtype)
    for word, values in (("nan", (math.nan,)), ("infinity", (math.inf, -math.inf))):
        places = product(("dL_doutputs", "inputs"), np.ndindex(3, 4))
        cases = tuple(with_element(plain, name, at, values[at[1] % len(values)]) for name, at in places)
        comment = f"One {'NaN' if word == 'nan' else 'infinity'} at each place in turn: it reaches its own pair alone."
        yield from families(word, word, comment, cases, level="robust")
    tables = {name: held(np.full((3, 2), 0.5), dtype) for name in ("cos", "sin")}
    for name, extremes, comment in (
        ("subnormal", (4 * end.smallest, -2 * end.smallest, end.subnormal), "Subnormal numbers, which are not 0."),
        ("near-overflow", (end.top, -end.top / 2), "Numbers near the largest one."),
    ):
        numbers = {n: held(np.resize(extremes, (3, 4)), dtype) for n in ("dL_doutputs", "inputs")}
        yield from families(name, name, comment, ({**numbers, **tables},), level="robust")


def sizes(dtype: str) -> Iterator[Draft]:
    """One of everything, nothing of something, and shapes that do not fit."""
    yield from families("smallest", "smallest batch-of-one", "One position, one pair.", (case(dtype, shape=(1, 2)),))
    for name, shape in {"": (0, 3, 4), "-positions": (2, 0, 4), "-features": (3, 0)}.items():
        cases = (case(dtype, shape=shape),)
        yield from families(f"empty{name}", "empty-batch", "Nothing to turn.", cases, level="robust")
    names, wrong = "rows one-row columns rank stacked", ((2, 4), (1, 4), (3, 2), (4,), (1, 3, 4))
    yield from mismatched(partial(case, dtype), names, wrong, (3, 4))
    tables = (2, 2), (1, 2), (4, 2), (3, 4), (3, 1)
    for name, table in zip(["positions", "one-position", "more-positions", "whole", "one-pair"], tables, strict=True):
        comment = f"Tables of shape {table} for inputs of shape (3, 4), to be broadcast or cut by none."
        yield from refused(f"mismatch-table-{name}", "size-mismatch", comment, case(dtype, table=table))
    for name, (other, table) in product(("cos", "sin"), {"one-pair": (3, 1), "more-positions": (4, 2)}.items()):
        comment = f"{name} of shape {table} beside a table of shape (3, 2), to be broadcast or cut by none."
        misfit = {**case(dtype, shape=(2, 3, 4)), name: case(dtype, table=table)[name]}
        yield from refused(f"mismatch-{name}-{other}", "size-mismatch", comment, misfit)
    for name, size in {"odd": 5, "three": 3}.items():
        comment = f"{size} features, which make no pairs."
        yield from refused(f"mismatch-{name}", "size-mismatch", comment, case(dtype, shape=(3, size)))
