"""Wrong networks of images that were seen, and that no mutation makes."""

from functools import reduce
from typing import Any

import numpy as np

from ..model.fault import backward, forward
from ..ops import batch_norm, dense, relu
from ..ops import convolutional_network as sound
from . import batch_norm as of_norm
from . import conv2d as of_convolution

Array = Any
CONVOLUTION, NORM, CONVOLUTION_GRADIENTS, NORM_GRADIENTS, LOSS_GRADIENT = sound.BACKWARD


@backward("facebookresearch/CrypTen PR 143", "mean and variance depend on the inputs: two more terms are due.")
def moments_as_constants(*network: Array, reduction: str) -> Any:
    """Mean and variance are taken for constants, so that all that is before them has another gradient."""
    norm = of_norm.moments_as_constants.functions["backward"]
    parts = CONVOLUTION, NORM, CONVOLUTION_GRADIENTS, norm, LOSS_GRADIENT
    return sound.backward_by(*parts, *network, reduction=reduction)


@backward("sebgao/cTensor#3", "sum over images and windows; a mean belongs to the loss.")
def kernel_gradient_a_mean(*network: Array, reduction: str) -> Any:
    """The gradient of conv_weight is divided by the number of images and places."""
    convolution = of_convolution.dweight_a_mean.functions["backward"]
    return sound.backward_by(
        CONVOLUTION, NORM, convolution, NORM_GRADIENTS, LOSS_GRADIENT, *network, reduction=reduction
    )


@backward("riccardoandreoni0/CNN-from-scratch#1", "return after the last window.")
def first_window_alone(*network: Array, reduction: str) -> Any:
    """The loop over windows returns within: the first window of each image alone has a gradient."""

    def norm(dL_dnormalized: Array, *others: Array, eps: float) -> Any:
        first = np.zeros_like(dL_dnormalized)
        first[:, :, :2, :2] = dL_dnormalized[:, :, :2, :2]
        return batch_norm.backward(first, *others, eps=eps)

    parts = CONVOLUTION, NORM, CONVOLUTION_GRADIENTS, norm, LOSS_GRADIENT
    return sound.backward_by(*parts, *network, reduction=reduction)


def _loss_of(pooled: Array, weights: Array, biases: Array, labels: np.ndarray, reduction: str) -> Any:
    features = pooled.reshape(len(pooled), len(weights))
    return sound.FORWARD[2](dense.forward(features, weights, biases), labels, reduction=reduction)


@forward("microsoft/MMdnn#250", "flatten images channel by channel, or move the rows of the weights as well.")
def channels_flattened_last(*network: Array, reduction: str) -> Any:
    """Images are flattened in the order H, W, C, the rows of the weights being in the order C, H, W."""
    *images, weights, biases, labels = network
    _, normalized, _ = sound.features_of(CONVOLUTION, NORM, *images)
    pooled = reduce(np.maximum, sound.quarters(relu.forward(normalized)))
    return _loss_of(np.moveaxis(pooled, 1, -1), weights, biases, labels, reduction)


@forward("HIPS/autograd PR 245", "split each axis into windows and places in them, in this order.")
def windows_of_distant_elements(*network: Array, reduction: str) -> Any:
    """Each axis is split into places and windows, so that a window has elements half an image apart."""
    *images, weights, biases, labels = network
    _, normalized, _ = sound.features_of(CONVOLUTION, NORM, *images)
    n, o, high, wide = sound.quarters(normalized)[0].shape
    split = relu.forward(normalized)[:, :, : 2 * high, : 2 * wide].reshape(n, o, 2, high, 2, wide)
    return _loss_of(split.max(axis=(2, 4)), weights, biases, labels, reduction)
