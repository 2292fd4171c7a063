"""Attention of several heads: shapes, scores of real size, keys that are not seen, and special values."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from ...vectors.dtypes import HALF
from ...vectors.records import Parameter
from ..generation.draws import Shape, Words, held
from ..generation.profiles import heavy
from ..model.family import DRAWN, Draft, Inputs
from .paired import changed, families, one_at_a_time, refused, with_element
from .special_values import ends
from .upstreams import far_upstreams, mismatched, scaled, units


@dataclass(frozen=True)
class Sizes:
    """The sizes of a call: batch, heads of queries and of keys, queries, keys, features and features of values."""

    b: int
    h: int
    g: int
    s: int
    t: int
    d: int
    e: int

    def __str__(self) -> str:
        return "-".join(f"{name}{size}" for name, size in vars(self).items())

    @property
    def shapes(self) -> dict[str, Shape]:
        """Of the arguments of backward."""
        return {
            "dL_doutputs": (self.b, self.h, self.s, self.e),
            "query": (self.b, self.h, self.s, self.d),
            "key": (self.b, self.g, self.t, self.d),
            "value": (self.b, self.g, self.t, self.e),
        }


SMALL = Sizes(1, 2, 1, 3, 4, 2, 3)
SHAPES = (
    *(SMALL, Sizes(2, 1, 1, 3, 5, 4, 2), Sizes(1, 4, 2, 2, 3, 5, 2), Sizes(2, 3, 3, 4, 4, 4, 4)),
    *(Sizes(1, 1, 1, 1, 6, 3, 2), Sizes(1, 1, 1, 5, 1, 2, 3), Sizes(1, 2, 2, 5, 3, 1, 1), Sizes(1, 6, 2, 2, 2, 3, 1)),
    *(Sizes(1, 1, 1, 2, 3, 9, 1), Sizes(1, 1, 1, 2, 3, 1, 17), Sizes(2, 3, 3, 3, 3, 2, 2)),
)
LONG = {
    "float64": (
        *((129, 1, 1, 1, 2, 1, 1), (1, 1, 1, 2, 3, 129, 1), (1, 1, 1, 1, 2, 1, 129)),
        *((1, 1, 1, 2, 65, 2, 1), (1, 1, 1, 129, 2, 1, 2)),
    ),
    "float32": ((1, 1, 1, 1, 257, 1, 2), (1, 2, 1, 65, 3, 2, 1), (1, 1, 1, 33, 33, 1, 1)),
    "float16": ((1, 1, 1, 2, 129, 2, 1), (1, 1, 1, 33, 3, 2, 1)),
    "bfloat16": ((1, 1, 1, 2, 65, 2, 1), (1, 1, 1, 65, 2, 1, 2)),
}
"""By dtype, sizes with more of something than a block of a kernel takes, or one more."""
SCALE = 0.5


@dataclass(frozen=True)
class Attention:
    """The properties of an attention on which its families depend."""

    masks: Callable[[Words | None, Sizes, str], Mapping[str, np.ndarray]] = lambda *_: {}
    """Gives further arguments at a dtype, drawn where words are given."""
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: {"scale": SCALE})


def attention(kind: Attention, dtype: str, more: Iterable[Draft] = ()) -> Iterator[Draft]:
    """Give all families of an attention at a dtype."""
    parts = (drawn, upstreams, large_scores, special, sizes)
    yield from changed(chain(*(part(kind, dtype) for part in parts), more), {}, kind.parameters)


def ordinary(kind: Attention, of: Sizes, w: Words) -> Inputs:
    """Bell-shaped everything; in the half precisions, signs are arranged so that few sums cancel: else many gradients
    would be smaller than their tolerances."""
    tensors = _without_cancellation(of, w) if w.dtype in HALF else {n: w.normal(s) for n, s in of.shapes.items()}
    return {**tensors, **kind.masks(w, of, w.dtype)}


def _without_cancellation(of: Sizes, w: Words) -> dict[str, np.ndarray]:
    """Keys and values alternate in sign from key to key, values in size too; queries and upstreams have one sign for
    each feature, so that dp is large for every other key and small for those between."""
    features, columns = w.signs((of.d,)), w.signs((of.e,))
    side = (1 - 2 * ((np.arange(of.t) + w.integers((), 0, 2)) % 2))[:, None]

    def sized(name: str, low: float, high: float) -> np.ndarray:
        return w.uniform(of.shapes[name], low, high).astype(np.float64)

    return {
        "dL_doutputs": w.array(sized("dL_doutputs", 1, 2) * columns * w.signs((of.b, 1, 1, 1))),
        "query": w.array(sized("query", 0.5, 1) * w.signs((of.d,))),
        "key": w.array(sized("key", 0.5, 1) * features * side),
        "value": w.array(sized("value", 1, 2) * columns * np.where(side > 0, 1, -0.25)),
    }


def plain(
    kind: Attention, dtype: str, upstream: object = None, of: Sizes = SMALL, start: int = 0
) -> dict[str, np.ndarray]:
    """Give ordinary numbers, no two neighbours alike."""
    numbers = np.roll((1.5, -2, 0.75, 1.25, -0.5, 3, -1.75, 0.25, -1, 2, -0.75), start)
    case = {name: held(np.resize(np.roll(numbers, k), s), dtype) for k, (name, s) in enumerate(of.shapes.items())}
    case |= {} if upstream is None else {"dL_doutputs": held(upstream, dtype)}
    return {**case, **kind.masks(None, of, dtype)}


def drawn(kind: Attention, dtype: str) -> Iterator[Draft]:
    """Ordinary input of many sizes."""
    for of, flag, count in (
        *((of, "distinct-sizes", 2) for of in SHAPES),
        *((Sizes(*of), "odd-sizes", 1) for of in LONG[dtype]),
    ):
        comment, draw = f"Ordinary numbers, of sizes {of}.", partial(ordinary, kind, of)
        shared = " shared-heads" if of.h > of.g else ""
        flags = f"random {flag}{shared} upstream-signed"
        yield from families(f"random-{of}", flags, comment, draw=draw, counts=count)


def upstreams(kind: Attention, dtype: str) -> Iterator[Draft]:
    """Upstream gradients chosen to expose a wrong use of them, and cases that differ by little."""
    yield from units(partial(plain, kind, dtype), SMALL.shapes["dL_doutputs"])

    yield from far_upstreams(scaled(partial(ordinary, kind, SMALL)), dtype, half=(4, -4), cases=2)
    yield from one_at_a_time(plain(kind, dtype), plain(kind, dtype, start=3))


def large_scores(kind: Attention, dtype: str) -> Iterator[Draft]:
    """Scores as trained networks have them, which no bell-shaped input gives."""
    case = plain(kind, dtype)
    wide = {name: x.astype(np.float64) for name, x in case.items()}
    tails = heavy(Words("attention: heavy tails", dtype), SMALL.shapes["query"])
    for name, comment, changes in (
        ("heavy-tails", "Queries with heavy tails: some attend to one key alone, others to all.", {"query": tails}),
        ("large-scores", "Scores around 20: most queries attend to one key.", {"query": wide["query"] * 8}),
        ("small-scores", "Scores near 0: every key has about the same share.", {"query": wide["query"] / 64}),
        ("equal-keys", "Keys that are all the same: every key has the same share.", {"key": wide["key"] * 0 + 0.5}),
        ("zero-key", "A key of zeros, whose score is 0: it is seen all the same.", {"key": wide["key"] * _BUT_ONE}),
    ):
        cases = ({**case, **{n: held(x, dtype) for n, x in changes.items()}},)
        yield from families(name, "saturated upstream-signed", comment, cases)
    for depth in (200, 2496):
        deep = _deep(plain(kind, dtype, of=Sizes(2, 2, 1, 3, 4, 2, 3)), depth, dtype)
        comment = f"Rows whose scores are all about {depth}, or -{depth}."
        yield from families(f"deep-{depth}", "saturated upstream-signed", comment, (deep,))
    deep = _deep(plain(kind, dtype, of=Sizes(33, 1, 1, 1, 9, 1, 1)), 2496, dtype)
    comment = "Such scores in a batch of more than a block, with the largest in the last column or the first."
    yield from families("deep-batch", "saturated odd-sizes upstream-signed", comment, (deep,))
    below = plain(kind, dtype, of=Sizes(1, 1, 1, 3, 4, 2, 3))
    sides = {
        "query": np.resize([-(2.0**15), 2.0**15], (3, 1)) * [1, 0],
        "key": np.where([True, False], 1, below["key"].astype(np.float64)),
    }
    comment = "Rows whose scores are all -16384, or 16384: a maximum that starts at -1e4 shows."
    cases = ({**below, **{name: held(np.broadcast_to(x, below[name].shape), dtype) for name, x in sides.items()}},)
    yield from families("scores-below", "far-logits saturated upstream-signed", comment, cases)
    long = plain(kind, dtype, of=Sizes(1, 1, 1, 2, 65 if dtype in HALF else 129, 1, 1))
    long["query"], key = held([[[[1], [2]]]], dtype), long["key"].copy()
    key[..., -1, :] = 16
    comment = "The last key, alone in its block, has by far the largest score: what was added up before has to shrink."
    yield from families("last-largest", "saturated odd-sizes", comment, ({**long, "key": key},))
    for name, size in {"far-scores": 64, "farther-scores": 1024}.items():
        far = {**case, "query": held(wide["query"] * size, dtype)}
        yield from families(name, "far-logits saturated", "Scores of hundreds or thousands.", (far,), level="robust")


_BUT_ONE = np.array([[1], [0], [1], [1]])
"""Takes the second of four keys for zeros."""


def _deep(case: Mapping[str, np.ndarray], depth: float, dtype: str) -> dict[str, np.ndarray]:
    """A first feature that shifts all scores of a query by about the same, up or down."""
    query, key = case["query"].astype(np.float64), case["key"].astype(np.float64)
    query[..., 0] = depth / SCALE * np.resize([-1, 1, 1, -1, 1], query.shape[:-1])
    key[..., 0] = 1 + np.arange(key.shape[2]) * (2.0**-7 if dtype == "bfloat16" or depth < 1000 else 2.0**-10)
    return {**case, "query": held(query, dtype), "key": held(key, dtype)}


def special(kind: Attention, dtype: str) -> Iterator[Draft]:
    """NaN, subnormal numbers, and values that are large or tiny."""
    case = plain(kind, dtype)
    for tensor, comment in {
        "query": "A NaN in one query stays in its own outputs, and reaches the keys and values that it sees.",
        "key": "A NaN in one key reaches the queries that see it.",
        "value": "A NaN in one value reaches its feature of the outputs, and the queries that see it.",
        "dL_doutputs": "A NaN of the upstream reaches its own query, and the keys and values that it sees.",
    }.items():
        seen = {mask: np.ones_like(case[mask]) for mask in kind.masks(None, SMALL, dtype)}  # else 0 / NaN may be 0
        spoilt = with_element({**case, **seen}, tensor, (0, 0, 1, 0), math.nan)
        name = "backward-nan" if tensor == "dL_doutputs" else f"nan-{tensor}"
        yield from families(name, "nan", comment, (spoilt,), level="robust")
    exponents, wide = (6, -8 if dtype == "float16" else -30), case["value"].astype(np.float64)
    sized = tuple({**case, "value": held(np.ldexp(wide, exponent), dtype)} for exponent in exponents)
    comment = "Values, and so outputs, that are large, and tiny ones: neither are clipped nor taken for 0."
    yield from families("values-apart", "spread small-values", comment, sized)

    half = ends(dtype).subnormal
    for name, tensor in {"forward-subnormal-values": "value", "backward-subnormal-upstream": "dL_doutputs"}.items():
        small = np.resize([half, half / 2], SMALL.shapes[tensor])
        comment = f"Subnormal numbers in {tensor}: what is computed of them may be 0, but not of the other sign."
        yield from families(name, "subnormal", comment, ({**case, tensor: held(small, dtype)},), level="robust")


def sizes(kind: Attention, dtype: str) -> Iterator[Draft]:
    """One of everything, nothing of something, and shapes that do not fit."""
    one = Sizes(1, 1, 1, 1, 1, 1, 1)
    yield from families("smallest", "smallest batch-of-one", "One query, one key.", (plain(kind, dtype, of=one),))
    for name, of in {"batch": Sizes(0, 2, 1, 3, 4, 2, 3), "queries": Sizes(1, 2, 1, 0, 4, 2, 3)}.items():
        comment = f"No {name}: nothing comes out, and gradients are 0."
        yield from families(f"empty-{name}", "empty-batch", comment, (plain(kind, dtype, of=of),), level="robust")
    shape = SMALL.shapes["dL_doutputs"]
    wrong: tuple[Shape, ...] = ((1, 2, 2, 3), (1, 1, 3, 3), (1, 2, 3, 1), (2, 3, 3))
    yield from mismatched(partial(plain, kind, dtype), "queries one-head one-feature rank", wrong, shape)
    for name, shapes in {
        "heads": {"query": (1, 3, 3, 2), "key": (1, 2, 4, 2), "value": (1, 2, 4, 3)},
        "features": {"key": (1, 1, 4, 3)},
        "keys": {"value": (1, 1, 5, 3)},
        "batch": {"query": (2, 2, 3, 2), "key": (2, 1, 4, 2)},
    }.items():
        misfit = {**plain(kind, dtype), **{n: held(np.ones(s), dtype) for n, s in shapes.items()}}
        yield from refused(f"forward-mismatch-{name}", "size-mismatch", f"{name} that do not fit.", misfit)


def with_parameters(
    kind: Attention, name: str, flags: str, of: Sizes, given: dict[str, Any], point: str | None = None
) -> Iterator[Draft]:
    """Give drawn families of a kind under further parameters."""
    said = ", ".join(f"{parameter}={value}" for parameter, value in given.items())
    comment, draw = f"{said}, of sizes {of}.", partial(ordinary, kind, of)
    counts = 1 if "odd-sizes" in flags else 2
    more = families(f"random-{name}", f"random {flags} upstream-signed", comment, draw=draw, counts=counts, point=point)
    for draft in more:
        yield replace(draft, parameters={**draft.parameters, **given}, count=min(draft.count, DRAWN))
