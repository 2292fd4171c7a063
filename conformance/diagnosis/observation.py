"""One case and what came of its call, result by result; and when two results are alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, PRECISIONS_OF, numpy_dtype
from ...vectors.records import Family, OperationVectors
from ..check.agreement import answers_of
from ..check.values import scored, tolerance_key
from ..check.verdict import MissKind, Verdict
from ..implementation.arrays import to_numpy
from ..implementation.interrupts import is_users

Results = tuple[np.ndarray | None, ...]

CERTAIN = 4.0
"""What a fault is foretold to be off by, in tolerances, and is not, speaks against it beyond this alone: of two
implementations with one fault, one may be spared it."""
_UNITS, _MOST_UNITS = 32, 64


class State(Enum):
    """What one result of one call is."""

    RIGHT = "right"
    WRONG = "wrong"
    MALFORMED = "malformed"
    """Of another shape or dtype than is due, missing, or no array."""
    RAISED = "raised"
    ACCEPTED = "accepted"
    """Returned where an exception is due."""


@dataclass(frozen=True, eq=False)
class Observation:
    """One case, and what came of its call."""

    family: Family
    vectors: OperationVectors
    case: int
    precision: str
    results: Results | None = None
    """By result: None where it is missing or no array; None altogether where the call raised."""
    called: bool = True
    """Whether the implementation was called again; else the case is one of a family that passed."""
    verdict: Verdict | None = None
    """Of the family; None where it passed."""
    instead: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Arguments that stand in place of the family's own."""

    @property
    def lower(self) -> bool:
        """Whether a lower precision than the strictest is declared, so that rounding is no fault."""
        return self.precision != PRECISIONS_OF[self.family.dtype][0]

    @property
    def names(self) -> tuple[str, ...]:
        """The results' names."""
        return self.vectors.results[self.family.direction]

    @cached_property
    def units(self) -> float:
        """The unit roundoff of the case's dtype."""
        return float(FORMATS[self.family.dtype].unit_roundoff)

    @cached_property
    def arguments(self) -> dict[str, np.ndarray]:
        """By name, not to be written to."""
        names = self.vectors.arguments[self.family.direction]
        return {name: self.instead.get(name, self.family.inputs[name][self.case]) for name in names}

    @cached_property
    def expected(self) -> tuple[np.ndarray, ...]:
        """By result, float64, by the first of several answers; empty where the call is to be refused."""
        if self.family.result == "invalid":
            return ()
        return tuple(np.asarray(self.family.answer.expected[name][self.case]) for name in self.names)

    @cached_property
    def elements(self) -> int:
        """How many elements the results have."""
        return sum(due.size for due in self.expected)

    @cached_property
    def tolerance(self) -> tuple[np.ndarray, ...]:
        """By result, float64."""
        key = tolerance_key(self.family.answer, self.precision, self.vectors.aliases) or self.precision
        return tuple(np.asarray(self.family.answer.tolerance[key][name][self.case]) for name in self.names)

    @cached_property
    def slack(self) -> tuple[float, ...]:
        """By result, how far apart two implementations with the same fault may be by rounding alone."""
        if not self.expected:
            return (0.0,) * len(self.names)
        return tuple(2 * float(np.max(t, initial=0.0, where=np.isfinite(t))) for t in self.tolerance)

    @cached_property
    def values(self) -> tuple[np.ndarray | None, ...]:
        """By result, float64; None where it is not of the shape and dtype that are due."""
        if not self.called:
            return self.expected
        if self.results is None or not self.expected:
            return (None,) * len(self.names)
        return tuple(
            array.astype(np.float64)
            if array is not None and array.shape == due.shape and array.dtype == numpy_dtype(self.family.dtype)
            else None
            for array, due in zip(self.results, self.expected, strict=True)
        )

    def off(self, position: int) -> np.ndarray:
        """What a result of the form that is due is off by, element by element."""
        return np.asarray(self.values[position] - self.expected[position])

    def score(self, values: np.ndarray, position: int) -> np.ndarray:
        """How many tolerances such values of a result would be off: by the nearest of several answers; by the first
        where none is followed throughout."""
        name, nearest = self.names[position], None
        mixed = self.verdict is not None and any(miss.kind is MissKind.CONVENTION for miss in self.verdict.misses)
        if self.family.point is None or mixed:
            return scored(values, self.expected[position], self.tolerance[position])
        for answer in answers_of(self.family, self.vectors).values():
            key = tolerance_key(answer, self.precision, self.vectors.aliases)
            if key is not None:
                score = scored(values, answer.expected[name][self.case], answer.tolerance[key][name][self.case])
                nearest = score if nearest is None else np.minimum(nearest, score)
        return np.zeros(values.shape) if nearest is None else nearest

    @cached_property
    def wrong(self) -> tuple[np.ndarray, ...]:
        """By result and element, bool."""
        if not self.expected:
            return (np.zeros((), bool),) * len(self.names)
        return tuple(
            np.zeros((), bool) if value is None else self.is_wrong(self.score(value, position), value, position, 1.0)
            for position, value in enumerate(self.values)
        )

    def is_wrong(self, score: np.ndarray, values: np.ndarray, position: int, most: float = CERTAIN) -> np.ndarray:
        """Element by element, whether values of a result that are off by such a score, in tolerances, are off by more
        than so many; where the exact value is due, by more than roundings."""
        over = score > most
        if over.any():
            due = self.expected[position]
            over &= ~(np.isinf(score) & (np.abs(values - due) < _MOST_UNITS * self.units * np.abs(due)))
        return np.asarray(over)

    @cached_property
    def states(self) -> tuple[State, ...]:
        """By result."""
        if self.family.result == "invalid":
            return (State.RAISED if self.results is None else State.ACCEPTED,) * len(self.names)
        if self.called and self.results is None:
            return (State.RAISED,) * len(self.names)
        return tuple(
            State.MALFORMED if values is None else State.WRONG if wrong.any() else State.RIGHT
            for values, wrong in zip(self.values, self.wrong, strict=True)
        )

    @cached_property
    def failing(self) -> tuple[bool, ...]:
        """By result, whether something is wrong with it that wants an explanation."""
        if self.family.result == "invalid":
            return tuple(state is State.ACCEPTED for state in self.states)
        return tuple(state in (State.WRONG, State.MALFORMED, State.RAISED) for state in self.states)

    def missed(self, position: int) -> tuple[bool, bool]:
        """Whether the call raised in the run, and whether a result was wrong then."""
        misses = [miss for miss in self.verdict.misses if miss.case in (None, self.case)] if self.verdict else []
        kinds = {miss.kind for miss in misses if miss.result in (None, self.names[position])}
        return MissKind.RAISED in kinds, bool(kinds)

    @cached_property
    def batch(self) -> int | None:
        """The batch size; None where no argument has a batch."""
        for name, tensor in self.arguments.items():
            axis = self.vectors.batch_axis.get(name)
            if axis is not None and -tensor.ndim <= axis < tensor.ndim:
                return int(getattr(tensor, "whole", None) or tensor.shape[axis])
        return None

    @cached_property
    def of_rows(self) -> bool:
        """Whether these are some rows of a larger call, of whose places nothing can be said."""
        return any(hasattr(tensor, "whole") for tensor in self.arguments.values())

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The lengths of axes, by a symbol: N for the batch, and "inputs.shape[-1]" for others."""
        sizes = {} if self.batch is None else {"N": self.batch}
        for name, tensor in self.arguments.items():
            batch = self.vectors.batch_axis.get(name)
            if name.startswith("dL_d"):
                continue
            for axis in range(-tensor.ndim, 0):
                if batch is None or axis != batch - (tensor.ndim if batch >= 0 else 0):
                    sizes[f"{name}.shape[{axis}]"] = int(tensor.shape[axis])
        return sizes


def close(one: np.ndarray, other: np.ndarray, slack: float, units: float) -> np.ndarray:
    """Element by element, whether two wrong results may come of the same fault: they differ by rounding alone.

    How large the numbers were that were rounded on the way is not known, so the largest of the case stand for them.
    """
    sizes = np.minimum(np.abs(one), np.abs(other))
    largest = sizes.max(initial=0.0, where=np.isfinite(sizes))
    near = np.abs(one - other) <= slack + _UNITS * units * largest
    return np.asarray(near | (one == other) | (np.isnan(one) & np.isnan(other)))


def middle(values: np.ndarray) -> float:
    """The median of an array that is not empty, or what is next above it."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def alike(one: np.ndarray | None, other: np.ndarray | None, slack: float, units: float) -> bool:
    """Whether two arrays are the same but for rounding, in shape and dtype as well; or both are missing."""
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return one is other
    if one.tobytes() == other.tobytes() or one.dtype.kind not in "fiubV":
        return one.tobytes() == other.tobytes()
    return bool(close(one.astype(np.float64), other.astype(np.float64), slack, units).all())


def called(function: Callable[..., Any], observation: Observation) -> Results | None:
    """What a function returns for the arguments of an observation, copied; None where it raises."""
    arguments = (np.array(array, subok=True) for array in observation.arguments.values())
    try:
        returned = function(*arguments, **observation.family.parameters)
    except NotImplementedError:
        raise
    except BaseException as error:
        if is_users(error):
            raise
        return None
    count = len(observation.names)
    several = isinstance(returned, tuple) or (isinstance(returned, list) and count > 1)
    found = tuple(map(copied, returned if several else (returned,)))
    return found if len(found) == count else (None,) * count


def copied(value: object) -> np.ndarray | None:
    """A result as an array of its own; None if it is none."""
    try:
        array = np.array(to_numpy(value))
        return array.astype(array.dtype.newbyteorder("=")) if array.dtype.kind in "fiu" else array
    except Exception:  # NotAnArray, or whatever an object of the implementation's own raises
        return None
