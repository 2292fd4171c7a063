"""Which faults may account for what is wrong: seen by plain calls on a few wrong cases, before anything dearer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...vectors.dtypes import HALF, PRECISIONS_OF
from ...vectors.records import Family, OperationVectors
from ..implementation.load import Implementation
from .evidence import Trial, close, elements, unit_roundoff
from .matching import ALIKE, Wrong

if TYPE_CHECKING:
    from ...reference.model.fault import Fault

Function = Callable[..., Any]

CASES = 2
"""In so many cases of each family faults are compared with each other."""
FEW = 4
"""So many families are called where all values are right."""


@dataclass(frozen=True)
class Formula:
    """The reference's function of one direction, with all faults of it."""

    direction: str
    function: Function
    faults: tuple["Fault", ...]
    """Those that say most first: what was seen, mutants of the formula's own text, mutants of what it calls,
    wrappers."""


def formula(op: str, direction: str) -> Formula | None:
    """The reference's function, None where it has no such operation. The reference is imported here."""
    from ...reference.faults import every_fault_of
    from ...reference.model.fault import widened
    from ...reference.model.operation import operation, operation_names

    if op not in operation_names() or direction not in operation(op).functions:
        return None
    faults = tuple(fault for fault in every_fault_of(op) if fault.direction == direction)
    return Formula(direction, widened(operation(op).functions[direction]), faults)


@dataclass(frozen=True)
class Suspect:
    """One fault, as the cause of what is wrong with some of the results; the others are the reference's."""

    fault: "Fault"
    sound: Function
    blamed: tuple[int, ...]
    """The positions of the results that it accounts for."""
    alone: bool = False
    """Whether these results alone are taken from it, and the others from the reference."""

    def function(self, *tensors: np.ndarray, **parameters: object) -> Any:
        """What an implementation with this fault returns."""
        faulty = self.fault.functions[self.fault.direction]
        if not self.alone:
            return faulty(*tensors, **parameters)
        right = self.sound(*tensors, **parameters)
        wrong = faulty(*tensors, **parameters)
        pairs = zip(wrong, right, strict=True)
        return tuple(one if position in self.blamed else other for position, (one, other) in enumerate(pairs))

    def like(self, implementation: Implementation) -> Implementation:
        """An implementation with this fault that declares what the given one does."""
        return replace(implementation, functions={(self.fault.op, self.fault.direction): self.function})

    @property
    def remembers(self) -> bool:
        """Whether it keeps a state, so that what it does depends on what ran before."""
        return bool(self.fault.memory)


@dataclass(frozen=True)
class Called:
    """What came of one call."""

    results: tuple[np.ndarray, ...] | None
    """None where it raised."""
    left: tuple[np.ndarray, ...]
    """The arguments as it left them."""


def called(function: Function, tensors: Iterable[np.ndarray], parameters: Mapping[str, Any]) -> Called:
    """Call a function of the reference with copies of these arguments."""
    left = tuple(map(np.array, tensors))
    try:
        returned = function(*left, **parameters)
    except Exception:
        return Called(None, left)
    return Called(tuple(map(np.asarray, returned if isinstance(returned, tuple) else (returned,))), left)


def arguments(family: Family, vectors: OperationVectors, case: int) -> tuple[np.ndarray, ...]:
    """The arguments of one case, in the order of the call."""
    return tuple(family.inputs[name][case, ...] for name in vectors.arguments[family.direction])


@dataclass(frozen=True)
class Probe:
    """One wrong case, as it was called."""

    trial: Trial
    case: int

    def call(self, function: Function) -> Called:
        """Call another function with the same arguments."""
        return called(
            function, arguments(self.trial.family, self.trial.vectors, self.case), self.trial.family.parameters
        )

    def accounted(self, other: Called) -> np.ndarray:
        """By result, bool: whether the implementation returned the same."""
        trial, names = self.trial, self.trial.names
        came = trial.returned[self.case]
        if came is None or other.results is None or len(other.results) != len(names):
            return np.full(len(names), came is other.results)
        if trial.family.result == "invalid":
            return np.array([alike(*pair, None, 0.0, 0.0) for pair in zip(came, other.results, strict=True)], bool)
        expected = trial.family.answer.expected
        return np.array(
            [
                alike(came[i], other.results[i], expected[name][self.case], trial.slack[name][self.case], trial.units)
                for i, name in enumerate(names)
            ],
            bool,
        )

    def leaves(self, other: Called) -> bool:
        """Whether the implementation left its arguments the same."""
        return all(map(same, self.trial.left[self.case], other.left))


