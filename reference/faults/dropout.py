"""Wrong dropouts that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward
from ..model.shapes import require_same_shape

Array = Any


@backward("kaldi-asr/kaldi#3890", "keep the mask that forward had.")
def mask_read_off_the_outputs(dL_doutputs: Array, inputs: Array, mask: Array, *, p: float) -> Array:
    """The mask is taken as output over input, which drops what is kept at an input of 0."""
    require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs, mask=mask)
    return np.where(inputs * mask == 0, 0, dL_doutputs / (1 - p))
