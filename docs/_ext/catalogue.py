"""The page of the fault catalogue."""

from collections import Counter

from backproof.reference.faults import every_fault_of
from backproof.reference.model.fault import Fault
from backproof.reference.model.operation import operation_names

from .markdown import code, fenced, linked, paragraphs, safe


def page() -> str:
    """Every fault of every operation: its name, what is wrong, and where it was seen, if it was."""
    return paragraphs(*(part for op in operation_names() for part in _of_operation(op)))


def _of_operation(op: str) -> list[str]:
    faults = every_fault_of(op)
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
    wrong = f"{code(fault.after)} where {code(fault.before)} is due." if fault.after else safe(fault.wrong)
    seen = f" *Seen:* {linked(fault.seen)}. *Cure:* {safe(fault.cure)}" if fault.seen else ""
    return f"({name})=\n\n{code(name)} ({fault.direction})\n: {wrong}{seen}"
