"""Wrong weighted cross-entropies that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import forward
from ..mutations.wrong_losses import smoothing_ignored_rows
from ..ops import weighted_softmax_cross_entropy as sound

Array = Any


@forward("pytorch/pytorch#73205", "smooth the labels of rows that count alone.")
def smoothing_of_ignored_rows(*tensors: Array, **given: Any) -> Any:
    """A row that is ignored has the smoothed part of its loss."""
    return smoothing_ignored_rows(sound.forward, *tensors, **given)
