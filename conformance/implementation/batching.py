"""Functions that are faster when they are given all calls of a family at once, such as a process behind a pipe."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from .arrays import Arrays


class Batching(ABC):
    """A function that can be given several calls at once.

    A class of its own, and no protocol: a user's callable that happens to have a `batch` is none of these.
    """

    @abstractmethod
    def __call__(self, *arguments: np.ndarray, **parameters: object) -> object:
        """Make one call."""

    @abstractmethod
    def batch(self, calls: Sequence[Arrays], parameters: Mapping[str, object]) -> Iterator[Callable[[], object]]:
        """See `each`."""


def each(
    function: Callable[..., object], calls: Sequence[Arrays], parameters: Mapping[str, object]
) -> Iterator[Callable[[], object]]:
    """For each call in order a function of no arguments, which returns the call's result or raises its exception."""
    if isinstance(function, Batching):
        return function.batch(calls, parameters)
    return (partial(function, *arguments, **parameters) for arguments in calls)
