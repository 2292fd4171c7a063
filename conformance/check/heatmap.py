"""Where in a tensor the error sits: its error over tolerance, reduced to a grid that fits a page."""

from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_CELLS = 32
"""Of a grid, along each side."""

NO_RATIO = ("exact", "finite", "inf", "nan")
"""What stands in a cell where error over tolerance is no number, the worst last: the exact value was due; a finite
number, an infinity or NaN came where something else was due."""

Score = float | str
_LARGEST = 1e308
"""A ratio that overflows float64 is shown as this."""


@dataclass(frozen=True)
class Heatmap:
    """One case of one result. A cell stands for a block of elements, and holds the worst of them."""

    result: str
    case: int
    shape: tuple[int, ...]
    """Of the result in that case."""
    rows: int
    """Of the tensor as a matrix: all axes but the last, folded into one."""
    columns: int
    cells: tuple[tuple[Score, ...], ...]
    """Error over tolerance, to three digits, or one of WORDS."""


def heatmap_of(
    result: str, case: int, score: np.ndarray, got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray
) -> Heatmap:
    """The heatmap of one case: its scores, as `compare` gives them, and what they come from, each of one shape."""
    columns = score.shape[-1] if score.ndim else 1
    rows = score.size // columns
    came = got.astype(np.float64)
    conditions = [np.isnan(came), np.isinf(came), ~np.isfinite(expected), tolerance == 0]
    words = np.where(np.isfinite(score), -1, np.select(conditions, [3, 2, 1, 0], -1))
    numbers = np.where(words < 0, np.fmin(score, _LARGEST), 0.0)
    cells = tuple(
        tuple(NO_RATIO[word] if word >= 0 else float(f"{number:.3g}") for number, word in zip(*row, strict=True))
        for row in zip(*(_largest(matrix.reshape(rows, columns)).tolist() for matrix in (numbers, words)), strict=True)
    )
    return Heatmap(result, case, score.shape, rows, columns, cells)


def _largest(matrix: np.ndarray) -> np.ndarray:
    """The largest element of each of the blocks, which are as equal in size as can be."""
    for axis, length in enumerate(matrix.shape):
        cells = min(length, MOST_CELLS)
        matrix = np.maximum.reduceat(matrix, np.arange(cells) * length // cells, axis=axis)
    return matrix


def pack_heatmap(shown: Heatmap) -> dict[str, Any]:
    """The heatmap in dicts, lists, strings and numbers."""
    return vars(shown) | {"shape": list(shown.shape), "cells": [list(row) for row in shown.cells]}


def unpack_heatmap(packed: dict[str, Any]) -> Heatmap:
    """The heatmap that `pack_heatmap` packed."""
    cells = tuple(map(tuple, packed["cells"]))
    return Heatmap(**{**packed, "shape": tuple(packed["shape"]), "cells": cells})
