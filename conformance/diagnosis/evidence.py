"""What is known of an implementation when its failures are to be explained: what it returned, family by family."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...vectors.dtypes import FORMATS, numpy_dtype
from ...vectors.records import Family, OperationVectors
from ..check.agreement import answers_of
from ..check.family import check
from ..check.values import tolerance_key
from ..check.verdict import OF_THE_WHOLE, OF_VALUES, Miss, MissKind, Verdict
from ..implementation.arrays import NotAnArray, to_numpy
from ..implementation.load import Implementation

Results = tuple[np.ndarray | None, ...]
Form = tuple[tuple[int, ...], np.dtype[Any]]
Signature = tuple[MissKind, str, str]
"""The kind of a miss, the result that it concerns and its reason; "" where there is none."""

BORDERLINE = 4.0
"""An error of up to so many tolerances is no evidence: of two implementations with one fault, one may be spared it."""

_ROUNDED = frozenset(
    {MissKind.VALUE, MissKind.LAYOUT, MissKind.BATCH, MissKind.CONVENTION, MissKind.NEW_CONTENTS, MissKind.SIGN}
)
"""Kinds of misses that an error near the tolerance may or may not bring."""
_SLACK_IN_UNITS = 32


@dataclass(frozen=True)
class Trial:
    """One family checked, and what each of its calls returned."""

    family: Family
    vectors: OperationVectors
    precision: str
    verdict: Verdict
    returned: tuple[Results | None, ...]
    """By case, then by result; None for a call that raised, and for a result that is missing or no array."""
    left: tuple[tuple[np.ndarray, ...], ...] = ()
    """By case, then by argument: the arguments as the call left them."""

    @property
    def names(self) -> tuple[str, ...]:
        """The results' names."""
        return self.vectors.results[self.family.direction]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The case's dtype."""
        return numpy_dtype(self.family.dtype)

    @cached_property
    def units(self) -> float:
        """The unit roundoff of the case's dtype."""
        return unit_roundoff(self.family.dtype)

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """By result, float64, (count, *shape); NaN throughout where a case has none of the right shape."""
        return {
            name: np.stack([self._value(position, case) for case in range(self.family.count)])
            for position, name in enumerate(self.names)
        }

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """By result, |got - expected| in tolerances, (count, *shape): at most 1 where right by one of the answers."""
        scores: dict[str, np.ndarray] = {}
        for expectation in answers_of(self.family, self.vectors).values():
            key = tolerance_key(expectation, self.precision, self.vectors.aliases)
            if key is None:
                continue
            for name in self.names:
                score = scored(self.values[name], expectation.expected[name], expectation.tolerance[key][name])
                scores[name] = np.minimum(scores[name], score) if name in scores else score
        return scores

    @cached_property
    def slack(self) -> dict[str, np.ndarray]:
        """By result, how far apart two implementations with the same fault may be, beside what `close` adds."""
        key = tolerance_key(self.family.answer, self.precision, self.vectors.aliases)
        tolerance = self.family.answer.tolerance[key or self.precision]
        slack = {}
        for name in self.names:
            finite = np.where(np.isfinite(tolerance[name]), tolerance[name], 0.0)
            axes = tuple(range(1, finite.ndim))
            slack[name] = 2 * (finite.max(axis=axes, keepdims=True) if finite.size else finite)
        return slack

    @cached_property
    def signatures(self) -> frozenset[Signature]:
        """What of the contract is broken."""
        return frozenset(signature(miss) for miss in self.verdict.misses if miss.kind not in OF_VALUES)

    @cached_property
    def certain_signatures(self) -> frozenset[Signature]:
        """The same without what may be a matter of rounding."""
        return signatures(self.verdict, certain=True) & self.signatures

    @cached_property
    def forms(self) -> tuple[tuple[Form | None, ...], ...]:
        """By result, then by case: shape and dtype, None where there is no array."""
        return tuple(
            tuple(
                None if results is None or (array := results[position]) is None else (array.shape, array.dtype)
                for results in self.returned
            )
            for position in range(len(self.names))
        )

    @cached_property
    def due(self) -> tuple[Form, ...]:
        """By result: the shape and dtype that are due."""
        return tuple((self.family.answer.expected[name].shape[1:], self.dtype) for name in self.names)

    @cached_property
    def raised(self) -> np.ndarray:
        """By case, bool: whether the call raised."""
        return np.array([results is None for results in self.returned], bool)

    @cached_property
    def parts(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Calls, then forms and elements of each result: what is wrong, and what is so without doubt."""
        if self.family.result == "invalid":
            return ((~self.raised, ~self.raised),)
        parts = [(self.raised, self.raised)]
        for name, forms, due in zip(self.names, self.forms, self.due, strict=True):
            malformed = np.array([form != due for form in forms], bool) & ~self.raised
            parts.append((malformed, malformed))
            absent = np.array([form is None or form[0] != due[0] for form in forms], bool)
            score = self.scores[name]
            if absent.any():
                score = np.where(absent.reshape(-1, *[1] * len(due[0])), 0.0, score)
            expected = self.family.answer.expected[name]
            certain = (score > BORDERLINE) & ~by_rounding(self.values[name], expected, score, self.units)
            parts.append(((score > 1).reshape(-1), certain.reshape(-1)))
        return tuple(parts)

    def _value(self, position: int, case: int) -> np.ndarray:
        shape, _ = self.due[position]
        results = self.returned[case]
        array = None if results is None else results[position]
        if array is None or array.shape != shape or array.dtype.kind not in "fiubV":
            return np.full(shape, np.nan)
        return array.astype(np.float64)


def elements(family: Family) -> int:
    """How large a family is, all its tensors together."""
    return sum(tensor.size for tensor in family.inputs.values())


def unit_roundoff(dtype: str) -> float:
    """The largest relative error of a rounding to a dtype."""
    return float(FORMATS[dtype].unit_roundoff)


def observe(family: Family, implementation: Implementation, vectors: OperationVectors) -> Trial:
    """Check a family once more and keep what its calls return."""
    function = implementation.functions[family.op, family.direction]
    recorder = _Recorder(function, len(vectors.results[family.direction]), family.count)
    recorded = replace(implementation, functions={(family.op, family.direction): recorder})
    verdict = check(family, recorded, vectors)
    returned = (*recorder.returned, *[None] * (family.count - len(recorder.returned)))
    precision = implementation.working_precision(family.dtype, family.op)
    return Trial(family, vectors, precision, verdict, returned, tuple(recorder.left))


class _Recorder:
    """A function that keeps copies of what its first calls return, and of their arguments afterwards."""

    def __init__(self, function: Callable[..., object], results: int, calls: int) -> None:
        self.function = function
        self.results = results
        self.calls = calls
        self.returned: list[Results | None] = []
        self.left: list[tuple[np.ndarray, ...]] = []

    def __call__(self, *tensors: np.ndarray, **parameters: object) -> object:
        if len(self.returned) == self.calls:
            return self.function(*tensors, **parameters)
        self.returned.append(None)
        try:
            returned = self.function(*tensors, **parameters)
        finally:
            self.left.append(tuple(map(np.array, tensors)))
        several = isinstance(returned, tuple) or (isinstance(returned, list) and self.results > 1)
        values: Sequence[object] = returned if several else (returned,)  # type: ignore[assignment]
        copies = tuple(map(_copied, values))
        self.returned[-1] = copies if len(copies) == self.results else (None,) * self.results
        return returned


def _copied(value: object) -> np.ndarray | None:
    try:
        return np.array(to_numpy(value))
    except NotAnArray:
        return None


def grave(misses: Iterable[Miss]) -> tuple[Miss, ...]:
    """The misses without layouts refused, which say more of an implementation as a whole, unless there is no other."""
    misses = tuple(misses)
    return tuple(miss for miss in misses if miss.kind not in OF_THE_WHOLE) or misses


def signatures(verdict: Verdict, *, certain: bool = False) -> frozenset[Signature]:
    """What is wrong with a family; with `certain`, without layouts refused and what may be rounding."""
    misses = grave(verdict.misses) if certain else verdict.misses
    if certain and verdict.fraction is not None and 1 / BORDERLINE < verdict.fraction <= BORDERLINE:
        misses = tuple(miss for miss in misses if miss.kind not in _ROUNDED)
    return frozenset(signature(miss) for miss in misses)


def signature(miss: Miss) -> Signature:
    """What a miss is about, without its numbers: the same for two implementations with the same fault."""
    return miss.kind, miss.result or "", miss.reason or ""


def scored(values: np.ndarray, expected: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """|values - expected| in tolerances, element by element: 0 where equal or both NaN, infinite where one alone is."""
    with np.errstate(all="ignore"):
        error = np.abs(values - expected)
        error[(values == expected) | (np.isnan(values) & np.isnan(expected))] = 0.0
        error[np.isnan(error)] = np.inf
        score: np.ndarray = error / tolerance
    score[error == 0] = 0.0
    return score


def by_rounding(values: np.ndarray, expected: np.ndarray, scores: np.ndarray, units: float) -> np.ndarray:
    """Where the exact value is due, and what came is off by no more than roundings. A fault is wrong elsewhere, and
    another hand may have it without them."""
    return np.asarray(np.isinf(scores) & np.isfinite(values) & close(values, expected, 0.0, units))


def close(one: np.ndarray, other: np.ndarray, slack: np.ndarray | float, units: float) -> np.ndarray:
    """Element by element, whether two wrong results may come of the same fault: they differ by rounding alone.

    How large the numbers were that were rounded on the way is not known, so the largest of the family stand for them.
    """
    with np.errstate(all="ignore"):
        sizes = np.minimum(abs(one), abs(other))
        largest = sizes.max(initial=0.0, where=np.isfinite(sizes))
        near = np.abs(one - other) <= slack + _SLACK_IN_UNITS * units * largest
    return np.asarray(near | (one == other) | (np.isnan(one) & np.isnan(other)))
