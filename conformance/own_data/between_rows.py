"""Some rows of a large call as diagnosis takes them, and what sums over rows, of which some rows tell nothing."""

from dataclasses import dataclass, replace

import numpy as np

from ...vectors.records import Expectation, Family
from ..diagnosis.candidates import Candidate
from ..diagnosis.observation import Observation, alike
from .call import OwnCall, Tensors, held

MANY, FEW = 5, 3
"""So many rows of a call, and of these, are given to what may sum over them."""


class Rows(np.ndarray):
    """Some rows of a tensor, whose `len` is that of the whole, as a mean divides by it; of what is made of them too.

    Their number must be that of no other axis of the call.
    """

    few: int
    whole: int

    @classmethod
    def of(cls, rows: np.ndarray, axis: int, whole: int) -> "Rows":
        """Make some of a whole that has so many along an axis."""
        found = rows.view(cls)
        found.few, found.whole = rows.shape[axis], whole
        return found

    def __array_finalize__(self, made_of: np.ndarray | None) -> None:
        """Stay some of the same whole."""
        self.few, self.whole = getattr(made_of, "few", 0), getattr(made_of, "whole", 0)

    def __len__(self) -> int:
        """Give the length of the whole."""
        return self.whole if self.shape[:1] == (self.few,) else super().__len__()


def family_of(part: OwnCall, expected: Tensors, tolerance: Tensors, dtype: str, precision: str) -> Family:
    """A call, or a part of it, as a family of one case."""
    judged = {name: t if name in part.results else np.full(t.shape, np.inf) for name, t in tolerance.items()}
    return Family(
        op=part.operation.name,
        dtype=dtype,
        name="own-data",
        direction=part.direction,
        count=1,
        level="required",
        result="valid",
        flags=(),
        parameters=part.parameters,
        seed="",
        comment="",
        source="",
        inputs={name: held(x, dtype)[None] for name, x in part.arguments.items()},
        answer=Expectation(
            {name: e.astype(np.float64)[None] for name, e in expected.items()},
            {precision: {name: t[None] for name, t in judged.items()}},
        ),
    )


@dataclass
class BetweenRows:
    """Says of what candidates a row of a result depends on other rows, where by the formula it does not."""

    many: Observation
    few: Observation

    @classmethod
    def of(cls, whole: Observation, call: OwnCall, dtype: str) -> "BetweenRows":
        """Given an observation of the whole call."""

        def first(count: int) -> Observation:
            some = {}
            for (name, x), axis in zip(call.arguments.items(), call.batch_axes, strict=True):
                kept = x if axis is None else np.take(x, np.arange(min(count, x.shape[axis])), axis)
                some[name] = kept if axis is None else Rows.of(held(kept, dtype), axis % x.ndim, x.shape[axis])
            return replace(whole, instead=some)

        return cls(first(MANY), first(FEW))

    def mixes(self, candidate: Candidate) -> bool:
        """Whether the first of a few rows come otherwise with further ones."""
        try:
            of_many, of_few = candidate.foretell(self.many) or (), candidate.foretell(self.few) or ()
        except KeyError:  # of what is due
            return False
        for name, many, few in zip(self.many.names, of_many, of_few, strict=False):
            axis = self.many.vectors.batch_axis.get(name)
            if axis is None or many is None or few is None or not -few.ndim <= axis < few.ndim == many.ndim:
                continue
            first = many[(slice(None),) * (axis % few.ndim) + (slice(few.shape[axis]),)]
            if first.shape == few.shape and not alike(np.asarray(first), np.asarray(few), 0.0, self.many.units):
                return True
        return False
