"""What may be wrong, as functions that foretell what comes, and how they are held against what came."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ...reference.mutations.rearranged import REARRANGED, Change
from ...vectors.dtypes import numpy_dtype
from .observation import Observation, Results, State, alike, called, close, middle

if TYPE_CHECKING:
    from ...reference.model.fault import Fault

Foretold = Results | None
"""What a call returns, None where it raises; of the results those are None of which nothing is said."""
LOWER, FORMULA = "a lower precision", "another formula"
"""The names of what a looser precision may allow, and of mutants that are no part of the catalogue."""
NOTHING: Foretold = ()
"""Says nothing of an observation."""
REFUSED: Foretold = None
"""The call is refused, as it ought to be."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One thing that may be wrong."""

    name: str
    words: str
    """What it looks like and what is due, as code or in a few words; fits behind "dL_dbiases: "."""
    cure: str
    """One sentence."""
    foretell: Callable[[Observation], Foretold]
    fault: "Fault | None" = None
    """Of the catalogue, which has the words, makes them when they are asked for, and may keep a state."""
    remembers: bool = False
    """Whether what it foretells depends on the calls before."""
    of_values: bool = True
    """Whether it changes values, whatever dtype the arguments have."""
    constant: bool = False
    """Whether it is a number that was fitted, which one family says little of."""
    threshold: bool = False
    """Whether it is a threshold on an argument, which holds whatever the dtype and the parameters."""
    of_sizes: bool = False
    """Whether it is about the size of blocks, which a length of 1 says nothing of."""
    plainest: bool = False
    """Whether a result is 0 and no more, which many things come to."""

    @property
    def said(self) -> tuple[str, str, str]:
        """Name, words and cure."""
        fault = self.fault
        return self.name, fault.wrong.rstrip(".") if fault else self.words, fault.cure if fault else self.cure


@dataclass(frozen=True)
class Held:
    """One result of one observation, held against what a candidate foretells; element by element, bool, or as one."""

    explained: np.ndarray
    """What is wrong just as it is foretold."""
    against: np.ndarray
    """What is foretold wrong and is not so."""
    fine: bool = False
    """Whether what is wrong is off by a few units in the last place: another rounding may do the same by chance."""


_NO, _YES = np.zeros((), bool), np.ones((), bool)
NEITHER, EXPLAINED, AGAINST = Held(_NO, _NO), Held(_YES, _NO), Held(_NO, _YES)
ALIKE, NEARER, APART = 0.01, 0.5, 0.1
"""How far apart two wrong results of the same fault may be, as a share of their distance from the right one: whatever
they differ by (less in wide dtypes); where they differ by no more than roundings; and then in the middle of all."""
MOST_KEPT = 2**14
"""Elements of the results of an observation up to which what candidates foretell of it is kept."""
ENOUGH = 8
"""After so many calls what depends on those before must have shown."""
FINE, NOISE = 16, 512
"""Where errors are so many units in the last place or fewer, results must be the same bit by bit; where two wrong
results agree in no digit, both must be so many units of what is due, or fewer: nothing but rounding is left of them."""


def hold(one: Observation, results: Foretold, position: int) -> Held:
    """Hold one result against what is foretold."""
    if results is not None and (not results or results[position] is None):
        return NEITHER
    state = one.states[position]
    came = None if one.results is None else one.results[position]
    array = None if results is None else results[position]
    if state is State.RAISED:
        return EXPLAINED if array is None and one.family.result != "invalid" else NEITHER
    if state in (State.MALFORMED, State.ACCEPTED):
        return EXPLAINED if array is not None and alike(came, array, max(one.slack), one.units) else NEITHER
    due = one.expected[position]
    if array is None or array.shape != due.shape or array.dtype != numpy_dtype(one.family.dtype):
        return AGAINST
    values, got = array.astype(np.float64), one.values[position]
    assert got is not None
    score = one.score(values, position)
    if not (score > 1).any():
        return NEITHER
    certain = one.is_wrong(score, values, position)
    wrong, units = one.wrong[position], one.units
    if not one.called:
        return Held(_NO, certain)
    near = close(got, values, one.slack[position], units)
    off, apart = np.abs(got - due), np.abs(got - values)
    share = np.where(got == values, 0.0, apart / off)
    near |= wrong & (share < min(ALIKE, 4096 * units))
    against = certain & ~near
    explained = wrong & near & ~(share > NEARER) & (score > 1)
    if explained.sum() <= (against & wrong).sum():  # a few may be alike by chance
        return Held(_NO, against)
    fine = middle(off[explained]) < FINE * 2 * units * middle(np.abs(due[explained]))  # nothing infinite is
    if fine:
        return Held(wrong & (got == values), against, fine)
    if not tell_alike(got[explained], values[explained], due[explained], units):
        return Held(_NO, certain)
    return Held(explained, against, fine)


