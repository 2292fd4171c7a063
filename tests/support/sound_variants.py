"""Right implementations that differ in every legitimate way: none of them may be failed.

Each is an adapter. Most compute all operations by one text, `operations`, and differ in how they add up, multiply
matrices, divide, and in what precision; the rest differ in their formulas or in how they hand results back.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from backproof.vectors.dtypes import DTYPES

Array = Any
Function = Callable[..., Any]
Fold = Callable[[Array], Array]
"""From terms along the first axis to their sum."""


@dataclass(frozen=True)
class SoundVariant:
    """A right implementation as an adapter."""

    name: str
    differs: str
    functions: Mapping[str, Function] = field(repr=False)
    """By an adapter's names."""
    dtypes: tuple[str, ...] = DTYPES
    precision: Mapping[str, str] = field(default_factory=dict)
    share: int = 1
    """One family in so many is tried with it."""

    def __getattr__(self, attribute: str) -> Function:
        functions: Mapping[str, Function] = self.__dict__.get("functions", {})
        if attribute in functions:
            return functions[attribute]
        raise AttributeError(attribute)


# Ways to add up ---------------------------------------------------------------------------------------------------


def left_to_right(terms: Array) -> Array:
    total = np.zeros(terms.shape[1:], terms.dtype)
    for term in terms:
        total = total + term
    return total


def right_to_left(terms: Array) -> Array:
    return left_to_right(terms[::-1])


def shuffled(terms: Array) -> Array:
    return left_to_right(terms[np.random.default_rng(7).permutation(len(terms))])


def smallest_first(terms: Array) -> Array:
    return left_to_right(np.take_along_axis(terms, np.argsort(abs(terms), axis=0), axis=0))


