"""What may be wrong, as functions that foretell what comes, and how they are held against what came."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...vectors.dtypes import numpy_dtype
from .observation import Observation, Results, State, alike, called, close, middle

if TYPE_CHECKING:
    from ...reference.model.fault import Fault

Foretold = tuple[Results | None, tuple[np.ndarray, ...] | None]
"""What a call returns, None where it raises; what it leaves in its arguments, None where nothing is said of them. Of
the results those are None of which nothing is said."""
NOTHING: Foretold = ((), None)
"""Says nothing of an observation."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, eq=False)
class Candidate:
    """One thing that may be wrong."""

    name: str
    words: str
    """What it looks like and what is due, as code or in a few words; fits behind "dL_dbiases: "."""
    cure: str
    """One sentence."""
    foretell: Callable[[Observation], Foretold]
    setup: Callable[[], None] = _nothing
    remembers: bool = False
    """Whether what it foretells depends on the calls before."""
    of_values: bool = True
    """Whether it changes values, whatever dtype and layout the arguments have."""
    writes: bool = False
    """Whether it may write to its arguments."""


@dataclass(frozen=True)
class Held:
    """One result of one observation, held against what a candidate foretells; element by element, bool, or as one."""

    explained: np.ndarray
    """What is wrong just as it is foretold."""
    against: np.ndarray
    """What is foretold wrong and is not so."""
    fine: bool = False
    """Whether what is wrong is off by a few units in the last place: another rounding may do the same by chance."""


_NO = np.zeros((), bool)
_YES = np.ones((), bool)
NEITHER, EXPLAINED, AGAINST = Held(_NO, _NO), Held(_YES, _NO), Held(_NO, _YES)
ALIKE, NEARER, APART = 0.01, 0.5, 0.1
"""How far apart two wrong results of the same fault may be, as a share of their distance from the right one: whatever
they differ by (less in wide dtypes); where they differ by no more than roundings; and then in the middle of all."""
FINE = 16
"""Where errors are so many units in the last place or fewer, results must be the same bit by bit."""


def hold(one: Observation, foretold: Foretold, position: int) -> Held:
    """Hold one result against what is foretold."""
    results, _ = foretold
    if results == ():
        return NEITHER
    state = one.states[position]
    came = None if one.results is None else one.results[position]
    if results is not None and results[position] is None:
        return NEITHER
    array = None if results is None else results[position]
    if state is State.RAISED:
        return EXPLAINED if array is None and one.family.result != "invalid" else NEITHER
    if state in (State.MALFORMED, State.ACCEPTED):
        return EXPLAINED if array is not None and alike(came, array, one.slack[position], one.units) else NEITHER
    due = one.expected[position]
    if array is None or array.shape != due.shape or array.dtype != numpy_dtype(one.family.dtype):
        return AGAINST
    values, got = array.astype(np.float64), one.values[position]
    assert got is not None
    score = one.score(values, position)
    certain = one.beyond(score, values, position)
    wrong, units = one.wrong[position], one.units
    if not wrong.any() and not certain.any():
        return NEITHER
    if not one.called:
        return Held(_NO, certain)
    near = close(got, values, one.slack[position], units)
    with np.errstate(all="ignore"):
        off, apart = np.abs(got - due), np.abs(got - values)
        share = np.where(got == values, 0.0, apart / off)
    near |= wrong & (share < min(ALIKE, 4096 * units))
    against = certain & ~near
    explained = wrong & near & ~(share > NEARER) & (score > 1)
    if explained.sum() <= (against & wrong).sum():  # a few may be alike by chance
        return Held(_NO, against)
    fine = middle(off[explained]) <= FINE * 2 * units * middle(np.abs(due[explained]))
    if fine:
        return Held(wrong & (got == values), against, fine)
    if middle(np.where(np.isnan(share), 0.0, share)[explained]) > APART:
        return Held(_NO, certain)  # as near to what is due as to each other
    return Held(explained, against, fine)


