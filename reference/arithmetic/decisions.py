"""Comparisons of fast rounding arrays that the errors could flip: what depends on one covers both branches."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

if TYPE_CHECKING:
    from .fast import Fast


def decided(x: "Fast", y: "Fast", yes: Any) -> Any:
    """Give a comparison as truth values, or as a decision where the errors could flip it."""
    if (x.error is None and y.error is None) or x is y:
        return np.asarray(yes)
    margin = (1 + x.units.own) * (x.errors() + y.errors())
    doubt = ~(np.abs(x.value - y.value) > margin) & (margin != 0)
    return Decision(np.asarray(yes), doubt, x) if doubt.any() else np.asarray(yes)


class Decision(NDArrayOperatorsMixin):
    """A comparison of inexact arrays: what the reference's values say, and where the errors could flip it."""

    def __init__(self, yes: np.ndarray, doubt: np.ndarray, like: "Fast") -> None:
        self.yes, self.doubt, self.like = yes, doubt, like

    def choose(self, one: "Fast", other: "Fast") -> "Fast":
        """Take one where the comparison holds, the other elsewhere; in doubt the bound covers both."""
        chosen = one.select(self.yes, other)
        apart = np.where(one.value == other.value, 0, np.abs(one.value - other.value))
        gap = apart + (1 + 2 * chosen.units.own) * np.maximum(one.errors(), other.errors())
        gap += np.finfo(chosen.units.error).tiny  # which may underflow
        error = np.where(self.doubt, gap, chosen.errors()).astype(chosen.units.error)
        return chosen.made(chosen.value, error, True, chosen.loose, chosen.steps + 1)

    def __getitem__(self, index: Any) -> "Decision":
        return Decision(np.asarray(self.yes[index]), np.asarray(self.doubt[index]), self.like)

    def counted(self, axis: int | None = None) -> "Fast":
        """Count along an axis how many hold so far, which may be off by one for each that is in doubt."""
        count, off = np.cumsum(self.yes, axis), np.cumsum(self.doubt, axis)
        return self.like.made(count.astype(np.float64), off.astype(self.like.units.error), zeros=True)

    def __array_function__(self, func: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any) -> Any:
        if func is np.where:
            return self.choose(self.like.lift(args[1]), self.like.lift(args[2]))
        if func is np.stack:
            both = [(x.yes, x.doubt) if isinstance(x, Decision) else (x, np.zeros_like(x)) for x in args[0]]
            yes, doubt = (np.stack(parts, *args[1:], **kwargs) for parts in zip(*both, strict=True))
            return Decision(yes, doubt, self.like)
        if func is np.cumsum:
            return self.counted(*args[1:], **kwargs)
        raise TypeError(f"a comparison that the errors could flip has no numpy.{func.__name__}")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__.removeprefix("logical_").removeprefix("bitwise_")
        if method != "__call__" or kwargs:
            raise TypeError(f"a comparison that the errors could flip has no {name}.{method}")
        if name in ("invert", "not"):
            return Decision(~self.yes, self.doubt, self.like)
        if name == "or":
            return ~(~inputs[0] & ~inputs[1])
        if name == "and":
            (a, da), (b, db) = ((x.yes, x.doubt) if isinstance(x, Decision) else (x, False) for x in inputs)
            return Decision(a & b, (da & (b | db)) | (db & (a | da)), self.like)
        return ufunc(*map(self.like.lift, inputs))
