"""Where in a tensor the error is, as a few lines of characters."""

import math
from collections.abc import Iterator

import numpy as np

ROWS, COLUMNS = 8, 32
"""The most cells along each side. Each is the worst of a block of elements."""
SIGNS = ".o#"
"""Of a cell that is right, that is wrong, and that is off by `FAR` tolerances or more."""
FAR = 1000


def positions(where: slice | np.ndarray, length: int) -> np.ndarray:
    """The indices along an axis that a part of so many has in the whole, in rising order."""
    return where.ravel() if isinstance(where, np.ndarray) else np.arange(length) + (where.start or 0)


class Picture:
    """The largest error over tolerance of each block of a tensor, as a matrix: all axes but the last are its rows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.rows, self.columns = math.prod(shape[:-1]), shape[-1] if shape else 1
        self.cells = np.zeros((min(self.rows, ROWS), min(self.columns, COLUMNS)))

    def take(self, score: np.ndarray, where: tuple[slice | np.ndarray, ...]) -> None:
        """Add the scores of a part of the tensor."""
        if not self.cells.size or not score.size:
            return
        places = [positions(w, length) for w, length in zip(where, score.shape, strict=True)]
        row: np.ndarray = np.zeros((), np.int64)
        for place, size in zip(places[:-1], self.shape[:-1], strict=True):
            row = row[..., None] * size + place
        columns = places[-1] if where else np.zeros(1, np.int64)
        into = row.ravel() * self.cells.shape[0] // self.rows, columns * self.cells.shape[1] // self.columns
        matrix = score.reshape(len(into[0]), len(into[1]))
        # neighbours fall into one cell, so that a part is reduced before it is put to its place
        for axis in (1, 0):
            first = np.flatnonzero(np.diff(into[axis], prepend=-1))
            matrix = np.maximum.reduceat(matrix, first, axis=axis)
        at = tuple(one[np.flatnonzero(np.diff(one, prepend=-1))] for one in into)
        np.maximum.at(self.cells, np.ix_(*at), matrix)

    def lines(self) -> Iterator[str]:
        """The picture with a line on what it shows; nothing where all of it looks the same."""
        signs = np.digitize(self.cells, [np.nextafter(1, 2), FAR])
        if signs.size < 2 or (signs == signs.flat[0]).all():
            return
        shape = " x ".join(map(str, self.shape))
        yield f"where in {shape}: {SIGNS[0]} right, {SIGNS[1]} wrong, {SIGNS[2]} by {FAR} tolerances or more"
        yield from ("  " + "".join(SIGNS[sign] for sign in row) for row in signs)