def leaves_the_same(one: Observation, foretold: Foretold) -> bool:
    """Whether the arguments are left as it is foretold."""
    left = foretold[1]
    return left is not None and all(
        alike(mine, theirs, 0.0, one.units) for mine, theirs in zip(one.left, left, strict=True)
    )


@dataclass
class Judged:
    """A candidate held against observations, as far as it was."""

    candidate: Candidate
    held: dict[tuple[int, int], Held] = field(default_factory=dict)
    """By the observation's identity and the result's position."""
    foretold: dict[int, Foretold] = field(default_factory=dict)

    def on(self, one: Observation, position: int) -> Held:
        """Hold one result of one observation."""
        key = id(one), position
        if key not in self.held:
            if id(one) not in self.foretold:
                self.foretold[id(one)] = self.candidate.foretell(one)
            self.held[key] = hold(one, self.foretold[id(one)], position)
        return self.held[key]

    def foretells(self, one: Observation, position: int) -> bool:
        """Whether a result is as it is foretold, be it right or wrong."""
        results, _ = self.foretold[id(one)]
        if not results or one.results is None:
            return results == () or results is one.results
        return results[position] is None or alike(one.results[position], results[position], 0.0, one.units)

    def replay(self, observations: Sequence[Observation]) -> None:
        """Foretell all of them in order, where it matters what was called before."""
        self.candidate.setup()
        for one in observations:
            self.foretold[id(one)] = self.candidate.foretell(one)


def sound_of(op: str, direction: str) -> Callable[..., Any] | None:
    """The reference's function; None where it has no such operation. The reference is imported here and below."""
    from ...reference.model.fault import widened
    from ...reference.model.operation import operation, operation_names

    known = op in operation_names() and direction in operation(op).functions
    return widened(operation(op).functions[direction]) if known else None


def catalogue(op: str, direction: str) -> Iterator[Candidate]:
    """The faults of the catalogue, those that say most first: what was seen, mutants of the formula, wrappers."""
    from ...reference.faults import every_fault_of, further_of

    if sound_of(op, direction) is None:
        return
    faults = [fault for fault in every_fault_of(op) if fault.direction == direction]
    yield from (from_fault(fault) for fault in faults if fault.sort != "wrapper")
    yield from (replace(from_fault(fault), name="another formula") for fault in further_of(op, direction))
    yield from (from_fault(fault) for fault in faults if fault.sort == "wrapper")


def other_operations(op: str, direction: str) -> Iterator[Candidate]:
    """The formulas of operations that take the same arguments."""
    from ...reference.model.fault import widened
    from ...reference.model.operation import operation, operation_names

    own = operation(op)
    for name in operation_names():
        other = operation(name)
        if name == op or direction not in other.functions or other.arguments[direction] != own.arguments[direction]:
            continue
        if other.results[direction] == own.results[direction]:
            function = widened(other.functions[direction])
            words, cure = f"the formula of {name} where that of {op} is due", f"use the formula of {op}."
            yield Candidate("another operation", words, cure, partial(called, function))


def on_labels(found: Candidate) -> Iterator[Candidate]:
    """What was found, and labels read wrong besides."""
    from ...reference.mutations.labels import LABELS

    def foretell(one: Observation, change: Callable[[np.ndarray, int], np.ndarray]) -> Foretold:
        labels = one.arguments["labels"]
        classes = max(tensor.shape[-1] for name, tensor in one.arguments.items() if tensor.ndim == 2)
        return found.foretell(replace(one, instead={"labels": change(labels, classes)}))

    for name, (words, change) in LABELS.items():
        cure = "take labels as they are."
        yield Candidate(f"labels_{name}", words.rstrip("."), cure, partial(foretell, change=change))


def from_fault(fault: "Fault") -> Candidate:
    """A fault of the catalogue, as a candidate."""
    function = fault.functions[fault.direction]
    return Candidate(
        f"{fault.op}.{fault.name}",
        fault.wrong.rstrip("."),
        fault.cure,
        partial(called, function),
        fault.setup,
        remembers=bool(fault.memory),
        of_values=fault.formula is not None,
        writes=fault.formula is None and not fault.memory,
    )
