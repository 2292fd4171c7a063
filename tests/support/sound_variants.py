"""Right implementations that differ in every legitimate way: none of them may be failed.

Most are made for any operation from its own formulas: evaluated in other orders of summation, with other products,
quotients and precisions (`STYLES`), by its other formulations and by its other answers to conventions, or with results
handed back in another form. Written out are those alone that differ in their algorithm.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import cycle
from typing import Any

import numpy as np
from backproof.reference.arithmetic.protocol import Constant, reduction_rows
from backproof.reference.model import functions, normalization
from backproof.reference.model.broadcasting import undo_broadcast
from backproof.reference.model.formulations import Formulation, replacing
from backproof.reference.model.losses import one_hot, reduced, row_upstream
from backproof.reference.model.operation import Operation, operation, operation_names
from backproof.reference.model.shapes import require_same_shape
from backproof.reference.ops import batch_norm, dense, group_norm, layer_norm, matmul
from backproof.vectors.dtypes import DTYPES, HALF
from number_arrays import NumberArray

Array = Any
Function = Callable[..., Any]
Fold = Callable[[Array], Array]
"""From terms along the first axis to their sum."""


@dataclass(frozen=True)
class SoundVariant:
    """A right implementation as an adapter."""

    name: str
    functions: Mapping[str, Function] = field(repr=False)
    """By an adapter's names."""
    sort: str
    """How it differs: "style", "formulation", "convention", "algorithm", "results" or "precision"."""
    dtypes: tuple[str, ...] = DTYPES
    precision: Mapping[str, str] = field(default_factory=dict)
    robust: bool = True
    """False where it loses digits, or range, so that robust families may say so."""
    formulation: Formulation | None = None
    """The one that it computes, which may have no bound for some arguments."""
    point: str | None = None
    """The convention's point that it answers in its own way."""

    def __getattr__(self, attribute: str) -> Function:
        functions: Mapping[str, Function] = self.__dict__.get("functions", {})
        if attribute in functions:
            return functions[attribute]
        raise AttributeError(attribute)


# Ways to add up ---------------------------------------------------------------------------------------------------


def left_to_right(terms: Array) -> Array:
    zero = np.zeros((1, *terms.shape[1:]), terms.dtype)
    return np.add.accumulate(np.concatenate([zero, terms]), axis=0)[-1]


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
    return np.dtype(np.longdouble if dtype.itemsize == 8 else np.float64)


def float64_for_all(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float64)


def itself(dtype: np.dtype) -> np.dtype:
    return dtype


def times_reciprocal(a: Array, b: Array) -> Array:
    reciprocal = np.asarray(1, b.dtype) / b
    return np.where(np.isfinite(reciprocal), a * reciprocal, a / b)


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

    return rounded(a) @ rounded(b)


@dataclass(frozen=True)
class Style:
    """How one implementation adds up, multiplies matrices and divides, and in what dtype."""

    fold: Fold = left_to_right
    working: Callable[[np.dtype], np.dtype] = float32_for_halves
    divide: Callable[[Array, Array], Array] = np.divide
    contract: Callable[[Array, Array], Array] | None = None
    """None for the fold of the products."""
    functions: Mapping[str, Callable[[Array], Array]] = field(default_factory=dict)
    """Elementary functions in place of NumPy's."""


class Computed(NumberArray):
    """An array of a dtype's numbers, computed in a style."""

    def __init__(self, data: Array, style: Style) -> None:
        self.data = data
        self.style = style

    def lift(self, other: Any) -> "Computed":
        """Round constants and exact arrays to the dtype."""
        if isinstance(other, Computed):
            return other
        return self.of_parts(np.asarray(float(other) if isinstance(other, Constant) else other).astype(self.data.dtype))

    def of_parts(self, *parts: np.ndarray) -> "Computed":
        """Make an array that is computed in the same style."""
        return Computed(parts[0], self.style)

    def computed(self, name: str, *operands: np.ndarray) -> np.ndarray:
        """Compute by NumPy and `math`, quotients and elementary functions as the style has them."""
        if name == "divide":
            return self.style.divide(*operands)
        function = self.style.functions.get(name) or getattr(np, name, None) or getattr(functions, name)
        return np.asarray(function(*operands))

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Computed":
        """Sum along axes, in the style's order."""
        rows, shape = reduction_rows(self.data, axis, keepdims)
        return self.of_parts(self.style.fold(rows.T).reshape(shape))

    def product(self, other: "Computed") -> "Computed":
        """Multiply two matrices."""
        a, b = self.data, other.data
        if self.style.contract is not None:
            return self.of_parts(self.style.contract(a, b))
        return self.of_parts(self.style.fold(a.T[:, :, None] * b[:, None, :]))


