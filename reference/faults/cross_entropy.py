"""Wrong cross-entropies."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..model.losses import one_hot, reduced, row_upstream, weighted
from ..mutations.slips import added_up, computed_in, lowered, memory_order, partial_tile, shared_buffer
from ..ops import cross_entropy as sound

Array = Any
careful_forward, careful_backward = widened(sound.forward), widened(sound.backward)


def row_losses(probabilities: Array, labels: np.ndarray) -> Array:
    """Each row's loss, (N,)."""
    return sound.forward(probabilities, labels, reduction="none")


def hardened(labels: np.ndarray) -> np.ndarray:
    """The index of the largest label of each row; indices stay what they are."""
    return labels.argmax(axis=-1) if labels.ndim == 2 else labels


# Forward


@forward(
    observed="losses of unlikely classes are too small, and never over 16.1",
    cure="take the logarithm of the probability itself; clip, and say so, where 0 must not be infinite.",
    seen="deep-learning-from-scratch, cross_entropy_error",
)
def epsilon_inside_the_logarithm(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1e-7 is added to each probability."""
    return sound.forward(probabilities + 1e-7, labels, reduction=reduction)


@forward(
    observed="losses of unlikely classes stop at 6.9",
    cure="clip no further in than 1e-7, or not at all.",
    seen="constructed: a generous guard against log 0",
)
def clipped_at_a_thousandth(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Probabilities are clipped to [1e-3, 1 - 1e-3]."""
    return sound.forward(np.clip(probabilities, 1e-3, 1 - 1e-3), labels, reduction=reduction)


@forward(
    observed="losses are too large by a factor of 1.44",
    cure="take the natural logarithm.",
    seen="constructed: entropy in bits",
)
def logarithm_of_base_two(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The logarithm is to base 2."""
    return sound.forward(probabilities, labels, reduction=reduction) / np.log(2)


@forward(
    observed="the loss is negative and falls for ever",
    cure="the loss is minus the logarithm.",
    seen="constructed: a sign lost in a rewrite",
)
def sign_reversed(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The minus is missing."""
    return -sound.forward(probabilities, labels, reduction=reduction)


@forward(
    observed="the loss grows with the batch",
    cure="divide by the number of rows.",
    seen="constructed: np.sum for np.mean",
)
def mean_is_a_sum(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is not divided by N."""
    return sound.forward(probabilities, labels, reduction="sum" if reduction == "mean" else reduction)


@forward(
    observed="the sum does not grow with the batch",
    cure="read the reduction that was asked for.",
    seen="constructed: a parameter that is taken and not read",
)
def sum_is_a_mean(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The sum is divided by N."""
    return sound.forward(probabilities, labels, reduction="mean" if reduction == "sum" else reduction)


@forward(
    observed="one number comes back where one a row was asked for",
    cure="read the reduction that was asked for.",
    seen="constructed: a parameter that is taken and not read",
)
def none_is_a_mean(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction the mean is returned."""
    return sound.forward(probabilities, labels, reduction="mean" if reduction == "none" else reduction)


@forward(
    observed="rows' losses are too small by a factor of the batch size",
    cure="divide where the mean is taken alone.",
    seen="constructed: the division before the branch on the reduction",
)
def rows_divided_by_batch(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction each row's loss is divided by N."""
    loss = sound.forward(probabilities, labels, reduction=reduction)
    return loss / max(len(probabilities), 1) if reduction == "none" else loss


@forward(
    observed="the loss is too small by a factor of the number of classes",
    cure="divide by the number of rows.",
    seen="victorlempitsky/Mate#2",
)
def mean_over_elements(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is taken over N C elements."""
    loss = sound.forward(probabilities, labels, reduction=reduction)
    return loss / probabilities.shape[1] if reduction == "mean" else loss


@forward(
    observed="the loss jumps with the last, smaller batch of an epoch",
    cure="take N from the argument's shape.",
    seen="constructed: a batch size read from outside the function",
)
def batch_size_of_the_first_call(
    probabilities: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The mean divides by the batch size of the first call."""
    n = memory.setdefault("n", len(probabilities))
    if reduction != "mean":
        return sound.forward(probabilities, labels, reduction=reduction)
    return sound.forward(probabilities, labels, reduction="sum") / np.float64(n)


@forward(
    observed="smoothed or mixed labels train like hard ones",
    cure="weight each class's logarithm by its label.",
    seen="constructed: labels.argmax(axis=1) for whatever has two axes",
)
def soft_labels_hardened(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of soft labels the largest alone counts."""
    return sound.forward(probabilities, hardened(labels), reduction=reduction)


@forward(
    observed="soft labels have no loss",
    cure="weight each class's logarithm by its label.",
    seen="constructed: a mask, labels == 1",
)
def labels_of_one_alone(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels count where they are exactly 1."""
    return sound.forward(probabilities, labels * (labels == 1) if labels.ndim == 2 else labels, reduction=reduction)


@forward(
    observed="losses are too large, the more so the more classes there are",
    cure="sum -y log p over classes.",
    seen="eriklindernoren/ML-From-Scratch, CrossEntropy.loss",
)
def binary_form(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The binary form, with (1 - y) log(1 - p), is summed over classes."""
    y = one_hot(labels, probabilities)
    terms = weighted(y, np.log(probabilities)) + weighted(1 - y, np.log(1 - probabilities))
    return reduced(-terms.sum(axis=-1), reduction)


@forward(
    observed="an error for sparse labels, and a wrong number where a batch is as large as there are classes",
    cure="the rank of the labels decides how they are read.",
    seen="a lesson's own class: len(y_pred.shape) == 1 where y_true was meant",
)
def rank_of_the_wrong_array(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The rank of the probabilities decides how labels are read, so that indices serve as weights."""
    return reduced(-np.log((probabilities * labels).sum(axis=1)), reduction)


@forward(
    observed="the loss of a model that is right is high",
    cure="classes are counted from 0.",
    seen="constructed: labels made for a language that counts from 1",
)
def labels_counted_from_one(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Index labels are taken as counted from 1; 0 is the last class."""
    read = (labels - 1) % probabilities.shape[1] if labels.ndim == 1 else labels
    return sound.forward(probabilities, read, reduction=reduction)


@forward(
    observed="the first class is never learnt",
    cure="ignore rows by a value that is no class, and only where that is asked for.",
    seen="constructed: padding told by its values",
)
def class_zero_ignored(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows of class 0 count as padding: they add nothing to the loss."""
    kept = labels != 0 if labels.ndim == 1 else labels[:, 0] != 1
    return reduced(row_losses(probabilities, labels) * kept, reduction)


@forward(
    observed="a label of -1 trains the last class",
    cure="refuse labels outside [0, C).",
    seen="constructed: NumPy's indices from the end",
)
def negative_labels_from_the_end(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Negative labels count from the end."""
    read = np.where(labels < 0, labels + probabilities.shape[1], labels) if labels.ndim == 1 else labels
    return sound.forward(probabilities, read, reduction=reduction)


@forward(
    observed="a label beyond the last class trains the last",
    cure="refuse labels outside [0, C).",
    seen="constructed: np.take(mode='clip')",
)
def labels_clipped_into_range(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels outside [0, C) are moved into it."""
    read = np.clip(labels, 0, probabilities.shape[1] - 1) if labels.ndim == 1 else labels
    return sound.forward(probabilities, read, reduction=reduction)


@forward(
    observed="the loss of a model that is certain and right is NaN",
    cure="give 0 times an infinity the value 0, or index the true class.",
    seen="pytorch/pytorch#11551",
)
def nothing_times_infinity(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A class without weight and of probability 0 adds 0 * log 0, a NaN."""
    y = one_hot(labels, probabilities)
    return reduced(-(y * np.log(probabilities)).sum(axis=-1), reduction)


@forward(
    observed="losses do not tell how far a row is from summing to 1",
    cure="take probabilities as they are.",
    seen="keras, categorical_crossentropy(from_logits=False)",
)
def rows_normalised_first(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Each row is divided by its sum before the logarithm."""
    return sound.forward(probabilities / probabilities.sum(axis=-1, keepdims=True), labels, reduction=reduction)


@forward(
    observed="the loss never reaches 0",
    cure="smooth labels where that is asked for.",
    seen="constructed: label smoothing left on by default",
)
def labels_smoothed(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels are smoothed by a tenth."""
    smoothed = 0.9 * one_hot(labels, probabilities) + 0.1 / probabilities.shape[1]
    return sound.forward(probabilities, smoothed, reduction=reduction)


@forward(
    observed="one sample of each batch does not count",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last row of a batch has no loss; a batch of one is right."""
    losses = row_losses(probabilities, labels)
    losses[max(1, len(losses) - 1) :] = 0
    return reduced(losses, reduction)


@forward(
    observed="right up to 16 rows and for 32; a few rows do not count for 17",
    cure="add the rest after the unrolled loop.",
    seen="constructed: a reduction unrolled 16 times",
)
def rest_of_sixteen_rows_left_out(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows beyond a multiple of 16 are left out of the reduced loss."""
    losses = row_losses(probabilities, labels)
    if reduction == "none":
        return losses
    losses[partial_tile(len(losses), 16)] = 0
    return reduced(losses, reduction)


@forward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the probabilities' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def forward_in_float32(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float64 probabilities are computed in float32."""
    return computed_in("float32", sound.forward, of="float64")(probabilities, labels, reduction=reduction)


@forward(
    observed="float32 losses of likely classes are right to two digits",
    cure="take the logarithm in float32.",
    seen="constructed: probabilities saved in float16",
)
def probabilities_in_float16(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float32 probabilities are rounded to float16."""
    saved = lowered(probabilities, "float16") if probabilities.dtype == np.float32 else probabilities
    return sound.forward(saved, labels, reduction=reduction)


@forward(
    observed="in half precision the loss of a large batch is too small",
    cure="accumulate in float32, or declare the native precision.",
    seen="constructed: a running sum in the format of the data",
    as_is=True,
)
def losses_accumulated_in_half(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Losses of half precision are accumulated in the format itself."""
    if probabilities.dtype.itemsize != 2 or reduction == "none":
        return careful_forward(probabilities, labels, reduction=reduction)
    total = np.zeros((), probabilities.dtype)
    for loss in careful_forward(probabilities, labels, reduction="none"):
        total = total + loss
    return np.asarray(total / (len(probabilities) if reduction == "mean" else 1), probabilities.dtype)


@forward(
    observed="a loss of float32 probabilities is float64, and so is all that is computed with it",
    cure="return the loss in the probabilities' dtype.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def loss_in_float64(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The loss is of dtype float64, whatever came in."""
    return np.asarray(careful_forward(probabilities, labels, reduction=reduction), np.float64)


@forward(
    observed="the loss is a number of Python's, whose dtype is lost",
    cure="return an array of shape ().",
    seen="constructed: float(loss)",
    as_is=True,
)
def loss_as_a_python_float(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A reduced loss is returned as a Python float."""
    loss = careful_forward(probabilities, labels, reduction=reduction)
    return loss if reduction == "none" else float(loss)


@forward(
    observed="losses of rows broadcast to a matrix when they are weighted",
    cure="sum over classes without keepdims.",
    seen="constructed: keepdims=True carried along",
)
def rows_keep_an_axis(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction the losses have shape (N, 1)."""
    loss = sound.forward(probabilities, labels, reduction=reduction)
    return loss[:, None] if reduction == "none" else loss


@forward(
    observed="probabilities are other numbers after the call",
    cure="clip into a new array.",
    seen="constructed: np.clip(p, 1e-7, 1 - 1e-7, out=p)",
    as_is=True,
)
def probabilities_clipped_in_place(probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The probabilities that were handed in are clipped."""
    low, high = (np.asarray(edge, probabilities.dtype) for edge in (sound.SMALLEST, sound.LARGEST))
    np.clip(probabilities, low, high, out=probabilities)
    return careful_forward(probabilities, labels, reduction=reduction)


# Backward: reductions and upstream


@backward(
    observed="learning depends on the batch size",
    cure="divide by N where the loss is a mean.",
    seen="MNIST_center_loss_pytorch#9",
)
def division_by_batch_missing(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is not divided by N."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient * len(probabilities) if reduction == "mean" else gradient


@backward(
    observed="learning is too slow by a factor of the batch size",
    cure="divide by N once.",
    seen="apache/mxnet#9911",
)
def divided_by_batch_twice(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N twice."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient / max(len(probabilities), 1) if reduction == "mean" else gradient


@backward(
    observed="learning is too slow by a factor of the number of classes",
    cure="divide by the number of rows.",
    seen="victorlempitsky/Mate#2",
)
def divided_by_elements(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N C."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient / probabilities.shape[1] if reduction == "mean" else gradient


@backward(
    observed="learning with a summed loss is too slow by a factor of the batch size",
    cure="divide where the loss is a mean alone.",
    seen="constructed: a parameter that is taken and not read",
)
def sum_divided_by_batch(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a sum is divided by N."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient / max(len(probabilities), 1) if reduction == "sum" else gradient


@backward(
    observed="weighted rows are learnt from too slowly by a factor of the batch size",
    cure="divide where the loss is a mean alone.",
    seen="constructed: the division before the branch on the reduction",
)
def rows_divided_by_batch_in_backward(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """Without reduction the gradient is divided by N."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient / max(len(probabilities), 1) if reduction == "none" else gradient


@backward(
    observed="the last, smaller batch of an epoch is learnt from at another rate",
    cure="take N from the argument's shape.",
    seen="a lesson's own class: samples read from outside the method",
)
def batch_size_of_an_earlier_call(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The mean divides by the batch size of the first call."""
    n = memory.setdefault("n", max(len(probabilities), 1))
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient * (len(probabilities) / n) if reduction == "mean" else gradient


@backward(
    observed="losses added with weights, or scaled, are learnt from as if they were not",
    cure="multiply by the upstream.",
    seen="deep-learning-from-scratch, SoftmaxWithLoss.backward; nntrainer#4326",
)
def upstream_ignored(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The upstream is not multiplied with."""
    return sound.backward(np.ones_like(dL_dloss), probabilities, labels, reduction=reduction)


@backward(
    observed="the sign and size of a loss's weight are lost",
    cure="multiply by the upstream.",
    seen="constructed: abs() for a loss scale that is thought to be positive",
)
def upstream_without_its_sign(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The upstream's magnitude is used."""
    return sound.backward(abs(dL_dloss), probabilities, labels, reduction=reduction)


@backward(
    observed="weights of rows are averaged away",
    cure="multiply each row by its own upstream.",
    seen="constructed: upstream.mean() to make a scalar of it",
)
def row_upstreams_averaged(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction each row gets the mean of the upstream."""
    if reduction == "none" and len(dL_dloss):
        dL_dloss = np.full_like(dL_dloss, dL_dloss.mean())
    return sound.backward(dL_dloss, probabilities, labels, reduction=reduction)


@backward(
    observed="right unless the batch is as large as there are classes",
    cure="give the upstream a second axis: dL_dloss[:, None].",
    seen="constructed: (N,) times (N, C)",
)
def row_upstreams_along_classes(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Where N = C the upstream of rows runs along the classes."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    if reduction == "none" and probabilities.shape[0] == probabilities.shape[1]:
        return dL_dloss * sound.slope(one_hot(labels, probabilities), probabilities)
    return gradient


# Backward: the slope


@backward(
    observed="gradients of unlikely classes are too small, and none is infinite",
    cure="divide by the probability; clip, and say so, where 0 must not be infinite.",
    seen="deep-learning-from-scratch; passes finite differences, frameworks at 1e-3 and a loss curve",
)
def epsilon_in_the_denominator(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1e-7 is added to the denominator."""
    return sound.backward(dL_dloss, probabilities + 1e-7, labels, reduction=reduction)


@backward(
    observed="float64 gradients of unlikely classes have nine right digits",
    cure="divide by the probability.",
    seen="constructed: 1e-12 against a division by 0",
)
def small_epsilon_in_the_denominator(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """1e-12 is added to the denominator."""
    return sound.backward(dL_dloss, probabilities + 1e-12, labels, reduction=reduction)


@backward(
    observed="float64 gradients of unlikely classes are off in the last digits",
    cure="divide by the probability.",
    seen="constructed: 1e-15 against a division by 0",
)
def tiny_epsilon_in_the_denominator(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """1e-15 is added to the denominator."""
    return sound.backward(dL_dloss, probabilities + 1e-15, labels, reduction=reduction)


@backward(
    observed="an infinite gradient where a large one is due",
    cure="divide the upstream by the probability.",
    seen="constructed: np.reciprocal(p), computed once",
)
def reciprocal_that_overflows(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The upstream is multiplied by 1 / p, which overflows where p is subnormal."""
    y = one_hot(labels, probabilities)
    reciprocal = np.asarray(1, probabilities.dtype) / probabilities
    return np.where(y == 0, 0, -y * row_upstream(dL_dloss, len(probabilities), reduction) * reciprocal)


@backward(
    observed="a model that is certain and right gets NaN",
    cure="give classes without weight a gradient of 0.",
    seen="nnfs, Loss_CategoricalCrossentropy.backward",
)
def nothing_divided_by_nothing(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A class without weight and of probability 0 gets 0 / 0, a NaN."""
    upstream = row_upstream(dL_dloss, len(probabilities), reduction)
    return upstream * (-one_hot(labels, probabilities) / probabilities)


@backward(
    observed="the loss rises",
    cure="the gradient is -y / p.",
    seen="constructed: a sign lost in a rewrite",
)
def slope_of_the_wrong_sign(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is y / p."""
    return -sound.backward(dL_dloss, probabilities, labels, reduction=reduction)


@backward(
    observed="unlikely classes are learnt from least",
    cure="divide by the probability.",
    seen="constructed: the loss's term in place of its derivative",
)
def multiplied_for_divided(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is -y p."""
    upstream = row_upstream(dL_dloss, len(probabilities), reduction)
    return -one_hot(labels, probabilities) * probabilities * upstream


@backward(
    observed="in a chain with softmax gradients are far too small",
    cure="-y / p; p - y is the gradient with respect to logits.",
    seen="constructed: the gradient of softmax and cross-entropy together",
)
def slope_with_respect_to_logits(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is p - y."""
    upstream = row_upstream(dL_dloss, len(probabilities), reduction)
    return (probabilities - one_hot(labels, probabilities)) * upstream


@backward(
    observed="classes that are not the true one are pushed down twice",
    cure="-y / p; the binary form is for one output.",
    seen="eriklindernoren/ML-From-Scratch, CrossEntropy.gradient",
)
def slope_of_the_binary_form(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """(1 - y) / (1 - p) is added."""
    y = one_hot(labels, probabilities)
    upstream = row_upstream(dL_dloss, len(probabilities), reduction)
    return upstream * (sound.slope(y, probabilities) - sound.slope(1 - y, 1 - probabilities))


@backward(
    observed="gradients are too small by a factor of 1.44",
    cure="take natural logarithms in forward and backward alike.",
    seen="constructed: entropy in bits, and ln 2 on the wrong side",
)
def slope_of_base_two(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is multiplied by ln 2."""
    return sound.backward(dL_dloss, probabilities, labels, reduction=reduction) * np.log(2)


@backward(
    observed="gradients never pass 1000",
    cure="clip no further in than 1e-7, or not at all.",
    seen="constructed: a generous guard against division by 0",
)
def slope_clipped_at_a_thousandth(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Probabilities are clipped to [1e-3, 1 - 1e-3] before the division."""
    return sound.backward(dL_dloss, np.clip(probabilities, 1e-3, 1 - 1e-3), labels, reduction=reduction)


@backward(
    observed="rows of the gradient sum to 0",
    cure="take probabilities as they are.",
    seen="constructed: the backward of a loss that normalises its rows",
)
def slope_of_normalised_rows(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean over classes is subtracted from the gradient."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient - gradient.mean(axis=-1, keepdims=True)


# Backward: labels


@backward(
    observed="smoothed or mixed labels train like hard ones",
    cure="use the labels as weights.",
    seen="constructed: labels.argmax(axis=1) for whatever has two axes",
)
def soft_labels_hardened_in_backward(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """Of soft labels the largest alone counts."""
    return sound.backward(dL_dloss, probabilities, hardened(labels), reduction=reduction)


@backward(
    observed="soft labels train like several true classes",
    cure="use the labels as weights.",
    seen="constructed: a mask, labels > 0",
)
def labels_as_a_mask(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Every label over 0 counts as 1."""
    y = (one_hot(labels, probabilities) > 0) * 1.0
    return sound.backward(dL_dloss, probabilities, y, reduction=reduction)


@backward(
    observed="the loss falls and the accuracy does not rise",
    cure="classes are counted from 0.",
    seen="constructed: labels made for a language that counts from 1",
)
def labels_counted_from_one_in_backward(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """Index labels are taken as counted from 1; 0 is the last class."""
    read = (labels - 1) % probabilities.shape[1] if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, probabilities, read, reduction=reduction)


@backward(
    observed="the last class is never learnt",
    cure="loop over all classes.",
    seen="constructed: range(C - 1)",
)
def last_class_left_out(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last of several classes gets no gradient."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    gradient[:, max(1, gradient.shape[1] - 1) :] = 0
    return gradient


@backward(
    observed="the first class is never learnt",
    cure="ignore rows by a value that is no class, and only where that is asked for.",
    seen="constructed: padding told by its values",
)
def class_zero_ignored_in_backward(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose index label is 0 get no gradient."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return gradient * (labels != 0)[:, None] if labels.ndim == 1 else gradient


@backward(
    observed="a label of -1 trains the last class",
    cure="refuse labels outside [0, C).",
    seen="constructed: NumPy's indices from the end",
)
def negative_labels_from_the_end_in_backward(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """Negative labels count from the end."""
    read = np.where(labels < 0, labels + probabilities.shape[1], labels) if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, probabilities, read, reduction=reduction)


@backward(
    observed="one label serves the whole batch without a word",
    cure="compare the number of labels with that of rows.",
    seen="constructed: NumPy's broadcasting",
)
def labels_broadcast(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels that are too few are repeated, those that are too many cut off."""
    fitted = np.resize(labels, (len(probabilities), *labels.shape[1:]))
    return sound.backward(dL_dloss, probabilities, fitted, reduction=reduction)


@backward(
    observed="an error for all but true classes: the gradient has lost its classes",
    cure="scatter the slope into an array of zeros, (N, C).",
    seen="constructed: -1 / p[range(N), labels]",
)
def slope_of_the_true_class_alone(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient has shape (N,)."""
    return sound.backward(dL_dloss, probabilities, labels, reduction=reduction).sum(axis=-1)


# Backward: memory, dtype, batch


@backward(
    observed="one-hot labels are ruined after the first epoch",
    cure="divide into a new array.",
    seen="constructed: y_true /= -dvalues",
    as_is=True,
)
def labels_divided_in_place(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """One-hot or soft labels that were handed in are divided by the probabilities."""
    gradient = careful_backward(dL_dloss, probabilities, labels, reduction=reduction)
    if labels.ndim == 2:
        labels /= -probabilities
    return gradient


@backward(
    observed="each gradient has those of the calls before in it",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/micrograd#53",
)
def gradient_adds_to_the_last_call(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Each backward adds to the gradient of the one before."""
    return added_up(memory, "gradient", sound.backward(dL_dloss, probabilities, labels, reduction=reduction))


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated gradient handed to the caller",
    as_is=True,
)
def gradient_in_a_shared_buffer(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The gradient lies in a buffer that the next call overwrites."""
    return shared_buffer(memory, "gradient", careful_backward(dL_dloss, probabilities, labels, reduction=reduction))


@backward(
    observed="a gradient kept from the last step has entries of other labels",
    cure="clear the buffer, all of it.",
    seen="constructed: a scatter into memory that is not zero",
)
def entries_of_earlier_labels(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The gradient is scattered into a buffer that keeps the entries of earlier labels."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    buffer = memory.setdefault(gradient.shape, np.zeros_like(gradient))
    np.copyto(buffer, gradient, where=one_hot(labels, probabilities) != 0)
    return buffer.copy()


@backward(
    observed="one sample of each batch is not learnt from",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out_in_backward(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last row of a batch gets no gradient; a batch of one is right."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    gradient[max(1, len(gradient) - 1) :] = 0
    return gradient


@backward(
    observed="the last classes are never learnt where their number is no multiple of 8",
    cure="handle the partial tile.",
    seen="constructed: a grid of whole tiles of 8 columns",
)
def classes_beyond_tiles_of_eight(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Columns of the gradient beyond a multiple of 8 are 0."""
    gradient = sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    gradient[:, partial_tile(gradient.shape[1], 8)] = 0
    return gradient


@backward(
    observed="a transposed view or a slice gives noise, its copy the right gradient",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_of_probabilities_ignored(
    dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """Probabilities are read as if they were contiguous."""
    return careful_backward(dL_dloss, memory_order(probabilities), labels, reduction=reduction)


@backward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the probabilities' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float64 arguments are computed in float32."""
    lower = computed_in("float32", sound.backward, of="float64")
    return lower(dL_dloss, probabilities, labels, reduction=reduction)


@backward(
    observed="everything before the loss is float64",
    cure="allocate the gradient in the probabilities' dtype.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def gradient_in_float64(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is of dtype float64, whatever came in."""
    return careful_backward(dL_dloss, probabilities, labels, reduction=reduction).astype(np.float64)


@backward(
    observed="a single sample comes back without its batch axis",
    cure="keep the shape of the probabilities.",
    seen="constructed: np.squeeze on the way out",
)
def batch_of_one_squeezed(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Axes of length 1 are lost."""
    return np.squeeze(sound.backward(dL_dloss, probabilities, labels, reduction=reduction))


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="divide by N where there are rows only.",
    seen="nnfs",
)
def empty_batch_refused(dL_dloss: Array, probabilities: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1 / N of an empty batch raises."""
    if reduction != "mean":
        return sound.backward(dL_dloss, probabilities, labels, reduction=reduction)
    return sound.backward(dL_dloss * (1 / len(probabilities)), probabilities, labels, reduction="sum")
