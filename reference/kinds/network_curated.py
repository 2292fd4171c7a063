"""A network small enough to follow by hand, and what happens to it: kinks, dead units, far logits, special values."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..arithmetic.precision import FORMATS, HALF
from ..generation.draws import held, nearest_held
from ..model.family import Draft, Inputs
from .paired import paired, without_upstream

PLAIN: dict[str, Any] = {
    "dL_dloss": 1.5,
    "inputs": [[1, 2], [-2, 1], [3, -1]],
    "weights1": [[0.5, -1, 2], [1.5, 0.25, -1]],
    "biases1": [[0.25, -0.5, 1]],
    "weights2": [[0.5, -0.25, 0.125], [-0.75, 1, 0.5], [0.25, -0.5, 0.375]],
    "biases2": [[0.5, -0.25, 0]],
    "labels": [0, 2, 1],
}
"""A curated network: two of its three hidden units are on for each row."""
ALL_ON = [[1, 4, 6.5]]
ALL_OFF = [[-8, -8.5, -9]]


def drafts(dtype: str) -> Iterator[Draft]:
    """Give these families at a dtype."""
    yield from upstreams(dtype)
    yield from kinks(dtype)
    yield from dead_layers(dtype)
    yield from confident(dtype)
    if dtype not in HALF:
        yield from shifted(dtype)
    yield from labels_at_the_edges(dtype)
    yield from special_values(dtype)


def curated(dtype: str, **changes: object) -> Inputs:
    """Give the curated network's case with some of its tensors changed. Labels of rank 1 are indices."""
    tensors = {name: np.asarray(x) for name, x in (PLAIN | changes).items()}
    labels = tensors.pop("labels")
    rows = labels.astype(np.int64) if labels.ndim == 1 else held(labels, dtype)
    floats = [held(x, dtype) for x in tensors.values()]
    return dict(zip(PLAIN, [*floats, rows], strict=True))


def upstreams(dtype: str) -> Iterator[Draft]:
    """Upstream gradients that show what becomes of them."""
    far = 8 if dtype == "float16" else 16
    for name, flag, comment, values in (
        ("zero", "upstream-zero", "No upstream, no gradient.", ([0, 0, 0],)),
        ("one-hot", "upstream-one-hot", "One unit of upstream for each row in turn.", tuple(np.eye(3))),
        ("mixed", "upstream-signed", "Rows of different sign and size.", ([1.5, -2, 0.25], [-3, 0.75, 5])),
    ):
        yield Draft(
            f"backward-upstream-{name}",
            "backward",
            (flag,),
            comment,
            tuple(curated(dtype, dL_dloss=g) for g in values),
            parameters={"reduction": "none"},
        )
    for reduction in ("mean", "sum"):
        yield Draft(
            f"backward-upstream-{reduction}",
            "backward",
            ("upstream-signed", "reduction"),
            "Upstreams of both signs: none, ordinary, small and large.",
            tuple(curated(dtype, dL_dloss=g) for g in (0, -0.75, 3, 2.0**-far * 5, -(2.0**far) * 3)),
            parameters={"reduction": reduction},
        )


def kinks(dtype: str) -> Iterator[Draft]:
    """Hidden units at exactly 0, where the derivative jumps."""
    zero_row = {
        "inputs": [[1, 2], [0, 0], [3, -1]],
        "weights1": [[0.5, -1, 2], [1.25, 0.25, -0.75]],
        "biases1": [[0, 0, 0]],
    }
    cancelled = {"inputs": [[2, 1], [-2, 1], [3, -1]], "weights1": [[1, -1, 2], [-2, 0.25, -1]], "labels": [0, 1, 2]}
    for name, changes, comment in (
        ("zero-row", ({}, {"labels": [2, 0, 1]}), "A row of zeros and biases of 0: all of its hidden units are at 0."),
        (
            "cancelled",
            ({"biases1": [[0, -0.5, 1]]}, {"biases1": [[-1, -0.5, 1]], "weights1": [[1, -1, 2], [-1, 0.25, -1]]}),
            "A hidden unit whose terms cancel to exactly 0.",
        ),
    ):
        base = zero_row if name == "zero-row" else cancelled
        cases = tuple(curated(dtype, **(base | change)) for change in changes)
        for reduction in ("mean", "none"):
            upstream = held([1.5, -2, 3], dtype) if reduction == "none" else held(-2.5, dtype)
            yield Draft(
                f"forward-kink-{name}-{reduction}",
                "forward",
                ("kink",),
                comment,
                tuple(without_upstream(case) for case in cases),
                parameters={"reduction": reduction},
            )
            yield Draft(
                f"backward-kink-{name}-{reduction}",
                "backward",
                ("kink",),
                comment,
                tuple({**case, "dL_dloss": upstream} for case in cases),
                parameters={"reduction": reduction},
                result="convention",
                point="relu_slope_at_zero",
            )


def dead_layers(dtype: str) -> Iterator[Draft]:
    """Hidden units that are off, or on, for every row."""
    for name, biases, comment in (
        ("dead-layer", ALL_OFF, "All hidden units are off: nothing passes but to the last biases."),
        ("dead-unit", [[-8, -0.5, 1]], "One hidden unit is off for every row."),
        ("all-on", ALL_ON, "All hidden units are on: the network is linear up to its logits."),
    ):
        yield from paired(
            name,
            ("dead",),
            comment,
            cases=(curated(dtype, biases1=biases), curated(dtype, biases1=biases, labels=[1, 1, 0], dL_dloss=-0.75)),
            parameters={"reduction": "mean"},
        )


