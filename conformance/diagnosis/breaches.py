"""What breaches of the contract look like: arguments that are written to, memory used again, a state left over."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..check.verdict import MissKind
from ..check.wording import listed
from .candidates import catalogue, leaves_the_same
from .evidence import KEPT, Evidence
from .observation import State, alike, called
from .search import Explanation

Words = tuple[str, str, str]
"""A name, what it looks like, and a cure."""
MOST_FORWARD = 5
"""So many cases are called after forward."""
_AS_SAID = (
    ((MissKind.COUNT, MissKind.RESULT_TYPE), "a wrong return", "return {names}, as arrays of the arguments' dtype."),
    ((MissKind.WRITTEN_BESIDE,), "a write out of bounds", "end loops at the sizes, and honour strides."),
    ((MissKind.SHARED_MEMORY,), "memory shared", "return memory of its own: np.array(result)."),
)


def breaches(evidence: Evidence, known: Sequence[Explanation]) -> Iterator[Words]:
    """Those that nothing known brings with it."""
    yield from _written(evidence)
    if evidence.misses(MissKind.OVERWRITTEN_RESULT):
        names = _results(evidence, MissKind.OVERWRITTEN_RESULT)
        yield "memory used again", f"{names}: a later call overwrites what was returned.", "allocate it in each call."
    for kinds, name, cure in _AS_SAID:
        for item in evidence.misses(*kinds)[:1]:
            said = next(miss.summary for miss in item.verdict.misses if miss.kind in kinds)
            yield name, f"{said}.", cure.format(names=", ".join(evidence.names))
    if any(one.candidate.remembers for one in known):
        return
    if kept := _kept(evidence, known):
        yield "a state left over", f"{kept}.", "find all from the arguments of the call: it may depend on no other."
        return
    layouts = {id(one) for one in evidence.wrong if one.layout is not None}
    misread = evidence.misses(MissKind.LAYOUT)
    otherwise = () if known else evidence.misses(MissKind.VALUE, MissKind.BATCH)  # what is wrong in any layout
    if len(misread) > len(otherwise) and not any(key in layouts for one in known for key, _ in one.explained):
        reasons = {m.reason for item in misread for m in item.verdict.misses}
        said = listed(sorted(str(reason) for reason in reasons if reason is not None))
        said = f"{_results(evidence, MissKind.LAYOUT)}: right for contiguous arguments, wrong for {said} ones."
        cure = "honour strides, byte order and alignment, or make plain copies first: np.array(x, dtype, order='C')."
        yield "memory read as it lies", said, cure


def _kept(evidence: Evidence, known: Sequence[Explanation]) -> str | None:
    """What is kept between calls, if anything is."""
    if evidence.misses(*KEPT):
        return f"{_results(evidence, *KEPT)}: {_state(evidence)}"
    if not known and _kept_by_forward(evidence):
        said = "right after a forward with the same arguments, wrong otherwise: what the last forward kept is used"
        return f"{listed(evidence.names)}: {said}"
    return None


def _kept_by_forward(evidence: Evidence) -> bool:
    """Whether cases that are wrong are right after a call of forward with their arguments."""
    forward = evidence.implementation.functions.get((evidence.vectors.op, "forward"))
    if forward is None or evidence.direction == "forward":
        return False

    def both(*tensors: np.ndarray, **parameters: object) -> object:
        forward(*tensors[1:], **parameters)
        return evidence.function(*tensors, **parameters)

    some = [one for one in evidence.wrong if State.WRONG in one.states][:MOST_FORWARD]
    return bool(some) and not any(any(replace(one, results=called(both, one)[0]).failing) for one in some)


def _results(evidence: Evidence, *kinds: MissKind) -> str:
    of = {m.result for item in evidence.misses(*kinds) for m in item.verdict.misses if m.kind in kinds}
    return listed([name for name in evidence.names if name in of] or evidence.names)


def _written(evidence: Evidence) -> Iterator[Words]:
    """What is written to which argument."""
    items = evidence.misses(MissKind.CHANGED_ARGUMENT)
    ids = {item.family.id for item in items}
    changed = [one for one in evidence.wrong if one.family.id in ids]
    changed = [one for one in changed if not leaves_the_same(one, (None, tuple(one.arguments.values())))]
    changed = [one for one in changed if one.family.level == "required"] or changed
    for candidate in catalogue(evidence.vectors.op, evidence.direction) if changed else ():
        if not candidate.of_values | candidate.remembers and all(
            leaves_the_same(one, candidate.foretell(one)) for one in changed
        ):
            name, words, cure = candidate.said
            yield name, f"{words}.", cure
            return
    misses = [m for item in items for m in item.verdict.misses if m.kind is MissKind.CHANGED_ARGUMENT]
    for argument in dict.fromkeys(miss.result or "" for miss in misses):
        yield "an argument written to", f"{argument} is changed by the call.", f"work on a copy of {argument}."


def _state(evidence: Evidence) -> str:
    """What is kept between calls, by calling twice."""
    function = evidence.function
    ids = {item.family.id for item in evidence.misses(*KEPT)}
    for one in (one for one in evidence.wrong if one.family.id in ids and one.expected):
        first, second = (called(function, one)[0] for _ in range(2))
        for before, after, due in zip(first or (), second or (), one.expected, strict=False):
            if before is None or after is None or not before.shape == after.shape == due.shape or not due.any():
                continue
            if alike(after.astype(np.float64) - before, due, 1e-3 * float(np.abs(due).max()), one.units):
                return "adds to the result of the call before"
    return next(words for kind, words in reversed(KEPT.items()) if evidence.misses(kind))
