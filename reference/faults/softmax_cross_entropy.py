"""Wrong softmaxes with cross-entropy in one step."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..model.losses import one_hot, reduced, row_upstream, weighted
from ..mutations.slips import (
    added_up,
    computed_in,
    exp_of_bits,
    exp_of_limit,
    first_of_its_shape,
    lowered,
    memory_order,
    partial_tile,
    shared_buffer,
)
from ..ops import cross_entropy, softmax
from ..ops import softmax_cross_entropy as sound

Array = Any
careful_forward, careful_backward = widened(sound.forward), widened(sound.backward)


def hardened(labels: np.ndarray) -> np.ndarray:
    """The index of the largest label of each row; indices stay what they are."""
    return labels.argmax(axis=-1) if labels.ndim == 2 else labels


def loss_of(log_probabilities: Array, labels: np.ndarray, reduction: str) -> Array:
    """The loss from log-probabilities."""
    y = one_hot(labels, log_probabilities)
    return reduced(-weighted(y, log_probabilities).sum(axis=-1), reduction)


def gradient_of(outputs: Array, dL_dloss: Array, labels: np.ndarray, reduction: str) -> Array:
    """The gradient from the softmax's outputs: (p - y) times the upstream of each row."""
    return sound.scaled_first(dL_dloss, outputs, labels, reduction)


# Forward


@forward(
    observed="infinite or NaN once logits pass 88 in float32",
    cure="subtract each row's maximum before the exponential.",
    seen="constructed: the textbook formula",
)
def logits_not_shifted(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """log(sum(exp(z))) is taken of the logits as they are."""
    return loss_of(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)), labels, reduction)