def called(function: Function, convert: Callable[[np.ndarray], Any], *tensors: Array, **parameters: Any) -> Any:
    """Call a function of converted tensors, and give its results in the dtype that came in."""
    dtype = next(t.dtype for t in tensors if t.dtype.kind != "i")
    with np.errstate(all="ignore"):
        results = function(*(t if t.dtype.kind == "i" else convert(t) for t in tensors), **parameters)
    plain = [x.data if isinstance(x, Computed) else x for x in (results if isinstance(results, tuple) else (results,))]
    rounded = tuple(np.asarray(x, dtype) for x in plain)
    return rounded if isinstance(results, tuple) else rounded[0]


def in_style(function: Function, style: Style) -> Function:
    """Evaluate a formula in a style."""

    def call(*tensors: Array, **parameters: Any) -> Any:
        return called(function, lambda t: Computed(t.astype(style.working(t.dtype)), style), *tensors, **parameters)

    return call


def by_formula(described: Operation, direction: str, function: Function, style: Style) -> Function:
    """Evaluate another formula than the operation's own, which is asked first whether to refuse the arguments."""
    own, other = in_style(described.functions[direction], Style(contract=np.matmul)), in_style(function, style)

    def call(*tensors: Array, **parameters: Any) -> Any:
        own(*tensors, **parameters)
        return other(*tensors, **parameters)

    return call


def every_function(style: Style) -> dict[str, Function]:
    """Every operation's own formulas in a style, by an adapter's names."""
    return {
        f"{name}_{direction}": in_style(function, style)
        for name in operation_names()
        for direction, function in operation(name).functions.items()
    }


def exp_of_two(x: Array) -> Array:
    """exp as FlashAttention and Liger Kernel have it, 2^(x log2 e)."""
    return np.exp2(x * np.asarray(1 / np.log(2), x.dtype))


def tanh_of_exp(x: Array) -> Array:
    """tanh by expm1, which keeps its digits about 0."""
    t = np.expm1(-2 * abs(x))
    return np.sign(x) * (-t / (2 + t))


PLAIN = Style(contract=np.matmul, fold=lambda terms: terms.sum(axis=0))
STYLES = {
    "as NumPy has it": PLAIN,
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
    "powers of two for exponentials": Style(functions={"exp": exp_of_two}),
    "tanh through expm1": Style(functions={"tanh": tanh_of_exp}),
    "wider inside": Style(working=next_wider),
    "float64 inside": Style(working=float64_for_all, contract=np.matmul),
}


def other_formulas() -> Iterator[SoundVariant]:
    """Every formulation of every operation, each in the next style, and every other answer to a convention."""
    for name in operation_names():
        described = operation(name)
        for direction, (_, *others) in described.formulations.items():
            for formulation, (style_name, style) in zip(others, cycle(STYLES.items()), strict=False):
                function = by_formula(described, direction, formulation.function, style)
                yield SoundVariant(
                    f"{name} {direction} by {formulation.name}; {style_name}",
                    {f"{name}_{direction}": function},
                    "formulation",
                    robust=formulation.stable,
                    formulation=formulation,
                )
        for (point, answer), by_direction in described.alternatives.items():
            functions = {
                f"{name}_{d}": by_formula(described, d, formulation.function, PLAIN)
                for d, (formulation, *_) in by_direction.items()
            }
            yield SoundVariant(f"{name} with {point}={answer}", functions, "convention", robust=False, point=point)


# Other algorithms -------------------------------------------------------------------------------------------------


def algorithms(**functions: Function) -> dict[str, Function]:
    """Some operations by other algorithms, run in float32 for the half precisions."""

    def plain(function: Function) -> Function:
        return lambda *tensors, **parameters: called(
            function, lambda t: t.astype(float32_for_halves(t.dtype)), *tensors, **parameters
        )

    return {name: plain(function) for name, function in functions.items()}


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


