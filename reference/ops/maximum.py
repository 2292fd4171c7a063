"""The larger of two tensors, element by element, which broadcast as NumPy has it.

outputs = max(a, b)

dL_da   = dL_doutputs where a > b, half of it where a = b, else 0, summed over the axes along which a was repeated
dL_db   = dL_doutputs where b > a, half of it where a = b, else 0, summed over the axes along which b was repeated
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..model.broadcasting import require_outputs_of, undo_broadcast
from ..model.formulations import Alternatives, Formulation

Array = Any

BATCH_AXIS: dict[str, int] = {}


def forward(a: Array, b: Array) -> Array:
    """a and b of shapes that broadcast -> outputs of their common shape."""
    return np.maximum(a, b)


def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """dL_doutputs of the outputs' shape, and forward's arguments -> dL_da and dL_db, of the shapes of a and b."""
    require_outputs_of(a, b, dL_doutputs)
    half = np.where(a == b, dL_doutputs / 2, 0)  # a tie is shared; at NaN neither gets anything
    dL_da, dL_db = np.where(a > b, dL_doutputs, half), np.where(b > a, dL_doutputs, half)
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


def _with(at: str, shares: tuple[float, float], dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Backward with other shares of a and b at a tie, or where one of them is NaN."""
    require_outputs_of(a, b, dL_doutputs)
    there = (a == b) if at == "maximum_tie" else (a != a) | (b != b)
    half = np.where(a == b, dL_doutputs / 2, 0)
    dL_da = np.where(there, dL_doutputs * shares[0], np.where(a > b, dL_doutputs, half))
    dL_db = np.where(there, dL_doutputs * shares[1], np.where(b > a, dL_doutputs, half))
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


def _by_mask(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
    require_outputs_of(a, b, dL_doutputs)
    half = np.where(a == b, 0.5, 0)
    dL_da, dL_db = dL_doutputs * np.where(a > b, 1, half), dL_doutputs * np.where(b > a, 1, half)
    return undo_broadcast(dL_da, a.shape), undo_broadcast(dL_db, b.shape)


SHARES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "maximum_tie": {"first": (1, 0), "second": (0, 1)},
    "maximum_at_nan": {"first": (1, 0), "second": (0, 1), "both": (1, 1)},
}
"""By point, then by answer, the shares of a and b; the canonical answers are those of `backward`."""

ALTERNATIVES: Alternatives = {
    ("infinite_times_zero", "nan"): {"backward": (Formulation(_by_mask, "g times the mask"),)},
    **{
        (point, answer): {"backward": (Formulation(partial(_with, point, shares), f"{answer} there"),)}
        for point, answers in SHARES.items()
        for answer, shares in answers.items()
    },
}
