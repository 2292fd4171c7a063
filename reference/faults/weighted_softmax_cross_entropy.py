"""Wrong weighted cross-entropies that were seen, and that no mutation makes."""

from typing import Any

from ..model.fault import forward
from ..ops import softmax
from ..ops import weighted_softmax_cross_entropy as sound

Array = Any


@forward("pytorch/pytorch#73205", "smooth the labels of rows that count alone.")
def smoothing_of_ignored_rows(z: Array, labels: Array, w: Array, *, reduction: str, **given: Any) -> Any:
    """A row that is ignored has the smoothed part of its loss."""
    loss, ignored = sound.forward(z, labels, w, reduction=reduction, **given), labels == given.get("ignore_index")
    if not ignored.any():
        return loss
    spread = -given.get("label_smoothing", 0.0) * (w * softmax.log_softmax(z)).mean(axis=-1) * ignored
    return loss + (
        spread if reduction == "none" else spread.sum() / (w[labels[~ignored]].sum() if reduction == "mean" else 1)
    )
