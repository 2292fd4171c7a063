"""Which elements of a large result are judged where judging all of them is too dear."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .call import OwnCall

if TYPE_CHECKING:
    from ...reference.arithmetic.sampling import Cut

SEED = 0
FIRST_TILE = 4
"""Of each axis the first and the last index are taken, and those on both sides of 2**k for k from this one on."""


TILE = 128
"""A fault in so many indices in a row is seen, as far as the number of elements allows."""
LEAST = 6
"""Of an axis that is cut so many are taken at least: of fewer a formula might say that indices, say, have more."""


@dataclass(frozen=True)
class Grid:
    """Elements of a result: those at some indices of each of its axes."""

    shape: tuple[int, ...]
    """Of the whole result."""
    indices: tuple[np.ndarray, ...]
    """By axis, in rising order."""
    cuts: tuple[tuple["Cut", np.ndarray], ...]
    """Where the arguments are cut for it."""

    @property
    def size(self) -> int:
        """How many elements."""
        return math.prod(map(len, self.indices))

    @property
    def is_part(self) -> bool:
        """Whether it leaves elements out."""
        return self.size < math.prod(self.shape)


def grids_of(call: OwnCall) -> dict[str, Grid]:
    """A grid for each result of a call; empty where one has more elements than are to be sampled and cannot be cut:
    then all are judged, as that one has to be."""
    grids = grids_that_are(call)
    whole = len(grids) < len(call.results) or not any(grid.is_part for grid in grids.values())
    return {} if whole else grids


def grids_that_are(call: OwnCall) -> dict[str, Grid]:
    """A grid for each result of a call that can be cut."""
    assert call.sample is not None
    found = {name: _grid(call, call.names.index(name), came.shape, call.sample) for name, came in call.results.items()}
    return {name: grid for name, grid in found.items() if grid is not None}


def sampled(call: OwnCall) -> list[tuple[str, int, int]]:
    """The results that are not judged in full: of how many elements, and how many there are."""
    grids = grids_of(call) if call.sample is not None else {}
    return [(name, grid.size, math.prod(grid.shape)) for name, grid in grids.items() if grid.is_part]


def _grid(call: OwnCall, result: int, shape: tuple[int, ...], most: int) -> Grid | None:
    """The grid of a result; None where it cannot be cut."""
    by_axis: dict[int, Cut] = {}
    beside = []
    for cut in call.cuts:
        axis = cut.valid.get(result, -1)
        if axis is None:
            beside.append(cut)
        elif (
            axis >= 0
            and axis not in by_axis
            and shape[axis] == cut.length
            and not (cut.counted and any(other.counted for other in by_axis.values()))
        ):
            by_axis[axis] = cut
    if not by_axis:
        return None
    left = most / math.prod(n for axis, n in enumerate(shape) if axis not in by_axis)
    indices = [np.arange(n) for n in shape]
    for turn, axis in enumerate(sorted(by_axis, key=lambda axis: shape[axis])):
        count = min(shape[axis], max(int(left ** (1 / (len(by_axis) - turn))), LEAST))
        indices[axis] = _chosen(shape[axis], count, axis)
        left /= count
    cuts = [(by_axis[axis], at) for axis, at in enumerate(indices) if axis in by_axis and len(at) < shape[axis]]
    few = [(cut, np.arange(2)) for cut in beside if not cut.counted]
    return Grid(shape, tuple(indices), (*cuts, *few))


def _chosen(length: int, count: int, axis: int) -> np.ndarray:
    """So many indices below a length: the first, the last, those beside a tile's length, and others that are drawn:
    some in each `TILE` of them, where so many are asked for."""
    if count >= length:
        return np.arange(length)
    powers = [2**k + more for k in range(FIRST_TILE, length.bit_length()) for more in (0, -1)]
    tiles = [0, length - 1, *(i for i in reversed(powers) if i < length)]
    words = np.random.Philox(key=[SEED, axis]).random_raw(4 * count)
    starts = range(0, length, TILE * 3 // 4)
    spread = [min(start + int(word) % (TILE // 4), length - 1) for start, word in zip(starts, words, strict=False)]
    first = [*tiles[:2], *spread] if len(spread) + 2 <= count else []
    drawn = (words % np.uint64(length)).astype(np.int64).tolist()
    unlike: Sequence[int] = list(dict.fromkeys([*first, *tiles, *drawn]))
    return np.sort(np.array(unlike[:count]))
