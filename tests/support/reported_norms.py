"""Reported faults of normalisations over the batch and over groups of channels, each beside its cure."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from backproof.reference.model.normalization import BY_CHANNEL, mean, moments
from backproof.reference.ops import batch_norm, group_norm
from public_reports import Array, Report, Small, at, reported

Row = tuple[Any, ...]
"""Direction, where it was seen, the fault in a few words, the operation, the faulty and the sound function, a small
call, what is due there, and what is given."""

# Over the batch --------------------------------------------------------------------------------------------------


def eps_outside(inputs: Array, weight: Array, bias: Array, *, eps: float) -> Array:
    """Divided by sqrt(variance) + eps."""
    axes, per_channel = batch_norm.over(inputs, weight, bias)
    centred = inputs - mean(inputs, axes)
    normal = centred / (np.sqrt(mean(centred * centred, axes)) + eps)
    return normal * weight.reshape(per_channel) + bias.reshape(per_channel)


def inputs_by(gradient: Callable[..., Array]) -> Callable[..., Any]:
    """A backward of batch_norm whose gradient of the inputs is made of g, the normalised inputs, the scale and axes."""

    def call(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
        axes, per_channel = batch_norm.over(inputs, weight, bias)
        centred, scale = moments(inputs, axes, eps)
        due = batch_norm.backward(dL_doutputs, inputs, weight, bias, eps=eps)
        return gradient(dL_doutputs, weight.reshape(per_channel), centred * scale, scale, axes), *due[1:]

    return call


def of_constants(g: Array, weight: Array, _: Array, scale: Array, __: Any) -> Array:
    return g * weight * scale


def variance_detached(g: Array, weight: Array, _: Array, scale: Array, axes: Any) -> Array:
    return scale * (g * weight - mean(g * weight, axes))


def without_weight(g: Array, _: Array, normal: Array, scale: Array, axes: Any) -> Array:
    return scale * (g - mean(g, axes) - normal * mean(g * normal, axes))


def times_the_deviation(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
    """The gradient of the weight multiplies by the root that it should divide by."""
    due = batch_norm.backward(dL_doutputs, inputs, weight, bias, eps=eps)
    axes, _ = batch_norm.over(inputs, weight, bias)
    _, scale = moments(inputs, axes, eps)
    return due[0], due[1] / scale.reshape(-1) ** 2, due[2]


def doubled_at_first() -> Callable[..., Any]:
    """The first call of each shape, which is run twice to choose a kernel, adds the gradients of both runs."""
    seen: set[tuple[int, ...]] = set()

    def call(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, eps: float) -> Any:
        due = batch_norm.backward(dL_doutputs, inputs, weight, bias, eps=eps)
        first = inputs.shape not in seen
        seen.add(inputs.shape)
        return due[0], due[1] * (2 if first else 1), due[2]

    return call


def of_batches() -> Iterator[Row]:
    """What the inputs' own mean and variance add, and weights."""
    inputs, bias = [[-1.0], [1.0]], [0.0]
    yield ("forward", "pjreddie/darknet#1723", "eps outside the root", "batch_norm", eps_outside, batch_norm.forward,
           at(inputs, [1.0], bias, eps=3.0), [[-0.5], [0.5]], [[-0.25], [0.25]])  # fmt: skip
    two, four = ([[1.0], [3.0]], inputs), ([[3.0], [1.0], [1.0], [3.0]], inputs * 2)
    for seen, kind, gradient, tensors, weight, due, given in (
        ("facebookresearch/CrypTen PR 143", "mean and variance constant", of_constants, four, 1.0, [1, -1, -1, 1],
         [3, 1, 1, 3]),
        ("abhiskk/ladder#2", "variance detached", variance_detached, two, 1.0, [0, 0], [-1, 1]),
        ("denizyuret/Knet.jl#288", "weight left out", without_weight, four, 2.0, [2, -2, -2, 2], [1, -1, -1, 1]),
    ):  # fmt: skip
        yield ("backward", seen, kind, "batch_norm", inputs_by(gradient), batch_norm.backward,
               at(*tensors, [weight], bias, eps=0.0, of=np.ravel), due, given)  # fmt: skip
    for seen, kind, wrong, deviation, due, given in (
        ("tensorflow/tensorflow#14676", "times the deviation", times_the_deviation, 2.0, [2], [8]),
        ("jmschrei/cherimoya#50", "twice at first", doubled_at_first(), 1.0, [2], [4]),
    ):
        yield ("backward", seen, kind, "batch_norm", wrong, batch_norm.backward,
               at([[1.0], [3.0]], [[-deviation], [deviation]], [1.0], bias, eps=0.0, result=1), due, given)  # fmt: skip


