"""Wrong softmaxes."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..mutations.slips import (
    added_up,
    computed_in,
    exp_of_bits,
    exp_of_limit,
    exp_of_series,
    first_of_its_shape,
    memory_order,
    operands_in,
    partial_tile,
    shared_buffer,
)
from ..ops import softmax as sound

Array = Any
careful_forward, careful_backward = widened(sound.forward), widened(sound.backward)


def shifted(logits: Array) -> Array:
    """Logits from which their row's maximum is subtracted."""
    return logits - logits.max(axis=-1, keepdims=True)


def normalised(exponentials: Array) -> Array:
    """Divide by the sum over the last axis."""
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


# Forward


@forward(
    observed="NaN once logits pass 88 in float32 or 11 in float16",
    cure="subtract each row's maximum first.",
    seen="constructed: the textbook formula",
)
def logits_not_shifted(logits: Array) -> Any:
    """The exponentials are taken of the logits as they are."""
    return normalised(np.exp(logits))


@forward(
    observed="NaN or rough values in rows whose logits are far below those of another row",
    cure="subtract each row's own maximum: max(axis=-1, keepdims=True).",
    seen="constructed: logits.max() without an axis",
)
def shifted_by_the_batch_maximum(logits: Array) -> Any:
    """The maximum of the whole batch is subtracted, and other rows underflow."""
    return normalised(np.exp(logits - logits.max(initial=-np.inf)))


@forward(
    observed="NaN where all logits of a row are very negative",
    cure="subtract the maximum, not the largest magnitude.",
    seen="constructed: abs(logits).max(axis=-1)",
)
def shifted_by_the_largest_magnitude(logits: Array) -> Any:
    """The largest magnitude of a row is subtracted, and negative rows underflow."""
    return normalised(np.exp(logits - abs(logits).max(axis=-1, keepdims=True)))


@forward(
    observed="NaN where a row's logits are far apart",
    cure="subtract the maximum, not the mean.",
    seen="constructed: logits centred for stability",
)
def shifted_by_the_mean(logits: Array) -> Any:
    """The mean of a row is subtracted, and its largest logit overflows."""
    return normalised(np.exp(logits - logits.mean(axis=-1, keepdims=True)))


@forward(
    observed="columns sum to 1, rows do not",
    cure="sum over the last axis.",
    seen="numpy-ml, Softmax(dim=0)",
)
def normalised_over_the_batch(logits: Array) -> Any:
    """The sum runs over axis 0, whatever the rank: of matrices the columns are normalised."""
    return np.moveaxis(sound.forward(np.moveaxis(logits, 0, -1)), -1, 0)


@forward(
    observed="all probabilities of a batch sum to 1; right for a batch of one",
    cure="sum over the last axis.",
    seen="constructed: exponentials.sum() without an axis",
)
def normalised_over_everything(logits: Array) -> Any:
    """The sum runs over the whole batch."""
    exponentials = np.exp(shifted(logits))
    return exponentials / exponentials.sum()


@forward(
    observed="right for matrices, wrong for sequences and images",
    cure="sum over the last axis, whatever the rank.",
    seen="constructed: axis=1",
)
def normalised_over_axis_one(logits: Array) -> Any:
    """The sum runs over axis 1, whatever the rank."""
    if logits.ndim < 3:
        return sound.forward(logits)
    return np.moveaxis(sound.forward(np.moveaxis(logits, 1, -1)), -1, 1)


@forward(
    observed="a single vector of logits gives ones",
    cure="a vector is one row.",
    seen="constructed: reshape(len(x), -1)",
)
def vector_taken_for_a_column(logits: Array) -> Any:
    """A vector of logits is read as so many rows of one class."""
    return np.ones_like(logits) if logits.ndim == 1 else sound.forward(logits)


@forward(
    observed="probabilities sum to a little less than 1",
    cure="the largest exponential is 1: the sum cannot be 0.",
    seen="constructed: 1e-7 against a division by 0",
)
def epsilon_in_the_denominator(logits: Array) -> Any:
    """1e-7 is added to the sum."""
    exponentials = np.exp(shifted(logits))
    return exponentials / (exponentials.sum(axis=-1, keepdims=True) + 1e-7)


