"""Wrong networks that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import backward
from ..mutations.wrong_calls import LEARNING_RATE
from ..ops import dense, mlp, relu, softmax_cross_entropy

Array = Any


@backward("mlpack/mlpack#2005", "take the mask of the hidden layer.")
def mask_of_the_gradient(*network: Array, reduction: str) -> Any:
    """The mask is taken of the gradient, not of the hidden layer: negative gradients never reach the first layer."""
    parts = dense.forward, lambda dL_dactivations, _: relu.forward(dL_dactivations), softmax_cross_entropy.backward
    return mlp.BY_PARTS(*parts, *network, reduction=reduction)


@backward("miniMNIST-c#7", "compute all gradients before any weight is updated.")
def first_layer_sees_updated_weights(dL_dloss: Array, *network: Array, reduction: str) -> Any:
    """The first layer's gradients are taken through the second layer's weights after their update."""
    *_, dL_dw2, dL_db2 = mlp.backward(dL_dloss, *network, reduction=reduction)
    inputs, w1, b1, w2, _, labels = network
    hidden, _, logits = mlp.logits_of(dense.forward, *network[:-1])
    dL_dlogits = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    dL_dhidden = relu.backward(dL_dlogits @ (w2 - LEARNING_RATE * dL_dw2).T, hidden)
    return (*dense.backward(dL_dhidden, inputs, w1, b1), dL_dw2, dL_db2)
