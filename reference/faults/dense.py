"""Wrong dense layers."""

from typing import Any

import numpy as np

from ..model.fault import backward, forward, widened
from ..mutations.slips import (
    added_up,
    computed_in,
    first_of_its_shape,
    lowered,
    memory_order,
    operands_in,
    partial_tile,
    shared_buffer,
    significand,
)
from ..ops import dense as sound

Array = Any
LEARNING_RATE = 0.0625
careful_forward, careful_backward = widened(sound.forward), widened(sound.backward)


# Forward


@forward(
    observed="with biases of zero all is well; later the outputs do not follow the biases",
    cure="add the biases to the product.",
    seen="constructed: the product moved into a helper, the last term left behind",
)
def biases_left_out(inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases are not added."""
    return sound.forward(inputs, weights, biases * 0)


@forward(
    observed="with biases of zero all is well; later the outputs are too far off by the number of inputs",
    cure="add the bias once, outside the loop over inputs.",
    seen="constructed: the bias inside the innermost of three loops",
)
def biases_added_for_each_input(inputs: Array, weights: Array, biases: Array) -> Any:
    """The bias is added with every term of the sum."""
    return sound.forward(inputs, weights, biases * weights.shape[0])


@forward(
    observed="the first sample is right, the others lack their biases; a batch of one is right",
    cure="let the biases broadcast over the batch.",
    seen="constructed: an accumulator filled with the biases before the loop, and with zeros after its first turn",
)
def biases_for_the_first_row_alone(inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases reach the first row of the batch alone."""
    outputs = sound.forward(inputs, weights, biases)
    outputs[1:] -= biases
    return outputs


@forward(
    observed="right while the batch is not as large as the layer is wide; wrong in one odd configuration",
    cure="keep the biases' shape (1, O) and broadcast along the batch.",
    seen="constructed: biases reshaped by whichever axis has their length",
)
def biases_along_the_batch_where_sizes_coincide(inputs: Array, weights: Array, biases: Array) -> Any:
    """Where N = O the biases run along the batch, not along the outputs."""
    outputs = sound.forward(inputs, weights, biases)
    return inputs @ weights + biases.T if outputs.shape[0] == outputs.shape[1] else outputs


@forward(
    observed="square layers learn a little, and worse than others; all others are right",
    cure="multiply by the weights as they are, (I, O).",
    seen="nntile/nntile#433",
)
def weights_transposed_where_square(inputs: Array, weights: Array, biases: Array) -> Any:
    """A square matrix of weights is read transposed."""
    return sound.forward(inputs, weights.T if weights.shape[0] == weights.shape[1] else weights, biases)


@forward(
    observed="loading weights of another framework gives noise, without an error",
    cure="transpose the matrix, do not reshape it.",
    seen="constructed: weights saved as (O, I) and loaded with reshape",
)
def weights_reshaped_for_transposed(inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' memory is read as (O, I) and transposed."""
    return sound.forward(inputs, weights.reshape(weights.shape[::-1]).T, biases)


@forward(
    observed="the last sample of every batch counts for nothing",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def last_row_left_unwritten(inputs: Array, weights: Array, biases: Array) -> Any:
    """The last row of a batch stays zero; a batch of one is right."""
    outputs = sound.forward(inputs, weights, biases)
    outputs[max(1, len(outputs) - 1) :] = 0
    return outputs


@forward(
    observed="right for widths that are multiples of 8, zeros in the last outputs for others",
    cure="handle the partial tile, with a mask or a loop over the rest.",
    seen="constructed: a kernel of whole tiles of 8 columns",
)
def last_columns_beyond_tiles_of_eight(inputs: Array, weights: Array, biases: Array) -> Any:
    """Columns beyond the last whole tile of 8 are not computed."""
    outputs = sound.forward(inputs, weights, biases)
    outputs[:, partial_tile(outputs.shape[1], 8)] = 0
    return outputs


@forward(
    observed="right for 16 or 32 inputs, a little off for 17 or 33",
    cure="handle the rest of the contraction.",
    seen="constructed: an inner loop unrolled 16 times",
)
def last_inputs_beyond_tiles_of_sixteen(inputs: Array, weights: Array, biases: Array) -> Any:
    """Terms of the contraction beyond a multiple of 16 are left out."""
    rest = partial_tile(weights.shape[0], 16)
    return sound.forward(inputs, weights, biases) - inputs[:, rest] @ weights[rest]


@forward(
    observed="batches over 32 lose the biases in their last rows; those seen in tests are smaller",
    cure="give the last, shorter block the same treatment as the others.",
    seen="constructed: a batch worked through in blocks of 32",
)
def last_block_of_a_large_batch_without_biases(inputs: Array, weights: Array, biases: Array) -> Any:
    """In batches over 32 the last, partial block of rows goes without biases."""
    outputs = sound.forward(inputs, weights, biases)
    outputs[partial_tile(len(outputs), 32)] -= biases
    return outputs


@forward(
    observed="a single sample gives outputs of rank 1, and the next layer fails or broadcasts",
    cure="keep the batch axis; do not squeeze.",
    seen="constructed: np.squeeze on the way out",
    as_is=True,
)
def batch_of_one_squeezed(inputs: Array, weights: Array, biases: Array) -> Any:
    """A batch of one loses its batch axis."""
    return np.squeeze(careful_forward(inputs, weights, biases))


@forward(
    observed="gradient checks in float64 fail at 1e-7, where 1e-15 is due",
    cure="compute in the arguments' own dtype.",
    seen="constructed: a kernel written for float32 behind a cast",
)
def float32_inside_float64(inputs: Array, weights: Array, biases: Array) -> Any:
    """float64 arguments are computed in float32."""
    return computed_in("float32", sound.forward, of="float64")(inputs, weights, biases)


@forward(
    observed="results in float32 agree to three digits",
    cure="turn automatic mixed precision off, or declare it.",
    seen="constructed: operands of float32 cast to float16 for the matrix unit",
)
def float16_operands_in_float32(inputs: Array, weights: Array, biases: Array) -> Any:
    """float32 operands are rounded to float16."""
    return operands_in("float16", sound.forward, of="float32")(inputs, weights, biases)


@forward(
    observed="results in float32 agree to three digits on new hardware, to seven on old",
    cure="ask for full float32 products, or declare the precision tf32.",
    seen="https://docs.pytorch.org/docs/stable/notes/cuda.html#tensorfloat-32-tf32-on-ampere-and-later-devices",
)
def tf32_undeclared(inputs: Array, weights: Array, biases: Array) -> Any:
    """float32 products have operands of 11 significant bits, and nobody says so."""
    if inputs.dtype != np.float32:
        return sound.forward(inputs, weights, biases)
    return sound.forward(significand(inputs, 11), significand(weights, 11), biases)


@forward(
    observed="small numbers next to large ones lose all their digits",
    cure="use a product whose error is bounded for each element, not for the matrix as a whole.",
    seen="Higham, Accuracy and Stability of Numerical Algorithms, section 23.2.2",
)
def product_after_strassen(inputs: Array, weights: Array, biases: Array) -> Any:
    """Products of even sizes are computed with Strassen's seven multiplications."""
    outputs = sound.forward(inputs, weights, biases)
    if any(size % 2 for size in (*inputs.shape, weights.shape[1])) or 0 in outputs.shape:
        return outputs
    (a, b), (c, d) = ([*np.hsplit(rows, 2)] for rows in np.vsplit(inputs, 2))
    (e, f), (g, h) = ([*np.hsplit(rows, 2)] for rows in np.vsplit(weights, 2))
    p1, p2, p3, p4 = a @ (f - h), (a + b) @ h, (c + d) @ e, d @ (g - e)
    p5, p6, p7 = (a + d) @ (e + h), (b - d) @ (g + h), (a - c) @ (e + f)
    return np.block([[p5 + p4 - p2 + p6, p1 + p2], [p3 + p4, p1 + p5 - p3 - p7]]) + biases


@forward(
    observed="outputs kept from one batch turn into those of the next",
    cure="allocate the result in each call, or copy it before it is returned.",
    seen="constructed: a preallocated output handed to the caller",
    as_is=True,
)
def outputs_in_a_shared_buffer(inputs: Array, weights: Array, biases: Array, *, memory: dict[Any, Any]) -> Any:
    """The outputs lie in a buffer that the next call overwrites."""
    return shared_buffer(memory, "outputs", careful_forward(inputs, weights, biases))


@forward(
    observed="a transposed view or a slice as input gives noise, its copy the right outputs",
    cure="honour strides, or make the argument contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def strides_of_inputs_ignored(inputs: Array, weights: Array, biases: Array) -> Any:
    """Inputs are read as if they were contiguous."""
    return careful_forward(memory_order(inputs), weights, biases)


@forward(
    observed="a NaN in the data does not show in the outputs, and training goes on with garbage",
    cure="let NaN and infinities through, or refuse them.",
    seen="constructed: np.nan_to_num on the way in",
)
def non_finite_inputs_swallowed(inputs: Array, weights: Array, biases: Array) -> Any:
    """NaN becomes 0 and an infinity becomes the largest number before the product."""
    return sound.forward(np.nan_to_num(inputs), weights, biases)


@forward(
    observed="outputs of float32 data are float64, and everything after them is slow and twice as large",
    cure="allocate results in the arguments' dtype.",
    seen="chainer/chainer#684",
    as_is=True,
)
def outputs_in_float64(inputs: Array, weights: Array, biases: Array) -> Any:
    """The outputs are of dtype float64, whatever came in."""
    return careful_forward(inputs, weights, biases).astype(np.float64)


@forward(
    observed="a layer of the wrong width is accepted, and some inputs or weights count for nothing",
    cure="compare the shapes before the product.",
    seen="constructed: zip() over inputs and weights",
    as_is=True,
)
def surplus_inputs_ignored(inputs: Array, weights: Array, biases: Array) -> Any:
    """Where inner sizes differ, what is beyond the shorter one is left out without a word."""
    inner = min(inputs.shape[1], weights.shape[0])
    return careful_forward(inputs[:, :inner], weights[:inner], biases)


@forward(
    observed="right on the first call after loading weights, wrong after each update of them",
    cure="convert the weights again when they change.",
    seen="constructed: weights packed for the matrix unit once",
)
def packed_weights_never_refreshed(inputs: Array, weights: Array, biases: Array, *, memory: dict[Any, Any]) -> Any:
    """The weights of the first call of a shape are used for ever."""
    return sound.forward(inputs, first_of_its_shape(memory, "weights", weights), biases)


# Backward: the biases' gradient


@backward(
    observed="biases learn too slowly by a factor of the batch size",
    cure="sum over the batch; the loss has the division by N.",
    seen="kvfrans/notes#5",
)
def bias_gradient_is_the_mean(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is the mean over the batch, not the sum."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases / max(len(inputs), 1)


@backward(
    observed="right for a batch of one; otherwise the update broadcasts the biases to (N, O), or fails",
    cure="sum the upstream over the batch.",
    seen="mlpack/mlpack#3679",
)
def bias_gradient_not_reduced(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is the upstream itself."""
    dL_dinputs, dL_dweights, _ = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_doutputs.copy()


@backward(
    observed="wrong updates where the batch is as large as the layer is wide, an error elsewhere",
    cure="sum over axis 0, the batch.",
    seen="deeplearning4j/deeplearning4j#364",
)
def bias_gradient_over_the_wrong_axis(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is summed over the outputs, not over the batch."""
    dL_dinputs, dL_dweights, _ = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_doutputs.sum(axis=1)[None, :]


@backward(
    observed="online learning, with batches of one, never moves the biases",
    cure="sum over the batch whatever its length.",
    seen="deeplearning4j/deeplearning4j#364",
)
def bias_gradient_skipped_for_a_batch_of_one(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient of a batch of one is 0."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases * (len(inputs) > 1)


@backward(
    observed="an update of biases (1, O) works by broadcasting, an optimizer with state keeps a wrong shape",
    cure="keep the reduced axis: sum(axis=0, keepdims=True).",
    seen="jimfleming/differentiation#1",
)
def bias_gradient_flat(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient has shape (O,) for biases of shape (1, O)."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases[0]


@backward(
    observed="biases all move alike, by the batch size",
    cure="sum the upstream, not ones.",
    seen="constructed: a check with an upstream of ones that passed",
)
def bias_gradient_ignores_its_upstream(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is the batch size."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, np.full_like(dL_dbiases, len(inputs))


@backward(
    observed="right for batches up to 8, and for 16; a sample is missing for 9",
    cure="add the rest of the batch after the unrolled loop.",
    seen="constructed: a reduction unrolled 8 times",
)
def bias_gradient_without_the_rest_of_eight(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Rows of the batch beyond a multiple of 8 are left out of the biases' gradient."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases - dL_doutputs[partial_tile(len(inputs), 8)].sum(axis=0)


@backward(
    observed="right in all tests, whose batches are small; biases learn too slowly in production",
    cure="add the blocks' sums together.",
    seen="constructed: a reduction in blocks of 32 threads whose second stage is missing",
)
def bias_gradient_of_the_first_block(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is that of the first 32 rows."""
    dL_dinputs, dL_dweights, _ = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_doutputs[:32].sum(axis=0, keepdims=True)


@backward(
    observed="a layer that starts with biases of zero never moves them",
    cure="ask whether there are biases, not whether they are 0.",
    seen="constructed: `if biases.any()` where `if biases is not None` was meant",
)
def biases_of_zero_taken_for_none(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Where all biases are 0 their gradient is 0."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases * bool(biases.any())


@backward(
    observed="float64 checks of weights pass, those of biases fail at 1e-7",
    cure="sum in the upstream's dtype.",
    seen="constructed: a reduction with a float32 accumulator",
)
def bias_gradient_in_float32(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient of float64 arguments is summed in float32."""
    dL_dinputs, dL_dweights, _ = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_doutputs.astype(np.float32).sum(axis=0, keepdims=True)


@backward(
    observed="in half precision the biases' gradient stops growing with the batch",
    cure="accumulate in float32, or declare the native precision.",
    seen="constructed: a running sum in the format of the data",
    as_is=True,
)
def bias_gradient_accumulated_in_half(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient of half precisions is accumulated in the format itself."""
    dL_dinputs, dL_dweights, dL_dbiases = careful_backward(dL_doutputs, inputs, weights, biases)
    if dL_doutputs.dtype.itemsize == 2:
        dL_dbiases = np.zeros_like(dL_dbiases)
        for row in dL_doutputs:
            dL_dbiases += row
    return dL_dinputs, dL_dweights, dL_dbiases


# Backward: the weights' gradient


@backward(
    observed="the layer learns too slowly by a factor of the batch size; a larger rate hides it",
    cure="divide by N once, in the loss.",
    seen="andersbll/nnet#4",
)
def parameter_gradients_divided_by_batch(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The gradients of weights and biases are divided by N inside the layer."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    n = max(len(inputs), 1)
    return dL_dinputs, dL_dweights / n, dL_dbiases / n


@backward(
    observed="square layers do not learn; others are right",
    cure="inputs.T @ dL_doutputs, in this order.",
    seen="constructed: dL_doutputs.T @ inputs, and a transposition where the shapes complain",
)
def weight_gradient_transposed_where_square(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient of a square layer is transposed."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights.T if weights.shape[0] == weights.shape[1] else dL_dweights, dL_dbiases


@backward(
    observed="the shape is right and the layer does not learn",
    cure="transpose the product, do not reshape it.",
    seen="constructed: reshape(weights.shape) to silence a broadcast error",
)
def weight_gradient_reshaped(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """dL_doutputs.T @ inputs, (O, I), is reshaped to (I, O)."""
    dL_dinputs, _, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, (dL_doutputs.T @ inputs).reshape(weights.shape), dL_dbiases


@backward(
    observed="right for a batch of one; otherwise only the last sample is learnt from",
    cure="accumulate over the batch.",
    seen="constructed: `=` for `+=` in the loop over samples",
)
def weight_gradient_of_the_last_sample(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient is that of the last sample."""
    dL_dinputs, _, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, inputs[-1:].T @ dL_doutputs[-1:], dL_dbiases


@backward(
    observed="one sample of each batch is not learnt from",
    cure="run the loop over all rows.",
    seen="constructed: range(N - 1)",
)
def weight_gradient_without_the_last_row(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The last row of a batch is left out of the weights' gradient; a batch of one is right."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    last = slice(max(1, len(inputs) - 1), None)
    return dL_dinputs, dL_dweights - inputs[last].T @ dL_doutputs[last], dL_dbiases


@backward(
    observed="the weights of some inputs never move where their number is no multiple of 16",
    cure="handle the partial tile.",
    seen="constructed: a grid of whole tiles of 16 rows",
)
def weight_gradient_beyond_tiles_of_sixteen(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Rows of the weights' gradient beyond a multiple of 16 are 0."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    dL_dweights[partial_tile(len(weights), 16)] = 0
    return dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="right up to 128 samples, which no test has; larger batches learn from a part",
    cure="loop over all blocks of the contraction.",
    seen="constructed: one block of 128 threads a tile, launched once",
)
def weight_gradient_of_the_first_128_rows(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient is that of the first 128 rows."""
    dL_dinputs, _, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, inputs[:128].T @ dL_doutputs[:128], dL_dbiases


@backward(
    observed="right for a batch of one; otherwise the update fails, or blows the weights up to three axes",
    cure="sum the outer products over the batch.",
    seen="deeplearning4j/nd4j#2424",
)
def weight_gradient_a_sample_each(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient keeps the batch axis: (N, I, O)."""
    dL_dinputs, _, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    outer = np.einsum("ni,no->nio", inputs, dL_doutputs)
    return dL_dinputs, outer[0] if len(inputs) == 1 else outer, dL_dbiases


@backward(
    observed="weights decay although nobody asked for it",
    cure="leave regularisation to the loss or the optimizer.",
    seen="constructed: an L2 term left in the layer",
)
def weight_gradient_with_decay(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """1e-4 times the weights is added to their gradient."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights + 1e-4 * weights, dL_dbiases


@backward(
    observed="large gradients are all alike; small ones are right",
    cure="leave clipping to the optimizer, and make it visible.",
    seen="constructed: a guard against exploding gradients left in the layer",
)
def weight_gradient_clipped(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient is clipped to [-5, 5]."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, np.clip(dL_dweights, -5, 5), dL_dbiases


@backward(
    observed="float32 training is noisy in the weights alone",
    cure="turn automatic mixed precision off, or declare it.",
    seen="constructed: the largest of the three products cast to bfloat16 for speed",
)
def weight_gradient_of_bfloat16_operands(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """float32 operands of the weights' gradient are rounded to bfloat16."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    if inputs.dtype == np.float32:
        dL_dweights = lowered(inputs, "bfloat16").T @ lowered(dL_doutputs, "bfloat16")
    return dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="training descends for one step and is thrown about afterwards",
    cure="replace the gradient, or clear it before each backward.",
    seen="karpathy/nn-zero-to-hero#52",
)
def weight_gradient_adds_to_the_last_call(
    dL_doutputs: Array, inputs: Array, weights: Array, biases: Array, *, memory: dict[Any, Any]
) -> Any:
    """Each backward adds to the weights' gradient of the one before."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, added_up(memory, "dL_dweights", dL_dweights), dL_dbiases


@backward(
    observed="the weights learn from the first batch for ever",
    cure="keep the inputs of the last forward, not of the first.",
    seen="chainer/chainer#2062",
)
def weight_gradient_of_cached_inputs(
    dL_doutputs: Array, inputs: Array, weights: Array, biases: Array, *, memory: dict[Any, Any]
) -> Any:
    """The weights' gradient is taken with the inputs of the first call of this shape."""
    dL_dinputs, _, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, first_of_its_shape(memory, "inputs", inputs).T @ dL_doutputs, dL_dbiases


@backward(
    observed="the weights climb the loss",
    cure="return the gradient; the optimizer subtracts it.",
    seen="constructed: the update's sign put into the layer",
)
def weight_gradient_negated(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient has the sign of the update."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, -dL_dweights, dL_dbiases


# Backward: the inputs' gradient


@backward(
    observed="square layers pass nonsense on; everything below them does not learn",
    cure="multiply by the transpose of the weights.",
    seen="nntile/nntile#433",
)
def input_gradient_through_untransposed_weights(
    dL_doutputs: Array, inputs: Array, weights: Array, biases: Array
) -> Any:
    """Where the layer is square the upstream meets W, not its transpose."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    square = weights.shape[0] == weights.shape[1]
    return dL_doutputs @ weights if square else dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="deep networks learn a little worse, the more so the higher the rate",
    cure="compute the inputs' gradient before the weights are updated.",
    seen="miniMNIST-c#7",
)
def input_gradient_with_updated_weights(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The inputs' gradient is taken with the weights after their update."""
    _, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_doutputs @ (weights - LEARNING_RATE * dL_dweights).T, dL_dweights, dL_dbiases


@backward(
    observed="layers below learn about twice as fast as they should",
    cure="compute the inputs' gradient once.",
    seen="miniMNIST-c#7",
)
def input_gradient_accumulated_twice(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The inputs' gradient is added up twice, the second time with updated weights."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs + dL_doutputs @ (weights - LEARNING_RATE * dL_dweights).T, dL_dweights, dL_dbiases


@backward(
    observed="right unless the batch is as large as a sample is long",
    cure="keep the batch in the rows.",
    seen="constructed: a transposition for column vectors, undone by shape",
)
def input_gradient_transposed_where_sizes_coincide(
    dL_doutputs: Array, inputs: Array, weights: Array, biases: Array
) -> Any:
    """Where N = I the inputs' gradient is transposed."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs.T if inputs.shape[0] == inputs.shape[1] else dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="layers below get no gradient for their last units where those are no multiple of 32",
    cure="handle the partial tile.",
    seen="constructed: a grid of whole tiles of 32 columns",
)
def input_gradient_beyond_tiles_of_32(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Columns of the inputs' gradient beyond a multiple of 32 are 0."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    dL_dinputs[:, partial_tile(inputs.shape[1], 32)] = 0
    return dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="in float16 an odd width loses its last column; no other dtype does",
    cure="handle the odd column after the pairs.",
    seen="constructed: a half2 kernel that works on pairs",
    as_is=True,
)
def input_gradient_of_pairs_in_float16(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """In float16 the last of an odd number of columns of the inputs' gradient is 0."""
    dL_dinputs, dL_dweights, dL_dbiases = careful_backward(dL_doutputs, inputs, weights, biases)
    if inputs.dtype == np.float16:
        dL_dinputs[:, inputs.shape[1] // 2 * 2 :] = 0
    return dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="float64 checks of the inputs' gradient fail at 1e-7",
    cure="take the branch for the dtype that came.",
    seen="constructed: a dispatch table whose float64 entry names the float32 kernel",
)
def input_gradient_in_float32(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The inputs' gradient of float64 arguments is computed in float32."""
    _, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    dL_dinputs, _, _ = computed_in("float32", sound.backward, of="float64")(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_dbiases


@backward(
    observed="samples whose upstream happens to sum to 0, as every one's does after a softmax, teach nothing below",
    cure="skip a row only where all of its upstream is 0.",
    seen="constructed: `if row.sum() == 0: continue`",
)
def rows_of_upstream_sum_zero_skipped(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """A row whose upstream sums to 0 gets no inputs' gradient."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs * (dL_doutputs.sum(axis=1, keepdims=True) != 0), dL_dweights, dL_dbiases


# Backward: all of it


@backward(
    observed="samples of zeros do not move the biases",
    cure="a sample of zeros is a sample.",
    seen="constructed: padding told by its values",
)
def rows_of_zeros_taken_for_padding(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """A row of inputs that are all 0 counts as padding and is left out."""
    kept = dL_doutputs * inputs.any(axis=1, keepdims=True)
    return sound.backward(kept, inputs, weights, biases)


@backward(
    observed="the network changes while it is only being looked at; checks by finite differences go astray",
    cure="leave the update to the optimizer.",
    seen="eriklindernoren/ML-From-Scratch, Dense.backward_pass",
    as_is=True,
)
def weights_changed_by_backward(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """Backward takes a step on the weights that it was given."""
    results = careful_backward(dL_doutputs, inputs, weights, biases)
    weights -= (LEARNING_RATE * results[1]).astype(weights.dtype)
    return results


@backward(
    observed="another consumer of the same upstream sees a scaled one",
    cure="scale a copy.",
    seen="constructed: `dvalues /= len(dvalues)`",
    as_is=True,
)
def upstream_divided_in_place(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The upstream that was handed in is divided by N after its use."""
    results = careful_backward(dL_doutputs, inputs, weights, biases)
    dL_doutputs /= np.asarray(max(len(inputs), 1), dL_doutputs.dtype)
    return results


@backward(
    observed="gradients kept from one batch turn into those of the next",
    cure="allocate gradients in each call, or copy them.",
    seen="constructed: gradients preallocated with the layer",
    as_is=True,
)
def gradients_in_shared_buffers(
    dL_doutputs: Array, inputs: Array, weights: Array, biases: Array, *, memory: dict[Any, Any]
) -> Any:
    """The gradients lie in buffers that the next call overwrites."""
    results = careful_backward(dL_doutputs, inputs, weights, biases)
    return tuple(shared_buffer(memory, position, result) for position, result in enumerate(results))


@backward(
    observed="the upstream of a mean, a broadcast view, gives noise; its copy the right gradients",
    cure="honour strides, or make the upstream contiguous first.",
    seen="ROCm/TransformerEngine#623",
    as_is=True,
)
def strides_of_upstream_ignored(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The upstream is read as if it were contiguous."""
    return careful_backward(memory_order(dL_doutputs), inputs, weights, biases)


@backward(
    observed="right in every test; wrong for the upstream of a sum, which is one number with strides of 0",
    cure="honour strides of 0 too, or make the upstream contiguous first.",
    seen="Dao-AILab/flash-attention#355",
    as_is=True,
)
def broadcast_upstream_read_as_contiguous(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """An upstream with a stride of 0 is read as if it were contiguous; other layouts are seen to."""
    read = memory_order(dL_doutputs) if 0 in dL_doutputs.strides else dL_doutputs
    return careful_backward(read, inputs, weights, biases)


@backward(
    observed="float32 training turns into float64 at the first update",
    cure="allocate gradients in the arguments' dtype.",
    seen="chainer/chainer#684",
    as_is=True,
)
def gradients_in_float64(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The gradients are of dtype float64, whatever came in."""
    return tuple(g.astype(np.float64) for g in careful_backward(dL_doutputs, inputs, weights, biases))


@backward(
    observed="bfloat16 and float16 training keep gradients of twice the size",
    cure="round the results to the arguments' dtype.",
    seen="constructed: the accumulator returned as it is",
    as_is=True,
)
def half_precision_gradients_in_float32(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The gradients of half precisions are float32."""
    results = careful_backward(dL_doutputs, inputs, weights, biases)
    return tuple(g.astype(np.float32) for g in results) if inputs.dtype.itemsize == 2 else results


@backward(
    observed="an error where shapes differ, exchanged updates where they do not",
    cure="return the gradients in the order of forward's arguments.",
    seen="constructed: dW, db, dX",
)
def gradients_in_another_order(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The inputs' gradient comes second, after that of the weights."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    return dL_dweights, dL_dinputs, dL_dbiases


@backward(
    observed="the last, empty batch of a data loader ends the epoch with an exception",
    cure="return zeros for an empty batch.",
    seen="constructed: a mean of norms logged on the way",
)
def empty_batch_refused(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """An empty batch raises."""
    largest = abs(dL_doutputs).max()  # of nothing
    return sound.backward(np.clip(dL_doutputs, -largest, largest), inputs, weights, biases)


@backward(
    observed="an empty batch turns all weights into NaN",
    cure="sum, and divide by N where there are rows only.",
    seen="pytorch/pytorch#50224",
)
def empty_batch_gives_nan(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The parameters' gradients are computed as N times a mean, a NaN for an empty batch."""
    dL_dinputs, dL_dweights, dL_dbiases = sound.backward(dL_doutputs, inputs, weights, biases)
    if len(inputs):
        return dL_dinputs, dL_dweights, dL_dbiases
    return dL_dinputs, dL_dweights + np.nan, dL_dbiases + np.nan


@backward(
    observed="an exploded loss does not show in the gradients",
    cure="let NaN and infinities through, or refuse them.",
    seen="constructed: np.nan_to_num on the upstream",
)
def non_finite_upstream_swallowed(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """NaN in the upstream becomes 0, an infinity the largest number."""
    return sound.backward(np.nan_to_num(dL_doutputs), inputs, weights, biases)
