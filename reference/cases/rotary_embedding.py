"""Families of cases for rotary position embeddings."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain, product

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, held
from ..generation.profiles import Profile, bell, heavy, integers, offset
from ..kinds.paired import changed, families, one_argument_at_a_time, refused
from ..kinds.special_values import ends
from ..kinds.upstreams import far_upstreams, mismatched, units
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
        yield from families(f"random-{'x'.join(map(str, shape))}", flags, comment, draw=draw, counts=(count, count))
    for name, (profile, comment) in PROFILES.items():
        draw = partial(ordinary, (3, 6), profile)
        yield from families(name, "spread upstream-signed", comment, draw=draw, counts=(2, 2))


def turns(dtype: str) -> Iterator[Draft]:
    """Quarter turns, which are exact, and angles that differ by pair or by position alone."""
    cases = []
    for cos, sin in TURNS:
        tables = {"cos": held(np.full((3, 2), cos), dtype), "sin": held(np.full((3, 2), sin), dtype)}
        cases.append({**case(dtype), **tables})
    every = np.array([TURNS[k % 4] for k in range(6)]).reshape(3, 2, 2)
    cases.append({**case(dtype), "cos": held(every[..., 0], dtype), "sin": held(every[..., 1], dtype)})
    comment = "Quarter turns: features change places and signs, and no digit."
    yield from families("quarter-turns", "square upstream-signed", comment, tuple(cases))
    for name, axis, comment in (
        ("equal-positions", 0, "The same angles at every position."),
        ("equal-pairs", 1, "The same angle for every pair."),
    ):
        given = case(dtype)
        for table in ("cos", "sin"):
            line = np.take(given[table], [0], axis=axis)
            given = {**given, table: np.repeat(line, given[table].shape[axis], axis=axis)}
        yield from families(name, "stride-zero upstream-signed", comment, (given,))


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and cases that differ by little."""
    yield from units(partial(case, dtype), (3, 4))
    comment = "The same upstream in every row, as broadcasting makes it."
    yield from families("backward-upstream-broadcast", "stride-zero", comment, (case(dtype, [[3, -5, 0.5, 2]] * 3),))

    def scaled(w: Words, exponent: int) -> Inputs:
        upstream = np.ldexp(w.signed((3, 4), 1, 2).astype(np.float64), exponent)
        return {**ordinary((3, 4), bell, w), "dL_doutputs": w.array(upstream)}

    yield from changed(far_upstreams(scaled, dtype, *((6, -4) if dtype == "float16" else (12, -20))), {}, cases=2)
    first, unit = case(dtype), math.ldexp(1.0, 1 - FORMATS[dtype].significand)
    last = {name: np.roll(x, 1, axis=-1) for name, x in first.items()}
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    yield from families("one-argument-at-a-time", "successive", comment, one_argument_at_a_time(first, last))
    cases = tuple(
        {name: held(x * 0 + 1 + k * unit * (name in ("dL_doutputs", "inputs")), dtype) for name, x in first.items()}
        for k in (1, 2, 3, 5)
    )
    comment = "Each case differs from the one before in the last digits alone: results remembered for it show."
    yield from families("last-digits", "successive", comment, cases)


def special(dtype: str) -> Iterator[Draft]:
    """Infinities and NaN reach both of their pair, and nothing else; the ends of the range."""
    plain, end = case(dtype), ends(dtype)
    for word, values in (("nan", (math.nan,)), ("infinity", (math.inf, -math.inf))):
        cases = []
        for name, at in product(("dL_doutputs", "inputs"), np.ndindex(3, 4)):
            spoilt = plain[name].copy()
            spoilt[at] = values[at[1] % len(values)]
            cases.append({**plain, name: spoilt})
        comment = f"One {'NaN' if word == 'nan' else 'infinity'} at each place in turn: it reaches its own pair alone."
        yield from families(word, word, comment, tuple(cases), level="robust")
    tables = {name: held(np.full((3, 2), x), dtype) for name, x in (("cos", 0.5), ("sin", 0.5))}
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
        yield from families(
            f"empty{name}", "empty-batch", "Nothing to turn.", (case(dtype, shape=shape),), level="robust"
        )
    names, wrong = "rows one-row columns rank stacked", ((2, 4), (1, 4), (3, 2), (4,), (1, 3, 4))
    yield from mismatched(partial(case, dtype), names, wrong, (3, 4))
    tables = {
        "positions": (2, 2),
        "one-position": (1, 2),
        "more-positions": (4, 2),
        "whole": (3, 4),
        "one-pair": (3, 1),
    }
    for name, table in tables.items():
        comment = f"Tables of shape {table} for inputs of shape (3, 4), to be broadcast or cut by none."
        yield from refused(f"mismatch-table-{name}", "size-mismatch", comment, case(dtype, table=table))
    for name, (other, table) in product(("cos", "sin"), {"one-pair": (3, 1), "more-positions": (4, 2)}.items()):
        comment = f"{name} of shape {table} beside a table of shape (3, 2), to be broadcast or cut by none."
        misfit = {**case(dtype, shape=(2, 3, 4)), name: case(dtype, table=table)[name]}
        yield from refused(f"mismatch-{name}-{other}", "size-mismatch", comment, misfit)
    for name, size in {"odd": 5, "three": 3}.items():
        comment = f"{size} features, which make no pairs."
        yield from refused(f"mismatch-{name}", "size-mismatch", comment, case(dtype, shape=(3, size)))
