"""A network of convolution, batch normalisation, ReLU, pooling and a dense layer, under softmax with cross-entropy.

convolved       = conv2d(inputs, conv_weight, conv_bias)
normalized      = batch_norm(convolved, norm_weight, norm_bias), eps 1e-5
activations     = max(0, normalized)
pooled          = max of activations over windows of 2 by 2 side by side; what is left at the ends is in none
logits          = features weights + biases, features being pooled as rows (N, F), in the order of C, H and W
loss            = softmax_cross_entropy(logits, labels)

dL_dlogits      = the gradient of softmax_cross_entropy
dL_dweights     = features^T dL_dlogits
dL_dbiases      = sum_n dL_dlogits[n]
dL_dpooled      = dL_dlogits weights^T, in the shape of images
dL_dnormalized  = dL_dpooled at the largest element of each window, where it is above 0, else 0
dL_dconvolved   = the gradient of batch_norm by its inputs
dL_dnorm_weight = the gradient of batch_norm by its weight
dL_dnorm_bias   = sum_n,y,x dL_dnormalized[n,c,y,x]
dL_dinputs      = the gradient of conv2d by its inputs, of dL_dconvolved
dL_dconv_weight = the gradient of conv2d by its weight, of dL_dconvolved
dL_dconv_bias   = 0, since batch_norm takes off what a bias adds

As it is computed, dL_dconv_bias is the sum of dL_dconvolved, which is nothing but rounding errors.
"""

import math
from functools import reduce
from typing import Any

import numpy as np

from ..model.formulations import Function, as_written, named, shared, side_by_side, sized_by, through
from ..model.losses import empty_mean_is_zero
from . import batch_norm, conv2d, dense, mlp, relu

Array = Any
Gradients = tuple[Array, ...]

BATCH_AXIS: dict[str, int] = {}  # a normalisation over the batch makes each row depend on all
AFFINE = True  # errors of mean and deviation reach every element: bounds that do not see it are 50 times as large
EPS = 1e-5


