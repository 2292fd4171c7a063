"""Wrong gradients of softmax with cross-entropy from saved outputs."""

from typing import Any

import numpy as np

from ..model.fault import backward, widened
from ..model.losses import one_hot, row_upstream
from ..mutations.slips import (
    added_up,
    computed_in,
    first_of_its_shape,
    lowered,
    memory_order,
    partial_tile,
    shared_buffer,
)
from ..ops import cross_entropy, softmax
from ..ops import softmax_cross_entropy_from_outputs as sound

Array = Any
careful_backward = widened(sound.backward)


@backward(
    observed="outputs that are looked at afterwards, for the accuracy, have 1 subtracted; a second call gives p - 2 y",
    cure="subtract from a copy.",
    seen="constructed: outputs[range(N), labels] -= 1 without the copy that nnfs makes",
    as_is=True,
)
def labels_subtracted_in_place(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The labels are subtracted from the outputs that were handed in."""
    gradient = careful_backward(dL_dloss, outputs, labels, reduction=reduction)
    outputs -= one_hot(labels, outputs).astype(outputs.dtype)
    return gradient


@backward(
    observed="the last, smaller batch of an epoch is learnt from at another rate",
    cure="take N from the argument's shape.",
    seen="a lesson's own class: samples read from outside the method",
)
def batch_size_of_an_earlier_call(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The mean divides by the batch size of the first call."""
    n = memory.setdefault("n", max(len(outputs), 1))
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    return gradient * (len(outputs) / n) if reduction == "mean" else gradient


@backward(
    observed="learning depends on the batch size",
    cure="divide by N where the loss is a mean.",
    seen="MNIST_center_loss_pytorch#9",
)
def division_by_batch_missing(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is not divided by N."""
    return sound.backward(dL_dloss, outputs, labels, reduction="sum" if reduction == "mean" else reduction)


@backward(
    observed="learning is too slow by a factor of the batch size",
    cure="divide by N once.",
    seen="apache/mxnet#9911",
)
def divided_by_batch_twice(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N twice."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    return gradient / max(len(outputs), 1) if reduction == "mean" else gradient


@backward(
    observed="with one-hot labels learning is too slow by a factor of the number of classes, with indices it is right",
    cure="divide by the number of rows, len(labels).",
    seen="constructed: labels.size",
)
def divided_by_the_size_of_labels(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by the number of elements of the labels."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    return gradient / outputs.shape[1] if reduction == "mean" and labels.ndim == 2 else gradient


@backward(
    observed="learning is too slow or too fast wherever batch and classes differ in number",
    cure="divide by the number of rows, outputs.shape[0].",
    seen="constructed: outputs.shape[1]",
)
def divided_by_classes(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by C, not by N."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction="sum" if reduction == "mean" else reduction)
    return gradient / outputs.shape[1] if reduction == "mean" else gradient


@backward(
    observed="learning with a summed loss is too slow by a factor of the batch size",
    cure="divide where the loss is a mean alone.",
    seen="constructed: a parameter that is taken and not read",
)
def sum_divided_by_batch(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a sum is divided by N."""
    return sound.backward(dL_dloss, outputs, labels, reduction="mean" if reduction == "sum" else reduction)


@backward(
    observed="losses added with weights, or scaled, are learnt from as if they were not",
    cure="multiply by the upstream.",
    seen="deep-learning-from-scratch, SoftmaxWithLoss.backward; nntrainer#4326",
)
def upstream_ignored(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The upstream is not multiplied with."""
    return sound.backward(np.ones_like(dL_dloss), outputs, labels, reduction=reduction)


@backward(
    observed="all rows get the weight of the first",
    cure="multiply each row by its own upstream.",
    seen="constructed: dL_dloss[0] to make a scalar of it",
)
def upstream_of_the_first_row(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction each row gets the first row's upstream."""
    if reduction == "none" and len(dL_dloss):
        dL_dloss = np.full_like(dL_dloss, dL_dloss[0])
    return sound.backward(dL_dloss, outputs, labels, reduction=reduction)


@backward(
    observed="right unless the batch is as large as there are classes",
    cure="give the upstream a second axis: dL_dloss[:, None].",
    seen="constructed: (N,) times (N, C)",
)
def row_upstreams_along_classes(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Where N = C the upstream of rows runs along the classes."""
    if reduction == "none" and outputs.shape[0] == outputs.shape[1]:
        return (outputs - one_hot(labels, outputs)) * dL_dloss
    return sound.backward(dL_dloss, outputs, labels, reduction=reduction)


@backward(
    observed="the labels keep their pull when the loss is scaled",
    cure="multiply the difference by the upstream.",
    seen="constructed: dvalues = upstream * outputs, then dvalues[range(N), labels] -= 1",
)
def upstream_on_outputs_alone(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is p g - y, divided by N for a mean."""
    n = len(outputs) if reduction == "mean" and len(outputs) else 1
    return outputs * row_upstream(dL_dloss, len(outputs), reduction) - one_hot(labels, outputs) / n


@backward(
    observed="all classes are pushed down, none up",
    cure="subtract the labels.",
    seen="constructed: the labels' term left out",
)
def labels_not_subtracted(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is p, without y."""
    return sound.backward(dL_dloss, outputs, one_hot(labels, outputs) * 0.0, reduction=reduction)


@backward(
    observed="the loss rises",
    cure="p - y, in this order.",
    seen="constructed: the error as target minus output",
)
def labels_minus_outputs(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is y - p."""
    return -sound.backward(dL_dloss, outputs, labels, reduction=reduction)


@backward(
    observed="gradients are too even, the model is never sure",
    cure="the outputs are probabilities already.",
    seen="constructed: outputs taken for logits",
)
def softmax_of_outputs(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax is taken of the outputs again."""
    return sound.backward(dL_dloss, softmax.forward(outputs), labels, reduction=reduction)


@backward(
    observed="gradients are huge where the model is sure and wrong",
    cure="p - y is the gradient with respect to logits; -y / p is the one with respect to outputs.",
    seen="constructed: the cross-entropy's own backward",
)
def gradient_with_respect_to_outputs(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is -y / p."""
    return cross_entropy.backward(dL_dloss, outputs, labels, reduction=reduction)


@backward(
    observed="learning is far too slow where the model is sure and wrong",
    cure="p - y is the whole chain already.",
    seen="constructed: the softmax layer's backward applied to p - y",
)
def jacobian_applied_again(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax's Jacobian is applied to p - y."""
    result: Array = softmax.centred(sound.backward(dL_dloss, outputs, labels, reduction=reduction), outputs)
    return result


@backward(
    observed="NaN where the true class has an output of 0",
    cure="compute p - y; do not pass through 1 / p.",
    seen="constructed: the two layers' backwards chained",
)
def chained_through_outputs_of_zero(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """-y / p goes through the softmax's Jacobian."""
    result: Array = softmax.centred(cross_entropy.backward(dL_dloss, outputs, labels, reduction=reduction), outputs)
    return result


@backward(
    observed="a row that is certain and right has a gradient of 1e-7",
    cure="nothing needs clipping where nothing is divided.",
    seen="constructed: the clipping of the loss carried along",
)
def outputs_clipped(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The outputs are clipped to [1e-7, 1 - 1e-7]."""
    return sound.backward(dL_dloss, np.clip(outputs, 1e-7, 1 - 1e-7), labels, reduction=reduction)


@backward(
    observed="outputs of small models have eight right decimals",
    cure="round for the eye alone.",
    seen="constructed: outputs stored as text",
)
def outputs_rounded_to_eight_decimals(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The outputs are rounded to eight decimals."""
    return sound.backward(dL_dloss, np.round(outputs, 8), labels, reduction=reduction)


@backward(
    observed="each row is pushed to the classes of all samples",
    cure="index rows and columns together: outputs[np.arange(N), labels] -= 1.",
    seen="constructed: outputs[:, labels] -= 1, a common slip of the CS231n exercise",
)
def labels_subtracted_from_every_row(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1 is subtracted in the columns of all labels in every row."""
    y = one_hot(labels, outputs)
    return sound.backward(dL_dloss, outputs, np.broadcast_to(y.max(axis=0, initial=0), y.shape), reduction=reduction)


@backward(
    observed="right for a batch of one; otherwise only the first sample has labels",
    cure="add row * C to the label for a flat index.",
    seen="constructed: np.put(outputs, labels, ...)",
)
def labels_as_flat_indices(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Index labels are taken for positions in the flat array."""
    y = one_hot(labels, outputs)
    if labels.ndim == 1:
        y = np.zeros_like(y)
        y.flat[labels] = 1
    return sound.backward(dL_dloss, outputs, y, reduction=reduction)


@backward(
    observed="smoothed or mixed labels train like hard ones",
    cure="subtract the labels themselves.",
    seen="nnfs: np.argmax(y_true, axis=1) for whatever has two axes",
)
def soft_labels_hardened(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of soft labels the largest alone counts."""
    read = labels.argmax(axis=1) if labels.ndim == 2 else labels
    return sound.backward(dL_dloss, outputs, read, reduction=reduction)


@backward(
    observed="one-hot labels give noise or an error, except where batch and classes are as many",
    cure="take the largest of each row: argmax(axis=1).",
    seen="constructed: argmax(axis=0)",
)
def one_hot_labels_read_by_column(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """One-hot labels are turned into indices along the batch."""
    read = labels.argmax(axis=0) if labels.ndim == 2 and len(labels) else labels
    return sound.backward(dL_dloss, outputs, read, reduction=reduction)


@backward(
    observed="the loss falls and the accuracy does not rise",
    cure="classes are counted from 0.",
    seen="constructed: labels made for a language that counts from 1",
)
def labels_counted_from_one(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Index labels are taken as counted from 1; 0 is the last class."""
    read = (labels - 1) % outputs.shape[1] if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, outputs, read, reduction=reduction)


@backward(
    observed="a label of -1 trains the last class",
    cure="refuse labels outside [0, C).",
    seen="constructed: NumPy's indices from the end",
)
def negative_labels_from_the_end(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Negative labels count from the end."""
    read = np.where(labels < 0, labels + outputs.shape[1], labels) if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, outputs, read, reduction=reduction)


@backward(
    observed="a label beyond the last class is silently no class at all",
    cure="refuse labels outside [0, C).",
    seen="constructed: labels[:, None] == np.arange(C), which is false everywhere",
)
def labels_beyond_range_subtract_nothing(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A label outside [0, C) gives a row of zeros."""
    y = (labels[:, None] == np.arange(outputs.shape[1])) * 1.0 if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, outputs, y, reduction=reduction)


@backward(
    observed="rows of class 0 are not learnt from",
    cure="ignore rows by a value that is no class, and only where that is asked for.",
    seen="constructed: padding told by its values",
)
def class_zero_ignored(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose index label is 0 get no gradient."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    return gradient * (labels != 0)[:, None] if labels.ndim == 1 else gradient


@backward(
    observed="the gradient belongs to the first batch, only the labels are new",
    cure="use the outputs that are handed in.",
    seen="chainer/chainer#2062",
)
def outputs_of_an_earlier_call(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The outputs are those of the first call of this shape."""
    return sound.backward(dL_dloss, first_of_its_shape(memory, "outputs", outputs), labels, reduction=reduction)


@backward(
    observed="each gradient has those of the calls before in it",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/micrograd#53",
)
def gradient_adds_to_the_last_call(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Each backward adds to the gradient of the one before."""
    return added_up(memory, "gradient", sound.backward(dL_dloss, outputs, labels, reduction=reduction))


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated gradient handed to the caller",
    as_is=True,
)
def gradient_in_a_shared_buffer(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The gradient lies in a buffer that the next call overwrites."""
    return shared_buffer(memory, "gradient", careful_backward(dL_dloss, outputs, labels, reduction=reduction))


@backward(
    observed="a transposed view or a slice gives noise, its copy the right gradient",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_of_outputs_ignored(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Outputs are read as if they were contiguous."""
    return careful_backward(dL_dloss, memory_order(outputs), labels, reduction=reduction)


@backward(
    observed="one sample of each batch is not learnt from",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last row of a batch gets no gradient; a batch of one is right."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    gradient[max(1, len(gradient) - 1) :] = 0
    return gradient


@backward(
    observed="the last classes are never learnt where their number is no multiple of 8",
    cure="handle the partial tile.",
    seen="constructed: a grid of whole tiles of 8 columns",
)
def classes_beyond_tiles_of_eight(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Columns of the gradient beyond a multiple of 8 are 0."""
    gradient = sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    gradient[:, partial_tile(gradient.shape[1], 8)] = 0
    return gradient


@backward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the outputs' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float64 arguments are computed in float32."""
    return computed_in("float32", sound.backward, of="float64")(dL_dloss, outputs, labels, reduction=reduction)


@backward(
    observed="float32 gradients are right to three digits",
    cure="keep the outputs in float32, or declare a lower precision.",
    seen="constructed: outputs saved in float16 to spare memory",
)
def outputs_saved_in_float16(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float32 outputs are rounded to float16."""
    saved = lowered(outputs, "float16") if outputs.dtype == np.float32 else outputs
    return sound.backward(dL_dloss, saved, labels, reduction=reduction)


@backward(
    observed="gradients of float32 outputs are float64, since the one-hot labels are",
    cure="make one-hot rows of the outputs' dtype.",
    seen="constructed: np.eye(C)[labels], which is float64",
    as_is=True,
)
def gradient_in_the_dtype_of_one_hot_rows(
    dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """The gradient is float64 where labels are indices."""
    gradient = careful_backward(dL_dloss, outputs, labels, reduction=reduction)
    return gradient.astype(np.float64) if labels.ndim == 1 else gradient


@backward(
    observed="a single sample comes back without its batch axis",
    cure="keep the shape of the outputs.",
    seen="constructed: np.squeeze on the way out",
)
def batch_of_one_squeezed(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Axes of length 1 are lost."""
    return np.squeeze(sound.backward(dL_dloss, outputs, labels, reduction=reduction))


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="divide by N where there are rows only.",
    seen="nnfs",
)
def empty_batch_refused(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1 / N of an empty batch raises."""
    if reduction != "mean":
        return sound.backward(dL_dloss, outputs, labels, reduction=reduction)
    return sound.backward(dL_dloss * (1 / len(outputs)), outputs, labels, reduction="sum")
