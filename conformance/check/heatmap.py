"""Where in a tensor the error is: error over tolerance, reduced to a grid that fits a page."""

from dataclasses import dataclass

import numpy as np

MOST_CELLS = 32
"""The most cells of a grid along each side."""

NO_RATIO = ("exact", "finite", "inf", "nan")
"""What a cell holds where error over tolerance is not finite, the worst last: "exact", the exact value was expected and
another came; "finite", "inf" and "nan", such a value came where one of another kind was expected."""

Score = float | str
_LARGEST = 1e308
"""A ratio that overflows float64 is shown as this."""


@dataclass(frozen=True)
class Heatmap:
    """The errors of one case of one result. Each cell is the worst of a block of elements."""

    result: str
    case: int
    shape: tuple[int, ...]
    """Of the result in that case."""
    rows: int
    """Of the tensor as a matrix: all axes but the last, folded into one."""
    columns: int
    cells: tuple[tuple[Score, ...], ...]
    """Error over tolerance, to three digits, or one of NO_RATIO."""


def heatmap_of(
    result: str, case: int, score: np.ndarray, got: np.ndarray, expected: np.ndarray, tolerance: np.ndarray
) -> Heatmap:
    """The heatmap of one case. `score`, as `Comparison` has it, `got` and so on have the result's shape."""
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
    """The largest element of each block of a matrix that is cut into at most MOST_CELLS nearly equal parts an axis."""
    for axis, length in enumerate(matrix.shape):
        cells = min(length, MOST_CELLS)
        matrix = np.maximum.reduceat(matrix, np.arange(cells) * length // cells, axis=axis)
    return matrix