@forward(
    observed="float64 checks fail at 1e-12",
    cure="the largest exponential is 1: the sum cannot be 0.",
    seen="constructed: 1e-12 against a division by 0",
)
def tiny_epsilon_in_the_denominator(logits: Array) -> Any:
    """1e-12 is added to the sum."""
    exponentials = np.exp(shifted(logits))
    return exponentials / (exponentials.sum(axis=-1, keepdims=True) + 1e-12)


@forward(
    observed="small probabilities are never below 1e-9, and their logarithms are wrong",
    cure="keep probabilities as they are; take care of log 0 where the logarithm is.",
    seen="constructed: 1e-9 against log 0",
)
def epsilon_added_to_probabilities(logits: Array) -> Any:
    """1e-9 is added to the probabilities."""
    return sound.forward(logits) + 1e-9


@forward(
    observed="unlikely classes are a little too likely",
    cure="let the exponential underflow; it does no harm.",
    seen="constructed: a guard against underflow",
)
def exponent_bounded_below(logits: Array) -> Any:
    """Shifted logits under -20 count as -20."""
    return normalised(np.exp(np.maximum(shifted(logits), -20)))


@forward(
    observed="unlikely classes have probability 0",
    cure="keep small probabilities.",
    seen="constructed: tidied output",
)
def small_probabilities_cut_off(logits: Array) -> Any:
    """Probabilities under 1e-6 become 0."""
    outputs = sound.forward(logits)
    return np.where(outputs < 1e-6, 0, outputs)


@forward(
    observed="probabilities have eight right decimals and no more",
    cure="round for the eye alone.",
    seen="constructed: np.round before the return",
)
def rounded_to_eight_decimals(logits: Array) -> Any:
    """Probabilities are rounded to eight decimals."""
    return np.round(sound.forward(logits), 8)


@forward(
    observed="probabilities are right to 3 %",
    cure="use the exponential of the library.",
    seen="Schraudolph, A fast, compact approximation of the exponential function, Neural Computation 1999",
)
def exponential_from_bits(logits: Array) -> Any:
    """The exponential is a line through the bits of a float."""
    return normalised(exp_of_bits(shifted(logits)))


@forward(
    observed="probabilities far from the largest are too small",
    cure="use the exponential of the library.",
    seen="constructed: (1 + x / n)^n with n = 1024",
)
def exponential_from_its_limit(logits: Array) -> Any:
    """The exponential is (1 + x / 1024)^1024."""
    return normalised(exp_of_limit(shifted(logits)))


@forward(
    observed="probabilities are right to six digits, which float16 does not show",
    cure="use the exponential of the library.",
    seen="constructed: a polynomial of degree 6 made for half precision",
)
def exponential_from_a_short_series(logits: Array) -> Any:
    """The exponential is a polynomial of degree 6 after range reduction."""
    return normalised(exp_of_series(shifted(logits)))


@forward(
    observed="probabilities are less decided than they should be",
    cure="use the base e, or scale logits by log2(e) for exp2.",
    seen="constructed: exp2 without its factor",
)
def base_two(logits: Array) -> Any:
    """Powers of 2 stand in for powers of e."""
    return normalised(np.exp2(shifted(logits)))


@forward(
    observed="probabilities are less decided than they should be, the more so the more classes",
    cure="scale where attention is, not in the softmax.",
    seen="constructed: the scale of attention left in",
)
def temperature_left_in(logits: Array) -> Any:
    """Logits are divided by the root of the number of classes."""
    return sound.forward(logits / np.sqrt(logits.shape[-1]))


@forward(
    observed="log-probabilities, negative numbers, where probabilities are due",
    cure="take the exponential.",
    seen="constructed: log_softmax under another name",
)
def logarithm_returned(logits: Array) -> Any:
    """The logarithm of the softmax is returned."""
    return sound.log_softmax(logits)


@forward(
    observed="a model of one class answers with a sigmoid",
    cure="the softmax of one class is 1.",
    seen="constructed: a convenience for binary models",
)
def sigmoid_for_one_class(logits: Array) -> Any:
    """Where there is one class the sigmoid is returned."""
    return 1 / (1 + np.exp(-logits)) if logits.shape[-1] == 1 else sound.forward(logits)


