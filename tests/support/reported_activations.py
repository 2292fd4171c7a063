"""Reported faults of activations and other elementwise operations, each beside its cure."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.activations import chain as through
from backproof.reference.ops import elu, hardsigmoid, hardswish, log_sigmoid, mish, reciprocal, selu, softplus, softsign
from public_reports import Array, Report, at, reported

NAN, INFINITY = np.nan, np.inf
SCALE, ALPHA = selu.SCALE, selu.ALPHA
AWAY_FROM_ONE = 1e8
"""Makes the relative error of a constant in float32 a number around 1."""

Row = tuple[Any, ...]
"""Where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small call, what is
due there, what is given, and True where robust inputs alone show it."""


def error_of(exact: float) -> Callable[[Array], Any]:
    """Measures how far a result is from the exact one, in units of 1e-8 of it."""
    return lambda x: np.round(np.ravel(x)[0] / exact - 1, 14) * AWAY_FROM_ONE


def clipped_by_difference(low: float, high: float, x: Array) -> Array:
    """A clip as a difference, which cancels where x is large."""
    return np.maximum(x, low) - np.maximum(x - high, 0)


# Slopes --------------------------------------------------------------------------------------------------------------


def of_saved_elu(x: Array, *, alpha: float) -> Array:
    """Takes the side from the output, which has the input's sign for a positive alpha alone."""
    return np.where(elu.forward(x, alpha=alpha) > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def selu_scaled_twice(x: Array) -> Array:
    return np.where(x > 0, SCALE, SCALE * (selu.forward(x) + ALPHA))


def selu_of_saved(x: Array) -> Array:
    return np.where(x > 0, SCALE, selu.forward(x) + SCALE * ALPHA)


def hardswish_of_rectified(x: Array) -> Array:
    """Looks for the piece in relu(x), which is never below -3."""
    y = np.maximum(x, 0)
    return np.where((y >= -3) & (y < 3), y / 3 + 0.5, y >= 3)


def hardswish_in_pieces(x: Array) -> Array:
    return np.where(x <= -3, 0, np.where(x < 3, x / 3 + 0.5, 1))


def hardswish_of_upstream(g: Array, x: Array) -> Array:
    """Takes the upstream for the input, in all places but one."""
    return (hardsigmoid.clipped(g) + g * g * hardsigmoid.passes(x)) / 6


def mish_slope(u: Callable[[Array], Array], share: Callable[[Array], Array], x: Array) -> Array:
    """The slope by tanh(u), u being softplus(x) and the share sigmoid(x) as a function of u."""
    t = np.tanh(u(x))
    return t + x * (1 - t * t) * share(u(x))


def mish_with_cube(x: Array) -> Array:
    """One fraction with exp(3x) in it, which overflows first."""
    e1, e2, e3 = np.exp(x), np.exp(2 * x), np.exp(3 * x)
    denominator = 2 * e1 + e2 + 2
    return e1 * (4 * (x + 1) + 4 * e2 + e3 + e1 * (4 * x + 6)) / (denominator * denominator)


def mish_of_powers(x: Array) -> Array:
    power = np.exp(x)
    return x * (power * power + 2 * power) / (power * power + 2 * power + 2)


def naive_softplus(x: Array) -> Array:
    return np.log(1 + np.exp(x))


def log_sigmoid_shifted(x: Array) -> Array:
    """Two exponentials less the larger of 0 and -x."""
    largest = np.maximum(0, -x)
    return -(largest + np.log(np.exp(-largest) + np.exp(-x - largest)))


def relu6_seeded(g: Array, x: Array, *, min_value: float, max_value: float) -> Array:
    """Starts from the upper edge on the right of the lower one, and overwrites it where a comparison holds."""
    seed = np.where(x < min_value, 0, max_value)
    return np.where(x >= max_value, 0, np.where((x > min_value) & (x < max_value), g, seed))


def relu6_masked(g: Array, x: Array, *, min_value: float, max_value: float) -> Array:
    return np.where((x > min_value) & (x < max_value), g, 0)


# The reports ---------------------------------------------------------------------------------------------------------


def of_slopes() -> tuple[Row, ...]:
    """Slopes that are wrong, by the operation's input."""
    expm1 = np.expm1
    return (
        ("deeplearning4j/deeplearning4j#8178", "the default slope whatever was asked for", "leaky_relu",
         lambda x, **_: np.where(x > 0, 1, 0.01), lambda x, negative_slope: np.where(x > 0, 1, negative_slope),
         at([1.0, 1.0], [1.0, -1.0], negative_slope=0.2), [1, 0.2], [1, 0.01]),
        ("chainer/chainer PR 5898", "the side is read off an output of 0", "leaky_relu",
         lambda x, negative_slope: np.where(negative_slope * x >= 0, 1, negative_slope),
         lambda x, negative_slope: np.where(x >= 0, 1, negative_slope),
         at([1.0], [-1.0], negative_slope=0.0), [0], [1], True),
        ("pytorch/pytorch#31938", "the side is read off the output", "leaky_relu",
         lambda x, negative_slope: np.where(np.where(x > 0, x, x * negative_slope) > 0, 1, negative_slope),
         lambda x, negative_slope: np.where(x > 0, 1, negative_slope),
         at([1.0, 1.0], [-1.0, 1.0], negative_slope=-2.0), [-2, 1], [1, 1], True),
        ("tinygrad/tinygrad PR 17852", "exponential of every input", "elu",
         lambda x, alpha: (x > 0) * 1.0 + (x <= 0) * (alpha * np.exp(x)),
         lambda x, alpha: np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0))),
         at([1.0], [100.0], alpha=1.0), [1], [NAN]),
        ("tinygrad/tinygrad, Tensor.elu of 0.14.0", "neither side at 0", "elu",
         lambda x, alpha: np.where(x == 0, 0, elu.slope(x, alpha=alpha)), elu.slope,
         at([1.0], [0.0], alpha=2.0), [2], [0]),
        ("mlpack/mlpack PR 1540", "the input taken for the output", "elu",
         lambda x, alpha: np.where(x > 0, 1, x + alpha),
         lambda x, alpha: np.where(x > 0, 1, elu.forward(x, alpha=alpha) + alpha),
         at([1.0], [-2.0], alpha=1.0), [0.13534], [-1]),
        ("apache/mxnet PR 1265", "the output taken for the input", "elu",
         lambda x, alpha: np.where(x > 0, 1, alpha * np.exp(elu.forward(x, alpha=alpha))),
         lambda x, alpha: np.where(x > 0, 1, elu.forward(x, alpha=alpha) + alpha),
         at([1.0], [-2.0], alpha=1.0), [0.13534], [0.42119]),
        ("pytorch/pytorch#47671", "the side is read off the output", "elu",
         of_saved_elu, elu.slope, at([1.0], [-1.0], alpha=-1.0), [-0.36788], [1], True),
        ("ml-explore/mlx, nn.celu of 0.32.4", "two kinks for a smooth place", "celu",
         lambda x, alpha: (x > 0) + (x < 0) * np.exp(np.minimum(x, 0) / alpha),
         lambda x, alpha: np.exp(np.minimum(x, 0) / alpha), at([1.0], [0.0], alpha=2.0), [1], [0]),
        ("pytorch/pytorch, celu of 2.13.0", "1 / alpha in float32", "celu",
         lambda x, alpha: np.exp(np.minimum(x, 0) * float(np.float32(1 / alpha))),
         lambda x, alpha: np.exp(np.minimum(x, 0) / alpha),
         at([1.0], [-3.0], alpha=3.0, dtype="float64", of=error_of(float(np.exp(-1)))), 0, -2.9802),
        ("RubixML/ML PR 427", "scaled twice", "selu",
         selu_scaled_twice, selu_of_saved, at([1.0], [-0.5]), [1.06634], [1.0313]),
        ("pytorch/pytorch#51408", "no clip", "hardsigmoid",
         lambda x: np.full_like(x, 1 / 6), lambda x: hardsigmoid.passes(x) / 6, at([6.0], [-4.0]), [0], [1]),
        ("pytorch/pytorch, hardsigmoid of 2.13.0", "1 / 6 in float32", "hardsigmoid",
         lambda x: hardsigmoid.passes(x) * float(np.float32(1 / 6)), lambda x: hardsigmoid.passes(x) / 6,
         at([1.0], [0.0], dtype="float64", of=error_of(1 / 6)), 0, 2.9802),
        ("pytorch/pytorch PR 59405", "the piece is read off relu(x)", "hardswish",
         hardswish_of_rectified, hardswish_in_pieces, at([1.0, 1.0], [-4.0, -1.0]), [0, 0.16667], [0.5, 0.5]),
        ("apache/mxnet#10868", "the output taken for the input", "softsign",
         lambda x: (1 + abs(softsign.forward(x))) ** -2.0, lambda x: (1 + abs(x)) ** -2.0,
         at([1.0], [3.0]), [0.0625], [0.32653]),
        ("apache/mxnet PR 20372", "the input taken for the output", "log_sigmoid",
         lambda x: 1 - np.exp(x), lambda x: 1 - np.exp(log_sigmoid.forward(x)),
         at([1.0], [1.0]), [0.26894], [-1.71828]),
        ("jax-ml/jax#2140", "the slope 0 twice at 0", "log_sigmoid",
         lambda x: np.where(x == 0, 0, log_sigmoid.slope(x)), log_sigmoid.slope, at([1.0], [0.0]), [0.5], [0]),
        ("AlexeyAB/darknet#5452", "1 - exp(-u)", "mish",
         partial(mish_slope, softplus.forward, lambda u: 1 - np.exp(-u)),
         partial(mish_slope, softplus.forward, lambda u: -expm1(-u)), at([1.0], [-18.0]), [-2.5891e-7], [1.5230e-8]),
        ("davisking/dlib PR 1938", "the cube of the exponential", "mish",
         mish_with_cube, partial(mish_slope, softplus.forward, lambda u: -expm1(-u)), at([1.0], [60.0]), [1], [NAN]),
        ("tenstorrent/tt-metal#55723", "expm1(x) + 1", "elu",
         lambda x, alpha: np.where(x > 0, 1, alpha * (expm1(np.minimum(x, 0)) + 1)), elu.slope,
         at([1.0], [-20.0], alpha=1.0), [2.0612e-9], [0], True),
        ("autodiff/autodiff PR 130", "x over its absolute value", "absolute",
         lambda x: x / abs(x), np.sign, at([1.0, 1.0], [0.0, -2.0]), [0, -1], [NAN, -1]),
        ("tensorflow/tensorflow#22117", "a product for a quotient", "sqrt",
         lambda x: 2 * np.sqrt(x), lambda x: 1 / (2 * np.sqrt(x)), at([1.0], [4.0]), [0.25], [4]),
        ("pytorch/pytorch PR 9908", "the square root's rule", "reciprocal",
         lambda x: 0.5 / reciprocal.forward(x), lambda x: -(reciprocal.forward(x) ** 2),
         at([1.0], [2.0]), [-0.25], [1]),
        ("karpathy/nn-zero-to-hero#52", "the input for the output", "exp",
         lambda x: x, np.exp, at([1.0], [2.0]), [7.38906], [2]),
    )  # fmt: skip


