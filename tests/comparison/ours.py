"""backproof itself, by the check that the plugin makes of the golden vectors, and what kind of fault it finds."""

from backproof.conformance.check.conventions import inconsistencies
from backproof.conformance.check.family import check
from backproof.conformance.check.further import called_many_times
from backproof.conformance.check.verdict import MissKind, Outcome, Verdict
from backproof.conformance.implementation.load import Implementation
from backproof.vectors.records import Family

from .calls import vectors_of
from .subjects import FAULT, Subject

KINDS = {
    "state": "remembers earlier calls",
    "arguments": "changes its arguments, or results change later",
    "layout": "reads memory in the wrong order",
    "form": "shape or dtype of the result",
    "value": "wrong values",
    "hostile": "NaN, infinities, empty batches, what should be refused",
    "": "rejected by no golden vector",
}
"""What a fault does, told by the first golden family that rejects it."""
_BY_MISS = {
    MissKind.SHAPE: "form",
    MissKind.DTYPE: "form",
    MissKind.COUNT: "form",
    MissKind.RESULT_TYPE: "form",
    MissKind.CHANGED_ARGUMENT: "arguments",
    MissKind.WRITTEN_BESIDE: "arguments",
    MissKind.SHARED_MEMORY: "arguments",
    MissKind.OVERWRITTEN_RESULT: "arguments",
    MissKind.REPEAT: "state",
    MissKind.STATE: "state",
    MissKind.NEW_CONTENTS: "state",
    MissKind.MANY_CALLS: "state",
    MissKind.THREADS: "state",
    MissKind.LAYOUT: "layout",
}

ONE_IN = 4
"""Families of which one is run of a sound variant."""


def families_of(subject: Subject) -> list[Family]:
    """The golden families of the directions that are the subject's own, those first that cost least."""
    found = [f for f in vectors_of(subject.op).families if f.direction in subject.directions]
    return sorted(found, key=lambda family: sum(tensor.size for tensor in family.inputs.values()))


def rejection(subject: Subject, *, whole: bool = False) -> tuple[Outcome, str]:
    """How a run ends, and what kind of fault it finds: up to the first failure, unless the whole is asked. Of a sound
    variant one family in so many is run: all are in the tests of the sound variants."""
    functions = {(subject.op, direction): subject.functions[direction] for direction in subject.directions}
    adapter = Implementation(subject.name, subject.name, "", functions, subject.dtypes)
    subject.fresh()
    worst, kind = Outcome.PASSED, ""
    of_points: list[Verdict] = []
    often = called_many_times(vectors_of(subject.op), adapter.dtypes)
    for family in families_of(subject)[:: 1 if whole or subject.group == FAULT else ONE_IN]:
        verdict = check(family, adapter, vectors_of(subject.op), many_calls=family.id in often)
        of_points += [verdict] if verdict.point else []
        if verdict.outcome is Outcome.FAILED and worst is not Outcome.FAILED:
            worst, kind = (
                Outcome.FAILED,
                next(_BY_MISS.get(m.kind, "value") for m in verdict.by_gravity if not m.robust),
            )
            if not whole:
                break
        elif verdict.outcome is Outcome.ROBUST_MISS and worst is Outcome.PASSED:
            worst, kind = Outcome.ROBUST_MISS, "hostile"
    if worst is not Outcome.FAILED and any(inconsistencies(of_points)):
        return Outcome.FAILED, "value"
    if worst is Outcome.PASSED and any(inconsistencies(of_points, strict=True)):
        return Outcome.ROBUST_MISS, "hostile"
    return worst, kind
