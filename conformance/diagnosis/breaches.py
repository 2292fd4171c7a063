"""What breaches of the contract look like: arguments that are written to, memory used again, a state left over."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import thread_time

import numpy as np

from ..check.family import check
from ..check.verdict import MissKind, Outcome, Verdict
from ..check.wording import listed
from .candidates import catalogue
from .evidence import KEPT, Evidence, sampled
from .observation import State, called
from .search import MOST_SECONDS, Explanation

Words = tuple[str, str, str]
"""A name, what it looks like, and a cure."""
MOST_FORWARD, MOST_CHECKED = 5, 4
"""So many cases are called after forward; on so many families that failed a fault is checked as well."""
OF_MEMORY = (
    *(MissKind.CHANGED_ARGUMENT, MissKind.WRITTEN_BESIDE, MissKind.OVERWRITTEN_RESULT),
    *(MissKind.LAYOUT, MissKind.NEW_CONTENTS, MissKind.REPEAT, MissKind.STATE),
)
"""What a fault of memory or of state is missed for, beside wrong values."""
_WRITTEN = MissKind.CHANGED_ARGUMENT
_AS_SAID = (
    ((MissKind.COUNT, MissKind.RESULT_TYPE), "a wrong return", "return {names}, as arrays of the arguments' dtype."),
    ((MissKind.SHARED_MEMORY,), "memory shared", "return memory of its own: np.array(result)."),
    ((MissKind.WRITTEN_BESIDE,), "a write out of bounds", "end loops at the sizes, and honour strides."),
)


def breaches(evidence: Evidence, known: Sequence[Explanation]) -> Iterator[Words]:
    """Those that nothing known brings with it."""
    remembered = any(one.candidate.remembers for one in known)
    fault = None if remembered else _of_the_catalogue(evidence, known)
    written = (m for i in evidence.misses(_WRITTEN) for m in i.verdict.misses if fault is None and m.kind is _WRITTEN)
    for argument in dict.fromkeys(miss.result for miss in written):
        yield "an argument written to", f"{argument} is changed by the call.", f"work on a copy of {argument}."
    yield from (fault,) if fault is not None and fault[0] not in {one.candidate.name for one in known} else ()
    for kinds, name, cure in _AS_SAID[:2] if fault is not None else _AS_SAID:
        for item in evidence.misses(*kinds)[:1]:
            said = next(miss.summary for miss in item.verdict.misses if miss.kind in kinds)
            yield name, f"{said}.", cure.format(names=", ".join(evidence.names))
    if remembered or fault is not None:
        return
    if evidence.misses(MissKind.OVERWRITTEN_RESULT):
        names = _results(evidence, MissKind.OVERWRITTEN_RESULT)
        yield "memory used again", f"{names}: a later call overwrites what was returned.", "allocate it in each call."
    if kept := _kept(evidence, known):
        yield "a state left over", f"{kept}.", "find all from the arguments of the call: it may depend on no other."
        return
    misread = evidence.misses(MissKind.LAYOUT)
    if len(misread) > len(evidence.misses(MissKind.VALUE, MissKind.BATCH)):  # which is wrong in any layout
        reasons = {m.reason for item in misread for m in item.verdict.misses}
        said = listed(sorted(str(reason) for reason in reasons if reason is not None))
        said = f"{_results(evidence, MissKind.LAYOUT)}: right for contiguous arguments, wrong for {said} ones."
        cure = "honour strides, byte order and alignment, or make plain copies first: np.array(x, dtype, order='C')."
        yield "memory read as it lies", said, cure


def _kept(evidence: Evidence, known: Sequence[Explanation]) -> str | None:
    """What is kept between calls, if anything is."""
    if evidence.misses(*KEPT):
        words = next(words for kind, words in reversed(KEPT.items()) if evidence.misses(kind))
        return f"{_results(evidence, *KEPT)}: {words}"
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
    return bool(some) and not any(any(replace(one, results=called(both, one)).failing) for one in some)


def _results(evidence: Evidence, *kinds: MissKind) -> str:
    of = {m.result for item in evidence.misses(*kinds) for m in item.verdict.misses if m.kind in kinds}
    return listed([name for name in evidence.names if name in of] or evidence.names)


def _of_the_catalogue(evidence: Evidence, known: Sequence[Explanation]) -> Words | None:
    """The fault of memory or state that is missed in the same words, and with the same values, where a few families are
    checked, what is known first; wrong values of all calls are seen to where something of them is known."""
    missed, direction, of = evidence.misses(*OF_MEMORY), evidence.direction, evidence.vectors
    layouts = bool(evidence.misses(MissKind.LAYOUT))
    passed = [i for i in evidence.ran if layouts and i.verdict.outcome is Outcome.PASSED]
    chosen = [*sampled(missed, MOST_CHECKED), *sampled(passed, MOST_CHECKED)]  # a fault may misread more layouts
    some = [(item, _outline(item.verdict, known)) for item in sorted(chosen, key=lambda item: item.family.elements)]
    for candidate in (*(one.candidate for one in known), *catalogue(of.op, direction)) if some else ():
        fault = candidate.fault
        if fault is None or not (fault.as_is or fault.memory) or thread_time() > evidence.began + MOST_SECONDS:
            continue
        functions = {(of.op, direction): fault.functions[direction]}
        subject = replace(evidence.implementation, functions=functions, setup=fault.setup, after_calls=fault.setup)
        if all(_outline(check(item.family, subject, of), known) == outline for item, outline in some):
            return candidate.name, fault.wrong, fault.cure
    return None


def _outline(verdict: Verdict, known: Sequence[Explanation]) -> set[object]:
    """What is missed; of memory and state in words, with the first or worst value to some digits."""
    values = [miss for miss in verdict.misses if not known and miss.kind is not MissKind.SHARED_MEMORY]
    memory = [miss for miss in verdict.misses if miss.kind in OF_MEMORY]
    worst = [re.sub(r"(\.\d{6})\d+", r"\1", " ".join([miss.summary, *miss.details[:1]])) for miss in memory]
    return {(miss.kind, miss.result, miss.reason) for miss in values} | {*worst}