def of_upstreams() -> tuple[Row, ...]:
    """Gradients whose upstream is wrong too."""
    edges = {"min_value": 0.0, "max_value": 6.0}
    return (
        ("tensorflow/swift-apis PR 743", "the upstream for the input", "hardswish",
         hardswish_of_upstream, partial(through, hardswish_in_pieces), at([1.0], [-4.0]), [0], [0.66667]),
        ("apache/mxnet PR 6719", "the reciprocal of the upstream", "reciprocal",
         lambda g, _: 1 / g, lambda g, x: -g * reciprocal.forward(x) ** 2, at([4.0], [2.0]), [-1], [0.25]),
        ("tenstorrent/tt-metal#52376", "the square inverted", "reciprocal",
         lambda g, x: -g * (1 / (x * x)), lambda g, x: -g / x / x, at([1e20], [1e20]), [-1e-20], [0], True),
        ("tenstorrent/tt-metal#6589", "the upper edge at the lower one", "hardtanh",
         relu6_seeded, relu6_masked, at([1.0], [0.0], **edges), [0], [6]),
        ("tenstorrent/tt-metal#57455", "the upper edge at NaN", "hardtanh",
         lambda g, x, **edges: np.where(x == x, relu6_masked(g, x, **edges), edges["max_value"]), relu6_masked,
         at([1.0], [NAN], **edges), [0], [6], True),
    )  # fmt: skip