# Over groups -----------------------------------------------------------------------------------------------------


def weights_by_group(inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float) -> Array:
    """A group takes the weight and the bias that stand at its number."""
    size = weight.shape[0] // num_groups
    weight, bias = (np.repeat(each[:num_groups], size) for each in (weight, bias))
    return group_norm.forward(inputs, weight, bias, num_groups=num_groups, eps=eps)


def another_weight(inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float) -> Array:
    """Weights go to the channels in turn by groups, instead of one after the other."""
    turned = weight.reshape(num_groups, -1).T.reshape(-1)
    return group_norm.forward(inputs, turned, bias, num_groups=num_groups, eps=eps)


def another_mean(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float) -> Any:
    """The gradient of the weight takes mean and variance of group c mod G for channel c."""
    due = group_norm.backward(dL_doutputs, inputs, weight, bias, num_groups=num_groups, eps=eps)
    grouped, _, axes = group_norm.in_groups(inputs, weight, bias, num_groups)
    whole = inputs.reshape(grouped)
    average, (_, scale) = mean(whole, axes), moments(whole, axes, eps)
    n, channels, *rest = inputs.shape
    taken = np.arange(channels) % num_groups
    average, scale = (each.reshape(n, num_groups, *(1 for _ in rest))[:, taken] for each in (average, scale))
    found = dL_doutputs * ((inputs - average) * scale)
    return due[0], found.sum(axis=(0, *range(2, inputs.ndim))), due[2]


def weight_last(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, *, num_groups: int, eps: float) -> Any:
    """The weight is multiplied after the means are taken, though it differs within a group."""
    due = group_norm.backward(dL_doutputs, inputs, weight, bias, num_groups=num_groups, eps=eps)
    grouped, per_channel, axes = group_norm.in_groups(inputs, weight, bias, num_groups)
    found = BY_CHANNEL.function(
        dL_doutputs.reshape(grouped), inputs.reshape(grouped), weight.reshape(per_channel), axes, eps
    )
    return found[0].reshape(inputs.shape), *due[1:]


def no_gradient(dL_doutputs: Array, inputs: Array, weight: Array, bias: Array, **parameters: Any) -> Any:
    """Weight and bias are cut off from the tape."""
    due = group_norm.backward(dL_doutputs, inputs, weight, bias, **parameters)
    return due[0], np.zeros_like(weight), np.zeros_like(bias)


def of_groups() -> Iterator[Row]:
    """Which channel has which weight, mean and variance."""
    two = {"num_groups": 2, "eps": 0.0}
    inputs, ones = [[-1.0, 1.0, -2.0, 2.0]], [1.0] * 4
    for seen, kind, wrong, given in (
        ("apache/mxnet#17139", "weights by group", weights_by_group, [[-1, 1, -2, 2]]),
        ("mlpack/mlpack PR 3028", "weights in turn", another_weight, [[-1, 4, -2, 8]]),
    ):
        yield ("forward", seen, kind, "group_norm", wrong, group_norm.forward,
               at(inputs, [1.0, 2.0, 4.0, 8.0], [0.0] * 4, **two), [[-1, 2, -4, 8]], given)  # fmt: skip
    yield ("backward", "tenstorrent/tt-metal PR 56202", "another group's mean", "group_norm", another_mean,
           group_norm.backward, at([ones], inputs, ones, [0.0] * 4, **two, result=1), [-1, 1, -1, 1],
           [-1, 0.5, -2, 1])  # fmt: skip
    yield ("backward", "uxlfoundation/oneDNN#3543", "the weight last", "group_norm", weight_last, group_norm.backward,
           small_group([4.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]), [2, 0, -2, 0], [2, 0, 0, 0])  # fmt: skip
    yield ("backward", "paiml/aprender PR 2200", "no gradient", "group_norm", no_gradient, group_norm.backward,
           at([ones], inputs, ones, [0.0] * 4, **two, result=1), [-1, 1, -1, 1], [0, 0, 0, 0])  # fmt: skip


def small_group(upstream: list[float], weight: list[float]) -> Small:
    """One group of four channels."""
    return at([upstream], [[-1.0, 1.0, -1.0, 1.0]], weight, [0.0] * 4, num_groups=1, eps=0.0, of=np.ravel)


REPORTS: tuple[Report, ...] = tuple(reported(*row) for row in chain(of_batches(), of_groups()))
