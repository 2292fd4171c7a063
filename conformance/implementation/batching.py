"""Functions that are faster when they are given all calls of a family at once, such as a process behind a pipe."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .arrays import Arrays


@dataclass(frozen=True)
class Batched:
    """A function that can be given several calls at once.

    A class of its own: a user's callable that happens to have a `batch` is none of these.
    """

    batch: Callable[[Sequence[Arrays], Mapping[str, object]], Iterator[Callable[[], object]]]
    """See `each`."""

    def __call__(self, *arguments: np.ndarray, **parameters: object) -> object:
        """Make one call."""
        (result,) = self.batch([list(arguments)], parameters)
        return result()


def each(
    function: Callable[..., object], calls: Sequence[Arrays], parameters: Mapping[str, object]
) -> Iterator[Callable[[], object]]:
    """For each call in order a function of no arguments, which returns the call's result or raises its exception."""
    if isinstance(function, Batched):
        return function.batch(calls, parameters)
    return (partial(function, *arguments, **parameters) for arguments in calls)
