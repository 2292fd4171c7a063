"""Wrong sums of two tensors that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import backward

Array = Any


@backward("deeplearning4j/nd4j#2424", "sum the gradient over the axes along which the operand was repeated.")
def not_summed(dL_doutputs: Array, a: Array, b: Array) -> Any:
    """The gradient of an operand that was repeated has the outputs' shape."""
    return dL_doutputs, np.array(dL_doutputs)
