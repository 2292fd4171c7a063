"""What the cases of the three losses reject: wrong implementations, each by the family that is there for it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from answered import accepts, family
from backproof.reference.model.losses import one_hot
from backproof.reference.model.operation import operation
from backproof.reference.ops import softmax


def rows_of(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return one_hot(labels, scores).astype(scores.dtype)


def scale(upstream: np.ndarray, rows: int, reduction: str) -> np.ndarray:
    """The upstream as a column, divided by N for a mean: what the faults below share that is sound."""
    return np.reshape(upstream / rows if reduction == "mean" else upstream, (-1, 1))


def ce(g: np.ndarray, p: np.ndarray, y: np.ndarray, *, reduction: str) -> np.ndarray:
    return scale(g, len(p), reduction) * -rows_of(y, p) / p


def sce(g: np.ndarray, z: np.ndarray, y: np.ndarray, *, reduction: str) -> np.ndarray:
    return from_outputs(g, softmax.forward(z), y, reduction=reduction)


def from_outputs(g: np.ndarray, p: np.ndarray, y: np.ndarray, *, reduction: str) -> np.ndarray:
    return scale(g, len(p), reduction) * (p - rows_of(y, p))


def loss(log_p: np.ndarray, y: np.ndarray, reduction: str) -> np.ndarray:
    losses = -(rows_of(y, log_p) * log_p).sum(axis=1)
    return losses if reduction == "none" else losses.sum() / (len(losses) if reduction == "mean" else 1)


def hardened(y: np.ndarray) -> np.ndarray:
    return y.argmax(axis=1) if y.ndim == 2 else y


def in_float16(function: Callable[..., Any], *arguments: np.ndarray, **parameters: Any) -> Any:
    """Everything a precision lower."""
    lower = {np.dtype("float64"): np.float32, np.dtype("float32"): np.float16}
    return function(*(x.astype(lower.get(x.dtype, x.dtype)) for x in arguments), **parameters)


def two_steps(g: np.ndarray, p: np.ndarray, y: np.ndarray, reduction: str, epsilon: float) -> np.ndarray:
    dL_dp = scale(g, len(p), reduction) * -rows_of(y, p) / (p + p.dtype.type(epsilon))
    return p * (dL_dp - (p * dL_dp).sum(axis=1, keepdims=True))


Fault = Callable[..., Any]
WHOLE: dict[str, Callable[[Fault], Fault]] = {
    "the upstream is ignored": lambda f: lambda g, x, y, reduction: f(np.ones_like(g), x, y, reduction=reduction),
    "the sign is reversed": lambda f: lambda g, x, y, reduction: -f(g, x, y, reduction=reduction),
    "1/N is missing": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction="sum" if reduction == "mean" else reduction)
    ),
    "1/N is there twice": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) / (len(x) if reduction == "mean" else 1)
    ),
    "divided by the number of elements": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) / (x.shape[1] if reduction == "mean" else 1)
    ),
    "N is that of another batch": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) * (len(x) / 4 if reduction == "mean" else 1)
    ),
    "a sum is divided by N as well": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) / (len(x) if reduction == "sum" else 1)
    ),
    "soft labels are hardened": lambda f: lambda g, x, y, reduction: f(g, x, hardened(y), reduction=reduction),
    "one-hot rows are transposed": lambda f: (
        lambda g, x, y, reduction: f(
            g, x, y.T if y.shape == x.shape and len(x) == x.shape[1] else y, reduction=reduction
        )
    ),
    "labels are counted from 1": lambda f: (
        lambda g, x, y, reduction: f(g, x, (y - 1) % x.shape[1] if y.ndim == 1 else y, reduction=reduction)
    ),
    "the last class is left out": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) * (np.arange(x.shape[1]) < x.shape[1] - 1)
    ),
    "rows beyond a tile of eight are left out": lambda f: (
        lambda g, x, y, reduction: f(g, x, y, reduction=reduction) * ((np.arange(len(x)) < 8) | (len(x) <= 8))[:, None]
    ),
    "the mean of the upstream is spread over the rows": lambda f: (
        lambda g, x, y, reduction: f(np.full_like(g, g.mean()), x, y, reduction=reduction)
    ),
    "computed at a lower precision": lambda f: partial(in_float16, f),
}
FAMILIES = {
    "the upstream is ignored": "backward-random-indices-mean-n5-c3",
    "the sign is reversed": "backward-random-indices-mean-n5-c3",
    "1/N is missing": "backward-random-one-hot-mean-n3-c5",
    "1/N is there twice": "backward-random-soft-mean-n7-c3",
    "divided by the number of elements": "backward-random-soft-mean-n7-c3",
    "N is that of another batch": "backward-random-indices-mean-n5-c3",
    "a sum is divided by N as well": "backward-random-indices-sum-n3-c4",
    "soft labels are hardened": "backward-random-soft-none-n5-c4",
    "one-hot rows are transposed": "backward-square-one-hot-mean-n5-c5",
    "labels are counted from 1": "backward-label-edge-indices-mean-n5-c4",
    "the last class is left out": "backward-random-one-hot-none-n6-c4",
    "rows beyond a tile of eight are left out": "backward-odd-indices-mean-n9-c7",
    "the mean of the upstream is spread over the rows": "backward-upstream-one-hot-indices-none-n5-c3",
    "computed at a lower precision": "backward-random-soft-sum-n3-c5",
}
SOUND_BACKWARD = {"cross_entropy": ce, "softmax_cross_entropy": sce, "softmax_cross_entropy_from_outputs": from_outputs}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("fault", WHOLE)
@pytest.mark.parametrize("op", SOUND_BACKWARD)
def test_a_fault_that_any_backward_may_have_is_rejected(op: str, fault: str, dtype: str) -> None:
    f = family(op, dtype, FAMILIES[fault])
    assert f.level == "required"
    assert accepts(f, SOUND_BACKWARD[op])
    assert not accepts(f, WHOLE[fault](SOUND_BACKWARD[op]))


OWN: tuple[tuple[str, str, str, Fault], ...] = (
    (
        "cross_entropy",
        "forward-small-indices-none-n5-c3",
        "1e-7 inside the logarithm",
        lambda p, y, reduction: loss(np.log(p + p.dtype.type(1e-7)), y, reduction),
    ),
    (
        "cross_entropy",
        "backward-small-one-hot-none-n3-c4",
        "1e-7 in the denominator",
        lambda g, p, y, reduction: ce(g, p + p.dtype.type(1e-7), y, reduction=reduction),
    ),
    (
        "cross_entropy",
        "forward-random-indices-sum-n3-c4",
        "logarithm to base 2",
        lambda p, y, reduction: loss(np.log2(p), y, reduction),
    ),
    (
        "cross_entropy",
        "forward-random-one-hot-mean-n3-c5",
        "the binary form",
        lambda p, y, reduction: loss(np.log(p), y, reduction) + loss(np.log(1 - p), 1 - rows_of(y, p), reduction),
    ),
    (
        "cross_entropy",
        "backward-random-indices-none-n4-c3",
        "the binary form",
        lambda g, p, y, reduction: (
            ce(g, p, y, reduction=reduction) + scale(g, len(p), reduction) * (1 - rows_of(y, p)) / (1 - p)
        ),
    ),
    (
        "cross_entropy",
        "forward-unnormalised-indices-mean-n3-c5",
        "rows are normalised first",
        lambda p, y, reduction: loss(np.log(p / p.sum(axis=1, keepdims=True)), y, reduction),
    ),
    (
        "cross_entropy",
        "forward-random-soft-mean-n7-c3",
        "soft labels are hardened",
        lambda p, y, reduction: loss(np.log(p), hardened(y), reduction),
    ),
    (
        "cross_entropy",
        "backward-random-one-hot-mean-n3-c5",
        "the gradient of the logits",
        from_outputs,
    ),
    (
        "cross_entropy",
        "forward-random-indices-none-n4-c3",
        "none is a mean",
        lambda p, y, reduction: np.full(len(y), loss(np.log(p), y, {"none": "mean"}[reduction])),
    ),
    (
        "softmax_cross_entropy",
        "forward-shifted-indices-mean-n3-c4",
        "no shift",
        lambda z, y, reduction: loss(z - np.log(np.exp(z).sum(axis=1, keepdims=True)), y, reduction),
    ),
    (
        "softmax_cross_entropy",
        "backward-shifted-one-hot-none-n4-c3",
        "no shift",
        lambda g, z, y, reduction: from_outputs(
            g, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), y, reduction=reduction
        ),
    ),
    (
        "softmax_cross_entropy",
        "forward-shifted-indices-mean-n3-c4",
        "shifted by the largest of the batch",
        lambda z, y, reduction: loss(
            np.log(np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=1, keepdims=True)), y, reduction
        ),
    ),
    (
        "softmax_cross_entropy",
        "forward-far-60-wrong",
        "clipped probabilities",
        lambda z, y, reduction: loss(np.log(np.clip(softmax.forward(z), 1e-7, 1 - 1e-7)), y, reduction),
    ),
    (
        "softmax_cross_entropy",
        "forward-small-one-hot-none-n3-c4",
        "1e-7 inside the logarithm",
        lambda z, y, reduction: loss(np.log(softmax.forward(z) + z.dtype.type(1e-7)), y, reduction),
    ),
    (
        "softmax_cross_entropy",
        "backward-small-indices-mean-n5-c3",
        "1e-7 in the denominator on the way",
        lambda g, z, y, reduction: two_steps(g, softmax.forward(z), y, reduction, 1e-7),
    ),
    (
        "softmax_cross_entropy",
        "backward-random-indices-sum-n3-c4",
        "normalised over the batch",
        lambda g, z, y, reduction: from_outputs(g, softmax.forward(z.T).T, y, reduction=reduction),
    ),
    (
        "softmax_cross_entropy",
        "forward-masked-one-hot",
        "0 times an infinity",
        lambda z, y, reduction: loss(softmax.log_softmax(z), y, reduction),
    ),
    (
        "softmax_cross_entropy",
        "backward-random-soft-sum-n3-c5",
        "the softmax left out",
        from_outputs,
    ),
    (
        "softmax_cross_entropy_from_outputs",
        "backward-small-indices-mean-n5-c3",
        "1e-7 in the denominator on the way",
        lambda g, p, y, reduction: two_steps(g, p, y, reduction, 1e-7),
    ),
    (
        "softmax_cross_entropy_from_outputs",
        "backward-small-one-hot-none-n3-c4",
        "clipped outputs",
        lambda g, p, y, reduction: from_outputs(g, np.clip(p, 1e-7, 1 - 1e-7), y, reduction=reduction),
    ),
    (
        "softmax_cross_entropy_from_outputs",
        "backward-random-soft-none-n5-c4",
        "softmax taken again",
        sce,
    ),
    (
        "softmax_cross_entropy_from_outputs",
        "backward-certain-exact-wrong",
        "-y / p at p = 0 on the way",
        lambda g, p, y, reduction: two_steps(g, p, y, reduction, 0),
    ),
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("op", "name", "fault"), [(o, n, f) for o, n, _, f in OWN], ids=[f"{o}-{n}: {w}" for o, n, w, _ in OWN]
)
def test_a_fault_of_one_loss_is_rejected(op: str, name: str, fault: Fault, dtype: str) -> None:
    f = family(op, dtype, name)
    assert f.level == ("robust" if "exact" in name or "masked" in name else "required")
    assert accepts(f, operation(op).functions[f.direction])
    assert not accepts(f, fault)
