"""Reported faults of losses by element, each beside its cure."""

from functools import partial
from typing import Any

import numpy as np
from backproof.reference.model.losses import by_losses, by_slope, element_upstream
from backproof.reference.ops import binary_cross_entropy_with_logits as with_logits
from backproof.reference.ops import hinge, huber, l1, mse, sigmoid, smooth_l1
from public_reports import Array, Report, at, reported

NAN, INFINITY = np.nan, np.inf
Row = tuple[Any, ...]
"""Where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small call, what is
due there, what is given, and True where robust inputs alone show it."""
TOTAL, EACH = {"reduction": "sum"}, {"reduction": "none"}


# Losses of an element ------------------------------------------------------------------------------------------------


def huber_by_masks(above: Any, x: Array, t: Array, *, delta: float) -> Array:
    """Two masks and two pieces; `above` says of the difference where the straight one holds."""
    e = x - t
    return (abs(e) <= delta) * e * e / 2 + above(e, delta) * delta * (abs(e) - delta / 2)


def huber_by_side(straight: Any, x: Array, t: Array, *, delta: float) -> Array:
    """Two pieces, the straight one by a function of the error."""
    e = abs(x - t)
    return np.where(e < delta, 0.5 * e * e, straight(e, delta))


def smooth_by_side(inside: Any, x: Array, t: Array, *, beta: float) -> Array:
    """Two pieces; `inside` says of the difference where the parabola holds."""
    d = x - t
    return np.where(inside(d, beta), 0.5 * d * d / beta, abs(d) - 0.5 * beta)


def hinge_of_product(x: Array, y: Array) -> Array:
    return np.maximum(0, 1 - x * y)


def through_sigmoid(x: Array, y: Array) -> Array:
    s = sigmoid.forward(x)
    return -y * np.log(s) - (1 - y) * np.log(1 - s)


def share_of_log(log: Any, x: Array, y: Array, w: Array) -> Array:
    """(1 - y) x + (1 + (w - 1) y) log(1 + exp(-x)), the logarithm by a function of x."""
    return (1 - y) * x + (1 + (w - 1) * y) * log(x)


# Derivatives at an element -------------------------------------------------------------------------------------------


def through_kinks(x: Array, y: Array) -> Array:
    """By |x| and max(x, 0), whose slopes at 0 are both taken as 0."""
    small = np.exp(-abs(x))
    return (x > 0) - y - np.sign(x) * small / (1 + small)


def signed_beyond(cutoff: float, sign: float, x: Array, y: Array) -> Array:
    """The loss's slope for each label by x times its sign, simplified beyond a cutoff; `sign` is that of the right."""

    def of_label(signs: float) -> Array:
        t = signs * x
        small = np.exp(-np.maximum(t, -cutoff))
        right = -small if sign == 0 else signs * small
        return np.where(t > cutoff, right, np.where(t < -cutoff, signs, signs * small / (small + 1)))

    return -y * of_label(1.0) - (1 - y) * of_label(-1.0)


# Whole gradients -----------------------------------------------------------------------------------------------------


def mask_of_columns(g: Array, x: Array, y: Array, *, reduction: str) -> Array:
    """Reads the mask column by column where the gradient is written row by row."""
    mask = (x * y < 1).T.reshape(x.shape)
    return element_upstream(g, x, reduction) * np.where(mask, -y, 0)


def without_upstream(g: Array, x: Array, t: Array, *, delta: float, reduction: str) -> Array:
    return by_slope(huber.slope, np.ones_like(g), x, t, delta=delta, reduction=reduction)


def mean_not_divided(g: Array, x: Array, t: Array, *, reduction: str) -> Array:
    return by_slope(l1.sign, g, x, t, reduction="none" if reduction == "none" else "sum")


def mean_over_rows(x: Array, t: Array, *, reduction: str) -> Array:
    """Divides by the first axis alone."""
    mean = mse.forward(x, t, reduction=reduction)
    return mean * x.size / len(x) if reduction == "mean" and x.size else mean


# The reports ---------------------------------------------------------------------------------------------------------


