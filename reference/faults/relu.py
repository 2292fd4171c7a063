"""Wrong rectified linear units."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..mutations.slips import added_up, computed_in, first_of_its_shape, memory_order, partial_tile, shared_buffer
from ..ops import relu as sound

Array = Any
careful_backward = widened(sound.backward)


# Forward


@forward(
    observed="negative inputs are not cut off, only damped",
    cure="return 0 for them; a leaky unit has another name.",
    seen="constructed: a leaky unit under the name of ReLU",
    as_is=True,
)
def leak_left_in_forward(inputs: Array) -> Any:
    """Negative inputs come out a hundredth as large."""
    return np.where(inputs > 0, inputs, inputs * np.asarray(0.01, inputs.dtype))


@forward(
    observed="right for small activations; large ones are all 6",
    cure="do not bound from above.",
    seen="constructed: ReLU6 under the name of ReLU",
    as_is=True,
)
def bounded_at_six(inputs: Array) -> Any:
    """Outputs are bounded by 6."""
    return np.clip(inputs, np.asarray(0, inputs.dtype), np.asarray(6, inputs.dtype))


@forward(
    observed="activations near 0 are a little too large everywhere",
    cure="use the maximum itself.",
    seen="constructed: a smooth stand-in that was used to make gradient checks pass",
)
def softplus_for_relu(inputs: Array) -> Any:
    """A sharp softplus, log(1 + exp(32 x)) / 32, stands in for the maximum."""
    return np.logaddexp(0, 32 * inputs) / 32


@forward(
    observed="tiny activations vanish",
    cure="compare with 0.",
    seen="constructed: a threshold of 1e-6 against noise",
    as_is=True,
)
def tiny_inputs_cut_off(inputs: Array) -> Any:
    """Inputs up to 1e-6 count as negative."""
    return np.where(inputs > np.asarray(1e-6, inputs.dtype), inputs, np.zeros_like(inputs))


@forward(
    observed="the values before the activation are gone when backward asks for them",
    cure="write to a new array.",
    seen="constructed: np.maximum(x, 0, out=x)",
    as_is=True,
)
def inputs_overwritten(inputs: Array) -> Any:
    """The inputs themselves are cut off, and returned."""
    return np.maximum(inputs, np.asarray(0, inputs.dtype), out=inputs)


@forward(
    observed="-inf, as a mask has it, turns into NaN",
    cure="select, do not multiply.",
    seen="constructed: x * (x > 0)",
    as_is=True,
)
def inputs_times_mask(inputs: Array) -> Any:
    """The inputs are multiplied by a mask, and -inf * 0 is NaN."""
    return inputs * (inputs > 0).astype(inputs.dtype)


@forward(
    observed="the largest numbers become infinite, -inf becomes NaN",
    cure="use the maximum.",
    seen="constructed: a branch-free formula",
    as_is=True,
)
def mean_with_absolute_value(inputs: Array) -> Any:
    """(x + |x|) / 2, which overflows for large x."""
    return ((inputs + abs(inputs)) * np.asarray(0.5, inputs.dtype)).astype(inputs.dtype)


@forward(
    observed="the last few elements of each array keep their sign, except where the size is a multiple of 8",
    cure="handle the rest after the vector loop.",
    seen="constructed: a vector loop of 8 lanes",
    as_is=True,
)
def rest_of_eight_not_cut_off(inputs: Array) -> Any:
    """Elements beyond a multiple of 8 pass unchanged."""
    outputs = np.maximum(inputs, np.asarray(0, inputs.dtype)).ravel()
    rest = partial_tile(inputs.size, 8)
    outputs[rest] = inputs.ravel()[rest]
    return outputs.reshape(inputs.shape)


@forward(
    observed="right for matrices; feature maps keep negative values in all but the first sample",
    cure="loop over all axes, or over the flat array.",
    seen="constructed: nested loops for two axes behind a general signature",
    as_is=True,
)
def first_sample_alone_of_higher_ranks(inputs: Array) -> Any:
    """At rank 3 and more only the first sample is cut off."""
    outputs = np.maximum(inputs, np.asarray(0, inputs.dtype))
    if inputs.ndim > 2:
        outputs[1:] = inputs[1:]
    return outputs


@forward(
    observed="float64 activations have seven right digits",
    cure="compute in the inputs' dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def forward_in_float32(inputs: Array) -> Any:
    """float64 inputs are rounded to float32."""
    return computed_in("float32", sound.forward, of="float64")(inputs)


@forward(
    observed="everything after the activation is float64",
    cure="compare with a zero of the inputs' dtype.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def outputs_in_float64(inputs: Array) -> Any:
    """The outputs are of dtype float64, whatever came in."""
    return np.where(inputs > 0, inputs.astype(np.float64), 0.0)


@forward(
    observed="a vector comes back as a matrix of one row",
    cure="keep the rank.",
    seen="constructed: np.atleast_2d on the way in",
    as_is=True,
)
def vectors_made_matrices(inputs: Array) -> Any:
    """Inputs of rank 1 come back with rank 2."""
    return np.atleast_2d(np.maximum(inputs, np.asarray(0, inputs.dtype)))


@forward(
    observed="activations kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated output handed to the caller",
    as_is=True,
)
def activations_in_a_shared_buffer(inputs: Array, *, memory: dict[Any, Any]) -> Any:
    """The outputs lie in a buffer that the next call overwrites."""
    return shared_buffer(memory, "outputs", np.maximum(inputs, np.asarray(0, inputs.dtype)))


@forward(
    observed="a transposed view gives outputs in another order, its copy the right ones",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_ignored_in_forward(inputs: Array) -> Any:
    """Inputs are read as if they were contiguous."""
    return np.maximum(memory_order(inputs), np.asarray(0, inputs.dtype))


# Backward


@backward(
    observed="layers that share the upstream, or look at it later, see a masked one; finite differences cannot tell",
    cure="mask a copy of the upstream.",
    seen="deep-learning-from-scratch, Relu.backward: dout[self.mask] = 0",
    as_is=True,
)
def upstream_masked_in_place(dL_doutputs: Array, inputs: Array) -> Any:
    """The mask is applied to the upstream that was handed in."""
    dL_doutputs[inputs <= 0] = 0
    return dL_doutputs


@backward(
    observed="every live unit gets a gradient of 1; a check with an upstream of ones passes",
    cure="multiply by the upstream.",
    seen="constructed: the derivative returned in place of the gradient",
)
def upstream_ignored(dL_doutputs: Array, inputs: Array) -> Any:
    """The gradient is the mask."""
    return inputs > 0


@backward(
    observed="gradients that are negative never pass",
    cure="take the mask of the inputs.",
    seen="mlpack/mlpack#2005",
)
def mask_of_the_upstream(dL_doutputs: Array, inputs: Array) -> Any:
    """The mask is taken of the upstream, not of the inputs."""
    return np.where(dL_doutputs > 0, dL_doutputs, 0)


@backward(
    observed="large activations get large gradients",
    cure="the derivative is 1 where the input is positive, whatever its size.",
    seen="mlpack/mlpack#2005",
)
def output_for_derivative(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream is multiplied by the output, not by the derivative."""
    return dL_doutputs * sound.forward(inputs)