def of_outputs() -> tuple[Row, ...]:
    """Outputs that are wrong."""
    return (
        ("ml-explore/mlx, nn.selu of 0.32.4", "constants of six digits", "selu",
         lambda x: 1.0507 * elu.forward(x, alpha=1.67326), selu.forward,
         at([1.0], dtype="float64", of=error_of(SCALE)), 0, -93.9715),
        ("PaddlePaddle/Paddle#44820", "a slope of 1/5", "hardsigmoid",
         lambda x: np.clip(0.2 * x + 0.5, 0, 1), hardsigmoid.forward, at([1.5]), [0.75], [0.8]),
        ("tinygrad/tinygrad PR 18028", "a difference of rectified", "hardswish",
         lambda x: x * clipped_by_difference(0, 6, x + 3) / 6, hardswish.forward,
         at([2.0**27]), [2.0**27], [1.78957e8]),
        ("tinygrad/tinygrad PR 18028", "a difference of rectified", "hardtanh",
         lambda x, min_value, max_value: clipped_by_difference(min_value, max_value, x),
         lambda x, min_value, max_value: np.clip(x, min_value, max_value),
         at([2.0**30], min_value=0.0, max_value=6.0), [6], [0]),
        ("pytorch/pytorch PR 2211", "the exponential overflows", "log_sigmoid",
         lambda x: -np.log(1 + np.exp(-x)), log_sigmoid_shifted, at([-300.0]), [-300], [-INFINITY]),
        ("pytorch/pytorch#20972", "infinity less infinity", "log_sigmoid",
         log_sigmoid_shifted, log_sigmoid.forward, at([-INFINITY]), [-INFINITY], [NAN], True),
        ("AlexeyAB/darknet#5452", "log(1 + exp(x))", "mish",
         lambda x: x * np.tanh(naive_softplus(x)), lambda x: x * np.tanh(softplus.forward(x)),
         at([-18.0]), [-2.7414e-7], [0], True),
        ("AlexeyAB/darknet#3994", "infinity over infinity", "mish",
         mish_of_powers, mish.forward, at([60.0]), [60], [NAN]),
    )  # fmt: skip


SLOPES = ((*row[:3], *(partial(through, function) for function in row[3:5]), *row[5:]) for row in of_slopes())
REPORTS: tuple[Report, ...] = (
    *(reported("backward", *row) for row in chain(SLOPES, of_upstreams())),
    *(reported("forward", *row) for row in of_outputs()),
)
