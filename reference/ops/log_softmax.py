"""The logarithm of the softmax along an axis: y_i = z_i - log sum_j exp(z_j).

    outputs[k]    = logits[k] - log sum_j exp(logits[j])

    dL_dlogits[k] = dL_doutputs[k] - exp(outputs[k]) sum_j dL_doutputs[j]

Shifting by the row's maximum changes no exact value and keeps exp in range; see Blanchard, Higham and Higham,
"Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from typing import Any

import numpy as np

from ..model.formulations import Function, as_written, named, through
from ..model.functions import over_batch, stored
from ..model.shapes import require_same_shape
from . import softmax

Array = Any

BATCH_AXIS = {"logits": -2, "outputs": -2, "dL_doutputs": -2, "dL_dlogits": -2}


def forward(logits: Array, *, axis: int = -1) -> Array:
    """logits of rank 1 or more -> outputs of the same shape, whose exponentials sum to 1 along the axis."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def backward(dL_doutputs: Array, logits: Array, *, axis: int = -1) -> Array:
    """dL_doutputs and logits of one shape -> dL_dlogits of the same."""
    require_same_shape(dL_doutputs=dL_doutputs, logits=logits)
    probabilities = np.exp(forward(logits, axis=axis))
    return dL_doutputs - probabilities * over_batch(dL_doutputs, (axis,), keepdims=True)


def _less_share(probabilities: Function, dL_doutputs: Array, logits: Array) -> Array:
    return dL_doutputs - probabilities(logits) * over_batch(dL_doutputs, (-1,), keepdims=True)


def _of_saved(log_probabilities: Function, logits: Array) -> Array:
    """The probabilities from outputs that were saved."""
    return np.exp(stored(log_probabilities(logits)))


LOG_SOFTMAX = named(softmax.LOG_SOFTMAX, "as written", "z - logsumexp(z)")
PROBABILITIES = (*through(_of_saved, LOG_SOFTMAX, name="exp of saved outputs"), *softmax.SOFTMAX[:1])
FORWARD = through(softmax.along, LOG_SOFTMAX)
BACKWARD = (
    as_written(backward),
    *through(softmax.along, through(_less_share, PROBABILITIES[:-1])),
    *through(softmax.along, through(_less_share, PROBABILITIES[-1:], name="exp(z) / sum")),
)

FORMULATIONS = {"forward": FORWARD[1:], "backward": BACKWARD[1:]}

ALTERNATIVES = {
    ("all_masked_row", "0"): {
        "forward": through(softmax.zero_if_masked, FORWARD),
        "backward": through(softmax.zero_if_masked, BACKWARD),
    }
}