def of_losses() -> tuple[Row, ...]:
    """Losses of an element that are wrong."""
    return (
        ("mlpack/mlpack#2444", "no absolute value", "l1",
         lambda x, t: x - t, lambda x, t: abs(x - t), at([1.0], [3.0], **TOTAL), 2, -2),
        ("KevinMenden/scaden#37", "the square", "l1",
         lambda x, t: (x - t) ** 2, lambda x, t: abs(x - t), at([0.0], [3.0], **TOTAL), 3, 9),
        ("marlbenchmark/on-policy#47", "no absolute value in the second mask", "huber",
         partial(huber_by_masks, lambda e, d: e > d), partial(huber_by_masks, lambda e, d: abs(e) > d),
         at([-3.0], [0.0], delta=1.0, **TOTAL), 2.5, 0),
        ("tensorforce/tensorforce#139", "delta left out of the straight piece", "huber",
         partial(huber_by_side, lambda e, _: e - 0.5),
         partial(huber_by_side, lambda e, delta: 0.5 * delta**2 + delta * (e - delta)),
         at([3.0], [0.0], delta=2.0, **TOTAL), 4, 2.5),
        ("pytorch/pytorch PR 17447", "a jump at beta", "smooth_l1",
         lambda x, t, beta: np.where(abs(x - t) < beta, 0.5 * (x - t) ** 2, abs(x - t) - 0.5 * beta), smooth_l1.losses,
         at([1.0], [0.0], beta=2.0, **TOTAL), 0.25, 0.5),
        ("fastestimator/fastestimator PR 330", "no beta", "smooth_l1",
         lambda x, t, **_: smooth_l1.losses(x, t, beta=1.0), smooth_l1.losses,
         at([3.0], [0.0], beta=2.0, **TOTAL), 2, 2.5),
        ("trzy/FasterRCNN#2", "no absolute value in the choice of the piece", "smooth_l1",
         partial(smooth_by_side, lambda d, beta: d < beta), partial(smooth_by_side, lambda d, beta: abs(d) < beta),
         at([-3.0], [0.0], beta=1.0, **TOTAL), 2.5, 4.5),
        ("smallcorgi/Faster-RCNN_TF PR 30", "sigma for its square, and 1 for beta", "smooth_l1",
         lambda x, t, beta: np.where(abs(x - t) < 1, 0.5 * (x - t) ** 2 / beta**0.5, abs(x - t) - 0.5 * beta),
         lambda x, t, beta: np.where(abs(x - t) < beta, 0.5 * (x - t) ** 2 / beta, abs(x - t) - 0.5 * beta),
         at([0.5], [0.0], beta=0.25, **TOTAL), 0.375, 0.25),
        ("huggingface/candle#2561", "through a saturated sigmoid", "binary_cross_entropy_with_logits",
         through_sigmoid, with_logits.losses, at([40.0], [1.0], **TOTAL), 4.2484e-18, NAN),
        ("slryou41/AnchorLoss#2", "log sigmoid(1 - x) for log(1 - sigmoid(x))", "binary_cross_entropy_with_logits",
         lambda x, y: y * with_logits.softplus(-x) + (1 - y) * with_logits.softplus(x - 1),
         lambda x, y: y * with_logits.softplus(-x) + (1 - y) * with_logits.softplus(x),
         at([1.0], [0.0], **TOTAL), 1.31326, 0.69315),
        ("pytorch/pytorch#13773", "an exponential that overflows", "weighted_binary_cross_entropy_with_logits",
         partial(share_of_log, lambda x: np.log(1 + np.exp(-x))),
         partial(share_of_log, lambda x: with_logits.softplus(-x)),
         at([-120.0], [1.0], [1.0], **TOTAL), 120, INFINITY),
        ("bfortuner/ml-glossary PR 113", "labels of 0 and 1", "hinge",
         lambda x, y: np.maximum(0, 1 - x * (y > 0)), hinge_of_product,
         at([2.0], [-1.0], **TOTAL), 3, 1),
        ("airbnb/aerosolve PR 94", "the difference of scores reversed", "hinge",
         lambda x, y: np.maximum(0, 1 + x * y), hinge_of_product,
         at([2.0], [-1.0], **TOTAL), 3, 0),
        ("Atcold/NYU-DLSP20 PR 832", "the score subtracted outside of the maximum", "hinge",
         lambda x, y: np.maximum(0, 1) - x * y, hinge_of_product,
         at([2.0], [1.0], **TOTAL), 0, -1),
    )  # fmt: skip


