"""Layers written soundly, and with one thing wrong each: witnesses for the cases of dense, softmax and mlp."""

# ruff: noqa: ARG005 (what changes one gradient is given all that it could need)

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[..., Any]


# Sound implementations, from which the faults differ in one thing -----------------------------------------------------


def dense_forward(x, w, b):
    return x @ w + b


def dense_backward(g, x, w, _b):
    return g @ w.T, x.T @ g, g.sum(axis=0, keepdims=True)


def softmax_forward(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(g, z):
    p = softmax_forward(z)
    return p * (g - (p * g).sum(axis=-1, keepdims=True))


def rows_of(labels, z):
    return labels.astype(z.dtype) if labels.ndim == 2 else np.eye(z.shape[1], dtype=z.dtype)[labels]


def per_row(loss_of_row):
    def forward(x, w1, b1, w2, b2, labels, reduction):
        z = np.maximum(x @ w1 + b1, 0) @ w2 + b2
        losses = loss_of_row(z, rows_of(labels, z))
        return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / len(x)}[reduction]

    return forward


def cross_entropy(z, y):
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.where(y == 0, 0, y * log_p).sum(axis=1)


def mlp_backward(g, x, w1, b1, w2, b2, labels, reduction, mask=lambda h: h > 0, scale=None, back=dense_backward):
    h = x @ w1 + b1
    a = np.maximum(h, 0)
    z = a @ w2 + b2
    n = max(len(x), 1)
    factor = {"none": 1, "sum": 1, "mean": n}[reduction] if scale is None else scale(reduction, n, z.shape[1])
    dz = (softmax_forward(z) - rows_of(labels, z)) * np.reshape(g / z.dtype.type(factor), (-1, 1))
    da, dw2, db2 = back(dz, a, w2, b2)
    dx, dw1, db1 = back(np.where(mask(h), da, 0), x, w1, b1)
    return dx, dw1, db1, dw2, db2


SOUND: dict[tuple[str, str], Function] = {
    ("dense", "forward"): dense_forward,
    ("dense", "backward"): dense_backward,
    ("softmax", "forward"): softmax_forward,
    ("softmax", "backward"): softmax_backward,
    ("mlp", "forward"): per_row(cross_entropy),
    ("mlp", "backward"): mlp_backward,
}


# Faults ---------------------------------------------------------------------------------------------------------------


def changed(index: int, change: Callable[..., Any]) -> Function:
    """Dense's backward with one gradient changed: `change` takes it, then the arguments."""

    def faulty(g, x, w, b):
        results = list(dense_backward(g, x, w, b))
        results[index] = change(results[index], g, x, w)
        return tuple(results)

    return faulty


def without_last(array, axis, tile):
    """What a loop over whole tiles leaves of a result."""
    result, size = array.copy(), array.shape[axis]
    if size > tile:
        np.moveaxis(result, axis, 0)[size - size % tile :] = 0
    return result


def narrow(function: Function, dtype: str) -> Function:
    """Compute in a narrower dtype and give the result in the wider."""

    def faulty(*arguments, **parameters):
        inside = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arguments]
        results = function(*inside, **parameters)
        results = results if isinstance(results, tuple) else (results,)
        return tuple(np.asarray(r).astype(arguments[0].dtype) for r in results)

    return faulty


def in_tf32(function: Function) -> Function:
    """Compute in float32 from arguments as tf32 holds them."""

    def faulty(*arguments, **parameters):
        cut = [
            (a.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32) if a.dtype.kind == "f" else a
            for a in arguments
        ]
        return function(*cut, **parameters)

    return faulty


def updated(w, dw):
    return w - w.dtype.type(0.01) * dw


def stale_second_layer(g, x, w1, b1, w2, b2, labels, reduction):
    dw2 = mlp_backward(g, x, w1, b1, w2, b2, labels, reduction)[3]
    h = x @ w1 + b1
    z = np.maximum(h, 0) @ w2 + b2
    n = len(x) if reduction == "mean" and len(x) else 1
    dz = (softmax_forward(z) - rows_of(labels, z)) * np.reshape(g / z.dtype.type(n), (-1, 1))
    right = mlp_backward(g, x, w1, b1, w2, b2, labels, reduction)
    return (*dense_backward(np.where(h > 0, dz @ updated(w2, dw2).T, 0), x, w1, b1), *right[3:])


def summed_over_batch(g, z):
    p = softmax_forward(z)
    return p * (g - (p * g).sum())


def forward_of_probabilities(loss):
    return per_row(lambda z, y: loss(softmax_forward(z), y))


def one_reduction(wrong):
    """The loss with every reduction of its own making: `wrong` takes losses, reduction, rows and classes."""

    def forward(x, w1, b1, w2, b2, labels, reduction):
        losses = per_row(cross_entropy)(x, w1, b1, w2, b2, labels, "none")
        return wrong(losses, reduction, w2.shape[1])

    return forward


