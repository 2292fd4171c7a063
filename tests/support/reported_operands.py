"""Reported faults of operations on two tensors and of reductions, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from backproof.reference.model.broadcasting import undo_broadcast
from backproof.reference.model.reductions import kept, terms
from backproof.reference.ops import cosine_similarity, logsumexp, max, maximum, power, silu, swiglu
from backproof.reference.ops.l2_normalize import norms
from public_reports import Array, Function, Report, at, reported

NAN, INFINITY = np.nan, np.inf
Row = tuple[Any, ...]
"""Where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small call, what is
due there, what is given, and True where robust inputs alone show it."""
PAIR, ROW = [[1.0, 2.0], [3.0, 5.0]], [[10.0, 20.0]]
"""Two rows, and one that is broadcast to both."""


def each(of_a: Function, of_b: Function, undo: Function, g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Gradients of two operands, by their element, and how broadcasting is undone."""
    return undo(of_a(g, a, b), a.shape), undo(of_b(g, a, b), b.shape)


def as_it_is(gradient: Array, _: Any) -> Array:
    return gradient


def by_mean(gradient: Array, shape: Any) -> Array:
    """Undoes broadcasting with a mean."""
    summed = undo_broadcast(gradient, shape)
    return summed * (summed.size / gradient.size if gradient.size else 1)


def of_add(undo: Function) -> Function:
    return partial(each, lambda g, *_: g, lambda g, *_: g, undo)


def of_multiply(undo: Function) -> Function:
    return partial(each, lambda g, _, b: g * b, lambda g, a, _: g * a, undo)


def of_both(of_a: Function, of_b: Function) -> Function:
    return partial(each, of_a, of_b, undo_broadcast)


def of_divide(of_b: Function) -> Function:
    return of_both(lambda g, _, b: g / b, of_b)


def power_of_base(g: Array, a: Array, b: Array) -> Array:
    return g * b * power.powers(a, b, 1)


def power_of_exponent(g: Array, a: Array, b: Array) -> Array:
    return g * power.powers(a, b) * np.log(a)