def forward(
    inputs: Array,
    conv_weight: Array,
    conv_bias: Array,
    norm_weight: Array,
    norm_bias: Array,
    weights: Array,
    biases: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Array:
    """inputs (N, C, H, W), conv_weight (O, C, KH, KW), conv_bias, norm_weight and norm_bias (O,), weights (F, K),
    biases (1, K), labels (N,) -> loss, () or (N,)."""
    network = inputs, conv_weight, conv_bias, norm_weight, norm_bias, weights, biases
    return forward_by(*FORWARD, *network, labels, reduction=reduction)


def backward(
    dL_dloss: Array,
    inputs: Array,
    conv_weight: Array,
    conv_bias: Array,
    norm_weight: Array,
    norm_bias: Array,
    weights: Array,
    biases: Array,
    labels: np.ndarray,
    *,
    reduction: str,
) -> Gradients:
    """dL_dloss () or (N,) and forward's arguments -> a gradient of the shape of each but the labels, in their order."""
    network = inputs, conv_weight, conv_bias, norm_weight, norm_bias, weights, biases
    dL_dinputs, dL_dconv_weight, rest, *others = backward_by(*BACKWARD, dL_dloss, *network, labels, reduction=reduction)
    return dL_dinputs, dL_dconv_weight, 0 * rest, *others  # 0, or NaN where the sum is


def forward_by(convolution: Function, norm: Function, loss: Function, *network: Array, reduction: str) -> Array:
    """Forward with one formulation of each of its parts."""
    *images, weights, biases, labels = network
    _, _, features = features_of(convolution, norm, *images)
    return loss(dense.forward(features, weights, biases), labels, reduction=reduction)


def backward_by(
    convolution: Function,
    norm: Function,
    convolution_gradients: Function,
    norm_gradients: Function,
    loss_gradient: Function,
    dL_dloss: Array,
    *network: Array,
    reduction: str,
) -> Gradients:
    """Backward with one formulation of each of its parts."""
    *images, weights, biases, labels = network
    inputs, conv_weight, conv_bias, norm_weight, norm_bias = images
    convolved, normalized, features = features_of(convolution, norm, *images)
    dL_dlogits = loss_gradient(dL_dloss, dense.forward(features, weights, biases), labels, reduction=reduction)
    dL_dfeatures, dL_dweights, dL_dbiases = dense.backward(dL_dlogits, features, weights, biases)
    dL_dnormalized = relu.backward(spread(dL_dfeatures, relu.forward(normalized)), normalized)
    of_norm = norm_gradients(dL_dnormalized, convolved, norm_weight, norm_bias, eps=EPS)
    dL_dconvolved, dL_dnorm_weight, dL_dnorm_bias = of_norm
    dL_dimages = convolution_gradients(dL_dconvolved, inputs, conv_weight, conv_bias)
    return *dL_dimages, dL_dnorm_weight, dL_dnorm_bias, dL_dweights, dL_dbiases


@shared
def features_of(
    convolution: Function, norm: Function, inputs: Array, conv_weight: Array, conv_bias: Array, *of_norm: Array
) -> tuple[Array, Array, Array]:
    """Images after the convolution and after the normalisation, and the features (N, F)."""
    convolved = convolution(inputs, conv_weight, conv_bias)
    normalized = norm(convolved, *of_norm, eps=EPS)
    pooled = reduce(np.maximum, quarters(relu.forward(normalized)))
    return convolved, normalized, pooled.reshape(pooled.shape[0], math.prod(pooled.shape[1:]))


def quarters(images: Array) -> list[Array]:
    """Of each window of 2 by 2, side by side in images (N, O, H, W), each of the four elements: (N, O, OH, OW)."""
    high, wide = (size // 2 * 2 for size in images.shape[2:])
    return [images[:, :, i:high:2, j:wide:2] for i in (0, 1) for j in (0, 1)]


def spread(dL_dfeatures: Array, activations: Array) -> Array:
    """The gradient of the activations, from that of the features: of each window the first of the largest has it.

    It is clear which that is: of activations that are computed none tie but zeros, and ReLU passes nothing there.
    """
    windows = quarters(activations)
    largest = np.stack([x >= reduce(np.maximum, windows[:k] + windows[k + 1 :]) for k, x in enumerate(windows)])
    first = largest & (np.cumsum(largest, axis=0) == 1)
    n, o, high, wide = windows[0].shape
    given = np.stack([np.where(chosen, dL_dfeatures.reshape(n, o, high, wide), 0) for chosen in first], axis=2)
    images = np.moveaxis(given.reshape(n, o, 2, 2, high, wide), (2, 3), (3, 5)).reshape(n, o, 2 * high, 2 * wide)
    left = [(0, size % 2) for size in activations.shape[2:]]
    return np.pad(images, ((0, 0), (0, 0), *left))


CONVOLUTIONS = (as_written(conv2d.forward), *named(conv2d.FORMULATIONS["forward"], "bias inside the product"))
NORMS = (as_written(batch_norm.forward), *batch_norm.FORMULATIONS["forward"])
LOSSES, LOSS_GRADIENTS = (sized_by(parts[:4], biases2="biases") for parts in (mlp.LOSSES, mlp.LOSS_GRADIENTS))
CONVOLUTION_GRADIENTS = (as_written(conv2d.backward), *conv2d.FORMULATIONS["backward"])
NORM_GRADIENTS = (as_written(batch_norm.backward), *batch_norm.FORMULATIONS["backward"][:3])
FORWARD_PARTS = (CONVOLUTIONS, NORMS, LOSSES)
BACKWARD_PARTS = (CONVOLUTIONS, NORMS, CONVOLUTION_GRADIENTS, NORM_GRADIENTS, LOSS_GRADIENTS)
FORWARD = tuple(shared(part[0].function) for part in FORWARD_PARTS)
BACKWARD = tuple(shared(part[0].function) for part in BACKWARD_PARTS)
FORMULATIONS = {
    "forward": side_by_side(forward_by, *FORWARD_PARTS),
    "backward": (
        *through(backward_by, *(part[:1] for part in BACKWARD_PARTS), name="the gradient of conv_bias added up"),
        *side_by_side(backward_by, *BACKWARD_PARTS),
    ),
}
ALTERNATIVES = empty_mean_is_zero(forward)