def by_argmax(function: Function) -> Function:
    """Soft rows read as the class of their largest entry."""

    def faulty(*arguments, **parameters):
        *rest, labels = arguments
        return function(*rest, labels.argmax(axis=1) if labels.ndim == 2 else labels, **parameters)

    return faulty


DENSE_BACKWARD: dict[str, Function] = {
    "bias gradient is the mean": changed(2, lambda db, g, x, w: g.mean(axis=0, keepdims=True)),
    "bias gradient over the other axis": changed(2, lambda db, g, x, w: np.resize(g.sum(axis=1), db.shape)),
    "bias gradient skipped for a batch of one": changed(2, lambda db, g, x, w: db * (len(g) > 1)),
    "bias gradient not summed": changed(2, lambda db, g, x, w: g[:1]),
    "weight gradient divided by N": changed(1, lambda dw, g, x, w: dw / len(x)),
    "weights not transposed where square": changed(0, lambda dx, g, x, w: g @ w if w.shape[0] == w.shape[1] else dx),
    "weight gradient transposed where square": changed(1, lambda dw, g, x, w: dw.T if w.shape[0] == w.shape[1] else dw),
    "weight gradient transposed where N = I": changed(1, lambda dw, g, x, w: x @ g if x.shape[0] == x.shape[1] else dw),
    "input gradient twice": changed(0, lambda dx, g, x, w: 2 * dx),
    "input gradient from updated weights": changed(0, lambda dx, g, x, w: g @ updated(w, x.T @ g).T),
    "weight decay": changed(1, lambda dw, g, x, w: dw + w.dtype.type(1e-4) * w),
    "upstream's first row for all": lambda g, x, w, b: dense_backward(np.repeat(g[:1], len(g), axis=0), x, w, b),
    "upstream ignored": lambda g, x, w, b: dense_backward(np.ones_like(g), x, w, b),
    "upstream's sign alone": lambda g, x, w, b: dense_backward(np.sign(g), x, w, b),
    "gradient clipped": changed(1, lambda dw, g, x, w: np.clip(dw, -1e3, 1e3)),
    "small gradients dropped": changed(1, lambda dw, g, x, w: np.where(abs(dw) < 1e-4, 0, dw)),
    "rows beyond whole tiles of 8 missing": changed(0, lambda dx, g, x, w: without_last(dx, 0, 8)),
    "columns beyond whole tiles of 8 missing": changed(0, lambda dx, g, x, w: without_last(dx, 1, 8)),
    "columns beyond whole tiles of 16 missing": changed(1, lambda dw, g, x, w: without_last(dw, 1, 16)),
    "rows beyond whole tiles of 32 missing": changed(1, lambda dw, g, x, w: without_last(dw, 0, 32)),
    "neurons beyond whole tiles of 64 missing": changed(2, lambda db, g, x, w: without_last(db, 1, 64)),
    "batch beyond whole tiles of 64 missing": changed(0, lambda dx, g, x, w: without_last(dx, 0, 64)),
    "batch beyond whole tiles of 64 not summed": changed(1, lambda dw, g, x, w: x[: max(64, 0)].T @ g[:64]),
}
DENSE_FORWARD: dict[str, Function] = {
    "no bias": lambda x, w, b: x @ w,
    "bias twice": lambda x, w, b: x @ w + 2 * b,
    "bias down the columns where square": lambda x, w, b: x @ w + (b.T if len(x) == b.shape[1] else b),
    "weights transposed where square": lambda x, w, b: x @ (w.T if w.shape[0] == w.shape[1] else w) + b,
    "inputs beyond whole tiles of 4 missing": lambda x, w, b: (
        x[:, : max(x.shape[1] // 4 * 4, 4)] @ w[: max(len(w) // 4 * 4, 4)] + b
    ),
    "rows beyond whole tiles of 8 missing": lambda x, w, b: without_last(x @ w + b, 0, 8),
}
SOFTMAX_BACKWARD: dict[str, Function] = {
    "the Jacobian's diagonal alone": lambda g, z: g * softmax_forward(z) * (1 - softmax_forward(z)),
    "the sum left out": lambda g, z: g * softmax_forward(z),
    "zeros": lambda g, z: np.zeros_like(z),
    "upstream ignored": lambda g, z: softmax_backward(np.ones_like(g), z),
    "normalised over the first axis": lambda g, z: (lambda p: p * (g - (p * g).sum(axis=-1, keepdims=True)))(
        softmax_forward(z, axis=0)
    ),
    "summed over the second axis": lambda g, z: (
        lambda p: p * (g - (p * g).sum(axis=min(1, z.ndim - 1), keepdims=True))
    )(softmax_forward(z)),
    "summed over the batch": summed_over_batch,
    "1e-7 in the denominator": lambda g, z: softmax_backward(g, z) / z.dtype.type(1 + 1e-5),
    "sign reversed": lambda g, z: -softmax_backward(g, z),
}
SOFTMAX_FORWARD: dict[str, Function] = {
    "no shift": lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    "shifted by the batch's maximum": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=-1, keepdims=True),
    "over the first axis": lambda z: softmax_forward(z, axis=0),
    "over the second axis": lambda z: softmax_forward(z, axis=min(1, z.ndim - 1)),
    "normalised over the batch": lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
    "clipped from below": lambda z: np.maximum(softmax_forward(z), z.dtype.type(1e-4)),
    "sum of whole tiles of 32 alone": lambda z: (
        softmax_forward(z)
        if z.shape[-1] <= 32
        else np.exp(z - z.max(axis=-1, keepdims=True))
        / np.exp(z - z.max(axis=-1, keepdims=True))[..., : z.shape[-1] // 32 * 32].sum(axis=-1, keepdims=True)
    ),
}
MLP_BACKWARD: dict[str, Function] = {
    "1/N missing": lambda *a, reduction: mlp_backward(*a, reduction, scale=lambda r, n, c: 1),
    "1/N twice": lambda *a, reduction: mlp_backward(*a, reduction, scale=lambda r, n, c: n * n if r == "mean" else 1),
    "1/N whatever the reduction": lambda *a, reduction: mlp_backward(*a, reduction, scale=lambda r, n, c: n),
    "1/N for none": lambda *a, reduction: mlp_backward(*a, reduction, scale=lambda r, n, c: 1 if r == "sum" else n),
    "divided by all elements": lambda *a, reduction: mlp_backward(
        *a, reduction, scale=lambda r, n, c: n * c if r == "mean" else 1
    ),
    "upstream ignored": lambda g, *a, reduction: mlp_backward(np.ones_like(g), *a, reduction),
    "activation's derivative left out": lambda *a, reduction: mlp_backward(*a, reduction, mask=lambda h: h == h),
    "mask of the first row for all": lambda *a, reduction: mlp_backward(
        *a, reduction, mask=lambda h: np.repeat(h[:1] > 0, len(h), axis=0)
    ),
    "mask with a threshold": lambda *a, reduction: mlp_backward(*a, reduction, mask=lambda h: h > 0.05),
    "bias gradients are means": lambda *a, reduction: mlp_backward(
        *a, reduction, back=changed(2, lambda db, g, x, w: db / max(len(g), 1))
    ),
    "weights not transposed where square": lambda *a, reduction: mlp_backward(
        *a, reduction, back=DENSE_BACKWARD["weights not transposed where square"]
    ),
    "the second layer's updated weights": lambda *a, reduction: stale_second_layer(*a, reduction),
    "argmax of soft labels": lambda *a, reduction: by_argmax(mlp_backward)(*a, reduction=reduction),
}
MLP_FORWARD: dict[str, Function] = {
    "1e-7 inside the logarithm": forward_of_probabilities(
        lambda p, y: -np.where(y == 0, 0, y * np.log(p + p.dtype.type(1e-7))).sum(axis=1)
    ),
    "logarithm to base 2": per_row(lambda z, y: cross_entropy(z, y) / np.log(z.dtype.type(2))),
    "sign reversed": per_row(lambda z, y: -cross_entropy(z, y)),
    "binary form": forward_of_probabilities(lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1)),
    "argmax of soft labels": by_argmax(per_row(cross_entropy)),
    "sum is the mean": one_reduction(lambda v, r, c: v if r == "none" else v.sum() / len(v)),
    "mean is the sum": one_reduction(lambda v, r, c: v if r == "none" else v.sum()),
    "mean over all elements": one_reduction(
        lambda v, r, c: v if r == "none" else v.sum() / (len(v) * c if r == "mean" else 1)
    ),
}
FAULTS = {
    ("dense", "backward"): DENSE_BACKWARD,
    ("dense", "forward"): DENSE_FORWARD,
    ("softmax", "backward"): SOFTMAX_BACKWARD,
    ("softmax", "forward"): SOFTMAX_FORWARD,
    ("mlp", "backward"): MLP_BACKWARD,
    ("mlp", "forward"): MLP_FORWARD,
}
ROBUST: dict[str, tuple[str, str, Function]] = {
    "clipped probabilities": (
        "mlp",
        "forward",
        forward_of_probabilities(lambda p, y: -(y * np.log(np.clip(p, 1e-7, 1 - 1e-7))).sum(axis=1)),
    ),
    "log-softmax that loses digits": (
        "softmax",
        "forward",
        lambda z: np.exp(
            z
            - (
                z.max(axis=-1, keepdims=True)
                + np.log(np.exp(z - z.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True))
            )
        ),
    ),
    "-inf read as 0": ("softmax", "forward", lambda z: softmax_forward(np.where(np.isneginf(z), 0, z))),
    "NaN read as 0": ("softmax", "backward", lambda g, z: np.nan_to_num(softmax_backward(g, z))),
    "overflow saturated": ("dense", "forward", lambda x, w, b: np.nan_to_num(x @ w + b, nan=np.nan)),
}
