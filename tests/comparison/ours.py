"""backproof itself, by the check that the plugin makes, and what kind of fault it finds."""

from collections.abc import Iterable, Mapping
from functools import cache

from backproof.conformance.check.family import check
from backproof.conformance.check.verdict import Outcome, Verdict
from backproof.conformance.implementation.load import Implementation
from backproof.vectors import store
from backproof.vectors.records import OperationVectors

from .subjects import Subject

KINDS = {
    "state": "remembers earlier calls",
    "arguments": "changes its arguments, or results change later",
    "layout": "reads memory in the wrong order",
    "form": "shape or dtype of the result",
    "precision": "lower precision inside, or one dtype only",
    "everywhere": "wrong values on most inputs",
    "somewhere": "wrong values for some sizes, values or labels",
    "hostile": "NaN, infinities, empty batches, what should be refused",
    "": "rejected by no golden vector",
}
"""What a fault does, told by how the golden vectors reject it."""


@cache
def vectors_of(op: str) -> OperationVectors:
    """The golden vectors of one operation, read once."""
    vectors = store.read_golden(op)
    return OperationVectors(**{**vars(vectors), "families": tuple(vectors.families)})


def verdicts(subject: Subject) -> list[Verdict]:
    """The verdicts on all families of the directions that are the subject's own."""
    vectors = vectors_of(subject.op)
    functions = {(subject.op, direction): subject.functions[direction] for direction in subject.directions}
    adapter = Implementation(subject.name, subject.name, "", functions, subject.dtypes)
    subject.fresh()
    return [check(family, adapter, vectors) for family in vectors.families if family.direction in subject.directions]


def rejected(found: Iterable[Verdict], *outcomes: Outcome) -> Mapping[str, str]:
    """By dtype, the first miss of those that ended so."""
    first: dict[str, str] = {}
    for verdict in found:
        if verdict.outcome in outcomes:
            first.setdefault(verdict.dtype, f"{verdict.id}: {verdict.misses[0].summary}")
    return first


def kind_of(subject: Subject, found: list[Verdict]) -> str:
    """One of KINDS; empty where nothing is rejected."""
    failed = [verdict for verdict in found if verdict.outcome is Outcome.FAILED]
    if not failed:
        return "hostile" if any(verdict.outcome is Outcome.ROBUST_MISS for verdict in found) else ""
    kinds = {miss.kind for verdict in failed for miss in verdict.misses if not miss.robust}
    if kinds & {"changed-argument", "overwritten-result"}:
        return "arguments"
    if subject.memory:
        return "state"
    flags = {family.id: family.flags for family in vectors_of(subject.op).families}
    of_values = {"value", "raised", "accepted", "convention"}
    values = [verdict for verdict in failed if {miss.kind for miss in verdict.misses} & of_values]
    if all("stride-zero" in flags[verdict.id] for verdict in values) and (values or "layout" in kinds):
        return "layout"
    if not values:
        return "form"
    if len({verdict.dtype for verdict in failed} & {"float64", "float32"}) < 2:
        return "precision"
    ordinary = [v for v in found if "random" in flags[v.id] and v.level == "required" and v.dtype == "float64"]
    share = sum(verdict.outcome is Outcome.FAILED for verdict in ordinary) / max(len(ordinary), 1)
    return "everywhere" if share > 0.5 else "somewhere"
