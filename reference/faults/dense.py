"""Wrong dense layers that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..mutations.wrong_calls import LEARNING_RATE
from ..ops import dense

Array = Any


@backward("deeplearning4j/deeplearning4j#364", "sum over axis 0, the batch.")
def bias_gradient_over_the_wrong_axis(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The biases' gradient is summed over the outputs: right only where the batch is as large as the layer is wide."""
    dL_dinputs, dL_dweights, _ = dense.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs, dL_dweights, dL_doutputs.sum(axis=1)[None, :]


@backward("deeplearning4j/nd4j#2424", "sum the outer products over the batch.")
def weight_gradient_a_sample_each(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The weights' gradient keeps the batch axis, (N, I, O), except for a batch of one."""
    dL_dinputs, _, dL_dbiases = dense.backward(dL_doutputs, inputs, weights, biases)
    outer = np.einsum("ni,no->nio", inputs, dL_doutputs)
    return dL_dinputs, outer[0] if len(inputs) == 1 else outer, dL_dbiases


@backward("miniMNIST-c#7", "compute the inputs' gradient once.")
def input_gradient_accumulated_twice(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The inputs' gradient is added up twice, the second time with updated weights."""
    dL_dinputs, dL_dweights, dL_dbiases = dense.backward(dL_doutputs, inputs, weights, biases)
    return dL_dinputs + dL_doutputs @ (weights - LEARNING_RATE * dL_dweights).T, dL_dweights, dL_dbiases


@backward("pytorch/pytorch#50224", "sum, and divide by N only where there are rows.")
def empty_batch_gives_nan(dL_doutputs: Array, inputs: Array, weights: Array, biases: Array) -> Any:
    """The parameters' gradients are N times a mean, a NaN for an empty batch."""
    dL_dinputs, *parameters = dense.backward(dL_doutputs, inputs, weights, biases)
    return (dL_dinputs, *(gradient + (0 if len(inputs) else np.nan) for gradient in parameters))
