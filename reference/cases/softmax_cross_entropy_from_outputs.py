"""Families of cases for the gradient of softmax with cross-entropy from saved softmax outputs."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS
from ..generation.draws import Shape, Words, nearest_held
from ..kinds.labelled import common, far_upstreams, label_mass, last_digits, remembered, special
from ..kinds.labels import exact_labels, labels_apart, least_likely, nearly_hard
from ..kinds.loss import Call, Loss, curated, drawn
from ..kinds.probabilities import CLIPPING, logits_drawn, saved_outputs
from ..kinds.special_values import ends
from ..model.family import Draft

SOURCE = "nnfs.io, chapter on backpropagation: softmax with categorical cross-entropy"
LOSS = Loss(
    "outputs",
    draw=lambda w, shape: saved_outputs(logits_drawn(w, shape), w.dtype),
    labels=lambda w, form, outputs: labels_apart(w, form, outputs.astype(np.float64)),
    exact=lambda w, form, outputs: labels_apart(w, form, outputs.astype(np.float64), exact_labels),
    directions=("backward",),
    nearly=lambda w, form, outputs: labels_apart(w, form, outputs.astype(np.float64), nearly_hard),
    few=5,
    long={
        "float64": "mean-n1-c513 none-n1-c781",
        "float32": "mean-n1-c300 none-n1-c513 none-n1-c2051 sum-n1-c1024 none-n2-c16 mean-n2-c32 none-n1-c128 "
        "sum-n16-c2 mean-n32-c2 mean-n1024-c2 sum-n1031-c2",
        "float16": "none-n1-c2050 mean-n2051-c2",
        "bfloat16": "mean-n1-c300 mean-n257-c2",
    },
)


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    outputs = nearest_held([[0.7, 0.1, 0.2], [0.1, 0.5, 0.4], [0.02, 0.9, 0.08]], dtype)
    for form, labels in {"indices": [0, 1, 1], "one-hot": np.eye(3)[[0, 1, 1]]}.items():
        flags, comment = f"lesson labels-{form} reduction", "The lesson's outputs and classes: (p - y) / 3."
        call = (outputs, labels, 1.0)
        yield from curated(
            LOSS, dtype, f"backward-lesson-{form}", flags, comment, call, reduction="mean", source=SOURCE
        )
    yield from common(LOSS, dtype)
    yield from small_outputs(dtype)
    yield from certain(dtype)
    yield from equal_outputs(dtype)
    three, nan = [[0.625, 0.125, 0.25], [0.5, 0.375, 0.125], [0.25, 0.25, 0.5]], math.nan
    two = [[0.25, 0.5, 0.25], [0.625, 0.125, 0.25]]
    yield from far_upstreams(LOSS, dtype, two)
    yield from remembered(LOSS, dtype, two, [[0.5, 0.125, 0.375], [0.125, 0.375, 0.5]])
    numbers = 0.5, 0.5, 15 * 2.0 ** -FORMATS[dtype].significand
    yield from last_digits(LOSS, dtype, "backward-last-digits", "successive", "an output", numbers, [1, 0])
    yield from label_mass(LOSS, dtype, three)
    yield from special(LOSS, dtype, three[:2], three, [three[0], [nan, nan, nan], three[2]])


def small_outputs(dtype: str) -> Iterator[Draft]:
    """Labels at the least likely class: a constant added to its probability shows."""
    spread = 3 if dtype == "float16" else 12  # half the range of logits: outputs become small, and stay normal numbers

    def wide(w: Words, shape: Shape) -> np.ndarray:
        return saved_outputs(w.uniform(shape, -spread, spread), w.dtype)

    flags, where = "small-values confident-wrong", "indices-mean-n5-c3 one-hot-none-n3-c4 indices-sum-n4-c6"
    comment = "The true class is the least likely: to clip, or to divide by p + 1e-7 on the way, shows."
    yield from drawn(LOSS, "backward-small", flags, comment, where, scores=wide, labels=least_likely)


def certain(dtype: str) -> Iterator[Draft]:
    """Outputs near 1 or exactly 1, right and wrong."""
    call: Call
    clipped: dict[str, Any] = {"level": "robust", "point": CLIPPING}
    g, near, rest, tiny = [1.5, -2, 3], 1 - 2.0**-7, 2.0**-8, ends(dtype).normal * 16
    sure = [[near, rest, rest], [rest, near, rest], [rest, rest, near]]
    soft = [[0.75, 0.125, 0.125], [0, 0.5, 0.5], [0.375, 0.5, 0.125]]
    all_labels = (("confident-right", [0, 1, 2]), ("confident-wrong", [1, 2, 0]), ("labels-soft", soft))
    for flag, labels in all_labels:
        name, comment = f"certain-near-{flag.rpartition('-')[2]}", "Outputs near 0 and 1: p - y needs no division."
        yield from curated(LOSS, dtype, f"backward-{name}", flag, comment, (sure, labels, g))
    for flag, labels in all_labels:
        name, comment = f"certain-exact-{flag.rpartition('-')[2]}", "Outputs of exactly 0 and 1, without division."
        flags, call = f"{flag} probability-zero probability-one", (np.eye(3), labels, g)
        yield from curated(LOSS, dtype, f"backward-{name}", flags, comment, call, **clipped)
    flags, comment = "confident-wrong small-values", "Outputs about to underflow, at classes with and without weight."
    call = ([[tiny, 0.75, 0.25], [0.5, 0.5, tiny], [0.25, tiny, 0.75]], [0, 1, 1], g)
    yield from curated(LOSS, dtype, "backward-underflowed", flags, comment, call, **clipped)


def equal_outputs(dtype: str) -> Iterator[Draft]:
    """Rows of equal outputs."""
    outputs, g = [[0.25, 0.25, 0.25, 0.25], [0.375, 0.375, 0.125, 0.125]], [1.5, -2]
    soft, ties = [[0.25, 0.25, 0.5, 0], [0.375, 0.25, 0.25, 0.125]], "Ties of the largest output."
    for name, form, comment, labels in (
        ("outputs-indices", "indices", ties, [3, 0]),
        ("outputs-one-hot", "one-hot", ties, np.eye(4)[[3, 0]]),
        ("to-labels", "soft", "Where p is y there is no gradient.", soft),
    ):
        flags, call = f"equal-logits labels-{form}", (outputs, labels, g)
        yield from curated(LOSS, dtype, f"backward-equal-{name}", flags, comment, call)
