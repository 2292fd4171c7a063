"""Numbers of live cases: the profiles of the golden files, in whole arrays, the same on any machine."""

import math
from collections.abc import Callable

import numpy as np

from ...reference.generation import profiles
from ...reference.generation.draws import Shape, Words
from ...reference.generation.profiles import Profile
from ...vectors.dtypes import numpy_dtype

BLOCK = 2**20
"""Numbers that are drawn at a time."""
DRAWN = 2**21
"""Numbers of a tensor that are drawn: what is beyond them repeats them."""
SUMMED, BITS = 3, 52
"""Uniform integers that are added up to a bell, and how many bits each has."""
FEW = 3
"""About so many numbers of each row are not 0 where only a few are."""


class Stream(Words):
    """Random numbers in whole arrays, keyed by a string.

    They are made of the words of Philox by operations that IEEE 754 defines, so that they are the same everywhere.
    Unlike `Words`, which golden files are drawn with, what a dtype does not hold is rounded to it.
    """

    def integers(self, shape: Shape, low: int, high: int) -> np.ndarray:
        """Draw int64 in [low, high)."""
        words, count = self._words(math.prod(shape)), high - low
        rest = words & np.uint64(count - 1) if count & (count - 1) == 0 else words % np.uint64(count)  # 5 times as fast
        return low + rest.astype(np.int64).reshape(shape)

    def permutation(self, n: int) -> list[int]:
        """Draw an order of range(n)."""
        order: list[int] = np.argsort(self._words(n), kind="stable").tolist()
        return order

    def normal(self, shape: Shape, scale: float = 1.0) -> np.ndarray:
        """Draw bell-shaped numbers of variance scale**2, of which none is further out than 3 times the scale."""

        def bell(count: int) -> np.ndarray:
            bits = np.uint64(64 - BITS)
            total = (self._words(SUMMED * count) >> bits).reshape(SUMMED, count).sum(axis=0).astype(np.int64)
            drawn: np.ndarray = np.ldexp((2 * total - SUMMED * (2**BITS - 1)).astype(np.float64), -BITS) * scale
            return drawn

        return self._blocks(bell, shape)

    def uniform(self, shape: Shape, low: float, high: float) -> np.ndarray:
        """Draw between two numbers."""
        return self._blocks(
            lambda n: low + (high - low) * np.ldexp((self._words(n) >> np.uint64(11)) + 0.5, -53), shape
        )

    def array(self, values: object) -> np.ndarray:
        """Give values as an array of the dtype, rounded to it."""
        with np.errstate(over="ignore"):
            return np.asarray(values, np.float64).astype(numpy_dtype(self.dtype), order="C")

    def _words(self, n: int) -> np.ndarray:
        return np.asarray(self._bits.random_raw(n) if n else np.zeros(0), np.uint64)

    def _blocks(self, draw: Callable[[int], np.ndarray], shape: Shape) -> np.ndarray:
        """Draw a tensor block by block, so that none of it is wider than the dtype for long."""
        flat = np.empty(math.prod(shape), numpy_dtype(self.dtype))
        for start in range(0, flat.size, BLOCK):
            flat[start : start + BLOCK] = self.array(draw(min(BLOCK, flat.size - start)))
        return flat.reshape(shape)


def repeated(draw: Callable[[Shape], np.ndarray], shape: Shape, whole_rows: bool = False) -> np.ndarray:
    """Draw a tensor, of a large one a part that has `DRAWN` numbers at most, which is repeated to its end.

    An odd number of elements is repeated, or with `whole_rows` of rows, so that tiles, whose sides are powers of 2,
    differ from their neighbours.
    """
    if math.prod(shape) <= DRAWN:
        return draw(shape)
    axis = next(k for k in range(len(shape)) if math.prod(shape[k + 1 :]) <= DRAWN)
    part = min(shape[axis], DRAWN // math.prod(shape[axis + 1 :])), *shape[axis + 1 :]
    row = shape[-1] if whole_rows else 1
    first = draw(part).reshape(-1, row)
    some = first[: (len(first) - 1) | 1].reshape(-1)
    drawn = np.empty(shape, first.dtype)
    flat = drawn.reshape(-1)
    for end in range(flat.size, 0, -some.size):
        start = max(end - some.size, 0)
        flat[start:end] = some[start - end :]
    return drawn


def few(w: Words, shape: Shape) -> np.ndarray:
    """Zeros, but for bell-shaped numbers at a few places of each row and column, the last one among them."""
    rarely = max(max(shape, default=1) // FEW, 2)
    kept = np.asarray(w.integers(shape, 0, rarely) == 0)
    kept.flat[-1:] = True
    return np.where(kept, w.normal(shape), w.array(0))


PROFILES: dict[str, Profile] = {
    "integers": profiles.integers,
    "bell": profiles.bell,
    "sparse": few,
    "heavy": profiles.heavy,
    "offset": profiles.offset,
    "long-integers": profiles.long_integers,
    "spread": profiles.spread,
}
"""By name, the simplest first: a case that fails is shrunk towards it."""