@forward(
    observed="models of two classes exchange them, all others are right",
    cure="p0 is the sigmoid of z0 - z1.",
    seen="constructed: a fast path for two classes",
)
def two_classes_exchanged(logits: Array) -> Any:
    """The path for two classes takes the difference of logits the wrong way round."""
    return sound.forward(logits[..., ::-1]) if logits.shape[-1] == 2 else sound.forward(logits)


@forward(
    observed="right up to 32 classes; with more, and the largest logit late, probabilities do not sum to 1",
    cure="multiply the sum so far by exp(old maximum - new maximum).",
    seen="constructed: an online softmax without its correction",
)
def running_sum_not_rescaled(logits: Array) -> Any:
    """A running maximum over blocks of 32 classes grows, and the sum before it is not rescaled."""
    largest, total = np.full_like(logits[..., :1], -np.inf), np.zeros_like(logits[..., :1])
    for start in range(0, logits.shape[-1], 32):
        block = logits[..., start : start + 32]
        largest = np.maximum(largest, block.max(axis=-1, keepdims=True))
        total = total + np.exp(block - largest).sum(axis=-1, keepdims=True)
    return np.exp(logits - largest) / total


@forward(
    observed="right up to 512 classes; with a vocabulary probabilities sum to more than 1",
    cure="loop over all blocks of classes.",
    seen="constructed: one block of threads a row",
)
def sum_of_the_first_512_classes(logits: Array) -> Any:
    """The sum runs over the first 512 classes."""
    exponentials = np.exp(shifted(logits))
    return exponentials / exponentials[..., :512].sum(axis=-1, keepdims=True)


@forward(
    observed="right for 8 or 16 classes; for 10 probabilities sum to more than 1",
    cure="add the rest after the vector loop.",
    seen="constructed: a vector loop of 8 lanes",
)
def sum_without_the_rest_of_eight(logits: Array) -> Any:
    """Classes beyond a multiple of 8 are left out of the sum."""
    exponentials = np.exp(shifted(logits))
    whole = exponentials[..., : partial_tile(logits.shape[-1], 8).start]
    return exponentials / whole.sum(axis=-1, keepdims=True)


@forward(
    observed="right unless the largest logit occurs twice, as at the start of training; then probabilities exceed 1",
    cure="leave out the one element whose exponential is known, not all that are equal to it.",
    seen="constructed: 1 + the sum over logits below the maximum",
)
def ties_of_the_maximum_counted_once(logits: Array) -> Any:
    """Logits equal to the maximum add 1 to the sum together, not 1 each."""
    exponentials = np.exp(shifted(logits))
    below = np.where(exponentials == 1, 0, exponentials)
    return exponentials / (1 + below.sum(axis=-1, keepdims=True))


@forward(
    observed="a logit of exactly 0 counts as masked, its probability is 0",
    cure="mask with -inf, or by a mask.",
    seen="constructed: padding told by its values",
)
def zero_logits_taken_for_padding(logits: Array) -> Any:
    """A logit of 0 counts as padding and is left out, unless the whole row is."""
    masked = np.where((logits == 0) & logits.any(axis=-1, keepdims=True), -np.inf, logits)
    return sound.forward(masked)


@forward(
    observed="a class masked by -inf is as likely as others where all are masked, and nobody is told",
    cure="let a row without a finite logit be NaN, or refuse it.",
    seen="constructed: a mask by the smallest number in place of -inf",
)
def infinite_mask_made_finite(logits: Array) -> Any:
    """-inf is replaced by the smallest number, so that a row of -inf comes out uniform."""
    return sound.forward(np.nan_to_num(logits, nan=np.nan, posinf=np.inf))


@forward(
    observed="a NaN among the logits goes unnoticed",
    cure="let NaN through, or refuse it.",
    seen="constructed: np.nanmax and np.nansum",
)
def nan_left_out(logits: Array) -> Any:
    """A NaN is left out of maximum and sum: one element is NaN and the row's others are not."""
    exponentials = np.exp(logits - np.nanmax(logits, axis=-1, keepdims=True))
    return exponentials / np.nansum(exponentials, axis=-1, keepdims=True)