@backward(
    observed="dead units, which are exactly 0, are pushed about",
    cure="compare inputs with 0, or outputs with 0, but strictly.",
    seen="constructed: `outputs >= 0`",
)
def every_unit_passes(dL_doutputs: Array, inputs: Array) -> Any:
    """The mask is `outputs >= 0`, which is always true."""
    return dL_doutputs * (sound.forward(inputs) >= 0)


@backward(
    observed="units that are off learn and those that are on do not",
    cure="pass where the input is positive.",
    seen="constructed: the mask of deep-learning-from-scratch, (x <= 0), without its negation",
)
def mask_inverted(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream passes where the input is negative."""
    return np.where(inputs < 0, dL_doutputs, 0)


@backward(
    observed="negative inputs get a gradient",
    cure="compare, do not convert to bool.",
    seen="constructed: a mask by `inputs.astype(bool)`",
)
def every_input_but_zero_passes(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream passes wherever the input is not 0."""
    return np.where(inputs != 0, dL_doutputs, 0)


@backward(
    observed="units that are off still learn, slowly",
    cure="slope 0 for negative inputs.",
    seen="constructed: the backward of a leaky unit",
)
def leak_left_in_backward(dL_doutputs: Array, inputs: Array) -> Any:
    """A hundredth of the upstream passes where the input is negative."""
    return np.where(inputs < 0, 0.01 * dL_doutputs, sound.backward(dL_doutputs, inputs))


@backward(
    observed="large activations stop learning",
    cure="do not bound from above.",
    seen="constructed: the backward of ReLU6",
)
def nothing_passes_above_six(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream does not pass where the input is over 6."""
    return np.where(inputs < 6, sound.backward(dL_doutputs, inputs), 0)


@backward(
    observed="at 0, which whole rows may be at first, the gradient is twice what it should be",
    cure="choose one of the two sides, or their mean.",
    seen="constructed: the gradients of both arguments of a maximum added up",
)
def both_sides_at_zero(dL_doutputs: Array, inputs: Array) -> Any:
    """At 0 the slopes of both sides are added as if each were whole: 2."""
    return dL_doutputs * ((inputs >= 0) * 1.0 + (inputs == 0))


@backward(
    observed="dead units learn or not, depending on the sign of a zero that nobody sees",
    cure="compare with 0, which is equal to -0.",
    seen="constructed: a mask made from the sign bit",
)
def slope_by_the_sign_of_zero(dL_doutputs: Array, inputs: Array) -> Any:
    """The slope is 1 at +0 and 0 at -0."""
    return np.where(np.signbit(inputs), 0, dL_doutputs)


@backward(
    observed="tiny activations get no gradient",
    cure="compare with 0.",
    seen="constructed: a threshold of 1e-6 against noise",
)
def nothing_passes_below_a_millionth(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream does not pass where the input is under 1e-6."""
    return np.where(inputs > 1e-6, dL_doutputs, 0)


@backward(
    observed="the gradient belongs to the first batch, whatever comes later",
    cure="take the mask of the inputs at hand.",
    seen="constructed: a mask kept from the first forward",
)
def mask_of_an_earlier_call(dL_doutputs: Array, inputs: Array, *, memory: dict[Any, Any]) -> Any:
    """The mask is that of the first call of this shape."""
    return np.where(first_of_its_shape(memory, "mask", inputs > 0), dL_doutputs, 0)


@backward(
    observed="each gradient has those of the calls before in it",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/micrograd#53",
)
def gradient_adds_to_the_last_call(dL_doutputs: Array, inputs: Array, *, memory: dict[Any, Any]) -> Any:
    """Each backward adds to the gradient of the one before."""
    return added_up(memory, "dL_dinputs", sound.backward(dL_doutputs, inputs))


@backward(
    observed="gradients are whole numbers, most of them 0",
    cure="make the mask of the upstream's dtype.",
    seen="numpy-ml",
    as_is=True,
)
def gradient_of_integers(dL_doutputs: Array, inputs: Array) -> Any:
    """The gradient has the dtype of an integer mask."""
    return (dL_doutputs.astype(np.int64)) * (inputs > 0)


@backward(
    observed="everything before the activation is float64",
    cure="multiply by a mask of the upstream's dtype, or select.",
    seen="HIPS/autograd, DeZero",
    as_is=True,
)
def gradient_in_float64(dL_doutputs: Array, inputs: Array) -> Any:
    """The gradient is of dtype float64, whatever came in."""
    return careful_backward(dL_doutputs, inputs).astype(np.float64)


@backward(
    observed="float64 gradients have seven right digits",
    cure="compute in the upstream's dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def backward_in_float32(dL_doutputs: Array, inputs: Array) -> Any:
    """float64 arguments are rounded to float32."""
    return computed_in("float32", sound.backward, of="float64")(dL_doutputs, inputs)


@backward(
    observed="right for a batch of one; otherwise units are switched by the first sample",
    cure="one mask a sample.",
    seen="constructed: a mask of the wrong rank that broadcasts",
)
def mask_of_the_first_sample(dL_doutputs: Array, inputs: Array) -> Any:
    """The first sample's mask serves the whole batch."""
    return np.where(inputs[:1] > 0, dL_doutputs, 0)


@backward(
    observed="right unless the batch is as large as the layer is wide",
    cure="keep the batch in the rows.",
    seen="constructed: a mask kept for column vectors",
)
def mask_transposed_where_square(dL_doutputs: Array, inputs: Array) -> Any:
    """The mask of a square matrix is transposed."""
    square = inputs.ndim == 2 and inputs.shape[0] == inputs.shape[1]
    return sound.backward(dL_doutputs, inputs.T if square else inputs)


@backward(
    observed="the last few elements are not masked, except where the size is a multiple of 32",
    cure="handle the last, partial word of the mask.",
    seen="constructed: a mask packed into words of 32 bits",
)
def rest_of_32_not_masked(dL_doutputs: Array, inputs: Array) -> Any:
    """Elements beyond a multiple of 32 pass unmasked."""
    gradient = sound.backward(dL_doutputs, inputs).ravel()
    rest = partial_tile(inputs.size, 32)
    gradient[rest] = dL_doutputs.ravel()[rest]
    return gradient.reshape(inputs.shape)


@backward(
    observed="layers below learn too slowly by a factor of the batch size",
    cure="divide by N once, in the loss.",
    seen="constructed: every layer made to average over the batch",
)
def gradient_divided_by_batch(dL_doutputs: Array, inputs: Array) -> Any:
    """The gradient is divided by the length of the first axis."""
    return sound.backward(dL_doutputs, inputs) / max(len(inputs), 1)


@backward(
    observed="large gradients are all alike",
    cure="leave clipping to the optimizer, and make it visible.",
    seen="constructed: a guard against exploding gradients left in the layer",
)
def gradient_clipped(dL_doutputs: Array, inputs: Array) -> Any:
    """The gradient is clipped to [-1, 1]."""
    return np.clip(sound.backward(dL_doutputs, inputs), -1, 1)


@backward(
    observed="a single sample comes back without its batch axis",
    cure="keep the shape of the inputs.",
    seen="constructed: np.squeeze on the way out",
)
def batch_of_one_squeezed(dL_doutputs: Array, inputs: Array) -> Any:
    """Axes of length 1 are lost."""
    return np.squeeze(sound.backward(dL_doutputs, inputs))


@backward(
    observed="the upstream of a sum, a broadcast view, or a transposed one gives noise",
    cure="honour strides, or make the upstream contiguous first.",
    seen="ROCm/TransformerEngine#623",
    as_is=True,
)
def strides_of_upstream_ignored(dL_doutputs: Array, inputs: Array) -> Any:
    """The upstream is read as if it were contiguous."""
    return careful_backward(memory_order(dL_doutputs), inputs)


@backward(
    observed="right in every test; wrong for the upstream of a sum, which is one number with strides of 0",
    cure="honour strides of 0 too, or make the upstream contiguous first.",
    seen="ROCm/TransformerEngine#623",
    as_is=True,
)
def broadcast_upstream_read_as_contiguous(dL_doutputs: Array, inputs: Array) -> Any:
    """An upstream with a stride of 0 is read as if it were contiguous; other layouts are seen to."""
    return careful_backward(memory_order(dL_doutputs) if 0 in dL_doutputs.strides else dL_doutputs, inputs)


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it.",
    seen="constructed: a preallocated gradient handed to the caller",
    as_is=True,
)
def gradient_in_a_shared_buffer(dL_doutputs: Array, inputs: Array, *, memory: dict[Any, Any]) -> Any:
    """The gradient lies in a buffer that the next call overwrites."""
    return shared_buffer(memory, "dL_dinputs", careful_backward(dL_doutputs, inputs))


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="return an empty gradient.",
    seen="constructed: a debugging aid that looks at the largest gradient",
)
def empty_batch_refused(dL_doutputs: Array, inputs: Array) -> Any:
    """An empty batch raises."""
    largest = abs(dL_doutputs).max()  # of nothing
    return np.clip(sound.backward(dL_doutputs, inputs), -largest, largest)


@backward(
    observed="an exploded loss does not show in the gradients",
    cure="let NaN through where a unit is on.",
    seen="constructed: np.nan_to_num on the upstream",
)
def non_finite_upstream_swallowed(dL_doutputs: Array, inputs: Array) -> Any:
    """NaN in the upstream becomes 0, an infinity the largest number, where units are on."""
    return sound.backward(np.nan_to_num(dL_doutputs), inputs)


@backward(
    observed="an upstream of one row is accepted for a whole batch",
    cure="compare the shapes.",
    seen="constructed: NumPy's broadcasting",
)
def upstream_broadcast(dL_doutputs: Array, inputs: Array) -> Any:
    """An upstream of another shape is broadcast without a word."""
    return np.where(inputs > 0, dL_doutputs, 0)