def tell_alike(got: np.ndarray, foretold: np.ndarray, due: np.ndarray, units: float) -> bool:
    """Whether two wrong results that are the same but for rounding are so by more than being small: mostly they are
    nearer to each other than to what is due, and agree in a digit unless all of it is rounding."""
    apart, size = np.abs(foretold - got), np.maximum(np.abs(foretold), np.abs(got))
    same = (foretold == got) | np.isnan(apart)
    share = middle(np.where(same, 0.0, apart / np.abs(due - got)))
    return share <= APART and (share <= NOISE * units or middle(np.where(same, 0.0, apart / size)) <= NEARER)


@dataclass
class Judged:
    """A candidate held against observations, as far as it was."""

    candidate: Candidate
    order: int = 0
    """How many were asked before it: the plainest are asked first."""
    held: dict[tuple[int, int], Held] = field(default_factory=dict)
    """By the observation's identity and the result's position."""
    foretold: dict[int, Foretold] = field(default_factory=dict)
    hopeless: bool = False
    """Whether it explains nothing of the first calls, and the others are not foretold."""
    doubtful: bool = False
    """Whether a few cases speak against it, so that it holds on a condition if at all."""

    def on(self, one: Observation, position: int) -> Held:
        """Hold one result of one observation."""
        key = id(one), position
        if key not in self.held:
            self.held[key] = hold(one, self.told(one), position)
        return self.held[key]

    def told(self, one: Observation) -> Foretold:
        """What is foretold of one observation; kept, unless it takes much memory."""
        if id(one) in self.foretold:
            return self.foretold[id(one)]
        told = self.candidate.foretell(one)
        if one.elements <= MOST_KEPT:
            self.foretold[id(one)] = told
        return told

    def foretells(self, one: Observation, position: int) -> bool:
        """Whether a result is as it is foretold, be it right or wrong."""
        results = self.told(one)
        if results == ():
            return not one.failing[position]
        if results is None or one.results is None:
            return results is one.results
        return results[position] is None or alike(one.results[position], results[position], 0.0, one.units)

    def replay(self, observations: Sequence[Observation]) -> None:
        """Foretell all of them in order, where it matters what was called before, unless the first explain nothing."""
        if self.foretold:
            return
        assert self.candidate.fault is not None
        self.candidate.fault.setup()
        for place, one in enumerate(observations, 1):
            self.foretold[id(one)] = self.candidate.foretell(one)
            if place == ENOUGH:
                first = [(o, p) for o in observations[:place] for p in range(len(o.names)) if o.failing[p]]
                self.hopeless = bool(first) and not any(self.on(o, p).explained.any() for o, p in first)
                if self.hopeless:
                    break


def sound_of(op: str, direction: str) -> Callable[..., Any] | None:
    """The reference's function; None where it has no such operation, or its text cannot be read. The reference is
    imported here and below."""
    from ...reference.model.fault import widened
    from ...reference.model.operation import operation, operation_names
    from ...reference.mutations.formula import has_text

    function = operation(op).functions.get(direction) if op in operation_names() else None
    return widened(function) if function is not None and has_text(function) else None


def catalogue(op: str, direction: str) -> Iterator[Candidate]:
    """The faults of the catalogue, those that say most first: what was seen, mutants of the formula, wrappers."""
    from ...reference.faults import every_fault_of, ignored, losing_digits

    if sound_of(op, direction) is None:
        return
    yield from (from_fault(fault, fault.name) for fault in ignored(op, direction))
    faults = [fault for fault in every_fault_of(op) if fault.direction == direction]
    faults.sort(key=lambda fault: (not fault.name.endswith("_zero"), fault.sort == "wrapper"))  # the plainest first
    yield from (from_fault(fault, f"{op}.{fault.name}") for fault in faults)
    yield from (replace(from_fault(fault, fault.name), of_values=True) for fault in losing_digits(op, direction))


def beside(op: str, direction: str, *kinds: str) -> Iterator[Candidate]:
    """What is no part of the catalogue, of kinds that `reference.faults` lists: `often` seen, `misread` arguments, axes
    and parameters, mutants of a `few` kinds, and the `further` ones, of which there are most and few are seen."""
    from ...reference import faults

    for kind in kinds if sound_of(op, direction) is not None else ():
        for fault in getattr(faults, kind)(op, direction):
            mutant = LOWER if "half" in fault.name else FORMULA
            yield from_fault(fault, mutant if fault.sort == "mutant" else fault.name)


