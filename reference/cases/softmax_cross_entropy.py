"""Families of cases for softmax with categorical cross-entropy in one step."""

from collections.abc import Iterator

from ..kinds.labelled_logits import loss_of_logits
from ..kinds.labels import exact_labels, labels_apart, nearly_hard
from ..kinds.loss import Loss
from ..kinds.loss_options import options
from ..kinds.probabilities import exact_softmax, logits_drawn
from ..model.family import Draft

LONG = {
    "float32": "mean-n1-c300 none-n1-c2051 sum-n1-c1024 none-n2-c16 mean-n2-c32 none-n1-c128 sum-n16-c2 mean-n32-c2 "
    "sum-n1280-c2",
    "float16": "none-n1-c2051",
    "bfloat16": "mean-n257-c2",
}
"""By dtype, cells of backward past the sizes at which kernels switch, and exact multiples of blocks."""
LOSS = Loss(
    "logits",
    draw=logits_drawn,
    labels=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits)),
    exact=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits), exact_labels),
    certain="probability_clipping",
    nearly=lambda w, form, logits: labels_apart(w, form, exact_softmax(logits), nearly_hard),
    long=LONG,
    even=lambda w, shape: w.normal(shape, 0.03125),
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from loss_of_logits(LOSS, dtype)
    yield from options(LOSS, dtype)