@forward(
    observed="an infinite loss where the model is sure and wrong, which is when it matters",
    cure="take the logarithm before the exponential: z - max - log(sum(exp(z - max))).",
    seen="constructed: np.log(softmax(z))",
)
def logarithm_of_underflowed_outputs(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The logarithm is taken of the softmax's outputs, of which small ones are 0."""
    return cross_entropy.forward(softmax.forward(logits), labels, reduction=reduction)


@forward(
    observed="losses are a little too small and never over 16.1",
    cure="take the logarithm before the exponential.",
    seen="deep-learning-from-scratch, cross_entropy_error",
)
def epsilon_inside_the_logarithm(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The logarithm is taken of the softmax's outputs plus 1e-7."""
    return loss_of(np.log(softmax.forward(logits) + 1e-7), labels, reduction)


@forward(
    observed="losses are never over 16.1",
    cure="take the logarithm before the exponential; nothing needs clipping then.",
    seen="a lesson's own classes chained: outputs clipped to [1e-7, 1 - 1e-7]",
)
def outputs_clipped(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax's outputs are clipped to [1e-7, 1 - 1e-7] before the logarithm."""
    return loss_of(np.log(np.clip(softmax.forward(logits), 1e-7, 1 - 1e-7)), labels, reduction)


@forward(
    observed="rows whose logits are far below those of another row have an infinite loss",
    cure="subtract each row's own maximum.",
    seen="constructed: logits.max() without an axis",
)
def shifted_by_the_batch_maximum(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The maximum of the whole batch is subtracted."""
    shifted = logits - logits.max(initial=-np.inf)
    return loss_of(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), labels, reduction)


@forward(
    observed="the loss is too small by the largest logit",
    cure="add the maximum back after the logarithm, or subtract it from the logits too.",
    seen="constructed: logsumexp of shifted logits used with those that are not",
)
def maximum_not_added_back(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The logarithm of the sum is of shifted logits, the logit of the true class is not."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return loss_of(logits - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), labels, reduction)


@forward(
    observed="the loss of sure and right answers is negative",
    cure="sum over all classes, the true one too.",
    seen="constructed: the margin to the other classes",
)
def true_class_left_out_of_the_sum(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The sum of exponentials runs over the other classes alone."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    others = np.exp(shifted) * (one_hot(labels, logits) != 1)
    return loss_of(shifted - np.log(others.sum(axis=-1, keepdims=True)), labels, reduction)


@forward(
    observed="rows that the model is sure of have a loss of 0 or of the plain margin",
    cure="add the logarithm of the sum whatever its size.",
    seen="constructed: a shortcut for confident rows",
)
def hard_maximum_for_sure_rows(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Where the two largest logits are over 8 apart the logarithm of the sum is taken for the maximum."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    sure = (shifted > -8).sum(axis=-1, keepdims=True) == 1
    return loss_of(np.where(sure, shifted, softmax.log_softmax(logits)), labels, reduction)


@forward(
    observed="losses depend on the other samples of the batch",
    cure="sum over classes, the last axis.",
    seen="numpy-ml, Softmax(dim=0)",
)
def normalised_over_the_batch(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax runs over the batch."""
    return loss_of(softmax.log_softmax(logits.T).T if len(logits) else logits, labels, reduction)


@forward(
    observed="right up to 64 classes; with more, and the largest logit late, losses are too large",
    cure="multiply the sum so far by exp(old maximum - new maximum).",
    seen="constructed: an online softmax without its correction",
)
def running_sum_not_rescaled(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A running maximum over blocks of 64 classes grows, and the sum before it is not rescaled."""
    largest, total = np.full_like(logits[:, :1], -np.inf), np.zeros_like(logits[:, :1])
    for start in range(0, logits.shape[1], 64):
        block = logits[:, start : start + 64]
        largest = np.maximum(largest, block.max(axis=1, keepdims=True))
        total = total + np.exp(block - largest).sum(axis=1, keepdims=True)
    return loss_of(logits - largest - np.log(total), labels, reduction)


@forward(
    observed="losses are off by a few per cent",
    cure="use the exponential of the library.",
    seen="Schraudolph, A fast, compact approximation of the exponential function, Neural Computation 1999",
)
def exponential_from_bits(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The exponential is a line through the bits of a float."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return loss_of(shifted - np.log(exp_of_bits(shifted).sum(axis=-1, keepdims=True)), labels, reduction)


@forward(
    observed="the loss grows with the batch",
    cure="divide by the number of rows.",
    seen="constructed: np.sum for np.mean",
)
def mean_is_a_sum(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is not divided by N."""
    return sound.forward(logits, labels, reduction="sum" if reduction == "mean" else reduction)


@forward(
    observed="the loss is too small by a factor of the number of classes",
    cure="divide by the number of rows.",
    seen="victorlempitsky/Mate#2",
)
def mean_over_elements(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The mean is taken over N C elements."""
    loss = sound.forward(logits, labels, reduction=reduction)
    return loss / logits.shape[1] if reduction == "mean" else loss


@forward(
    observed="the loss is a mean whatever is asked for",
    cure="read the reduction that was asked for.",
    seen="constructed: a parameter that is taken and not read",
)
def always_a_mean(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Sum and none give the mean too."""
    return sound.forward(logits, labels, reduction="mean")


@forward(
    observed="smoothed or mixed labels train like hard ones",
    cure="weight each class's logarithm by its label.",
    seen="constructed: labels.argmax(axis=1) for whatever has two axes",
)
def soft_labels_hardened(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of soft labels the largest alone counts."""
    return sound.forward(logits, hardened(labels), reduction=reduction)


@forward(
    observed="the loss never reaches 0",
    cure="smooth labels where that is asked for.",
    seen="constructed: label smoothing left on by default",
)
def labels_smoothed(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels are smoothed by a tenth."""
    return sound.forward(logits, 0.9 * one_hot(labels, logits) + 0.1 / logits.shape[1], reduction=reduction)


@forward(
    observed="the first class is never learnt",
    cure="ignore rows by a value that is no class, and only where that is asked for.",
    seen="constructed: padding told by its values",
)
def class_zero_ignored(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose index label is 0 add nothing to the loss."""
    losses = sound.forward(logits, labels, reduction="none")
    return reduced(losses * (labels != 0) if labels.ndim == 1 else losses, reduction)


@forward(
    observed="a label of -1 trains the last class",
    cure="refuse labels outside [0, C).",
    seen="constructed: NumPy's indices from the end",
)
def negative_labels_from_the_end(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Negative labels count from the end."""
    read = np.where(labels < 0, labels + logits.shape[1], labels) if labels.ndim == 1 else labels
    return sound.forward(logits, read, reduction=reduction)


@forward(
    observed="a class masked by -inf makes every loss NaN",
    cure="give 0 times an infinity the value 0, or index the true class.",
    seen="pytorch/pytorch#31829",
)
def nothing_times_infinity(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """A class without weight and with a logit of -inf adds 0 * -inf, a NaN."""
    log_probabilities = softmax.log_softmax(logits)
    return reduced(-(one_hot(labels, logits) * log_probabilities).sum(axis=-1), reduction)


@forward(
    observed="models of two classes exchange them, all others are right",
    cure="the loss of class 0 is softplus(z1 - z0).",
    seen="constructed: a fast path for two classes",
)
def two_classes_exchanged(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The path for two classes takes the difference of logits the wrong way round."""
    return sound.forward(logits[:, ::-1] if logits.shape[1] == 2 else logits, labels, reduction=reduction)


@forward(
    observed="a model of one class has a loss",
    cure="the loss of one class is 0.",
    seen="constructed: the logistic loss for binary models",
)
def logistic_loss_for_one_class(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Where there is one class the loss is softplus(-z)."""
    if logits.shape[1] != 1:
        return sound.forward(logits, labels, reduction=reduction)
    return loss_of(-np.logaddexp(0, -logits), labels, reduction)


@forward(
    observed="the logits are other numbers after the call",
    cure="subtract into a new array.",
    seen="constructed: logits -= logits.max()",
    as_is=True,
)
def logits_shifted_in_place(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The maximum is subtracted from the logits that were handed in."""
    loss = careful_forward(logits, labels, reduction=reduction)
    logits -= logits.max(axis=-1, keepdims=True)
    return loss


@forward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the logits' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def forward_in_float32(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float64 logits are computed in float32."""
    return computed_in("float32", sound.forward, of="float64")(logits, labels, reduction=reduction)


@forward(
    observed="the first digits of float32 losses are right",
    cure="keep the sum of exponentials in float32.",
    seen="constructed: automatic mixed precision over the loss",
)
def sum_in_float16(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of float32 logits the logarithm of the sum is rounded to float16."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return loss_of(shifted - (lowered(total, "float16") if logits.dtype == np.float32 else total), labels, reduction)


@forward(
    observed="one sample of each batch does not count",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out(logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last row of a batch has no loss; a batch of one is right."""
    losses = sound.forward(logits, labels, reduction="none")
    losses[max(1, len(losses) - 1) :] = 0
    return reduced(losses, reduction)


# Backward: reductions and upstream


@backward(
    observed="learning depends on the batch size",
    cure="divide by N where the loss is a mean.",
    seen="MNIST_center_loss_pytorch#9",
)
def division_by_batch_missing(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is not divided by N."""
    return sound.backward(dL_dloss, logits, labels, reduction="sum" if reduction == "mean" else reduction)


@backward(
    observed="learning is too slow by a factor of the batch size",
    cure="divide by N once.",
    seen="apache/mxnet#9911",
)
def divided_by_batch_twice(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N twice."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient / max(len(logits), 1) if reduction == "mean" else gradient


@backward(
    observed="learning is too slow by a factor of the number of classes",
    cure="divide by the number of rows.",
    seen="victorlempitsky/Mate#2",
)
def divided_by_elements(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient of a mean is divided by N C."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient / logits.shape[1] if reduction == "mean" else gradient


@backward(
    observed="learning with a summed loss, or with weights of rows, is too slow by a factor of the batch size",
    cure="divide where the loss is a mean alone.",
    seen="constructed: a parameter that is taken and not read",
)
def always_divided_by_batch(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradients of sum and none are divided by N too."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient if reduction == "mean" else gradient / max(len(logits), 1)


@backward(
    observed="the last, smaller batch of an epoch is learnt from at another rate",
    cure="take N from the argument's shape.",
    seen="a lesson's own class: samples read from outside the method",
)
def batch_size_of_an_earlier_call(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The mean divides by the batch size of the first call."""
    n = memory.setdefault("n", max(len(logits), 1))
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient * (len(logits) / n) if reduction == "mean" else gradient


@backward(
    observed="losses added with weights, or scaled, are learnt from as if they were not",
    cure="multiply by the upstream.",
    seen="deep-learning-from-scratch, SoftmaxWithLoss.backward; nntrainer#4326",
)
def upstream_ignored(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The upstream is not multiplied with."""
    return sound.backward(np.ones_like(dL_dloss), logits, labels, reduction=reduction)


@backward(
    observed="right unless the batch is as large as there are classes",
    cure="give the upstream a second axis: dL_dloss[:, None].",
    seen="constructed: (N,) times (N, C)",
)
def row_upstreams_along_classes(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Where N = C the upstream of rows runs along the classes."""
    if reduction == "none" and logits.shape[0] == logits.shape[1]:
        return (softmax.forward(logits) - one_hot(labels, logits)) * dL_dloss
    return sound.backward(dL_dloss, logits, labels, reduction=reduction)


@backward(
    observed="weights of rows are averaged away",
    cure="multiply each row by its own upstream.",
    seen="constructed: upstream.mean() to make a scalar of it",
)
def row_upstreams_averaged(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Without reduction each row gets the mean of the upstream."""
    if reduction == "none" and len(dL_dloss):
        dL_dloss = np.full_like(dL_dloss, dL_dloss.mean())
    return sound.backward(dL_dloss, logits, labels, reduction=reduction)


@backward(
    observed="the labels keep their pull when the loss is scaled down",
    cure="multiply the difference by the upstream, not the probabilities alone.",
    seen="constructed: a parenthesis left out",
)
def upstream_on_probabilities_alone(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is p g - y, with the division by N on both."""
    n = len(logits) if reduction == "mean" and len(logits) else 1
    return softmax.forward(logits) * row_upstream(dL_dloss, len(logits), reduction) - one_hot(labels, logits) / n


# Backward: probabilities


@backward(
    observed="all classes are pushed down, none up",
    cure="subtract the labels.",
    seen="constructed: the labels' term left out",
)
def labels_not_subtracted(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is p, without y."""
    return gradient_of(softmax.forward(logits), dL_dloss, one_hot(labels, logits) * 0.0, reduction)


@backward(
    observed="the loss rises",
    cure="p - y, in this order.",
    seen="constructed: the error as target minus output",
)
def labels_minus_probabilities(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is y - p."""
    return -sound.backward(dL_dloss, logits, labels, reduction=reduction)


@backward(
    observed="gradients do not sum to 0 over classes, and learning stalls",
    cure="take the softmax of the logits.",
    seen="constructed: logits handed in where outputs are due",
)
def softmax_left_out(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is z - y."""
    return gradient_of(logits, dL_dloss, labels, reduction)


@backward(
    observed="the model is never sure, gradients are too even",
    cure="take the softmax once.",
    seen="constructed: a softmax layer before a loss that has its own",
)
def softmax_taken_twice(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is softmax(softmax(z)) - y."""
    return gradient_of(softmax.forward(softmax.forward(logits)), dL_dloss, labels, reduction)


@backward(
    observed="learning is far too slow where the model is sure and wrong",
    cure="p - y is the whole chain already.",
    seen="constructed: the softmax layer's backward applied to p - y",
)
def jacobian_applied_again(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax's Jacobian is applied to p - y."""
    return softmax.backward(sound.backward(dL_dloss, logits, labels, reduction=reduction), logits)


@backward(
    observed="NaN in rows where the true class is hopeless",
    cure="compute p - y; do not pass through 1 / p.",
    seen="constructed: the two layers' backwards chained",
)
def chained_through_underflowed_outputs(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """-y / p is taken of probabilities of which small ones are 0."""
    return sound.two_steps(dL_dloss, softmax.forward(logits), labels, reduction)


@backward(
    observed="the gradient of rows where the true class is hopeless is far too small",
    cure="compute p - y; do not pass through 1 / p.",
    seen="deep-learning-from-scratch, with 1e-7 in the denominator and the two layers chained",
)
def chained_with_an_epsilon(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """-y / (p + 1e-7) goes through the softmax's Jacobian."""
    outputs = softmax.forward(logits)
    upstream = row_upstream(dL_dloss, len(logits), reduction)
    return softmax.centred(-one_hot(labels, logits) / (outputs + 1e-7) * upstream, outputs)


@backward(
    observed="NaN once logits pass 88 in float32",
    cure="subtract each row's maximum first.",
    seen="constructed: outputs computed again in backward by the textbook formula",
)
def logits_not_shifted_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The exponentials are taken of the logits as they are."""
    exponentials = np.exp(logits)
    return gradient_of(exponentials / exponentials.sum(axis=-1, keepdims=True), dL_dloss, labels, reduction)


@backward(
    observed="samples disturb one another",
    cure="normalise over classes, the last axis.",
    seen="numpy-ml, Softmax(dim=0)",
)
def normalised_over_the_batch_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The softmax runs over the batch."""
    return gradient_of(softmax.forward(logits.T).T if len(logits) else logits, dL_dloss, labels, reduction)


@backward(
    observed="gradients are off where logits are far apart",
    cure="use the exponential of the library.",
    seen="constructed: (1 + x / n)^n with n = 1024",
)
def exponential_from_its_limit(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The exponential is (1 + x / 1024)^1024."""
    exponentials = exp_of_limit(logits - logits.max(axis=-1, keepdims=True))
    return gradient_of(exponentials / exponentials.sum(axis=-1, keepdims=True), dL_dloss, labels, reduction)


@backward(
    observed="the model of two classes learns them exchanged",
    cure="p1 is the sigmoid of z1 - z0.",
    seen="constructed: a fast path for two classes",
)
def two_classes_exchanged_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of two classes the probabilities are exchanged."""
    outputs = softmax.forward(logits)
    return gradient_of(outputs[:, ::-1] if outputs.shape[1] == 2 else outputs, dL_dloss, labels, reduction)


@backward(
    observed="rows that are nearly right are no longer learnt from",
    cure="leave small gradients; they are small already.",
    seen="constructed: a shortcut for confident rows",
)
def sure_and_right_rows_skipped(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose true class has a probability over 0.99 get no gradient."""
    outputs = softmax.forward(logits)
    known = (outputs * one_hot(labels, logits)).sum(axis=-1, keepdims=True) > 0.99
    return np.where(known, 0, sound.backward(dL_dloss, logits, labels, reduction=reduction))


@backward(
    observed="rows that are classified right teach nothing",
    cure="p - y for every row.",
    seen="constructed: the perceptron's rule",
)
def right_rows_skipped(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose largest logit is that of the true class get no gradient."""
    wrong = (logits.argmax(axis=1) != hardened(labels)) if logits.size else np.zeros(len(logits), bool)
    return wrong[:, None] * sound.backward(dL_dloss, logits, labels, reduction=reduction)


@backward(
    observed="unlikely classes are never corrected",
    cure="keep small gradients.",
    seen="constructed: sparse gradients by a threshold",
)
def small_gradients_cut_off(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Elements of p - y under 1e-6 become 0."""
    outputs = softmax.forward(logits)
    difference = outputs - one_hot(labels, logits)
    upstream = row_upstream(dL_dloss, len(logits), reduction)
    return np.where(abs(difference) < 1e-6, 0, difference) * upstream


# Backward: labels


@backward(
    observed="samples' labels are mixed up: each row is pushed to the classes of all",
    cure="index rows and columns together: p[np.arange(N), labels] -= 1.",
    seen="constructed: p[:, labels] -= 1, a common slip of the CS231n exercise",
)
def labels_subtracted_from_every_row(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1 is subtracted in the columns of all labels in every row."""
    y = one_hot(labels, logits)
    return gradient_of(softmax.forward(logits), dL_dloss, np.broadcast_to(y.max(axis=0, initial=0), y.shape), reduction)


@backward(
    observed="right for a batch of one; otherwise only the first sample has labels",
    cure="add row * C to the label for a flat index.",
    seen="constructed: p.ravel()[labels] -= 1",
)
def labels_as_flat_indices(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Index labels are taken for positions in the flat array."""
    if labels.ndim == 2:
        return sound.backward(dL_dloss, logits, labels, reduction=reduction)
    y = np.zeros_like(logits)
    y.flat[one_hot(labels, logits).argmax(axis=1)] = 1
    return gradient_of(softmax.forward(logits), dL_dloss, y, reduction)


@backward(
    observed="smoothed or mixed labels train like hard ones",
    cure="subtract the labels themselves.",
    seen="constructed: labels.argmax(axis=1) for whatever has two axes",
)
def soft_labels_hardened_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Of soft labels the largest alone counts."""
    return sound.backward(dL_dloss, logits, hardened(labels), reduction=reduction)


@backward(
    observed="soft labels are not learnt from, hard ones are",
    cure="keep soft labels as they are.",
    seen="constructed: labels.astype(int)",
)
def soft_labels_truncated(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels are truncated to integers."""
    return sound.backward(dL_dloss, logits, np.trunc(labels) if labels.ndim == 2 else labels, reduction=reduction)


@backward(
    observed="the loss falls and the accuracy does not rise",
    cure="classes are counted from 0.",
    seen="constructed: labels made for a language that counts from 1",
)
def labels_counted_from_one(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Index labels are taken as counted from 1; 0 is the last class."""
    read = (labels - 1) % logits.shape[1] if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, logits, read, reduction=reduction)


@backward(
    observed="rows of class 0 are not learnt from",
    cure="ignore rows by a value that is no class, and only where that is asked for.",
    seen="constructed: padding told by its values",
)
def class_zero_ignored_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Rows whose index label is 0 get no gradient."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient * (labels != 0)[:, None] if labels.ndim == 1 else gradient


@backward(
    observed="the loss that is reported falls below the one that is minimised",
    cure="smooth labels in both directions or in none.",
    seen="constructed: label smoothing in backward alone",
)
def labels_smoothed_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels are smoothed by a tenth."""
    smoothed = 0.9 * one_hot(labels, logits) + 0.1 / logits.shape[1]
    return gradient_of(softmax.forward(logits), dL_dloss, smoothed, reduction)


@backward(
    observed="a label beyond the last class trains the last",
    cure="refuse labels outside [0, C).",
    seen="constructed: np.clip against an IndexError",
)
def labels_clipped_into_range(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Labels outside [0, C) are moved into it."""
    read = np.clip(labels, 0, logits.shape[1] - 1) if labels.ndim == 1 else labels
    return sound.backward(dL_dloss, logits, read, reduction=reduction)


# Backward: memory, dtype, batch


@backward(
    observed="the logits are the gradient after the call",
    cure="write the gradient to a new array.",
    seen="constructed: a fused kernel that reuses the logits' memory",
    as_is=True,
)
def gradient_written_over_logits(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is written into the logits, and they are returned."""
    logits[...] = careful_backward(dL_dloss, logits, labels, reduction=reduction)
    return logits


@backward(
    observed="each gradient has those of the calls before in it",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/micrograd#53",
)
def gradient_adds_to_the_last_call(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Each backward adds to the gradient of the one before."""
    return added_up(memory, "gradient", sound.backward(dL_dloss, logits, labels, reduction=reduction))


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated gradient handed to the caller",
    as_is=True,
)
def gradient_in_a_shared_buffer(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The gradient lies in a buffer that the next call overwrites."""
    return shared_buffer(memory, "gradient", careful_backward(dL_dloss, logits, labels, reduction=reduction))


@backward(
    observed="the gradient belongs to the first batch",
    cure="keep the outputs of the last forward, not of the first.",
    seen="chainer/chainer#2062",
)
def outputs_of_an_earlier_call(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """The softmax's outputs are those of the first call of this shape."""
    outputs = first_of_its_shape(memory, "outputs", softmax.forward(logits))
    return gradient_of(outputs, dL_dloss, labels, reduction)


@backward(
    observed="calling backward twice gives two gradients",
    cure="subtract the labels from a copy of the outputs.",
    seen="chainer/chainer#2062: the cache of forward changed by backward",
)
def cached_outputs_changed_by_backward(
    dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str, memory: dict[Any, Any]
) -> Any:
    """Labels are subtracted from cached outputs, so that the same call gives p - 2 y the second time."""
    outputs = memory.setdefault((logits.shape, logits.tobytes()), softmax.forward(logits).astype(np.float64))
    gradient = gradient_of(outputs, dL_dloss, labels, reduction)
    outputs -= one_hot(labels, logits)
    return gradient


@backward(
    observed="a transposed view or a slice gives noise, its copy the right gradient",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_of_logits_ignored(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Logits are read as if they were contiguous."""
    return careful_backward(dL_dloss, memory_order(logits), labels, reduction=reduction)


@backward(
    observed="one sample of each batch is not learnt from",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_out_in_backward(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The last row of a batch gets no gradient; a batch of one is right."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    gradient[max(1, len(gradient) - 1) :] = 0
    return gradient


@backward(
    observed="right up to 128 classes; with a vocabulary most of it is never corrected",
    cure="loop over all blocks of classes.",
    seen="constructed: one block of 128 threads a row",
)
def classes_beyond_128_left_out(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Classes beyond the first 128 get no gradient."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    gradient[:, 128:] = 0
    return gradient


@backward(
    observed="the last classes are never learnt where their number is no multiple of 4",
    cure="handle the partial vector.",
    seen="constructed: loads of four floats",
)
def classes_beyond_vectors_of_four(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """Columns of the gradient beyond a multiple of 4 are 0."""
    gradient = sound.backward(dL_dloss, logits, labels, reduction=reduction)
    gradient[:, partial_tile(gradient.shape[1], 4)] = 0
    return gradient


@backward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the logits' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """float64 arguments are computed in float32."""
    return computed_in("float32", sound.backward, of="float64")(dL_dloss, logits, labels, reduction=reduction)


@backward(
    observed="float32 gradients are right to three digits",
    cure="keep the outputs in float32, or declare a lower precision.",
    seen="constructed: outputs saved in float16 to spare memory",
)
def outputs_saved_in_float16(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The outputs of float32 logits are rounded to float16 for backward."""
    outputs = softmax.forward(logits)
    return gradient_of(
        lowered(outputs, "float16") if logits.dtype == np.float32 else outputs, dL_dloss, labels, reduction
    )


@backward(
    observed="gradients of float32 logits are float64, since the one-hot labels are",
    cure="make one-hot rows of the logits' dtype.",
    seen="constructed: np.eye(C)[labels], which is float64",
    as_is=True,
)
def gradient_in_the_dtype_of_one_hot_rows(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """The gradient is float64 where labels are indices."""
    gradient = careful_backward(dL_dloss, logits, labels, reduction=reduction)
    return gradient.astype(np.float64) if labels.ndim == 1 else gradient


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="divide by N where there are rows only.",
    seen="nnfs",
)
def empty_batch_refused(dL_dloss: Array, logits: Array, labels: np.ndarray, *, reduction: str) -> Any:
    """1 / N of an empty batch raises."""
    if reduction != "mean":
        return sound.backward(dL_dloss, logits, labels, reduction=reduction)
    return sound.backward(dL_dloss * (1 / len(logits)), logits, labels, reduction="sum")
