"""What is tested of the gradient of softmax with cross-entropy from saved softmax outputs."""

import math
from collections.abc import Iterator

import numpy as np

from ..arithmetic.precision import FORMATS
from ..generation.draws import Words, nearest_held
from ..kinds.labels_drawn import as_form, labels_apart
from ..kinds.loss_drafts import Cell, Loss, Shape, curated, family
from ..kinds.loss_families import common
from ..kinds.outputs_drawn import logits_drawn, saved_outputs
from ..model.family import Draft

SOURCE = "nnfs.io, chapter on backpropagation: softmax with categorical cross-entropy"
SPREAD = {"float16": 3}
"""Half the range of logits whose probabilities become small, and stay normal numbers."""


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    yield from lesson(dtype)
    yield from common(LOSS, dtype)
    yield from small_outputs(dtype)
    yield from certain(dtype)
    yield from equal_outputs(dtype)
    yield from magnitudes(dtype)
    yield from special_values(dtype)


def outputs_of_normal(w: Words, shape: Shape) -> np.ndarray:
    """Draw the outputs of a softmax of bell-shaped logits."""
    return saved_outputs(logits_drawn(w, shape), w.dtype)


def labels_for(w: Words, form: str, outputs: np.ndarray) -> np.ndarray:
    """Draw labels whose p - y has digits."""
    return labels_apart(w, form, outputs.astype(np.float64))


LOSS = Loss("outputs", outputs_of_normal, labels_for, directions=("backward",), count=20)


def lesson(dtype: str) -> Iterator[Draft]:
    """The figures of the lesson that derives backpropagation in NumPy."""
    outputs = nearest_held([[0.7, 0.1, 0.2], [0.1, 0.5, 0.4], [0.02, 0.9, 0.08]], dtype)
    classes = np.array([0, 1, 1])
    for form, labels in {"indices": classes, "one-hot": np.eye(3)[classes]}.items():
        yield curated(
            f"backward-lesson-{form}",
            ("lesson", f"labels-{form}", "reduction"),
            "The lesson's outputs and classes: (p - y) / 3.",
            (LOSS.call(dtype, outputs, labels, 1.0),),
            "mean",
            source=SOURCE,
        )


def small_outputs(dtype: str) -> Iterator[Draft]:
    """Labels at the least likely class: a constant added to its probability shows."""
    spread = SPREAD.get(dtype, 12)

    def wide(w: Words, shape: Shape) -> np.ndarray:
        return saved_outputs(w.uniform(shape, -spread, spread), w.dtype)

    def least_likely(w: Words, form: str, outputs: np.ndarray) -> np.ndarray:
        return as_form(outputs.astype(np.float64).argmin(axis=1), form, outputs.shape[1], w.dtype)

    for cell in (Cell("indices", "mean", 5, 3), Cell("one-hot", "none", 3, 4), Cell("indices", "sum", 4, 6)):
        comment = "The true class is the least likely: to clip, or to divide by p + 1e-7 on the way, shows."
        flags = ("small-values", "confident-wrong")
        yield family(LOSS, "backward", cell, "small", flags, comment, scores=wide, labels=least_likely, count=10)


def certain(dtype: str) -> Iterator[Draft]:
    """Outputs near 1 or exactly 1, right and wrong."""
    g = [1.5, -2, 3]
    near, rest = 1 - 2.0**-7, 2.0**-8
    sure = [[near, rest, rest], [rest, near, rest], [rest, rest, near]]
    exact = np.eye(3)
    soft = [[0.75, 0.125, 0.125], [0, 0.5, 0.5], [0.375, 0.5, 0.125]]
    for name, outputs, level in (("near", sure, "required"), ("exact", exact, "robust")):
        special = ("probability-zero", "probability-one") if name == "exact" else ()
        for flag, labels in (("confident-right", [0, 1, 2]), ("confident-wrong", [1, 2, 0]), ("labels-soft", soft)):
            about = "at exactly 0 and 1" if name == "exact" else "near 0 and 1"
            yield curated(
                f"backward-certain-{name}-{flag.rpartition('-')[2]}",
                (flag, *special),
                f"Outputs {about}: p - y needs no division.",
                (LOSS.call(dtype, outputs, labels, g),),
                level=level,
            )
    tiny = math.ldexp(1.0, FORMATS[dtype].smallest_normal + 4)
    yield curated(
        "backward-underflowed",
        ("confident-wrong", "small-values"),
        "Outputs about to underflow, at classes with and without weight.",
        (LOSS.call(dtype, [[tiny, 0.75, 0.25], [0.5, 0.5, tiny], [0.25, tiny, 0.75]], [0, 1, 1], g),),
        level="robust",
    )


def equal_outputs(dtype: str) -> Iterator[Draft]:
    """Rows of equal outputs."""
    outputs = [[0.25, 0.25, 0.25, 0.25], [0.375, 0.375, 0.125, 0.125]]
    classes = np.array([3, 0])
    for form, labels in {"indices": classes, "one-hot": np.eye(4)[classes]}.items():
        yield curated(
            f"backward-equal-outputs-{form}",
            ("equal-logits", f"labels-{form}"),
            "Ties of the largest output.",
            (LOSS.call(dtype, outputs, labels, [1.5, -2]),),
        )
    yield curated(
        "backward-equal-to-labels",
        ("equal-logits", "labels-soft"),
        "Where p is y there is no gradient.",
        (LOSS.call(dtype, outputs, [[0.25, 0.25, 0.5, 0], [0.375, 0.25, 0.25, 0.125]], [1.5, -2]),),
    )


def magnitudes(dtype: str) -> Iterator[Draft]:
    """Gradients at the ends of the range."""
    fmt = FORMATS[dtype]
    large = math.ldexp(1.0, fmt.largest.numerator.bit_length() - 2)
    subnormal = math.ldexp(1.0, fmt.smallest_normal - 1)
    outputs = [[0.625, 0.125, 0.25], [0.5, 0.375, 0.125]]
    yield curated(
        "backward-near-overflow",
        ("near-overflow", "upstream-signed"),
        "An upstream a factor 2 from the largest finite number.",
        (LOSS.call(dtype, outputs, [1, 2], [large, -large]),),
        level="robust",
    )
    yield curated(
        "backward-subnormal-upstream",
        ("subnormal", "upstream-signed"),
        "Gradients that are subnormal.",
        (LOSS.call(dtype, outputs, [0, 1], [subnormal, -subnormal]),),
        level="robust",
    )


def special_values(dtype: str) -> Iterator[Draft]:
    """NaN in the outputs and in the upstream; an infinite upstream is inf - inf for some sound formulas."""
    nan = math.nan
    outputs = [[0.625, 0.125, 0.25], [0.5, 0.375, 0.125], [0.25, 0.25, 0.5]]
    yield curated(
        "backward-nan",
        ("nan",),
        "A row of NaN, as a softmax makes it, stays NaN and alone.",
        (LOSS.call(dtype, [outputs[0], [nan, nan, nan], outputs[2]], [0, 1, 2], [1.5, -2, 3]),),
        level="robust",
    )
    yield curated(
        "backward-nan-upstream",
        ("nan", "upstream-signed"),
        "A NaN of the upstream stays in its row.",
        (LOSS.call(dtype, outputs, [0, 1, 2], [1.5, nan, -2]),),
        level="robust",
    )
