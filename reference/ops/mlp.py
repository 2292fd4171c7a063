"""A network of two dense layers with ReLU between them, under softmax with cross-entropy: the chain rule end to end.

hidden       = inputs weights1 + biases1
activations  = max(0, hidden)
logits       = activations weights2 + biases2
loss         = softmax_cross_entropy(logits, labels)

dL_dlogits   = the gradient of softmax_cross_entropy
dL_dweights2 = activations^T dL_dlogits
dL_dbiases2  = sum_n dL_dlogits[n]
dL_dhidden   = dL_dlogits weights2^T where hidden > 0, else 0
dL_dweights1 = inputs^T dL_dhidden
dL_dbiases1  = sum_n dL_dhidden[n]
dL_dinputs   = dL_dhidden weights1^T
"""

from typing import Any

import numpy as np

from ..model.formulations import Function, as_written, named, replacing, shared, sized_by, through
from ..model.losses import empty_mean_is_zero
from . import dense, relu, softmax_cross_entropy

Array = Any
Gradients = tuple[Array, Array, Array, Array, Array]

BATCH_AXIS = {"inputs": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dinputs": 0}


def forward(
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Array:
    """inputs (N, I), weights1 (I, H), biases1 (1, H), weights2 (H, C), biases2 (1, C), labels -> loss, () or (N,)."""
    _, _, logits = logits_of(dense.forward, inputs, weights1, biases1, weights2, biases2)
    return softmax_cross_entropy.forward(logits, labels, reduction=reduction)


def backward(
    dL_dloss: Array,
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Gradients:
    """dL_dloss () or (N,) and forward's arguments -> a gradient of the shape of each but the labels, in their order."""
    hidden, activations, logits = logits_of(dense.forward, inputs, weights1, biases1, weights2, biases2)
    dL_dlogits = softmax_cross_entropy.backward(dL_dloss, logits, labels, reduction=reduction)
    dL_dactivations, dL_dweights2, dL_dbiases2 = dense.backward(dL_dlogits, activations, weights2, biases2)
    dL_dhidden = relu.backward(dL_dactivations, hidden)
    dL_dinputs, dL_dweights1, dL_dbiases1 = dense.backward(dL_dhidden, inputs, weights1, biases1)
    return dL_dinputs, dL_dweights1, dL_dbiases1, dL_dweights2, dL_dbiases2


@shared
def logits_of(
    layer: Function, inputs: Array, weights1: Array, biases1: Array, weights2: Array, biases2: Array
) -> tuple[Array, Array, Array]:
    """The hidden layer before and after its activation, and the logits."""
    hidden = layer(inputs, weights1, biases1)
    activations = relu.forward(hidden)
    return hidden, activations, layer(activations, weights2, biases2)


LAYERS = (as_written(dense.forward), *dense.FORMULATIONS["forward"])
LOSSES = sized_by(softmax_cross_entropy.FORWARD, logits="biases2")
LOSS_GRADIENTS = sized_by(
    named(  # those that differ most
        softmax_cross_entropy.BACKWARD,
        "as written",
        "exp of log-softmax, divided by N last",
        "exp of log-softmax, z - logsumexp(z), p g - y g",
        "exp of log-softmax, z - running logsumexp(z), p g - y g",
        "in two steps",
    ),
    logits="biases2",
)
SLOPES = {"0": (as_written(relu.backward),)} | {
    answer: relu.ALTERNATIVES["relu_slope_at_zero", answer]["backward"] for answer in ("1/2", "1")
}
BY_PARTS = replacing(backward, dense.forward, relu.backward, softmax_cross_entropy.backward)
BACKWARD = {answer: through(BY_PARTS, LAYERS, slope, LOSS_GRADIENTS) for answer, slope in SLOPES.items()}

FORMULATIONS = {
    "forward": through(replacing(forward, dense.forward, softmax_cross_entropy.forward), LAYERS, LOSSES)[1:],
    "backward": BACKWARD["0"][1:],
}

ALTERNATIVES = {
    **empty_mean_is_zero(forward),
    ("relu_slope_at_zero", "1/2"): {"backward": BACKWARD["1/2"]},
    ("relu_slope_at_zero", "1"): {"backward": BACKWARD["1"]},
}