def alike(
    one: np.ndarray | None, other: np.ndarray | None, due: np.ndarray | None, slack: np.ndarray | float, units: float
) -> bool:
    """Whether two results of one case may come of the same fault: they differ by rounding, or by next to nothing
    beside their distance from what is due."""
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return one is other
    if same(one, other):
        return True
    if one.dtype.kind not in "fiubV":
        return False
    mine, theirs = one.astype(np.float64), other.astype(np.float64)
    near = close(mine, theirs, float(np.max(slack, initial=0.0)), units)
    if due is not None and due.shape == mine.shape and not near.all():
        near |= np.abs(mine - theirs) < ALIKE * np.abs(mine - due)
    return bool(near.all())


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Whether two arrays are the same, bit by bit, or both are missing."""
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def probes(wrong: Sequence[Wrong]) -> list[Probe]:
    """The case of each family that is most wrong, small ones first."""
    failing = sorted(
        (one.trial for one in wrong if one.fails), key=lambda trial: elements(trial.family) / trial.family.count
    )
    return [Probe(trial, int(np.argmax(_badness(trial)))) for trial in failing]


def _badness(trial: Trial) -> np.ndarray:
    """By case: how many cells are wrong without doubt."""
    count = trial.family.count
    cells = [certain.reshape(count, -1).sum(axis=1) for _, certain in trial.parts if certain.size]
    return np.asarray(np.sum(cells, axis=0)) if cells else np.zeros(count)


def suspects(known: Formula, wrong: Sequence[Wrong]) -> Iterator[Suspect]:
    """The faults that account for some of the wrong results in all wrong cases that are called: first those that are
    wrong in nothing else, then those of which some results alone are taken."""
    if all(one.trial.raised.all() for one in wrong):  # which many faults do
        return
    at_fault = np.any([_at_fault(one.trial) for one in wrong if one.fails], axis=0)
    tried = probes(wrong)[: None if at_fault.any() else FEW]
    sounds = [probe.call(known.function) for probe in tried]
    roundings_are_sound = _at_a_lower_precision([one.trial for one in wrong if one.fails])
    partial: list[Suspect] = []
    for fault in known.faults:
        if fault.memory:  # no plain call shows what is kept
            yield Suspect(fault, known.function, _positions(at_fault))
            if at_fault.any() and not at_fault.all():
                partial.append(Suspect(fault, known.function, _positions(at_fault), alone=True))
            continue
        if fault.formula is not None and not at_fault.any():  # which changes values, and those are right
            continue
        if fault.formula is None and roundings_are_sound:
            continue
        function = fault.functions[known.direction]
        accounted, harmless, idle = at_fault, True, at_fault.any()
        for probe, sound in zip(tried, sounds, strict=True):
            found = probe.call(function)
            matched = probe.accounted(found)
            accounted = accounted & matched
            right = _equal(found, sound)
            idle &= right.all()
            harmless &= bool((matched | right).all())
            if fault.formula is None:  # which may write to its arguments
                harmless &= probe.leaves(found) or _unwritten(found, sound)
            if not accounted.any() and (at_fault.any() or not harmless):
                break
        else:
            if idle:
                continue
            if harmless:
                yield Suspect(fault, known.function, _positions(accounted))
            elif at_fault.any() and len(at_fault) > 1:
                partial.append(Suspect(fault, known.function, _positions(accounted), alone=True))
    yield from partial


def _at_a_lower_precision(failing: Sequence[Trial]) -> bool:
    """Whether a precision other than the strictest is declared, or a looser one of a half dtype allows all that is
    wrong, which the misses say."""
    if any(trial.precision != PRECISIONS_OF[trial.family.dtype][0] for trial in failing):
        return True
    return bool(failing) and all(trial.verdict.looser and trial.family.dtype in HALF for trial in failing)


def _positions(of: np.ndarray) -> tuple[int, ...]:
    return tuple(map(int, np.flatnonzero(of)))


def _at_fault(trial: Trial) -> np.ndarray:
    """By result, bool: whether something is wrong with it without doubt. A call that should have raised, or should
    not have, is wrong in all."""
    calls, *parts = (bool(certain.any()) for _, certain in trial.parts)
    by_result = [any(parts[i : i + 2]) for i in range(0, len(parts), 2)] or [False] * len(trial.names)
    return np.array(by_result, bool) | calls


def _equal(found: Called, sound: Called) -> np.ndarray:
    """By result, bool: whether what a fault returns is what is right, bit by bit."""
    if found.results is None or sound.results is None or len(found.results) != len(sound.results):
        return np.array([found.results is sound.results])
    return np.array([same(one, other) for one, other in zip(found.results, sound.results, strict=True)], bool)


def _unwritten(found: Called, sound: Called) -> bool:
    return all(map(same, found.left, sound.left))


def difference(one: Suspect, other: Suspect, families: Iterable[Family], vectors: OperationVectors) -> Family | None:
    """The first of the families in which plain calls of two faults give something else, or leave something else in
    their arguments; None where there is none."""
    for suspect in (one, other):
        suspect.fault.setup()
    for family in families:
        tolerances = next(iter(family.answer.tolerance.values()), {})
        slacks = (
            [np.where(np.isfinite(tolerances[n]), tolerances[n], 0.0) for n in vectors.results[family.direction]]
            if tolerances
            else []
        )
        units = unit_roundoff(family.dtype)
        for case in range(min(family.count, CASES)):
            tensors = arguments(family, vectors, case)
            mine, theirs = (called(suspect.function, tensors, family.parameters) for suspect in (one, other))
            if not _unwritten(mine, theirs):
                return family
            if mine.results is None or theirs.results is None:
                if mine.results is not theirs.results:
                    return family
                continue
            for i, (first, second) in enumerate(zip(mine.results, theirs.results, strict=True)):
                if not alike(first, second, None, slacks[i][case] if slacks else 0.0, units):
                    return family
    return None