@forward(
    observed="the logits are other numbers after the call",
    cure="subtract into a new array.",
    seen="constructed: logits -= logits.max()",
    as_is=True,
)
def logits_shifted_in_place(logits: Array) -> Any:
    """The maximum is subtracted from the logits that were handed in."""
    outputs = careful_forward(logits)
    logits -= logits.max(axis=-1, keepdims=True)
    return outputs


@forward(
    observed="probabilities kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated output handed to the caller",
    as_is=True,
)
def probabilities_in_a_shared_buffer(logits: Array, *, memory: dict[Any, Any]) -> Any:
    """The outputs lie in a buffer that the next call overwrites."""
    return shared_buffer(memory, "outputs", careful_forward(logits))


@forward(
    observed="float64 checks fail at 1e-7",
    cure="sum in the dtype of the logits.",
    seen="constructed: a float32 accumulator for everything",
)
def sum_in_float32(logits: Array) -> Any:
    """The sum of float64 exponentials is accumulated in float32."""
    exponentials = np.exp(shifted(logits))
    return exponentials / exponentials.sum(axis=-1, keepdims=True, dtype=np.float32)


@forward(
    observed="float32 probabilities are right to three digits",
    cure="take the exponential in float32.",
    seen="constructed: a table of exponentials in float16",
)
def exponential_in_float16(logits: Array) -> Any:
    """float32 logits are shifted and rounded to float16 before the exponential."""
    return normalised(operands_in("float16", np.exp, of="float32")(shifted(logits)))


@forward(
    observed="with many classes in half precision probabilities sum to more than 1",
    cure="accumulate in float32, or declare the native precision.",
    seen="constructed: a running sum in the format of the data",
    as_is=True,
)
def sum_in_half_precision(logits: Array) -> Any:
    """The sum of half precision exponentials is accumulated in the format itself."""
    if logits.dtype.itemsize != 2 or not logits.shape[-1]:
        return careful_forward(logits)
    exponentials = np.exp(shifted(logits))
    total = np.zeros_like(exponentials[..., 0])
    for k in range(logits.shape[-1]):
        total = total + exponentials[..., k]
    return exponentials / total[..., None]