def of_slopes() -> tuple[Row, ...]:
    """Derivatives at an element that are wrong."""
    return (
        ("davisking/dlib#1169", "no factor of 2", "mse",
         lambda x, t: x - t, mse.slope, at(1.0, [3.0], [0.0], **TOTAL), [6], [3]),
        ("mlpack/mlpack PR 2203", "1 everywhere", "l1",
         lambda x, _: np.ones_like(x), lambda x, t: np.sign(x - t), at(1.0, [-3.0], [0.0], **TOTAL), [-1], [1]),
        ("paiml/aprender PR 2188", "no gradient", "l1",
         lambda x, _: np.zeros_like(x), lambda x, t: np.sign(x - t), at(1.0, [3.0], [0.0], **TOTAL), [1], [0]),
        ("deeplearning4j/nd4j#1328", "nothing for a label of 0", "binary_cross_entropy",
         lambda p, y: -y / p, lambda p, y: (1 - y) / (1 - p) - y / p, at(1.0, [0.5], [0.0], **TOTAL), [2], [0]),
        ("pytorch/pytorch#2298", "slopes of 0 at 0", "binary_cross_entropy_with_logits",
         through_kinks, lambda x, y: sigmoid.forward(x) - y, at(1.0, [0.0], [0.0], **TOTAL), [0.5], [0]),
        ("stan-dev/math PR 3369", "a sign left out beyond a cutoff", "binary_cross_entropy_with_logits",
         partial(signed_beyond, 20.0, 0.0), partial(signed_beyond, 20.0, 1.0),
         at(1.0, [25.0], [1.0], **TOTAL), [-1.3888e-11], [1.3888e-11]),
        ("pytorch/pytorch#195677", "the sigmoid less the target", "binary_cross_entropy_with_logits",
         lambda x, y: sigmoid.forward(x) - y, with_logits.slope,
         at(1.0, [40.0], [1.0], dtype="float64", **TOTAL), [-4.2484e-18], [0], True),
    )  # fmt: skip


def of_gradients() -> tuple[Row, ...]:
    """Gradients that use the upstream or the number of elements in a wrong way."""
    return (
        ("MyCaffe/MyCaffe#25", "a mean that is not divided", "l1",
         mean_not_divided, partial(by_slope, l1.sign),
         at(1.0, [3.0, 1.0], [0.0, 0.0], reduction="mean"), [0.5, 0.5], [1, 1]),
        ("chainer/chainer#1175", "no upstream", "huber",
         without_upstream, partial(by_slope, huber.slope), at(0.0, [0.0], [1.0], delta=1.0, **TOTAL), [0], [-1]),
        ("pytorch/pytorch PR 3773", "a mask along the wrong axis", "hinge",
         mask_of_columns, hinge.backward,
         at([[1.0, 1.0]] * 2, [[2.0, 2.0], [0.0, 0.0]], [[1.0, 1.0]] * 2, **EACH), [[0, 0], [-1, -1]], [[0, -1]] * 2),
    )  # fmt: skip


def of_reductions() -> tuple[Row, ...]:
    """Means over other than the elements."""
    return (
        ("Lightning-Universe/lightning-bolts#849", "a mean over rows", "mse",
         mean_over_rows, mse.forward, at([[1.0, 1.0]], [[0.0, 0.0]], reduction="mean"), 1, 2),
    )  # fmt: skip


def by(whole: Any, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Rows of functions of an element as rows of whole functions."""
    return tuple((*row[:3], *(partial(whole, function) for function in row[3:5]), *row[5:]) for row in rows)


REPORTS: tuple[Report, ...] = (
    *(reported("forward", *row) for row in (*by(by_losses, of_losses()), *of_reductions())),
    *(reported("backward", *row) for row in (*by(by_slope, of_slopes()), *of_gradients())),
)