def softmax_backward_by_einsum(g: Array, z: Array) -> Array:
    """The Jacobian of an online softmax, contracted."""
    require_same_shape(g=g, z=z)
    s = softmax_online(z)
    jacobian = s[..., :, None] * np.eye(z.shape[-1], dtype=z.dtype) - s[..., :, None] * s[..., None, :]
    return np.einsum("...ij,...j->...i", jacobian, g)


def combined_by_index(g: Array, z: Array, labels: Array, *, reduction: str) -> Array:
    """1 is subtracted at the index of the true class, in place, from outputs that are nobody else's."""
    y, gradient = one_hot(labels, z), softmax_online(z)
    if labels.ndim == 1:
        gradient[np.arange(len(z)), labels] -= 1
    else:
        gradient -= y
    gradient *= row_upstream(g, len(z), reduction)
    return gradient


def loss_of_margins(z: Array, labels: Array, *, reduction: str) -> Array:
    """Each row's loss by its true class, found by index: log(sum(exp(z - max))) - (z_y - max)."""
    y, shifted = one_hot(labels, z), z - z.max(axis=-1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=-1))
    if labels.ndim == 1:
        return reduced(total - shifted[np.arange(len(z)), labels], reduction)
    margins = total[:, None] - shifted
    return reduced(np.where(y == 0, np.zeros_like(y), y * margins).sum(axis=-1), reduction)


def dense_backward_by_samples(g: Array, x: Array, w: Array, b: Array) -> tuple[Array, ...]:
    dense.backward(g, x, w, b)  # which refuses what does not fit
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for row, (sample, upstream) in enumerate(zip(x, g, strict=True)):
        dx[row] = w @ upstream
        dw += np.outer(sample, upstream)
        db += upstream
    return dx, dw, db


def log_softmax_online(z: Array, *, axis: int = -1) -> Array:
    """One pass over the classes, whose running sum is rescaled when the maximum grows."""
    rows = np.moveaxis(z, axis, -1)
    largest, total = np.full_like(rows[..., :1], -np.inf), np.zeros_like(rows[..., :1])
    for k in range(rows.shape[-1]):
        new = np.maximum(largest, rows[..., k : k + 1])
        shift = np.where(new == -np.inf, np.zeros_like(new), new)
        total = total * np.exp(largest - shift) + np.exp(rows[..., k : k + 1] - shift)
        largest = new
    return np.moveaxis((rows - largest) - np.log(total), -1, axis)


def log_softmax_backward_online(g: Array, z: Array, *, axis: int = -1) -> Array:
    require_same_shape(g=g, z=z)
    return g - np.exp(log_softmax_online(z, axis=axis)) * g.sum(axis=axis, keepdims=True)


def welford(x: Array, eps: float) -> tuple[Array, Array]:
    """Mean and 1 / sqrt(variance + eps) in one pass: Welford's update of both with each element."""
    mean = squares = np.zeros((*x.shape[:-1], 1), x.dtype)
    for k in range(x.shape[-1]):
        step = x[..., k : k + 1] - mean
        mean = mean + step / np.asarray(k + 1, x.dtype)
        squares = squares + step * (x[..., k : k + 1] - mean)
    return mean, 1 / np.sqrt(squares / np.asarray(max(x.shape[-1], 1), x.dtype) + np.asarray(eps, x.dtype))


def layer_norm_by_welford(x: Array, w: Array, b: Array, *, eps: float) -> Array:
    layer_norm.forward(x, w, b, eps=eps)  # which refuses what does not fit
    mean, scale = welford(x, eps)
    return (x - mean) * scale * w + b


def layer_norm_backward_by_welford(g: Array, x: Array, w: Array, b: Array, *, eps: float) -> tuple[Array, ...]:
    layer_norm.backward(g, x, w, b, eps=eps)
    mean, scale = welford(x, eps)
    return layer_norm.gradients(g, (x - mean) * scale, scale, w)


