"""Families of cases for softmax with categorical cross-entropy in one step."""

from collections.abc import Iterator

from ..kinds.labelled_logits import loss_of_logits
from ..kinds.labels import labels_apart
from ..kinds.loss import Loss
from ..kinds.probabilities import exact_softmax, logits_drawn
from ..model.family import Draft

LOSS = Loss(
    "logits",
    draw=logits_drawn,
    labels=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits)),
    even=lambda w, shape: w.normal(shape, 0.03125),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    return loss_of_logits(LOSS, dtype)
