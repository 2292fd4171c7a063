"""What an argument may hold, as the golden families of its operation show it: any number, shares of 1, indices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...reference.generation.draws import Shape
from ...reference.generation.profiles import skewed
from .profiles import PROFILES, Stream

MOST_VALUES = 3
"""An argument that has no more values than these in all golden families, as a mask, has no others."""
SHARES = 2**8
"""Labels that are shares of 1 are multiples of 1 / SHARES, so that every dtype holds them and their sum exactly."""


@dataclass(frozen=True)
class Domain:
    """What a float argument may hold."""

    low: float
    high: float
    """The least and the largest number that the golden families have."""
    values: tuple[float, ...] = ()
    """All that there are, where they are few."""
    is_label: bool = False
    shares: bool = False
    """Whether the numbers of each row add up to 1."""
    one_hot: bool = False

    def draw(self, w: Stream, profile: str, shape: Shape) -> np.ndarray:
        """Draw a tensor."""
        if self.shares and shape:
            return w.array(self._shares(w, shape))
        if self.values:
            return w.array(np.array(self.values)[w.integers(shape, 0, len(self.values))])
        if self.low >= -1 and self.high <= 1:
            return w.uniform(shape, self.low, self.high)
        drawn = _within(PROFILES[profile](w, shape), max(abs(self.low), abs(self.high)))
        if self.low >= 0 or self.high <= 0:
            drawn = np.abs(drawn) * (1 if self.low >= 0 else -1)
        return w.array(drawn)

    def _shares(self, w: Stream, shape: Shape) -> np.ndarray:
        classes, rows = shape[-1], shape[:-1]
        if self.one_hot:
            return np.asarray(w.integers((*rows, 1), 0, classes) == np.arange(classes), np.float64)
        if not self.is_label:
            weights = w.integers(shape, SHARES // 8, SHARES)
            return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
        cuts = np.sort(w.integers((*rows, classes - 1), 0, SHARES + 1), axis=-1)
        ends = [np.zeros((*rows, 1), np.int64), cuts, np.full((*rows, 1), SHARES)]
        return np.diff(np.concatenate(ends, axis=-1), axis=-1) / SHARES


@dataclass(frozen=True)
class Indices:
    """What an integer argument may hold: indices below a limit, and numbers with a meaning of their own."""

    beside: tuple[int, ...] = ()
    """What a golden family has beside indices: negative numbers, and what a parameter names, as a label to ignore."""

    def draw(self, w: Stream, limit: int, shape: Shape) -> np.ndarray:
        """Draw a tensor of indices below a limit, int64: evenly, or most of them the same one."""
        even = w.integers((), 0, 2) == 0
        drawn = w.integers(shape, 0, limit) if even else skewed(w, shape, limit)
        if not self.beside:
            return np.asarray(drawn)
        return np.where(
            w.integers(shape, 0, 8) == 0, np.array(self.beside)[w.integers(shape, 0, len(self.beside))], drawn
        )


@dataclass(frozen=True)
class Seen:
    """An argument's cases in all families of its operation."""

    stacks: Sequence[np.ndarray]

    @cached_property
    def numbers(self) -> np.ndarray:
        """The numbers that are there, each once, in order."""
        floats = [np.asarray(x, np.float64).ravel() for x in self.stacks if x.dtype.kind != "i"]
        return np.unique(np.concatenate(floats))


def domain_of(own: np.ndarray, seen: Seen, *, is_label: bool, named: Sequence[int]) -> Domain | Indices:
    """Tell an argument's domain from its cases in one family, and in all families of the operation.

    Whether rows are shares of 1 the family alone decides: labels are that or something else.

    named: the whole numbers among its parameters.
    """
    if own.dtype.kind == "i":
        return Indices(tuple(np.unique(own[(own < 0) | np.isin(own, named)]).tolist()))
    numbers = seen.numbers
    wide = np.asarray(own, np.float64)
    rows = wide.ndim > 2 and wide.min() >= 0 and bool(np.allclose(wide.sum(axis=-1), 1, atol=2**-6))
    return Domain(
        float(numbers[0]),
        float(numbers[-1]),
        tuple(numbers.tolist()) if len(numbers) <= MOST_VALUES else (),
        is_label,
        rows,
        rows and bool(((wide == 0) | (wide == 1)).all()),
    )


def _within(x: np.ndarray, limit: float) -> np.ndarray:
    """Scale numbers by a power of two, so that none is more than twice as large as a limit."""
    wide = np.asarray(x, np.float64)
    over = np.frexp(np.max(np.abs(wide), initial=0) / (2 * limit))[1] if limit else 0
    return np.ldexp(wide, -max(int(over), 0))
