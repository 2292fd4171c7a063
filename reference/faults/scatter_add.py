"""Wrong sums where indices point that were seen, and that no mutation makes."""

from typing import Any

import numpy as np

from ..model.fault import forward
from ..model.indexing import places
from ..ops import scatter_add

Array = Any


@forward("PaddlePaddle/Paddle PR 17952", "add up what the same index names.")
def last_index_wins(inputs: Array, indices: np.ndarray, source: Array, *, axis: int) -> Any:
    """Where an index is repeated, its last element of the source alone is added."""
    added = np.zeros_like(scatter_add.forward(inputs, indices, source, axis=axis))
    added.reshape(-1)[places(indices, inputs.shape, axis)] = source.reshape(-1)
    return inputs + added
