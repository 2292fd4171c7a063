"""Families of cases for softmax with categorical cross-entropy in one step."""

from collections.abc import Iterator

from ..kinds.labelled_logits import loss_of_logits
from ..kinds.labels import exact_labels, labels_apart
from ..kinds.loss import Loss
from ..kinds.probabilities import exact_softmax, logits_drawn
from ..model.family import Draft

LONG_BACKWARD = (259, 300, 1025)
"""Numbers of classes, or of rows, past 256 of which backward has a case too."""
LOSS = Loss(
    "logits",
    draw=logits_drawn,
    labels=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits)),
    exact=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits), exact_labels),
    certain="probability_clipping",
    long=lambda size: size in LONG_BACKWARD,
    even=lambda w, shape: w.normal(shape, 0.03125),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    return loss_of_logits(LOSS, dtype)