def pairwise(terms: Array) -> Array:
    if len(terms) < 2:
        return left_to_right(terms)
    return pairwise(terms[: len(terms) // 2]) + pairwise(terms[len(terms) // 2 :])


def in_blocks_of(size: int) -> Fold:
    def fold(terms: Array) -> Array:
        starts = range(0, len(terms), size)
        blocks = [left_to_right(terms[start : start + size]) for start in starts]
        return left_to_right(np.stack(blocks)) if blocks else left_to_right(terms)

    return fold


def in_eight_lanes(terms: Array) -> Array:
    return pairwise(np.stack([left_to_right(terms[lane::8]) for lane in range(8)]))


def compensated(terms: Array) -> Array:
    """Kahan's sum; infinities, which leave no difference to compensate, are added plainly."""
    total, lost = np.zeros(terms.shape[1:], terms.dtype), np.zeros(terms.shape[1:], terms.dtype)
    for term in terms:
        corrected = term - lost
        new = total + corrected
        lost, total = (new - total) - corrected, new
    plain = left_to_right(terms)
    return np.where(np.isfinite(plain), total, plain)


def doubly_compensated(terms: Array) -> Array:
    """Neumaier's sum, which keeps what is lost on the larger operand's side."""
    total, lost = np.zeros(terms.shape[1:], terms.dtype), np.zeros(terms.shape[1:], terms.dtype)
    for term in terms:
        new = total + term
        lost = lost + np.where(abs(total) >= abs(term), (total - new) + term, (term - new) + total)
        total = new
    return np.where(np.isfinite(total), total + lost, total)


# How an implementation computes -----------------------------------------------------------------------------------


def float32_for_halves(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if dtype.itemsize == 2 else dtype


def next_wider(dtype: np.dtype) -> np.dtype:
    return {8: np.dtype(np.longdouble), 4: np.dtype(np.float64), 2: np.dtype(np.float64)}[dtype.itemsize]


def float64_for_all(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float64)


def itself(dtype: np.dtype) -> np.dtype:
    return dtype


def divided(a: Array, b: Array) -> Array:
    return a / b


def times_reciprocal(a: Array, b: Array) -> Array:
    reciprocal = np.asarray(1, np.asarray(b).dtype) / b
    return np.where(np.isfinite(reciprocal), a * reciprocal, a / b)


@dataclass(frozen=True)
class Style:
    """How one implementation adds up, multiplies matrices and divides, and in what dtype."""

    fold: Fold = left_to_right
    working: Callable[[np.dtype], np.dtype] = float32_for_halves
    divide: Callable[[Array, Array], Array] = divided
    contract: Callable[[Array, Array], Array] | None = None

    def total(self, terms: Array, axis: int) -> Array:
        """The sum along an axis, which stays with length 1."""
        return np.expand_dims(self.fold(np.moveaxis(terms, axis, 0)), axis)

    def product(self, a: Array, b: Array) -> Array:
        """The product of two matrices."""
        if a.shape[1] != b.shape[0]:
            raise ValueError("inner sizes differ")
        if self.contract is not None:
            return self.contract(a, b)
        return self.fold(a.T[:, :, None] * b[:, None, :])


def fused(a: Array, b: Array) -> Array:
    """Each product is added before it is rounded."""
    wide, total = next_wider(a.dtype), np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for column, row in zip(a.T.astype(wide), b.astype(wide), strict=True):
        total = (column[:, None] * row + total).astype(a.dtype)
    return total


def of_tf32_operands(a: Array, b: Array) -> Array:
    def rounded(x: Array) -> Array:
        fraction, exponent = np.frexp(x)
        return np.ldexp(np.rint(np.ldexp(fraction, 11)), exponent - 11).astype(x.dtype)

    return rounded(a) @ rounded(b) if a.dtype == np.float32 else a @ b


def rows_of_labels(labels: Array, scores: Array) -> Array:
    n, classes = scores.shape
    if labels.shape not in ((n,), (n, classes)):
        raise ValueError("labels do not fit the scores")
    if labels.ndim == 2:
        return labels
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError("a label out of range")
    return np.eye(classes, dtype=scores.dtype)[labels]


def upstream_of_rows(style: Style, upstream: Array, n: int, reduction: str) -> Array:
    if reduction == "none":
        if upstream.shape != (n,):
            raise ValueError("an upstream does not fit the rows")
        return upstream[:, None]
    if upstream.shape != ():
        raise ValueError("an upstream is no scalar")
    return style.divide(upstream, upstream.dtype.type(n)) if reduction == "mean" and n else upstream


def reduced(style: Style, losses: Array, reduction: str) -> Array:
    if reduction == "none":
        return losses
    total = style.fold(losses)
    return total / losses.dtype.type(len(losses)) if reduction == "mean" else total


def selected(weights: Array, values: Array) -> Array:
    return np.where(weights == 0, np.zeros_like(values), weights * values)


def operations(style: Style) -> dict[str, Function]:
    """All operations in a style, before results are rounded to the arguments' dtype."""

    def same(a: Array, b: Array) -> None:
        if a.shape != b.shape:
            raise ValueError("shapes differ")

    def dense_forward(x: Array, w: Array, b: Array) -> Array:
        if b.shape != (1, w.shape[1]):
            raise ValueError("biases do not fit")
        return style.product(x, w) + b

    def dense_backward(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
        if g.shape != (x.shape[0], w.shape[1]) or b.shape != (1, w.shape[1]) or x.shape[1] != w.shape[0]:
            raise ValueError("shapes differ")
        return style.product(g, w.T), style.product(x.T, g), style.total(g, 0)

    def relu_forward(x: Array) -> Array:
        return np.maximum(x, np.zeros_like(x))

    def relu_backward(g: Array, x: Array) -> Array:
        same(g, x)
        return np.where(x > 0, g, np.zeros_like(g))

    def shifted(z: Array) -> Array:
        return z - z.max(axis=-1, keepdims=True)

    def softmax_forward(z: Array) -> Array:
        e = np.exp(shifted(z))
        return style.divide(e, style.total(e, -1))

    def softmax_backward(g: Array, z: Array) -> Array:
        same(g, z)
        s = softmax_forward(z)
        return s * (g - style.total(s * g, -1))

    def cross_entropy_forward(p: Array, labels: Array, *, reduction: str) -> Array:
        terms = selected(rows_of_labels(labels, p), np.log(p))
        return reduced(style, -style.total(terms, -1)[:, 0], reduction)

    def cross_entropy_backward(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
        y = rows_of_labels(labels, p)
        slope = np.where(y == 0, np.zeros_like(p), style.divide(-y, p))
        return slope * upstream_of_rows(style, g, len(p), reduction)

    def softmax_cross_entropy_forward(z: Array, labels: Array, *, reduction: str) -> Array:
        logarithms = shifted(z) - np.log(style.total(np.exp(shifted(z)), -1))
        terms = selected(rows_of_labels(labels, z), logarithms)
        return reduced(style, -style.total(terms, -1)[:, 0], reduction)

    def from_outputs(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
        return (p - rows_of_labels(labels, p)) * upstream_of_rows(style, g, len(p), reduction)

    def softmax_cross_entropy_backward(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
        return from_outputs(g, softmax_forward(z), labels, reduction=reduction)

    def mlp_forward(x: Array, w1: Array, b1: Array, w2: Array, b2: Array, y: Array, *, reduction: str) -> Array:
        activations = relu_forward(dense_forward(x, w1, b1))
        return softmax_cross_entropy_forward(dense_forward(activations, w2, b2), y, reduction=reduction)

    def mlp_backward(
        g: Array, x: Array, w1: Array, b1: Array, w2: Array, b2: Array, y: Array, *, reduction: str
    ) -> tuple[Array, ...]:
        hidden = dense_forward(x, w1, b1)
        activations = relu_forward(hidden)
        dz = softmax_cross_entropy_backward(g, dense_forward(activations, w2, b2), y, reduction=reduction)
        dactivations, dw2, db2 = dense_backward(dz, activations, w2, b2)
        return (*dense_backward(relu_backward(dactivations, hidden), x, w1, b1), dw2, db2)

    named = locals()
    names = {name: name for name in named if name.endswith(("_forward", "_backward"))}
    functions = {name: working_in(style.working, named[name]) for name in names}
    return functions | {"softmax_cross_entropy_from_outputs_backward": working_in(style.working, from_outputs)}


def working_in(working: Callable[[np.dtype], np.dtype], function: Function) -> Function:
    """Run in a working dtype and round the results to that of the arguments."""

    def call(*tensors: Array, **parameters: str) -> Any:
        dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
        wide = working(dtype)
        results = function(*(t if t.dtype.kind == "i" else t.astype(wide) for t in tensors), **parameters)
        if isinstance(results, tuple):
            return tuple(np.asarray(result, dtype) for result in results)
        return np.asarray(results, dtype)

    return call


PLAIN = operations(Style(contract=np.matmul))


# Other formulas ---------------------------------------------------------------------------------------------------


def formulas(**functions: Function) -> dict[str, Function]:
    """Some operations by other formulas, run in float32 for the half precisions."""
    return {name: working_in(float32_for_halves, function) for name, function in functions.items()}


def softmax_through_logarithm(z: Array) -> Array:
    shifted = z - z.max(axis=-1, keepdims=True)
    return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax_through_logsumexp(z: Array) -> Array:
    largest = z.max(axis=-1, keepdims=True)
    return np.exp(z - (largest + np.log(np.exp(z - largest).sum(axis=-1, keepdims=True))))


def softmax_through_running_logsumexp(z: Array) -> Array:
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def softmax_online(z: Array) -> Array:
    """One pass over blocks of four classes, whose running sum is rescaled when the maximum grows."""
    largest, total = np.full_like(z[..., :1], -np.inf), np.zeros_like(z[..., :1])
    for start in range(0, z.shape[-1], 4):
        block = z[..., start : start + 4]
        new = np.maximum(largest, block.max(axis=-1, keepdims=True))
        shift = np.where(new == -np.inf, np.zeros_like(new), new)  # a block of which all is masked
        total = total * np.exp(largest - shift) + np.exp(block - shift).sum(axis=-1, keepdims=True)
        largest = new
    return np.exp(z - largest) / total


def softmax_backward_distributed(g: Array, z: Array) -> Array:
    _same_shape(g, z)
    s = softmax_through_logarithm(z)
    weighted = s * g
    return weighted - s * weighted.sum(axis=-1, keepdims=True)


def softmax_backward_by_jacobian(g: Array, z: Array) -> Array:
    """The Jacobian written out, where it is not too large for that."""
    _same_shape(g, z)
    if z.shape[-1] > 32:
        return softmax_backward_distributed(g, z)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    s = e / e.sum(axis=-1, keepdims=True)
    jacobian = s[..., :, None] * np.eye(z.shape[-1], dtype=z.dtype) - s[..., :, None] * s[..., None, :]
    return np.einsum("...ij,...j->...i", jacobian, g)


def _same_shape(a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise ValueError("shapes differ")


def late_division(rule: Function) -> Function:
    """Divide the gradient of a sum by N after all else."""

    def call(g: Array, scores: Array, labels: Array, *, reduction: str) -> Array:
        whole = rule(g, scores, labels, reduction="sum" if reduction == "mean" else reduction)
        return whole / whole.dtype.type(max(len(scores), 1)) if reduction == "mean" else whole

    return call


def cross_entropy_upstream_first(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
    y = rows_of_labels(labels, p)
    return np.where(y == 0, np.zeros_like(p), (-y * upstream_of_rows(Style(), g, len(p), reduction)) / p)


def difference_distributed(g: Array, p: Array, labels: Array, *, reduction: str) -> Array:
    upstream = upstream_of_rows(Style(), g, len(p), reduction)
    return p * upstream - rows_of_labels(labels, p) * upstream


def combined_distributed(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    return difference_distributed(g, softmax_through_logarithm(z), labels, reduction=reduction)


def combined_by_index(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    """1 is subtracted at the index of the true class, in place, from outputs that are nobody else's."""
    y, gradient = rows_of_labels(labels, z), softmax_online(z)
    if labels.ndim == 1:
        gradient[np.arange(len(z)), labels] -= 1
    else:
        gradient -= y
    gradient *= upstream_of_rows(Style(), g, len(z), reduction)
    return gradient


def loss_through_logsumexp(z: Array, labels: Array, *, reduction: str) -> Array:
    largest = z.max(axis=-1, keepdims=True)
    logarithms = z - (largest + np.log(np.exp(z - largest).sum(axis=-1, keepdims=True)))
    return reduced(Style(), -selected(rows_of_labels(labels, z), logarithms).sum(axis=-1), reduction)


def loss_through_running_logsumexp(z: Array, labels: Array, *, reduction: str) -> Array:
    logarithms = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
    return reduced(Style(), -selected(rows_of_labels(labels, z), logarithms).sum(axis=-1), reduction)


def loss_of_margins(z: Array, labels: Array, *, reduction: str) -> Array:
    """Each row's loss by its true class, found by index: log(sum(exp(z - max))) - (z_y - max)."""
    y, shifted = rows_of_labels(labels, z), z - z.max(axis=-1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=-1))
    if labels.ndim == 1:
        return reduced(Style(), total - shifted[np.arange(len(z)), labels], reduction)
    return reduced(Style(), selected(y, total[:, None] - shifted).sum(axis=-1), reduction)


def dense_with_biases_inside(x: Array, w: Array, b: Array) -> Array:
    return np.concatenate([x, np.ones_like(x[:, :1])], axis=1) @ np.concatenate([w, b])


def _layer_of_one_shape(g: Array, x: Array, w: Array, b: Array) -> None:
    if x.shape[1] != w.shape[0] or b.shape != (1, w.shape[1]) or g.shape != (len(x), w.shape[1]):
        raise ValueError("shapes differ")


def dense_backward_of_transposes(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    _layer_of_one_shape(g, x, w, b)
    return (w @ g.T).T, (g.T @ x).T, (np.ones_like(g[:, :1]).T @ g)


def dense_backward_by_samples(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    _layer_of_one_shape(g, x, w, b)
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for row, (sample, upstream) in enumerate(zip(x, g, strict=True)):
        dx[row] = w @ upstream
        dw += np.outer(sample, upstream)
        db += upstream
    return dx, dw, db


def relu_by_mask(g: Array, x: Array) -> Array:
    _same_shape(g, x)
    return g * (x > 0).astype(g.dtype)


def relu_slope_half(g: Array, x: Array) -> Array:
    _same_shape(g, x)
    return g * ((np.sign(x) + 1) / 2).astype(g.dtype)


def relu_slope_one(g: Array, x: Array) -> Array:
    _same_shape(g, x)
    return np.where(x >= 0, g, np.zeros_like(g))


# Other ways to hand results back ----------------------------------------------------------------------------------


def handed_back(how: Function, functions: Mapping[str, Function] = PLAIN) -> dict[str, Function]:
    """The same operations, with something done to each result."""

    def wrapped(function: Function) -> Function:
        def call(*tensors: Array, **parameters: str) -> Any:
            results = function(*tensors, **parameters)
            return tuple(map(how, results)) if isinstance(results, tuple) else how(results)

        return call

    return {name: wrapped(function) for name, function in functions.items()}


def fortran_ordered(result: Array) -> Array:
    return np.array(result, order="F")


def cut_out(result: Array) -> Array:
    """A view of every other element of something larger."""
    whole = np.zeros(tuple(2 * n for n in result.shape), result.dtype)
    view = whole[tuple(slice(None, None, 2) for _ in result.shape)] if result.ndim else whole
    view[...] = result
    return view


def reversed_view(result: Array) -> Array:
    backwards = tuple(slice(None, None, -1) for _ in result.shape)
    return np.array(result[backwards])[backwards]


def read_only(result: Array) -> Array:
    result.flags.writeable = False
    return result


def negative_zeros(result: Array) -> Array:
    return np.where(result == 0, np.asarray(-0.0, result.dtype), result)


class DLPackTensor:
    """A tensor of another framework, readable through DLPack alone."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


class ArrayTensor:
    """A tensor of another framework, readable through `__array__` alone."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self.array


def one_tuple(functions: Mapping[str, Function]) -> dict[str, Function]:
    """Single results come as tuples of one, several as a list."""

    def wrapped(function: Function) -> Function:
        def call(*tensors: Array, **parameters: str) -> Any:
            results = function(*tensors, **parameters)
            return list(results) if isinstance(results, tuple) else (results,)

        return call

    return {name: wrapped(function) for name, function in functions.items()}


def variants() -> Iterator[SoundVariant]:
    """All of them."""
    for name, style in STYLES.items():
        yield SoundVariant(name, COMPUTES, operations(style), share=1 if name in IN_FULL else 2)
    for name, functions in FORMULAS.items():
        yield SoundVariant(name, "by which formulas", functions)
    for name, how in HANDED_BACK.items():
        dtypes = tuple(d for d in DTYPES if d != "bfloat16" or how is not DLPackTensor)
        yield SoundVariant(name, "how results are handed back", handed_back(how), dtypes, share=6)
    yield SoundVariant("results in tuples of one and lists", "how results are handed back", one_tuple(PLAIN), share=6)
    native = operations(Style(working=itself))
    for dtype in ("float16", "bfloat16"):
        yield SoundVariant(f"{dtype} throughout, declared", "precision", native, (dtype,), {dtype: f"{dtype}-native"})
    tf32 = operations(Style(contract=of_tf32_operands))
    yield SoundVariant("tf32, declared", "precision", tf32, ("float32",), {"float32": "tf32"})


COMPUTES = "how it computes"
IN_FULL = {"as NumPy has it", "compensated sums"}
"""The one that all others are like, and the one that comes nearest to the bounds of sums."""

STYLES = {
    "as NumPy has it": Style(contract=np.matmul, fold=lambda terms: terms.sum(axis=0)),
    "sums from left to right": Style(),
    "sums from right to left": Style(fold=right_to_left),
    "sums in a shuffled order": Style(fold=shuffled),
    "sums from the smallest up": Style(fold=smallest_first),
    "pairwise sums": Style(fold=pairwise),
    "sums in blocks of four": Style(fold=in_blocks_of(4)),
    "sums in blocks of 32": Style(fold=in_blocks_of(32)),
    "sums in eight lanes": Style(fold=in_eight_lanes),
    "compensated sums": Style(fold=compensated),
    "doubly compensated sums": Style(fold=doubly_compensated),
    "fused multiply-adds": Style(contract=fused),
    "reciprocals for quotients": Style(divide=times_reciprocal),
    "wider inside": Style(working=next_wider),
    "float64 inside": Style(working=float64_for_all, contract=np.matmul),
}

FORMULAS = {
    "softmax through its logarithm": formulas(
        softmax_forward=softmax_through_logarithm, softmax_backward=softmax_backward_distributed
    ),
    "softmax through logsumexp": formulas(softmax_forward=softmax_through_logsumexp),
    "softmax through a running logsumexp": formulas(softmax_forward=softmax_through_running_logsumexp),
    "softmax in one pass, Jacobian written out": formulas(
        softmax_forward=softmax_online, softmax_backward=softmax_backward_by_jacobian
    ),
    "division by N after all else": formulas(
        cross_entropy_backward=late_division(cross_entropy_upstream_first),
        softmax_cross_entropy_backward=late_division(combined_distributed),
        softmax_cross_entropy_from_outputs_backward=late_division(difference_distributed),
    ),
    "upstream before the difference": formulas(
        cross_entropy_backward=cross_entropy_upstream_first,
        softmax_cross_entropy_backward=combined_distributed,
        softmax_cross_entropy_from_outputs_backward=difference_distributed,
    ),
    "true classes found by index": formulas(
        softmax_cross_entropy_forward=loss_of_margins, softmax_cross_entropy_backward=combined_by_index
    ),
    "loss through logsumexp": formulas(softmax_cross_entropy_forward=loss_through_logsumexp),
    "loss through a running logsumexp": formulas(softmax_cross_entropy_forward=loss_through_running_logsumexp),
    "biases inside, products of transposes": formulas(
        dense_forward=dense_with_biases_inside, dense_backward=dense_backward_of_transposes
    ),
    "sample by sample": formulas(dense_backward=dense_backward_by_samples),
    "ReLU by a mask": formulas(relu_backward=relu_by_mask),
    "ReLU with slope 1/2 at 0": formulas(relu_backward=relu_slope_half),
    "ReLU with slope 1 at 0": formulas(relu_backward=relu_slope_one),
}

HANDED_BACK: dict[str, Function] = {
    "Fortran-ordered results": fortran_ordered,
    "views of something larger": cut_out,
    "negatively strided results": reversed_view,
    "read-only results": read_only,
    "-0 for 0": negative_zeros,
    "tensors with DLPack alone": DLPackTensor,
    "tensors with __array__ alone": ArrayTensor,
}
