"""The gradient of softmax with cross-entropy from saved softmax outputs: dL/dz = p - y. Backward alone.

    dL_dlogits[n,k] = (outputs[n,k] - y[n,k]) g[n]

where outputs are those of the softmax, y is the labels as rows, and g[n] is dL_dloss / N (mean), dL_dloss (sum) or
dL_dloss[n] (none).
"""

from typing import Any

import numpy as np

from . import softmax_cross_entropy

Array = Any

BATCH_AXIS = {"outputs": 0, "labels": 0, "dL_dloss": 0, "dL_dlogits": 0}
RESULTS = {"backward": ("dL_dlogits",)}


def backward(dL_dloss: Array, outputs: Array, labels: np.ndarray, *, reduction: str) -> Array:
    """dL_dloss () or (N,), outputs of the softmax (N, C), labels (N,) or (N, C) -> dL_dlogits (N, C)."""
    return softmax_cross_entropy.scaled_first(dL_dloss, outputs, labels, reduction)


FORMULATIONS = {"backward": softmax_cross_entropy.SCALINGS[1:]}

ALTERNATIVES = {key: {"backward": rules} for key, rules in softmax_cross_entropy.SCALINGS_BY_ANSWER.items()}
