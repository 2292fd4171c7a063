"""Wrong hard swishes that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward

Array = Any


@forward("tinygrad/tinygrad PR 18028", "clip x + 3 by a minimum and a maximum.", as_is=True)
def difference_of_rectified(inputs: Array) -> Any:
    """relu(x + 3) - relu(x - 3) for the clip, which cancels where x is so large that x + 3 is x."""
    return inputs * (np.maximum(inputs + 3, 0) - np.maximum(inputs - 3, 0)) / 6
