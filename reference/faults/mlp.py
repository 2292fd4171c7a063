"""Wrong networks that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..mutations.wrong_calls import LEARNING_RATE
from ..ops import dense, mlp, relu, softmax_cross_entropy

Array = Any


@backward("mlpack/mlpack#2005", "take the mask of the hidden layer.")
def mask_of_the_gradient(
    dL_dloss: Array, inputs: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """The mask is taken of the gradient, not of the hidden layer: negative gradients never reach the first layer."""
    _, _, *second = mlp.backward(dL_dloss, inputs, w1, b1, w2, b2, labels, reduction=reduction)
    logits = dense.forward(relu.forward(dense.forward(inputs, w1, b1)), w2, b2)
    dL_dlogits = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    return (*dense.backward(relu.forward(dL_dlogits @ w2.T), inputs, w1, b1), *second[1:])


@backward("miniMNIST-c#7", "compute all gradients before any weight is updated.")
def first_layer_sees_updated_weights(
    dL_dloss: Array, inputs: Array, w1: Array, b1: Array, w2: Array, b2: Array, labels: np.ndarray, *, reduction: str
) -> Any:
    """The first layer's gradients are taken through the second layer's weights after their update."""
    *_, dL_dw2, dL_db2 = mlp.backward(dL_dloss, inputs, w1, b1, w2, b2, labels, reduction=reduction)
    hidden = dense.forward(inputs, w1, b1)
    logits = dense.forward(relu.forward(hidden), w2, b2)
    dL_dlogits = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    dL_dhidden = relu.backward(dL_dlogits @ (w2 - LEARNING_RATE * dL_dw2).T, hidden)
    return (*dense.backward(dL_dhidden, inputs, w1, b1), dL_dw2, dL_db2)