def confident(dtype: str) -> Iterator[Draft]:
    """Logits far from one another."""
    right, wrong = [0, 1, 0], [1, 2, 2]

    def far(gap: float, labels: list[int]) -> Inputs:
        weights2 = np.array([[2, 0, -0.5], [0, 2, -0.5], [0, 0, 0]]) * nearest_held(gap, dtype).astype(np.float64)
        return curated(
            dtype,
            inputs=[[1, 0], [0, 1], [1, -1]],
            weights1=[[1, 0, 0.25], [0, 1, 0.25]],
            dL_dloss=0.5,
            biases1=[[-0.5, -0.5, 0.25]],
            weights2=weights2,
            biases2=[[0, 0, 0]],
            labels=labels,
        )

    beyond = 768 if dtype == "float64" else 96
    yield from paired(
        "confident-right-beyond-exp",
        ("confident-right", "far-logits"),
        f"The network is sure of the true classes, by logits of {beyond}: exp of them overflows.",
        cases=(far(beyond, right),),
        parameters={"reduction": "mean"},
    )
    gap = 4 if dtype == "float16" else 8
    for word, labels, comment in (
        ("right", right, "The network is sure of the true classes: losses and gradients are small."),
        ("wrong", wrong, "The network is sure of other classes than the true ones."),
    ):
        yield from paired(
            f"confident-{word}",
            (f"confident-{word}",),
            comment,
            cases=(far(gap, labels), far(gap / 2, labels)),
            parameters={"reduction": "mean"},
        )
        yield from paired(
            f"far-{word}",
            (f"confident-{word}", "far-logits"),
            f"{comment} Logits are 64, 512 and 10000 apart, beyond what exp takes.",
            cases=tuple(far(gap, labels) for gap in (64, 512, 10000)),
            parameters={"reduction": "sum"},
            level="robust",
        )


def shifted(dtype: str) -> Iterator[Draft]:
    """Logits that share a shift so large that exp of them overflows."""
    shift = 768 if dtype == "float64" else 96
    soft = [[0.5, 0, 0.5], [0.25, 0.75, 0], [0.125, 0.25, 0.625]]
    for name, labels, upstream, reduction in (
        ("indices", [0, 2, 1], 1.5, "mean"),
        ("soft", soft, [1.5, -2, 3], "none"),
    ):
        yield from paired(
            f"shifted-{name}",
            ("shifted-logits", "far-logits", f"labels-{name}"),
            f"The last biases shift all logits by {shift}: exp of them overflows, and no probability changes.",
            cases=(curated(dtype, biases2=[[shift + 0.5, shift - 0.25, shift]], labels=labels, dL_dloss=upstream),),
            parameters={"reduction": reduction},
        )


def labels_at_the_edges(dtype: str) -> Iterator[Draft]:
    """The first class and the last, in every form."""
    indices = ([0, 2, 0], [2, 0, 2], [2, 2, 2], [0, 0, 0])
    soft = ([[0.5, 0, 0.5], [0.25, 0.75, 0], [0, 0.125, 0.875]],)
    for name, flag, labels in (
        ("indices", "labels-indices", indices),
        ("one-hot", "labels-one-hot", tuple(np.eye(3)[list(y)] for y in indices)),
        ("soft", "labels-soft", soft),
    ):
        yield from paired(
            f"label-edges-{name}",
            ("label-edge", flag),
            "Labels of the first class and of the last.",
            cases=tuple(curated(dtype, labels=y) for y in labels),
            parameters={"reduction": "mean"},
        )


def special_values(dtype: str) -> Iterator[Draft]:
    """Infinities, NaN and subnormal numbers."""
    yield from paired(
        "nan",
        ("nan",),
        "A NaN among the last biases spoils everything.",
        cases=(curated(dtype, biases1=ALL_ON, biases2=[[0.5, math.nan, 0]]),),
        parameters={"reduction": "mean"},
        level="robust",
    )
    yield Draft(
        "backward-nan-upstream",
        "backward",
        ("nan",),
        "A NaN of the upstream spoils its row's gradient, and those of the weights, but no other row's.",
        (curated(dtype, dL_dloss=[1.5, math.nan, -2], biases1=ALL_ON),),
        parameters={"reduction": "none"},
        level="robust",
    )
    yield from paired(
        "masked-class",
        ("masked-logits", "infinity"),
        "A class masked by a bias of -inf has probability 0, and no gradient.",
        cases=(curated(dtype, biases2=[[0.5, -0.25, -math.inf]], labels=[0, 1, 1]),),
        parameters={"reduction": "mean"},
        level="robust",
    )
    tiny = math.ldexp(1.0, FORMATS[dtype].smallest_normal - 2)
    yield from paired(
        "subnormal-inputs",
        ("subnormal",),
        "Subnormal inputs, and so subnormal gradients of the first weights.",
        cases=(curated(dtype, inputs=np.array(PLAIN["inputs"]) * tiny),),
        parameters={"reduction": "mean"},
        level="robust",
    )
