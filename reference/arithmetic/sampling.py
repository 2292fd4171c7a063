"""Evaluate a few rows, columns or channels of a tensor that is too large for all of it.

One axis is restricted to some indices in every argument that has it. The results that do not sum over that axis come
out for these indices as they would have in the whole: of a dense layer's backward, restricting the axis of the inputs'
features leaves dL_dinputs and dL_dweights valid, and dL_dbiases, which do not depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.formulations import Function
from .chunks import Axes, ChunkError, Tensors, agree, along, corners, finished, results_of
from .fast_bounds import units_of
from .fast_sums import Batch
from .precision import precision_model

CORNER_SAMPLE = np.array([0, 2, 3])
"""The indices on which it is tried which results stay valid."""


@dataclass(frozen=True)
class Sample:
    """What is expected of the sampled elements of a result, and how far a sound implementation may be off."""

    axis: int | None
    """The axis of the result to which the indices belong; None where the result does not depend on them."""
    expected: np.ndarray
    tolerance: np.ndarray


def evaluate_sampled(
    function: Function,
    arguments: Tensors,
    parameters: Mapping[str, Any],
    dtype: str,
    precision: str,
    *,
    axes: Axes,
    indices: np.ndarray,
    valid: Mapping[int, int | None] | None = None,
) -> dict[int, Sample]:
    """Evaluate a formula for some indices along one axis.

    axes: for each argument the axis to restrict, None for one without it. valid: the results that stay valid, by
    index, and their axis; found by trying where it is not given. Returns these results alone.

    Raises ChunkError where no result stays valid.
    """
    valid = valid_results(function, arguments, parameters, axes) if valid is None else valid
    units = units_of(precision_model(dtype, precision))
    few = [x if axis is None else along(x, axis, indices) for x, axis in zip(arguments, axes, strict=True)]
    with np.errstate(all="ignore"):
        results = results_of(function, few, parameters, units, Batch())
        return {index: Sample(axis, *finished(results[index])) for index, axis in valid.items()}


def valid_results(
    function: Function, arguments: Tensors, parameters: Mapping[str, Any], axes: Axes
) -> dict[int, int | None]:
    """Find the results that stay valid when an axis is restricted, and which of their axes it is, on corners.

    Raises ChunkError where there are none.
    """
    tensors = corners(arguments)
    units = units_of(precision_model("float64", "float64"))
    few = [x if axis is None else along(x, axis, CORNER_SAMPLE) for x, axis in zip(tensors, axes, strict=True)]
    with np.errstate(all="ignore"):
        try:
            whole, part = (results_of(function, some, parameters, units, Batch()) for some in (tensors, few))
        except Exception as error:  # of the formula, which may refuse such tensors
            raise ChunkError(f"no result stays valid for a part of these axes: {error}") from error
    valid: dict[int, int | None] = {}
    for index, (one, other) in enumerate(zip(whole, part, strict=True)):
        due, tolerance = finished(one)
        value, _ = finished(other)
        unequal = [axis for axis, (n, m) in enumerate(zip(due.shape, value.shape, strict=True)) if n != m]
        if len(unequal) == 1:
            due, tolerance = (x.take(CORNER_SAMPLE, unequal[0]) for x in (due, tolerance))
        if len(unequal) <= 1 and agree(value, due, tolerance):
            valid[index] = unequal[0] if unequal else None
    if not valid:
        raise ChunkError("no result stays valid for a part of these axes")
    return valid
