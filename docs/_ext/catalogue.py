"""The page of the fault catalogue."""

from collections import Counter

from backproof.reference.faults import SORTS, every_fault_of
from backproof.reference.model.fault import Fault
from backproof.reference.model.operation import operation_names

from .markdown import code, fenced, linked, paragraphs, safe, table


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
        *(table(("fault", title), map(row, group)) for sort, title in SORTS.items() if (group := _of_sort(op, sort))),
    ]


def _of_sort(op: str, sort: str) -> list[Fault]:
    return [fault for fault in every_fault_of(op) if fault.sort == sort]


def row(fault: Fault) -> tuple[str, str]:
    """One fault's name, and what is wrong with it."""
    mutated = f"{_cell(fault.after)} where {_cell(fault.before)} is due."
    wrong = mutated if fault.after else safe(fault.wrong)
    return code(fault.name), f"{wrong} Seen: {linked(fault.seen)}." if fault.seen else wrong


def _cell(text: str) -> str:
    return code(text.replace("|", "\\|"))