def moments_by_welford(x: Array, axes: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    """What `normalization.moments` gives: x less its mean over axes, and 1 / sqrt(variance + eps)."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[k] for k in kept), math.prod(x.shape[a] for a in axes))
    mean, scale = (np.expand_dims(moment[..., 0], axes) for moment in welford(rows, eps))
    return x - mean, scale


def by_welford(formula: Function, part: Function) -> Function:
    """A formula of an operation whose part, one of `normalization`, takes its moments by Welford's recurrence."""
    return partial(replacing(formula, part), partial(replacing(part, normalization.moments), moments_by_welford))


def matmul_backward_by_einsum(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """One einsum for each gradient, over matrices that are repeated first, summed to the operand's shape at the end."""
    upstream, rows, columns = matmul.as_matrices(g, a, b)
    da, db = np.einsum("...nm,...km->...nk", upstream, columns), np.einsum("...nk,...nm->...km", rows, upstream)
    return undo_broadcast(da, rows.shape).reshape(a.shape), undo_broadcast(db, columns.shape).reshape(b.shape)


ALGORITHMS = {
    "softmax in one pass, Jacobian written out": algorithms(
        softmax_forward=softmax_online, softmax_backward=softmax_backward_by_einsum
    ),
    "true classes found by index": algorithms(
        softmax_cross_entropy_forward=loss_of_margins, softmax_cross_entropy_backward=combined_by_index
    ),
    "sample by sample": algorithms(dense_backward=dense_backward_by_samples),
    "one pass over the classes": algorithms(
        log_softmax_forward=log_softmax_online, log_softmax_backward=log_softmax_backward_online
    ),
    "Welford's mean and variance": algorithms(
        layer_norm_forward=layer_norm_by_welford,
        layer_norm_backward=layer_norm_backward_by_welford,
        batch_norm_forward=by_welford(batch_norm.forward, normalization.normalized),
        batch_norm_backward=by_welford(batch_norm.backward, normalization.gradients),
        group_norm_forward=by_welford(group_norm.forward, normalization.normalized),
        group_norm_backward=by_welford(group_norm.backward, normalization.gradients),
    ),
    "by einsum": algorithms(matmul_backward=matmul_backward_by_einsum),
}


# Other ways to hand results back ----------------------------------------------------------------------------------


def handed_back(how: Function, functions: Mapping[str, Function]) -> dict[str, Function]:
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
    """A tensor of another framework, readable through DLPack alone, which knows the machine's byte order alone."""

    def __init__(self, array: Array) -> None:
        self.array = array.astype(array.dtype.newbyteorder("="), copy=False)

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


HANDED_BACK: dict[str, Function] = {
    "Fortran-ordered results": fortran_ordered,
    "views of something larger": cut_out,
    "negatively strided results": reversed_view,
    "read-only results": read_only,
    "-0 for 0": negative_zeros,
    "tensors with DLPack alone": DLPackTensor,
    "tensors with __array__ alone": ArrayTensor,
}


def variants() -> Iterator[SoundVariant]:
    """All of them."""
    plain, native = every_function(PLAIN), every_function(Style(working=itself))
    tf32 = every_function(Style(contract=of_tf32_operands))
    for name, style in STYLES.items():
        yield SoundVariant(name, every_function(style), "style")
    for name, how in HANDED_BACK.items():
        dtypes = tuple(d for d in DTYPES if d != "bfloat16" or how is not DLPackTensor)
        yield SoundVariant(name, handed_back(how, plain), "results", dtypes)
    yield SoundVariant("results in tuples of one and lists", one_tuple(plain), "results")
    for dtype in HALF:
        declared = {dtype: "native"}  # a cube on the way leaves the range of float16
        yield SoundVariant(f"{dtype} throughout, declared", native, "precision", (dtype,), declared, robust=False)
    declared = {"float32": "tf32"}  # an operand near the largest number rounds to infinity
    yield SoundVariant("tf32, declared", tf32, "precision", ("float32",), declared, robust=False)
    yield from other_formulas()
    for name, algorithm in ALGORITHMS.items():
        yield SoundVariant(name, algorithm, "algorithm")


@cache
def variants_of(op: str) -> tuple[SoundVariant, ...]:
    """Those of an operation."""
    return tuple(variant for variant in variants() if any(name.rpartition("_")[0] == op for name in variant.functions))
