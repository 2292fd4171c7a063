"""What do the failures of a wrong implementation look like? Asked of failures alone, once the run is over."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...vectors.dtypes import DTYPES
from ...vectors.records import DIRECTIONS, OperationVectors
from ..check.verdict import MissKind
from ..check.wording import listed
from ..implementation.errors import hint
from ..implementation.load import Implementation
from ..implementation.memory import at_most, uncollected
from .breaches import breaches
from .candidates import LOWER
from .conditions import Condition, Marked, separating
from .evidence import Evidence, Ran, gather
from .observation import Observation, State
from .precision import ONLY_FLOAT32, precise_only_to
from .rows import off_by_row
from .search import Explanation, Search

FEWEST, MANY = 3, 12
"""A condition is told for its own sake where it fails for so many right families; so many drawn ones do alone."""


@dataclass(frozen=True)
class Finding:
    """What a failure looks like."""

    name: str
    wrong: str
    """A sentence or two."""
    cure: str
    """What to do, one sentence."""


@dataclass(frozen=True)
class Diagnosis:
    """What the failures of one function look like. Several findings hold together: each explains a part."""

    op: str
    direction: str
    findings: tuple[Finding, ...]

    @property
    def names_a_fault(self) -> bool:
        """Whether it is more than too low a precision, so that none is to be declared."""
        from ...reference.mutations.changes import ROUNDED
        from ...reference.mutations.wrappers import PRECISIONS

        lower = LOWER, *ROUNDED, *(name for name, *_ in PRECISIONS)
        return not all(finding.name.endswith(lower) for finding in self.findings)


def diagnose(
    ran: Iterable[Ran], implementation: Implementation, vectors: OperationVectors, more: float = 0.0, **known: Any
) -> Iterator[Diagnosis]:
    """What the failures of an operation look like, direction by direction; nothing where that is not certain.

    Calls the implementation again on a few of the families that failed, which it has to be set up for, and may set it
    up anew; not where one of its calls hung or ended the interpreter. `more`: seconds of processor beyond the usual,
    or, where negative, less. `known`: what `Evidence` has of anything else that is known.
    """
    ran = tuple(ran)
    for direction in DIRECTIONS:
        of_one = [item for item in ran if item.family.direction == direction]
        lost = any(miss.kind is MissKind.LOST for item in of_one for miss in item.verdict.misses)
        if any(item.fails for item in of_one) and not lost:
            with np.errstate(all="ignore"), warnings.catch_warnings(), uncollected():
                warnings.simplefilter("ignore")
                evidence = replace(gather(of_one, direction, implementation, vectors, more), **known)
                findings: list[Finding] = []
                with at_most(2**31):  # bytes: a wrong axis can make a table of rows by rows
                    findings += _findings(evidence)
            if findings:
                yield Diagnosis(vectors.op, direction, tuple(findings))


def _findings(evidence: Evidence) -> list[Finding]:
    """What is required first; robust misses, which fail under --impl-strict, by what is found then, or apart."""
    found: list[Finding] = []
    known: list[Explanation] = []
    for level in ("required", "robust"):
        wrong = [one for one in evidence.wrong if one.family.level == level]
        search = Search(evidence, wrong, tuple(known))
        known += (explained := search.run())
        found += [_finding(*one.candidate.said, one.positions, one.conditions, evidence) for one in explained]
        found += _readings(search, evidence)
    found += [Finding(*words) for words in breaches(evidence, known)]
    return list(dict.fromkeys(found))


def _finding(
    name: str, words: str, cure: str, positions: Sequence[int], conditions: Sequence[Condition], evidence: Evidence
) -> Finding:
    """A finding that says which results it is about, unless it is about the call as a whole or says so itself."""
    of = listed([evidence.names[position] for position in positions])
    whole = len(positions) == len(evidence.names) and ("." in name or len(positions) > 1)
    said = words if whole or words.startswith((f"`{of} =", of, "it raises ")) else f"{of}: {words}"
    return Finding(name, f"{'; '.join([said, *(condition.words for condition in conditions)])}.", cure)


def _readings(search: Search, evidence: Evidence) -> Iterator[Finding]:
    """What is not explained: right to a lower precision, or wrong or raising on a condition that says where to look."""
    precise: dict[tuple[str, str], list[int]] = {}
    otherwise: dict[int, list[Observation]] = {}
    for position in range(len(evidence.names)):
        left = [one for one in search.wrong if (id(one), position) in search.left]
        wrong = [one for one in left if one.states[position] is State.WRONG]
        for dtypes in (("float64", "float32"), ("float16", "bfloat16"), DTYPES):
            some = [one for one in wrong if one.family.dtype in dtypes and not one.lower]
            read = precise_only_to(some, evidence.right, position) if some and len(some) == len(wrong) else None
            if read is not None:
                precise.setdefault(read, []).append(position)
                wrong = [one for one in wrong if one not in some]
        if wrong:
            otherwise[position] = wrong
    cases: dict[str, list[int]] = {}
    for position, wrong in otherwise.items():
        if found := _when(wrong, evidence, position, search.wrong):
            cases.setdefault("; ".join(condition.words for condition in found), []).append(position)
        elif by_row := off_by_row(wrong, position):
            yield _finding("wrong by row", *by_row, [position], (), evidence)
    for words, positions in cases.items():
        cure = "look for a branch, a loop or a broadcast that treats this otherwise."
        yield _finding("wrong by case", f"wrong {words}", cure, positions, (), evidence)
    for (words, cure), positions in precise.items():
        if not otherwise or words == ONLY_FLOAT32:  # other errors may be small by chance
            yield _finding(LOWER, words, cure, positions, (), evidence)
    states = {o.states[0] for o in search.wrong if (id(o), 0) in search.left}
    if State.RAISED in states and evidence.misses(MissKind.RAISED) and (said := raising(evidence)).cure:
        yield said


def _when(
    wrong: Sequence[Observation], evidence: Evidence, position: int, looked_at: Sequence[Observation]
) -> tuple[Condition, ...]:
    """Conditions that say in themselves where to look, though not what is wrong: in which calls, and where in these."""
    failing = [one for one in evidence.wrong if one.failing[position]]
    families = {one.family.id for one in failing}
    failing = [one for one in failing if one.family.level == "required" or one in looked_at]
    others = (one for one in (*evidence.wrong, *evidence.right, *evidence.more) if one.family.id not in families)
    right = [one for one in others if one.expected and one.expected[position].any()]
    drawn = [one for one in right if "random" in one.family.name]  # of others many a fault shows nothing
    right = drawn if len({one.family.name for one in drawn}) >= MANY else right
    if len(failing) > len(wrong) or len({one.family.id for one in right}) < FEWEST:
        return ()
    called = _in_which_calls(wrong, right, position)
    places = _in_what_places(wrong, () if called else right, position)
    chance = len(called) > 1 and any(one.of_number for one in called) and not places  # there are many numbers
    return *places, *(() if chance else called)


def _in_which_calls(wrong: Sequence[Observation], right: Sequence[Observation], position: int) -> tuple[Condition, ...]:
    """What tells the calls that are wrong apart: no dtypes alone and no two lengths, which may be chance; where two
    things do, either may be it."""
    of_all = np.ones((), bool)
    true, false = ([Marked(one, one.expected[position].shape, of_all) for one in some] for some in (wrong, right))
    found = separating(true, false, by_element=False) or () if len({one.family.name for one in wrong}) > 1 else ()
    if all(one.words.startswith(("only in f", "only in b", "not in f")) for one in found):
        return ()
    if len(found) > 1:
        return () if all(one.of_lengths for one in found) else found
    also = separating(true, false, by_element=False, beside=found[0].words) or ()
    return (replace(found[0], words=", or ".join(one.words for one in (*found, *also))),) if len(also) == 1 else found


def _in_what_places(wrong: Sequence[Observation], right: Sequence[Observation], position: int) -> tuple[Condition, ...]:
    """What tells the elements that are wrong apart, from all others of these calls, and of those that are right."""
    some = [Marked(one, one.wrong[position].shape, one.wrong[position]) for one in wrong]
    rest = [Marked(mark.one, mark.shape, ~mark.elements) for mark in some if not mark.elements.all()]
    rest += [Marked(one, one.wrong[position].shape, ~one.wrong[position]) for one in right]
    few = min(sum(mark.elements.sum() for mark in marks) for marks in (some, rest)) < FEWEST
    found = () if few else separating(some, rest, by_element=True) or ()
    of_few = any(one.of_lengths for one in found) and len({one.family.name for one in wrong}) < FEWEST
    return () if len(found) > 1 or of_few else found


def raising(evidence: Evidence) -> Finding:
    """What calls raise, of which some do, where, and when."""
    one = np.ones((), bool)
    raised = [o for o in evidence.wrong if o.states[0] is State.RAISED]
    true = [Marked(o, (), one) for o in raised]
    false = [Marked(o, (), one) for o in (*evidence.right, *evidence.wrong) if o.states[0] is not State.RAISED]
    found = separating(true, false) if false else None
    misses = evidence.misses(MissKind.RAISED)[0].verdict.misses
    miss = next(miss for miss in misses if miss.kind is MissKind.RAISED)
    at = next((f" ({line.removeprefix('at ')})" for line in miss.details if line.startswith("at ")), "")
    said = f"it raises {miss.summary.partition(' raised ')[2].rstrip('.')}{at}"
    cure = hint(said) or ("compute it, or raise NotImplementedError where it is not supported." if found else "")
    if said.startswith("it raises TypeError") and not at:  # in no line of the function's: it was not entered
        keywords = raised[0].family.parameters
        due = ", ".join([*evidence.vectors.arguments[evidence.direction], *(["*", *keywords] if keywords else [])])
        cure = f"define it as ({due})."
    return _finding("an exception", said, cure, range(len(evidence.names)), found or (), evidence)
