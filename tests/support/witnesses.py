"""Calls at which a wrong implementation may give itself away, and what counts as giving itself away.

They are drawn here, by themselves: no golden case has a part in saying that a fault is one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from backproof.reference.model.operation import operation
from backproof.vectors.dtypes import DTYPES, FORMATS, numpy_dtype

FACTOR = {8: 2048, 4: 2048, 2: 8}
"""How many unit roundoffs of the largest element a result must be off, by the bytes of an element: far more than any
order of computation makes, sums being shorter than 2048 and accumulated in float32 for two bytes."""
INF, NAN = np.inf, np.nan


@dataclass(frozen=True)
class Witness:
    """A call, its tensors still in float64."""

    direction: str
    tensors: tuple[np.ndarray, ...]
    parameters: Mapping[str, str]

    def at(self, dtype: str) -> list[np.ndarray]:
        """Fresh arguments of a dtype; index labels stay int64."""
        return [np.array(t if t.dtype.kind == "i" else t.astype(numpy_dtype(dtype))) for t in self.tensors]


Function = Callable[..., Any]


def gives_itself_away(op: str, witness: Witness, function: Function) -> str:
    """Say at which dtype and how a function differs from the reference or breaks the contract; "" if it does not."""
    with np.errstate(all="ignore"):
        for dtype in DTYPES:
            if how := _differs(op, witness, function, dtype):
                return f"{dtype}: {how}"
    return ""


def _differs(op: str, witness: Witness, function: Function, dtype: str) -> str:
    given, untouched = witness.at(dtype), witness.at(dtype)
    answers = _answers(op, witness, untouched)
    try:
        returned = _tuple(function(*given, **witness.parameters))
    except Exception:
        return "raises" if answers else ""
    if not answers:
        return "accepts what the reference refuses"
    if any(a.tobytes() != b.tobytes() for a, b in zip(given, untouched, strict=True)):
        return "changes an argument"
    if not any(_close(returned, answer, dtype) for answer in answers):
        return "differs"
    kept = [np.array(r) for r in returned]
    again = _tuple(function(*witness.at(dtype), **witness.parameters))
    if not _close(again, kept, dtype):
        return "differs when called again"
    function(*[t[::-1].copy() if t.ndim and t.dtype.kind != "i" else t for t in untouched], **witness.parameters)
    if not _close(returned, kept, dtype):
        return "its result is overwritten by the next call"
    fortran = function(*[np.array(t, order="F") for t in witness.at(dtype)], **witness.parameters)
    if not _close(_tuple(fortran), kept, dtype):
        return "differs for Fortran-ordered arguments"
    broadcast = function(*map(_without_repetition, untouched), **witness.parameters)
    return "" if _close(_tuple(broadcast), kept, dtype) else "differs for broadcast arguments"


def _without_repetition(tensor: np.ndarray) -> np.ndarray:
    """The same values with a stride of 0 along the first axis, where all rows are equal."""
    repeats = tensor.ndim > 1 and len(tensor) > 1 and (tensor == tensor[:1]).all()
    return np.broadcast_to(tensor[:1].copy(), tensor.shape) if repeats else tensor


def _answers(op: str, witness: Witness, tensors: list[np.ndarray]) -> list[tuple[Any, ...]]:
    """What the reference gives in float64, by each convention; nothing where it refuses."""
    described, wide = operation(op), [t if t.dtype.kind == "i" else t.astype(np.float64) for t in tensors]
    others = [
        by[witness.direction][0].function
        for (point, _), by in described.alternatives.items()
        if witness.direction in by and point != "empty_mean"  # its formula is another only where there are no rows
    ]
    try:
        return [_tuple(f(*wide, **witness.parameters)) for f in (described.functions[witness.direction], *others)]
    except ValueError:
        return []


def _close(returned: tuple[Any, ...], answer: Iterable[Any], dtype: str) -> bool:
    due = tuple(np.asarray(a) for a in answer)
    return len(returned) == len(due) and all(_one_close(r, d, dtype) for r, d in zip(returned, due, strict=True))


def _one_close(got: Any, due: np.ndarray, dtype: str) -> bool:
    if not isinstance(got, np.ndarray) or got.dtype != numpy_dtype(dtype) or got.shape != due.shape:
        return False
    wide, wanted = got.astype(np.float64), due.astype(np.float64)
    fits = np.isfinite(wanted.astype(numpy_dtype(dtype)).astype(np.float64)) | ~np.isfinite(wanted)
    finite = np.isfinite(wanted) & fits
    allowed = (
        float(FORMATS[dtype].unit_roundoff) * FACTOR[numpy_dtype(dtype).itemsize] * abs(wanted[finite]).max(initial=0)
    )
    near = (abs(wide - wanted) <= allowed + 1e-40) | (wide == wanted) | (np.isnan(wide) & np.isnan(wanted))
    return bool((near | ~fits).all())


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def witnesses(op: str) -> Iterator[Witness]:
    """Give the calls for one operation."""
    yield from DRAWS[op](np.random.default_rng(20240229))


def _both(forward: tuple[np.ndarray, ...], upstream: np.ndarray, **parameters: str) -> Iterator[Witness]:
    yield Witness("forward", forward, parameters)
    yield Witness("backward", (upstream, *forward), parameters)


def _dense(r: np.random.Generator) -> Iterator[Witness]:
    sizes = [(1, 3, 2), (3, 4, 2), (4, 4, 4), (3, 3, 2), (2, 4, 4), (3, 2, 3), (9, 17, 10), (2, 33, 9)]
    for n, i, o in [*sizes, (35, 3, 5), (131, 3, 2), (0, 3, 2)]:
        x, w, b, g = (r.normal(size=s) * 2 for s in [(n, i), (i, o), (1, o), (n, o)])
        yield from _both((x, w, b), g)
        yield from _both((x, w, b * 0), g)
    x, w, b, g = (r.normal(size=s) for s in [(4, 4), (4, 2), (1, 2), (4, 2)])
    yield from _both((x * [[1e6], [1e6], [1], [1]], w, b), g)
    yield from _both((x * [[0], [1], [1], [1]], w, b), np.stack([g[:, 0], -g[:, 0]], axis=1))
    yield from _both((np.full((4, 4), NAN), w, b), g * NAN)
    x, w, b, g = (np.ones(s) for s in [(1000, 2), (2, 2), (1, 2), (1000, 2)])
    yield from _both((x, w, b), g)
    yield Witness("forward", (np.ones((2, 3)), np.ones((4, 2)), np.ones((1, 2))), {})


def _relu(r: np.random.Generator) -> Iterator[Witness]:
    for shape in [(5,), (1, 4), (3, 3), (4, 5), (7, 9), (2, 3, 4), (2, 3, 2, 5), (0, 3)]:
        yield from _both((r.normal(size=shape) * 4,), r.normal(size=shape) * 2)
    special = np.array([0.0, -0.0, 2e-7, 7, 100, -1, 1e-30])
    yield from _both((special,), np.arange(2.0, 9))
    yield from _both((np.array([[1, 3e38, -INF, NAN, 6e4, -1]]),), np.array([[INF, 1, NAN, 2, NAN, 3]]))
    yield from _both((np.array([1e308, 3.0]),), np.array([NAN, 1.0]))
    yield from _both((r.normal(size=(4, 5)),), np.tile(r.normal(size=(1, 5)), (4, 1)))
    yield Witness("backward", (np.ones((1, 3)), np.ones((2, 3))), {})


def _softmax(r: np.random.Generator) -> Iterator[Witness]:
    shapes = [(5,), (1, 4), (3, 3), (2, 3, 4), (2, 3, 2, 5), (3, 10), (2, 1), (2, 2), (2, 600), (2, 1000), (0, 4)]
    for shape in shapes:
        yield from _both((r.normal(size=shape) * 2,), r.normal(size=shape) * 2)
    g = r.normal(size=(2, 3))
    for rows in (
        [[800, 790, 1], [1, 2, 3]],
        [[-800, -801, -799], [1, 2, 3]],
        [[0, -25, 1], [2, 900, -900]],
        [[0, 1, 2], [-3, 0, 1]],
        [[-INF, 1, 2], [1, 2, 3]],
        [[-INF, -INF, -INF], [1, 2, 3]],
        [[NAN, 1, 2], [1, 2, 3]],
    ):
        yield from _both((np.array(rows, float),), g)
    yield from _both((np.array([[1, 2, 3.0], [3, 1, 2]]),), np.array([[NAN, 1, 2], [1, 2, 3]]))
    yield from _both((np.arange(80.0)[None] / 8,), r.normal(size=(1, 80)))
    yield from _both((np.zeros((1, 1000)),), r.normal(size=(1, 1000)))


LABEL_FORMS = ("index", "one-hot", "soft")


def _labels(r: np.random.Generator, n: int, c: int, form: str) -> np.ndarray:
    index = r.integers(0, c, n)
    if form == "index":
        return index
    hot = np.eye(c)[index]
    return hot if form == "one-hot" or c == 1 else 0.75 * hot + 0.25 * np.eye(c)[(index + 1) % c]


def _losses(r: np.random.Generator, scores: Callable[[int, int], np.ndarray]) -> Iterator[Witness]:
    """Calls of a loss of scores (N, C): every reduction with every form of labels, at every size."""
    for (n, c), reduction, form in product(
        [(3, 5), (1, 3), (4, 4), (17, 10), (2, 2), (3, 1), (2, 300), (0, 3)], ("mean", "sum", "none"), LABEL_FORMS
    ):
        upstream = np.asarray(r.normal(size=n if reduction == "none" else ()) * 2)
        yield from _both((scores(n, c), _labels(r, n, c, form)), upstream, reduction=reduction)
    for labels in ([-1, 0], [1, 3], [1]):
        yield from _both((scores(2, 3), np.array(labels)), np.asarray(1.5), reduction="sum")


def _cross_entropy(r: np.random.Generator) -> Iterator[Witness]:
    yield from _losses(r, lambda n, c: r.uniform(0.05, 0.95, (n, c)))
    p = np.array([[1e-4, 0.5, 0.25], [3e-8, 0.75, 0.125]])
    for rows in (p, np.array([[0, 1, 0], [0.5, 0, 0.5]]), np.array([[1e-8, 1, 0.5], [0.5, 1e-9, 0.5]])):
        for labels in (np.array([0, 0]), np.array([1, 2]), np.array([[1.0, 0, 0], [0, 0, 1]])):
            yield from _both((rows, labels), np.asarray(1.5), reduction="sum")
    tiny = np.array([[1e-39, 0.5, 0.25], [0.5, 0.25, 0.125]])
    yield from _both((tiny, np.array([0, 1])), np.asarray(2.0**-10), reduction="sum")
    ones = np.full((1000, 2), 0.25)
    yield from _both((ones, np.zeros(1000, int)), np.asarray(1.5), reduction="mean")


def _softmax_cross_entropy(r: np.random.Generator) -> Iterator[Witness]:
    yield from _losses(r, lambda n, c: r.normal(size=(n, c)) * 2)
    for rows in ([[900, 1, 2], [1, 2, 3]], [[-900, -901, -900], [1, 2, 3]], [[12, 0, 1], [0, 9, 0.5]]):
        for labels in (np.array([0, 0]), np.array([1, 2])):
            yield from _both((np.array(rows, float), labels), np.asarray(1.5), reduction="sum")
    yield from _both((np.array([[20.0, 0, 1], [5, 0, 1]]), np.array([1, 0])), np.asarray(1.5), reduction="sum")
    yield from _both((np.array([[-INF, 0, 1]]), np.array([1])), np.asarray(1.5), reduction="sum")
    yield from _both((np.arange(200.0)[None] / 16, np.array([199])), np.asarray(1.5), reduction="sum")


def _from_outputs(r: np.random.Generator) -> Iterator[Witness]:
    def outputs(n: int, c: int) -> np.ndarray:
        exponentials = np.exp(r.normal(size=(n, c)) * 2)
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    yield from (w for w in _losses(r, outputs) if w.direction == "backward")
    for rows in ([[0, 1, 0], [0.25, 0.5, 0.25]], [[1e-9, 0.5, 0.5], [0, 0, 1]]):
        for labels in (np.array([0, 1]), np.array([1, 2])):
            yield Witness("backward", (np.asarray(1.5), np.array(rows, float), labels), {"reduction": "sum"})


def _mlp(r: np.random.Generator) -> Iterator[Witness]:
    sizes = [(3, 4, 5, 2), (1, 2, 3, 4), (3, 4, 4, 4), (4, 3, 2, 2), (2, 3, 3, 5), (3, 2, 20, 3)]
    for (n, i, h, c), reduction, form in product(sizes, ("mean", "sum", "none"), LABEL_FORMS):
        x, w1, b1, w2, b2 = (r.normal(size=s) * 1.5 for s in [(n, i), (i, h), (1, h), (h, c), (1, c)])
        upstream = np.asarray(r.normal(size=n if reduction == "none" else ()) * 2)
        yield from _both((x, w1, b1, w2, b2, _labels(r, n, c, form)), upstream, reduction=reduction)
    x, w1, b1, w2, b2 = (r.normal(size=s) for s in [(3, 2), (2, 4), (1, 4), (4, 3), (1, 3)])
    yield from _both((x, w1, b1 - 40, w2, b2, np.array([0, 1, 2])), np.asarray(1.5), reduction="mean")
    yield from _both((x, w1, b1, w2 * 900, b2, np.array([0, 1, 2])), np.asarray(1.5), reduction="mean")


DRAWS: dict[str, Callable[[np.random.Generator], Iterator[Witness]]] = {
    "dense": _dense,
    "relu": _relu,
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "softmax_cross_entropy_from_outputs": _from_outputs,
    "mlp": _mlp,
}
