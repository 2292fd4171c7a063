"""Wrong losses and softmaxes that only sizes, depths, ends of the range and successive cases show."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from backproof.conformance.adapters import numpy as right
from backproof.conformance.check.verdict import Outcome
from backproof.reference.generation.build import drafts
from backproof.vectors.dtypes import HALF, numpy_dtype
from shares import one_in
from wrong_losses import outcome, softmax, the_gradient, the_loss

Array = Any
FUSED = "softmax_cross_entropy"
OUTPUTS = f"{FUSED}_from_outputs"
LINEAR = "linear_cross_entropy"
LOSSES = ("cross_entropy", FUSED, OUTPUTS)
Wrong = Callable[..., Any]
Row = tuple[str, str, Wrong]
"""An operation, a float32 family, and a wrong implementation of its direction."""


def sound(op: str, name: str) -> Wrong:
    function: Wrong = getattr(right, f"{op}_{name.partition('-')[0]}")
    return function


def after(change: Callable[[Array], Array], op: str, name: str) -> Row:
    """A right implementation whose result is changed."""
    return op, name, lambda *tensors, **reduction: change(sound(op, name)(*tensors, **reduction))


def before(change: Callable[[Array], Array], op: str, name: str) -> Row:
    """A right implementation whose last argument is changed."""
    return op, name, lambda *tensors, **reduction: sound(op, name)(*tensors[:-1], change(tensors[-1]), **reduction)


def remembered(key: Callable[..., bytes], op: str, name: str) -> Row:
    """A right implementation that remembers results by a key that says too little."""
    memory: dict[bytes, Array] = {}
    return (
        op,
        name,
        lambda *tensors, **reduction: memory.setdefault(key(*tensors), sound(op, name)(*tensors, **reduction)),
    )


def without(place: int, *tensors: Array) -> bytes:
    return b"".join(x.tobytes() for k, x in enumerate(tensors) if k != place)


def without_last_bits(*tensors: Array) -> bytes:
    return b"".join(x.tobytes() if x.dtype.kind == "i" else (x.view(np.uint32) >> 4).tobytes() for x in tensors)


def rounded(decimals: int, *tensors: Array) -> bytes:
    return b"".join(np.round(x, decimals).tobytes() for x in tensors)


def at_most(size: float, result: Array) -> Array:
    return np.clip(result, -size, size).astype(result.dtype)


def zero_below(size: float, result: Array) -> Array:
    return np.where(abs(result) < size, 0, result).astype(result.dtype)


def without_last(axis: int, result: Array) -> Array:
    """A result whose last row or class was not written."""
    result = np.array(result)
    if axis < result.ndim:
        result[(slice(None),) * axis + (-1,)] = 0
    return result


def hardened(labels: Array) -> Array:
    sure = labels > 0.9
    return np.where(sure.any(axis=1, keepdims=True), sure, labels).astype(labels.dtype)


def under_first(block: int, z: Array) -> Array:
    """A softmax whose maximum is that of the first classes."""
    e = np.exp(z - z[..., :block].max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def online(block: int, z: Array) -> Array:
    """A softmax that is NaN where the first block of classes is masked."""
    largest = np.full(z.shape[:-1], -np.inf, z.dtype)
    total = np.zeros_like(largest)
    for k in range(0, z.shape[-1], block):
        part = z[..., k : k + block]
        larger = np.maximum(largest, part.max(axis=-1))
        total = total * np.exp(largest - larger) + np.exp(part - larger[..., None]).sum(axis=-1)
        largest = larger
    return np.exp(z - largest[..., None]) / total[..., None]


def through_log(p: Callable[[Array], Array]) -> Wrong:
    return the_loss(lambda z, y: -np.where(y == 0, 0, y * np.log(p(z))).sum(axis=1).astype(z.dtype))


def by_chunks(rows: int, z: Array, labels: Array, *, reduction: str) -> Array:
    """The mean of the means of chunks."""
    parts = (slice(k, k + rows) for k in range(0, len(z), rows))
    means = [right.softmax_cross_entropy_forward(z[part], labels[part], reduction=reduction) for part in parts]
    return np.mean(means, dtype=z.dtype)


def required() -> Iterator[Row]:
    for form, reduction in (("indices", "mean"), ("one-hot", "none"), ("soft", "sum")):
        yield FUSED, f"forward-underflowed-{form}-{reduction}", through_log(softmax)
    for op in LOSSES:
        for place, form in ((0, "indices-none"), (1, "soft-mean"), (2, "indices-none")):
            yield remembered(partial(without, place), op, f"backward-one-argument-at-a-time-{form}")
        for reduction in ("mean", "sum", "none"):
            name = f"backward-far-upstream-{reduction}"
            for size in (1e4, 65504, 1e6, 1e30):
                yield after(partial(at_most, size), op, name)
            for size in (1e-8, 1e-12, 1e-30):
                yield after(partial(zero_below, size), op, name)
            yield remembered(lambda g, *_: np.round(g, 6).tobytes(), op, name)
        yield before(lambda y: y.astype(np.float16).astype(y.dtype), op, "backward-long-indices-none-n1-c2051")
        yield before(hardened, op, "backward-nearly-hard-soft-none-n3-c4")
        for name in ("last-digits-of-the-upstream", "last-digits"):
            yield remembered(without_last_bits, op, f"backward-{name}")
        yield after(partial(without_last, 1), op, "backward-long-indices-sum-n1-c1024")
        yield after(partial(without_last, 0), op, "backward-long-indices-sum-n16-c2")
    rows = {"cross_entropy": "mean-n1024-c1", FUSED: "sum-n1280-c2", OUTPUTS: "sum-n1031-c2"}
    for op, cell in rows.items():
        yield after(partial(without_last, 0), op, f"backward-long-indices-{cell}")
    for op in LOSSES[:2]:
        for place in (0, 1):
            yield remembered(partial(without, place), op, "forward-one-argument-at-a-time-indices-none")
        yield remembered(without_last_bits, op, "forward-last-digits")
        yield remembered(partial(rounded, 3), op, "forward-last-decimals")
    for direction in ("forward", "backward"):
        yield remembered(without_last_bits, "softmax", f"{direction}-last-digits")
        yield remembered(partial(rounded, 3), "softmax", f"{direction}-last-decimals")
        for axis, cell in ((0, "n16-c2"), (0, "n1024-c2"), (1, "n1-c64"), (1, "n1-c1024")):
            yield after(partial(without_last, axis), "softmax", f"{direction}-long-{cell}")
    for block in (4, 32, 128, 256, 1024):
        name = f"forward-last-far-above-c{block + 1}"
        yield "softmax", name, partial(under_first, block)
        yield FUSED, name, through_log(partial(under_first, block))
    for rows_of_chunk in (128, 256, 512, 1024):
        yield FUSED, "forward-unequal-indices-mean-n1031-c2", partial(by_chunks, rows_of_chunk)
    for size in (1e-8, 1e-18, 1e-29):
        yield after(partial(zero_below, size), "softmax", "forward-vanishing")
        yield after(partial(zero_below, size), FUSED, "backward-sure-indices-sum")
    for size, name in ((1e4, "large-sum-sum"), (1e30, "large-sum-none")):
        yield after(partial(at_most, size), FUSED, f"forward-{name}")
    yield after(partial(at_most, 1e4), "cross_entropy", "forward-large-sum")


def accepting(*tensors: Array, **_: str) -> Array:
    """A gradient for any arguments."""
    return 0 * tensors[1]


def robust() -> Iterator[Row]:
    for block, classes in ((8, 40), (32, 40), (128, 160)):
        name = f"masked-blocks-c{classes}"
        yield "softmax", f"forward-{name}", partial(online, block)
        yield FUSED, f"backward-{name}", the_gradient(lambda z, y, block=block: online(block, z) - y)
    for op in LOSSES:
        for name in ("labels-column", "labels-scalar", "one-hot-rank"):
            yield op, f"backward-{name}-none", accepting
        for reduction in ("mean", "sum"):
            yield op, f"backward-upstream-matrix-{reduction}", accepting
    for name in ("scalar", "one", "transposed", "regrouped"):
        yield "softmax", f"backward-mismatch-{name}", lambda g, z: softmax(z) * np.resize(g, z.shape)


@pytest.mark.parametrize(("op", "name", "wrong"), one_in(8, required()))
def test_a_required_family_rejects(op: str, name: str, wrong: Wrong) -> None:
    assert drafts(op, "float32")[name].level == "required"
    assert outcome(op, name, sound(op, name)) is Outcome.PASSED
    with np.errstate(all="ignore"):
        assert outcome(op, name, wrong) is Outcome.FAILED


@pytest.mark.parametrize(("op", "name", "wrong"), one_in(3, robust()))
def test_a_robust_family_rejects(op: str, name: str, wrong: Wrong) -> None:
    assert outcome(op, name, sound(op, name)) is Outcome.PASSED
    with np.errstate(all="ignore"):
        assert outcome(op, name, wrong) is Outcome.ROBUST_MISS


@pytest.mark.parametrize("op", LOSSES[1:])
def test_a_mean_over_a_number_of_rows_that_bfloat16_does_not_hold(op: str) -> None:
    """257 rows taken for 256."""
    bfloat16 = numpy_dtype("bfloat16")

    def by_256(g: Array, scores: Array, labels: Array, *, reduction: str) -> Array:
        total = sound(op, "backward")(*(x.astype(np.float32) for x in (g, scores)), labels, reduction="sum")
        return (total / (256 if reduction == "mean" else 1)).astype(bfloat16)

    name = "backward-long-indices-mean-n257-c2"
    assert outcome(op, name, by_256, "bfloat16") is Outcome.FAILED


@pytest.mark.parametrize("dtype", HALF)
def test_a_gradient_of_a_weight_added_up_in_a_half_precision(dtype: str) -> None:
    """In chunks of so many rows, each of which is added to what is stored."""
    name, half = "backward-many-equal-rows", numpy_dtype(dtype)

    def in_chunks(rows: int, g: Array, inputs: Array, weight: Array, labels: Array, *, reduction: str) -> Any:
        g, x, w = (tensor.astype(np.float32) for tensor in (g, inputs, weight))
        dL_dinputs, dL_dweight = np.zeros_like(inputs), np.zeros_like(weight)
        for k in (slice(start, start + rows) for start in range(0, len(x), rows)):
            some, further = sound(LINEAR, name)(g, x[k], w, labels[k], reduction=reduction)
            dL_dinputs[k] = some.astype(half)
            dL_dweight += further.astype(half)
        return dL_dinputs, dL_dweight

    assert outcome(LINEAR, name, partial(in_chunks, 500), dtype) is Outcome.PASSED
    assert outcome(LINEAR, name, partial(in_chunks, 4), dtype) is Outcome.FAILED


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("op", [FUSED, LINEAR])
@pytest.mark.parametrize("name", ["smoothed-many-indices-sum-n2-c131", "z-loss-softcap-many-indices-mean-n3-c131"])
def test_options_that_are_followed_with_few_classes_alone(op: str, name: str, direction: str) -> None:
    asked = f"{direction}-{name}"
    right_one = sound(op, asked)

    def of_few(*tensors: Array, reduction: str, **options: Any) -> Any:
        return right_one(*tensors, reduction=reduction, **(options if max(tensors[-2].shape) <= 128 else {}))

    assert outcome(op, asked, right_one, "float32") is Outcome.PASSED
    assert outcome(op, asked, of_few, "float32") is Outcome.FAILED