def on_labels(found: Candidate) -> Iterator[Candidate]:
    """What was found, and labels read wrong besides."""
    from ...reference.mutations.labels import LABELS, cure

    def foretell(one: Observation, change: Callable[[np.ndarray, int], np.ndarray]) -> Foretold:
        labels = one.arguments["labels"]
        classes = max(tensor.shape[-1] for name, tensor in one.arguments.items() if tensor.ndim == 2)
        try:
            return found.foretell(replace(one, instead={"labels": change(labels, classes)}))
        except IndexError:  # a label that stands for a row to be ignored
            return REFUSED

    for name, (words, change) in LABELS.items():
        yield Candidate(f"labels_{name}", words.rstrip("."), cure(name), partial(foretell, change=change))


def from_fault(fault: "Fault", name: str) -> Candidate:
    """A fault, as a candidate."""
    foretell, remembers = partial(called, fault.functions[fault.direction]), bool(fault.memory)
    zero, of_values = fault.name.endswith("_zero"), fault.formula is not None
    return Candidate(name, "", "", foretell, fault, remembers, of_values, plainest=zero)


def of_result(position: int, one: Observation) -> Iterator[Candidate]:
    """What a result may be instead of the right one, whatever the operation, given a case in which it is wrong."""
    if one.states[position] is State.MALFORMED:
        yield from _malformed(position, one)
    places = range(len(one.names))
    for first in places[1:]:  # of two that are exchanged there is a mutant
        order = *places[first:], *places[:first]
        words = f"the right results in another order, {', '.join(one.names[place] for place in order)}"
        yield Candidate("another order", words, "exchange them.", partial(_in_order, order))
    for kind, words, cure, change in REARRANGED:
        yield Candidate(kind, words.format(it=one.names[position]), cure, partial(_changed, position, change))


def _in_order(order: Sequence[int], one: Observation) -> Foretold:
    """The right results in another order."""
    right = [due.astype(numpy_dtype(one.family.dtype)) for due in one.expected]
    return tuple(right[place] for place in order) if right else REFUSED


def _changed(position: int, change: Change, one: Observation, dtype: str | None = None) -> Foretold:
    """That one result is what is due, changed."""
    return of_one(position, change(one.expected[position]), one, dtype) if one.expected else REFUSED


def of_one(position: int, values: np.ndarray | None, one: Observation, dtype: str | None = None) -> Foretold:
    """That one result has such values, if any, and nothing of the others; `dtype` where it is not the case's."""
    if values is None:
        return NOTHING
    array = np.asarray(values).astype(numpy_dtype(dtype or one.family.dtype))
    return tuple(array if place == position else None for place in range(len(one.names)))


def _malformed(position: int, one: Observation) -> Iterator[Candidate]:
    """Right values in a dtype that is not; something whose sum or mean is what is due."""
    came, name = None if one.results is None else one.results[position], one.names[position]
    if came is None:
        return
    if came.dtype != numpy_dtype(one.family.dtype):
        words = f"right values of the wrong dtype, {'integers' if came.dtype.kind in 'iu' else came.dtype}"
        cure = f"return {name} in the dtype of the arguments: let nothing widen or narrow it on the way."
        yield Candidate("a wrong dtype", words, cure, partial(_changed, position, np.positive, dtype=str(came.dtype)))
    for axis in range(came.ndim if came.shape != one.expected[position].shape else 0):
        for how, reduce in (("sum", np.sum), ("mean", np.mean)):
            words = f"not reduced: its {how} over axis {axis} is what is due"
            cure = f"take the {how} over axis {axis}: what was broadcast has the gradient of the argument's shape."
            yield Candidate("a wrong shape", words, cure, partial(_unreduced, position, axis, reduce))


def _unreduced(position: int, axis: int, reduce: Callable[..., np.ndarray], one: Observation) -> Foretold:
    """What came, where its sum or mean is what is due."""
    came = None if one.results is None else one.results[position]
    if came is None or not one.expected or came.ndim <= axis or came.dtype.kind not in "fV":
        return NOTHING
    due, reduced = one.expected[position], np.asarray(reduce(came.astype(np.float64), axis=axis))
    same = reduced.size == due.size and alike(reduced.reshape(due.shape), due, one.slack[position], one.units)
    return of_one(position, came if same else None, one, str(came.dtype))
