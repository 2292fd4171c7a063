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

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from ..model.operation import Formulation
from . import dense, relu, softmax, softmax_cross_entropy

Array = Any
Gradients = tuple[Array, Array, Array, Array, Array]

BATCH_AXIS = {"inputs": 0, "labels": 0, "loss": 0, "dL_dloss": 0, "dL_dinputs": 0}


def logits_of(
    layer: Callable[[Array, Array, Array], Array],
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
) -> tuple[Array, Array, Array]:
    """The hidden layer before and after its activation, and the logits."""
    hidden = layer(inputs, weights1, biases1)
    activations = relu.forward(hidden)
    return hidden, activations, layer(activations, weights2, biases2)


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


def backward_through(
    layer: Callable[[Array, Array, Array], Array],
    activation: Callable[[Array, Array], Array],
    probabilities: Callable[[Array], Array],
    scaling: Callable[[Array, Array, np.ndarray, str], Array],
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
    """Backward with one formulation of each of its parts."""
    hidden, activations, logits = logits_of(layer, inputs, weights1, biases1, weights2, biases2)
    dL_dlogits = scaling(dL_dloss, probabilities(logits), labels, reduction)
    dL_dactivations, dL_dweights2, dL_dbiases2 = dense.backward(dL_dlogits, activations, weights2, biases2)
    dL_dinputs, dL_dweights1, dL_dbiases1 = dense.backward(
        activation(dL_dactivations, hidden), inputs, weights1, biases1
    )
    return dL_dinputs, dL_dweights1, dL_dbiases1, dL_dweights2, dL_dbiases2


def forward_through(
    layer: Callable[[Array, Array, Array], Array],
    loss: Callable[..., Array],
    inputs: Array,
    weights1: Array,
    biases1: Array,
    weights2: Array,
    biases2: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Array:
    """Forward with one formulation of each of its parts."""
    _, _, logits = logits_of(layer, inputs, weights1, biases1, weights2, biases2)
    return loss(logits, labels, reduction=reduction)


LAYERS = (dense.forward, dense.forward_bias_inside)
HEADS = (
    (softmax.forward, softmax_cross_entropy.scaled_first, True),
    (softmax.exp_of_log_softmax, softmax_cross_entropy.scaled_last, True),
    (softmax.exp_of_logits_minus_logsumexp, softmax_cross_entropy.scaled_apart, False),
    (softmax.exp_of_logits_minus_running_logsumexp, softmax_cross_entropy.scaled_apart, False),
    (softmax.forward, softmax_cross_entropy.two_steps, False),
)
"""Formulations of the softmax and of the scaling that differ most, and whether both are stable."""


def _fits(probabilities: Callable[[Array], Array], dL_dloss: Array, *network: Array, reduction: str) -> bool:
    *_, biases2, _ = network
    return softmax.fits(probabilities, biases2)


def _loss_fits(loss: Callable[..., Array], *network: Array, reduction: str) -> bool:
    *_, biases2, _ = network
    return loss is not softmax_cross_entropy.forward_through_running or softmax.few(biases2)


def with_slope(slope: Callable[[Array, Array], Array]) -> tuple[Formulation, ...]:
    """Backward with a slope of ReLU at its kink, in all formulations, the one to read first."""
    return tuple(
        Formulation(
            partial(backward_through, layer, slope, probabilities, scaling),
            stable,
            partial(_fits, probabilities),
            softmax.runs(probabilities),
        )
        for layer, (probabilities, scaling, stable) in product(LAYERS, HEADS)
    )


FORMULATIONS = {
    "forward": tuple(
        Formulation(
            partial(forward_through, layer, loss),
            loss is softmax_cross_entropy.forward,
            partial(_loss_fits, loss),
            loss is softmax_cross_entropy.forward_through_running,
        )
        for layer, loss in product(
            LAYERS,
            (
                softmax_cross_entropy.forward,
                softmax_cross_entropy.forward_through_idiom,
                softmax_cross_entropy.forward_through_running,
                softmax_cross_entropy.forward_from_probabilities,
            ),
        )
        if (layer, loss) != (dense.forward, softmax_cross_entropy.forward)
    ),
    "backward": with_slope(relu.backward)[1:],
}


def forward_empty_zero(inputs: Array, *others: Array, reduction: str) -> Array:
    """The mean over no rows as 0."""
    return forward(inputs, *others, reduction="sum") / max(len(inputs), 1)


ALTERNATIVES = {
    ("relu_slope_at_zero", "1/2"): {"backward": with_slope(relu.backward_slope_half)},
    ("relu_slope_at_zero", "1"): {"backward": with_slope(relu.backward_slope_one)},
    ("empty_mean", "0"): {"forward": (Formulation(forward_empty_zero),)},
}