def all_to_both(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return undo_broadcast(np.where(a >= b, g, 0), a.shape), undo_broadcast(np.where(b >= a, g, 0), b.shape)


def written_to_first(g: Array, gate: Array, up: Array) -> tuple[Any, ...]:
    """The last row's gradients in the first row, and nothing in the others."""

    def misplaced(rows: Array) -> Array:
        found = np.zeros_like(rows)
        found[:1] = rows[-1:]
        return found

    return tuple(misplaced(x) if x.ndim else x for x in swiglu.backward(g, gate, up))


def spread(scale: Function, g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """The upstream of each element of a reduction, divided by a function of both tensors and the axis."""
    return np.broadcast_to(kept(g, x, axis, keepdims) / scale(g, x, axis), x.shape)


def broadcast_as_numpy_does(g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """Never puts the axes back where they were."""
    return np.broadcast_to(g, x.shape)


def masked(mask: Function, g: Array, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """The upstream where a mask of the inputs and their largest holds."""
    return np.where(mask(x, x.max(axis=axis, keepdims=True)), kept(g, x, axis, keepdims), 0)


def logsumexp_of(shift: Function, place: Function, x: Array, *, axis: Any, keepdims: bool = False) -> Array:
    """Shifted exponentials, whose shift is put back by a function of it, the axis and whether axes are kept."""
    s = shift(x, axis)
    return np.log(np.exp(x - s).sum(axis=axis, keepdims=keepdims)) + place(s, axis, keepdims)


def put_back(s: Array, axis: Any, keepdims: bool) -> Array:
    return s if keepdims else s.squeeze(axis)


def variance_over(divisor: Function, x: Array, *, axis: Any, keepdims: bool = False, correction: int = 0) -> Array:
    centred = x - x.mean(axis=axis, keepdims=True)
    outputs = (centred * centred).sum(axis=axis, keepdims=keepdims)
    return outputs / divisor(x.size, outputs.size, correction)


def variance_backward(
    at_none: Function, g: Array, x: Array, *, axis: Any, keepdims: bool = False, correction: int = 0
) -> Array:
    """Of no more values than the correction, what a function of the upstream and the inputs gives."""
    n = terms(x.shape, axis) - correction
    upstream = kept(g, x, axis, keepdims)
    return at_none(upstream, x) if n <= 0 else 2 * upstream * (x - x.mean(axis=axis, keepdims=True)) / n


def cosine_by(denominator: Function, a: Array, b: Array, *, eps: float) -> Array:
    return (a * b).sum(axis=-1) / denominator(norms(a, -1), norms(b, -1), eps)[..., 0]


def of_gradients() -> tuple[Row, ...]:
    """Gradients that are wrong."""
    power_backward = of_both(power_of_base, power_of_exponent)
    return (
        ("deeplearning4j/nd4j#2424", "broadcasting not undone", "add",
         of_add(as_it_is), of_add(undo_broadcast), at(PAIR, PAIR, ROW, result=1), [[4, 7]], PAIR),
        ("philipperemy/tensorflow-phased-lstm#9", "broadcasting undone with a mean", "add",
         of_add(by_mean), of_add(undo_broadcast), at(PAIR, PAIR, ROW, result=1), [[4, 7]], [[2, 3.5]]),
        ("tenstorrent/tt-metal#40008", "broadcasting not undone", "multiply",
         of_multiply(as_it_is), of_multiply(undo_broadcast),
         at(PAIR, PAIR, ROW, result=1), [[10, 29]], [[1, 4], [9, 25]]),
        ("apache/singa PR 484", "a quotient and a product", "divide",
         of_both(lambda g, a, _: g / a, lambda g, _, b: g * b), of_divide(lambda g, a, b: -g * a / b / b),
         at([1.0], [2.0], [4.0]), [0.25], [0.5]),
        ("tenstorrent/tt-metal#52376", "the square inverted", "divide",
         of_divide(lambda g, a, b: -g * a * (1 / (b * b))), of_divide(lambda g, a, b: -g * (a / b / b)),
         at([1.0], [1e-30], [1e-20], result=1), [-1e10], [-INFINITY], True),
        ("pytorch/pytorch#56734", "all of the upstream to both", "maximum",
         all_to_both, maximum.backward, at([1.0], [2.0], [2.0]), [0.5], [1]),
        ("tenstorrent/tt-metal#54439", "infinite for negative bases", "power",
         of_both(lambda g, a, b: np.where(a <= 0, INFINITY, power_of_base(g, a, b)), power_of_exponent),
         power_backward, at([1.0], [-2.0], [2.0]), [-4], [INFINITY], True),
        ("tenstorrent/tt-metal#55289", "base and exponent exchanged", "power",
         of_both(power_of_base, lambda g, a, b: g * a * power.powers(b, a, 1)), power_backward,
         at([1.0], [2.0], [3.0], result=1), [5.54518], [6]),
        ("tensorflow/mesh#6", "the power over its base", "power",
         of_both(lambda g, a, b: g * b * power.powers(a, b) / a, power_of_exponent), power_backward,
         at([1.0], [0.0], [2.0]), [0], [NAN], True),
        ("unslothai/unsloth#3314", "gate and up exchanged", "swiglu",
         lambda g, gate, up: swiglu.backward(g, gate, up)[::-1], swiglu.backward,
         at([1.0], [0.0], [3.0]), [1.5], [0]),
        ("ByteDance-Seed/Triton-distributed#180", "every row written to the first", "swiglu",
         written_to_first, lambda g, gate, up: (silu.backward(g * up, gate), g * silu.forward(gate)),
         at([[1.0], [1.0]], [[0.0], [0.0]], [[3.0], [4.0]]), [[1.5], [2]], [[2], [0]]),
        ("harvard-edge/cs249r_book PR 1867", "axes not put back", "sum",
         broadcast_as_numpy_does, partial(spread, lambda *_: 1),
         at([1.0, 2.0], PAIR, axis=1), [[1, 1], [2, 2]], [[1, 2], [1, 2]]),
        ("pocketpy/cTensor PR 24", "divided by the number of outputs", "mean",
         partial(spread, lambda g, *_: g.size), partial(spread, lambda _, x, axis: terms(x.shape, axis)),
         at([6.0], [[1.0, 2.0, 3.0]], axis=1), [[2, 2, 2]], [[6, 6, 6]]),
        ("kakaobrain/trident PR 66", "not divided", "mean",
         partial(spread, lambda *_: 1), partial(spread, lambda _, x, axis: terms(x.shape, axis)),
         at(6.0, [1.0, 2.0, 3.0], axis=None), [2, 2, 2], [6, 6, 6]),
        ("apache/mxnet#18563", "all of the upstream to each", "max",
         partial(masked, lambda x, m: x == m), max.backward, at(1.0, [2.0, 2.0], axis=0), [0.5, 0.5], [1, 1]),
        ("mni-ml/framework PR 22", "a tolerance in the mask", "max",
         partial(masked, lambda x, m: abs(x - m) < 1e-2), max.backward, at(1.0, [2.0, 1.995], axis=0), [1, 0], [1, 1]),
        ("apache/mxnet PR 4171", "the upstream compared with itself", "max",
         partial(masked, lambda x, _: x == x), max.backward, at(1.0, [2.0, 1.0], axis=0), [1, 0], [1, 1]),
        ("pytorch/pytorch#94184", "infinite for a single value", "variance",
         partial(variance_backward, lambda g, x: INFINITY * g + 0 * x),
         partial(variance_backward, lambda g, x: NAN * (g + x)),
         at([1.0], [[3.0]], axis=1, correction=1), [[NAN]], [[INFINITY]], True),
    )  # fmt: skip


def of_outputs() -> tuple[Row, ...]:
    """Outputs that are wrong."""
    return (
        ("tinygrad/tinygrad PR 881", "the correction taken off all values", "variance",
         partial(variance_over, lambda n, outputs, c: (n - c) / outputs),
         partial(variance_over, lambda n, outputs, c: n / outputs - c),
         at([[1.0, 3.0], [1.0, 3.0]], axis=1, correction=1), [2, 2], [1.33333, 1.33333]),
        ("alibaba/heterogeneity-aware-lowering-and-optimization PR 449", "no shift", "logsumexp",
         partial(logsumexp_of, lambda x, axis: np.zeros_like(x.max(axis=axis, keepdims=True)), put_back),
         partial(logsumexp_of, logsumexp.finite_max, put_back), at([100.0, 100.0], axis=0), 100.6931, INFINITY),
        ("tinygrad/tinygrad PR 14268", "the axis of the shift taken out, whether axes are kept or not", "logsumexp",
         partial(logsumexp_of, logsumexp.finite_max, lambda s, axis, _: s.squeeze(axis)),
         partial(logsumexp_of, logsumexp.finite_max, put_back),
         at([[0.0, 0.0], [5.0, 5.0]], axis=1, keepdims=True), [[0.6931], [5.6931]], [[0.6931, 5.6931]] * 2),
        ("google-deepmind/optax PR 1703", "eps for the norm's square", "cosine_similarity",
         partial(cosine_by, lambda a, b, eps: np.sqrt(np.maximum(a * a, eps) * np.maximum(b * b, eps))),
         cosine_similarity.forward, at([[0.5, 0.0]], [[1.0, 0.0]], eps=0.5), [1], [0.70711]),
        ("pytorch/pytorch PR 31378", "eps for the product of the norms", "cosine_similarity",
         partial(cosine_by, lambda a, b, eps: np.maximum(a * b, eps)), cosine_similarity.forward,
         at([[0.25, 0.0]], [[4.0, 0.0]], eps=0.5), [0.5], [1]),
        ("tracel-ai/burn#5584", "eps squared underflows", "cosine_similarity",
         partial(cosine_by, lambda a, b, eps: np.maximum(a, eps) * np.maximum(b, eps)), cosine_similarity.forward,
         at([[0.0, 0.0]], [[0.0, 0.0]], eps=1e-30), [0], [NAN], True),
    )  # fmt: skip


REPORTS: tuple[Report, ...] = (
    *(reported("backward", *row) for row in of_gradients()),
    *(reported("forward", *row) for row in of_outputs()),
)