@forward(
    observed="everything after the softmax is float64",
    cure="allocate the result in the logits' dtype.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def outputs_in_float64(logits: Array) -> Any:
    """The outputs are of dtype float64, whatever came in."""
    return sound.forward(logits.astype(np.float64))


@forward(
    observed="a transposed view gives noise, its copy the right probabilities",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_of_logits_ignored(logits: Array) -> Any:
    """Logits are read as if they were contiguous."""
    return careful_forward(memory_order(logits))


@forward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the logits' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def forward_in_float32(logits: Array) -> Any:
    """float64 logits are computed in float32."""
    return computed_in("float32", sound.forward, of="float64")(logits)


# Backward


@backward(
    observed="classes do not compete: raising one logit does not lower the others",
    cure="subtract the weighted sum: s * (g - sum(s * g)).",
    seen="libnd4j#440; eriklindernoren/ML-From-Scratch, Softmax.gradient",
)
def diagonal_of_the_jacobian(dL_doutputs: Array, logits: Array) -> Any:
    """Only the diagonal of the Jacobian is used: g s (1 - s)."""
    s = sound.forward(logits)
    return dL_doutputs * s * (1 - s)


@backward(
    observed="rows of the gradient do not sum to 0",
    cure="subtract the weighted sum: s * (g - sum(s * g)).",
    seen="HomericIntelligence/Odyssey#2134",
)
def sum_term_left_out(dL_doutputs: Array, logits: Array) -> Any:
    """The gradient is g s, without the sum."""
    return dL_doutputs * sound.forward(logits)


@backward(
    observed="nothing learns, and a check with an upstream of ones passes",
    cure="s * (g - sum(s * g)).",
    seen="constructed: the gradient for an upstream of ones",
)
def zeros_returned(dL_doutputs: Array, logits: Array) -> Any:
    """The gradient is 0."""
    return 0 * sound.backward(dL_doutputs, logits)


@backward(
    observed="rows of the gradient do not sum to 0",
    cure="the off-diagonal of the Jacobian is -s_i s_j.",
    seen="constructed: a sign lost between the two cases of the derivative",
)
def sum_term_added(dL_doutputs: Array, logits: Array) -> Any:
    """The weighted sum is added, not subtracted."""
    s = sound.forward(logits)
    return s * (dL_doutputs + (s * dL_doutputs).sum(axis=-1, keepdims=True))


@backward(
    observed="right for a uniform softmax, at the start of training, and worse later",
    cure="subtract the sum weighted by the probabilities.",
    seen="constructed: the upstream centred by its mean",
)
def centred_by_the_mean(dL_doutputs: Array, logits: Array) -> Any:
    """The upstream's mean is subtracted, not its sum weighted by s."""
    return sound.forward(logits) * (dL_doutputs - dL_doutputs.mean(axis=-1, keepdims=True))


@backward(
    observed="right for a batch of one; otherwise samples disturb one another",
    cure="sum over the last axis alone.",
    seen="constructed: (s * g).sum() without an axis",
)
def sum_over_the_whole_batch(dL_doutputs: Array, logits: Array) -> Any:
    """The weighted sum runs over the whole batch."""
    s = sound.forward(logits)
    return s * (dL_doutputs - (s * dL_doutputs).sum())


@backward(
    observed="samples disturb one another, classes do not compete",
    cure="sum over the last axis.",
    seen="numpy-ml, Softmax(dim=0)",
)
def sum_over_the_wrong_axis(dL_doutputs: Array, logits: Array) -> Any:
    """Of matrices the weighted sum runs over the batch."""
    s = sound.forward(logits)
    return s * (dL_doutputs - (s * dL_doutputs).sum(axis=-2 if logits.ndim == 2 else -1, keepdims=True))


@backward(
    observed="right for matrices, wrong for sequences and images",
    cure="sum over the last axis, whatever the rank.",
    seen="constructed: axis=1",
)
def sum_over_axis_one(dL_doutputs: Array, logits: Array) -> Any:
    """At rank 3 and more the weighted sum runs over axis 1."""
    s = sound.forward(logits)
    return s * (dL_doutputs - (s * dL_doutputs).sum(axis=1 if logits.ndim > 2 else -1, keepdims=True))


@backward(
    observed="right for a batch of one; otherwise all samples get the first one's Jacobian",
    cure="one Jacobian a row.",
    seen="constructed: a Jacobian taken out of the loop",
)
def jacobian_of_the_first_row(dL_doutputs: Array, logits: Array) -> Any:
    """The first row's probabilities serve the whole batch."""
    s = sound.forward(logits)
    return sound.centred(dL_doutputs, np.broadcast_to(s[:1], s.shape) if logits.ndim > 1 else s)


@backward(
    observed="right for a batch of one; otherwise only the last sample gets a gradient",
    cure="write each row's gradient inside the loop.",
    seen="constructed: a loop variable used after its loop",
)
def gradient_of_the_last_row(dL_doutputs: Array, logits: Array) -> Any:
    """Only the last row of a batch gets a gradient."""
    gradient = sound.backward(dL_doutputs, logits)
    if logits.ndim > 1:
        gradient[:-1] = 0
    return gradient


@backward(
    observed="gradients are far too small or of the wrong sign",
    cure="take the softmax of the logits first, or hand the outputs in.",
    seen="constructed: inputs and outputs confused",
)
def logits_taken_for_outputs(dL_doutputs: Array, logits: Array) -> Any:
    """The logits are used where the softmax's outputs are due."""
    result: Array = sound.centred(dL_doutputs, logits)
    return result


@backward(
    observed="gradients are too even and too small",
    cure="take the softmax once.",
    seen="constructed: the softmax applied to saved outputs",
)
def softmax_taken_twice(dL_doutputs: Array, logits: Array) -> Any:
    """The Jacobian is that of the softmax of the outputs."""
    return sound.backward(dL_doutputs, sound.forward(logits))


@backward(
    observed="gradients do not vanish where the softmax is sure",
    cure="s * (g - sum(s * g)).",
    seen="constructed: the backward of log_softmax",
)
def backward_of_the_logarithm(dL_doutputs: Array, logits: Array) -> Any:
    """The gradient is that of the logarithm of the softmax: g - s sum(g)."""
    return dL_doutputs - sound.forward(logits) * dL_doutputs.sum(axis=-1, keepdims=True)


@backward(
    observed="the gradient is 0 or far off, without an error",
    cure="allocate the gradient in the upstream's dtype.",
    seen="nnfs: an upstream of integers and np.empty_like",
)
def upstream_truncated(dL_doutputs: Array, logits: Array) -> Any:
    """The upstream passes through an array of integers."""
    return sound.backward(np.trunc(dL_doutputs), logits)


@backward(
    observed="layers below learn too slowly by a factor of the batch size",
    cure="divide by N once, in the loss.",
    seen="constructed: every layer made to average over the batch",
)
def gradient_divided_by_batch(dL_doutputs: Array, logits: Array) -> Any:
    """The gradient of a batch is divided by N."""
    return sound.backward(dL_doutputs, logits) / (max(len(logits), 1) if logits.ndim > 1 else 1)


@backward(
    observed="right up to 256 classes; beyond, classes of different blocks do not compete",
    cure="reduce over all blocks before the subtraction.",
    seen="constructed: a Jacobian in tiles, of which only the diagonal ones are computed",
)
def sum_within_blocks_of_256(dL_doutputs: Array, logits: Array) -> Any:
    """The weighted sum runs over each block of 256 classes alone."""
    s = sound.forward(logits)
    blocks = range(0, logits.shape[-1], 256)
    parts = [sound.centred(dL_doutputs[..., b : b + 256], s[..., b : b + 256]) for b in blocks]
    return np.concatenate(parts, axis=-1) if parts else s


@backward(
    observed="right for 8 or 16 classes, a little off for 10",
    cure="add the rest after the vector loop.",
    seen="constructed: a vector loop of 8 lanes",
)
def sum_term_without_the_rest_of_eight(dL_doutputs: Array, logits: Array) -> Any:
    """Classes beyond a multiple of 8 are left out of the weighted sum."""
    s = sound.forward(logits)
    whole = slice(None, partial_tile(logits.shape[-1], 8).start)
    return s * (dL_doutputs - (s * dL_doutputs)[..., whole].sum(axis=-1, keepdims=True))


@backward(
    observed="forward is fine; backward gives NaN for large logits",
    cure="subtract each row's maximum in backward too, or keep forward's outputs.",
    seen="constructed: outputs computed again in backward by the textbook formula",
)
def outputs_not_shifted_in_backward(dL_doutputs: Array, logits: Array) -> Any:
    """Backward computes the outputs again without the shift."""
    result: Array = sound.centred(dL_doutputs, normalised(np.exp(logits)))
    return result


@backward(
    observed="float64 checks fail at 1e-7",
    cure="1e-7 has no place here: the sum is at least 1.",
    seen="constructed: 1e-7 against a division by 0",
)
def epsilon_in_the_denominator_in_backward(dL_doutputs: Array, logits: Array) -> Any:
    """Backward computes the outputs again with 1e-7 in the denominator."""
    exponentials = np.exp(shifted(logits))
    s = exponentials / (exponentials.sum(axis=-1, keepdims=True) + 1e-7)
    result: Array = sound.centred(dL_doutputs, s)
    return result


@backward(
    observed="the gradient of one class is not 0",
    cure="the softmax of one class is constant.",
    seen="constructed: the sigmoid's derivative for binary models",
)
def sigmoid_derivative_for_one_class(dL_doutputs: Array, logits: Array) -> Any:
    """Where there is one class the gradient is that of a sigmoid."""
    s = 1 / (1 + np.exp(-abs(logits)))
    return dL_doutputs * s * (1 - s) if logits.shape[-1] == 1 else sound.backward(dL_doutputs, logits)


@backward(
    observed="the gradient belongs to the first batch",
    cure="keep the outputs of the last forward, not of the first.",
    seen="chainer/chainer#2062",
)
def outputs_of_an_earlier_call(dL_doutputs: Array, logits: Array, *, memory: dict[Any, Any]) -> Any:
    """The outputs are those of the first call of this shape."""
    result: Array = sound.centred(dL_doutputs, first_of_its_shape(memory, "outputs", sound.forward(logits)))
    return result


@backward(
    observed="each gradient has those of the calls before in it",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/micrograd#53",
)
def gradient_adds_to_the_last_call(dL_doutputs: Array, logits: Array, *, memory: dict[Any, Any]) -> Any:
    """Each backward adds to the gradient of the one before."""
    return added_up(memory, "dL_dlogits", sound.backward(dL_doutputs, logits))


@backward(
    observed="layers that share the upstream see a scaled one",
    cure="multiply into a new array.",
    seen="constructed: dvalues *= outputs",
    as_is=True,
)
def upstream_weighted_in_place(dL_doutputs: Array, logits: Array) -> Any:
    """The upstream that was handed in is multiplied by the outputs."""
    gradient = careful_backward(dL_doutputs, logits)
    dL_doutputs *= careful_forward(logits)
    return gradient


@backward(
    observed="the upstream of a sum, a broadcast view, or a transposed one gives noise",
    cure="honour strides, or make the upstream contiguous first.",
    seen="ROCm/TransformerEngine#623",
    as_is=True,
)
def strides_of_upstream_ignored(dL_doutputs: Array, logits: Array) -> Any:
    """The upstream is read as if it were contiguous."""
    return careful_backward(memory_order(dL_doutputs), logits)


@backward(
    observed="float64 checks fail at 1e-7",
    cure="compute in the logits' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_doutputs: Array, logits: Array) -> Any:
    """float64 arguments are computed in float32."""
    return computed_in("float32", sound.backward, of="float64")(dL_doutputs, logits)


@backward(
    observed="float32 gradients are right to two digits",
    cure="keep the outputs in float32, or declare a lower precision.",
    seen="constructed: outputs saved in bfloat16 to spare memory",
)
def outputs_saved_in_bfloat16(dL_doutputs: Array, logits: Array) -> Any:
    """The outputs of float32 logits are rounded to bfloat16 for backward."""
    outputs = sound.forward(logits)
    result: Array = operands_in("bfloat16", lambda s: sound.centred(dL_doutputs, s), of="float32")(outputs)
    return result


@backward(
    observed="everything before the softmax is float64",
    cure="allocate the gradient in the upstream's dtype.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def gradient_in_float64(dL_doutputs: Array, logits: Array) -> Any:
    """The gradient is of dtype float64, whatever came in."""
    return sound.backward(dL_doutputs.astype(np.float64), logits.astype(np.float64))


@backward(
    observed="a single sample comes back without its batch axis",
    cure="keep the shape of the logits.",
    seen="constructed: np.squeeze on the way out",
)
def batch_of_one_squeezed(dL_doutputs: Array, logits: Array) -> Any:
    """Axes of length 1 are lost."""
    return np.squeeze(sound.backward(dL_doutputs, logits))


@backward(
    observed="an exploded loss shows in one element of the gradient and not in its row",
    cure="let NaN through, or refuse it.",
    seen="constructed: np.nansum",
)
def nan_left_out_of_the_sum(dL_doutputs: Array, logits: Array) -> Any:
    """A NaN of the upstream is left out of the weighted sum."""
    s = sound.forward(logits)
    return s * (dL_doutputs - np.nansum(s * dL_doutputs, axis=-1, keepdims=True))


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="return an empty gradient.",
    seen="constructed: np.stack over the rows' gradients",
)
def empty_batch_refused(dL_doutputs: Array, logits: Array) -> Any:
    """An empty batch raises."""
    rows = zip(dL_doutputs.reshape(-1, logits.shape[-1]), logits.reshape(-1, logits.shape[-1]), strict=True)
    return np.stack([sound.backward(g, z) for g, z in rows]).reshape(logits.shape)
