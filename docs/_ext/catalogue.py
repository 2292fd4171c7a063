"""The page of the fault catalogue."""

from collections import Counter

from backproof.reference.model.fault import Fault, faults_of
from backproof.reference.model.operation import operation_names

from .markdown import code, fenced, linked, paragraphs, safe


def page() -> str:
    """Every fault of every operation: its name, what is wrong, what its user observes, the cure, where it was seen."""
    return paragraphs(*(part for op in operation_names() for part in _of_operation(op)))


def _of_operation(op: str) -> list[str]:
    faults = faults_of(op)
    directions = Counter(fault.direction for fault in faults)
    counts = ", ".join(f"{count} in {direction}" for direction, count in directions.items())
    return [
        f"## {op}",
        f"{len(faults)} faults, {counts}.",
        fenced(f"$ pytest --impl=backproof.reference.faults:{op}.{faults[0].name}", "console"),
        *map(entry, faults),
    ]


def entry(fault: Fault) -> str:
    """One fault; its anchor is its name."""
    name = f"{fault.op}.{fault.name}"
    lines = {"Observed": safe(fault.observed), "Cure": safe(fault.cure), "Seen": linked(fault.seen)}
    body = "\n".join(f"  - *{label}:* {text}" for label, text in lines.items())
    return f"({name})=\n\n{code(name)} ({fault.direction})\n: {safe(fault.wrong)}\n\n{body}"
