"""What the pages say of the fault catalogue: its size, the faults that were seen, and what rejects them."""

import json

from backproof.conformance.pages.markdown import code, fenced, linked, paragraphs, safe, table
from backproof.reference.faults import every_fault_of, faults_of, mutants_of, wrappers_of
from backproof.reference.model.fault import Fault
from backproof.reference.model.operation import operation_names

from .included import ROOT

HEADS = ("operation", "seen", "mutants of the formula", "wrappers")
KILLS = ROOT / "tests" / "test_kill_matrix.json"


def page() -> str:
    """How many faults each operation has, and every fault that was seen, with where."""
    return paragraphs(table(HEADS, map(sizes, operation_names())), *map(seen, operation_names()))


def sizes(op: str) -> tuple[str, ...]:
    """One operation's row in the table of how many there are."""
    return code(op), *(str(len(of(op))) for of in (faults_of, mutants_of, wrappers_of))


def seen(op: str) -> str:
    """One operation's section: how a fault of it is run, and those that were seen."""
    one = every_fault_of(op)[0]
    run = fenced(f"$ backproof faults {op}\n$ pytest --impl=backproof.reference.faults:{op}.{one.name}", "console")
    faults = [table(("seen", "what is wrong"), map(row, faults_of(op)))] if faults_of(op) else []
    return paragraphs(f"## {op}", run, *faults)


def row(fault: Fault) -> tuple[str, str]:
    """One fault's name, and what is wrong with it."""
    return code(fault.name), f"{safe(fault.wrong)} Seen: {linked(fault.seen)}."


def kills() -> str:
    """What rejects the faults of all operations, as tests/test_kill_matrix.json has it, in a list."""
    records = json.loads(KILLS.read_text(encoding="utf-8")).values()
    strict, equivalent = (sum(len(r[key]) for r in records) for key in ("under --impl-strict alone", "equivalent"))
    faults, default, proven = (
        sum(r[key] for r in records) for key in ("faults", "rejected by default", "proven to differ over the reals")
    )
    return "\n".join(
        [
            f"- {faults:,} faults, of which {equivalent:,} compute the same as the formula: no run rejects them, and "
            "exact arithmetic finds no input at which they differ.",
            f"- Of the others a default run rejects {default:,}. The remaining {strict:,} concern NaN, infinities, "
            "empty batches, and calls that should be refused: `--impl-strict` rejects them.",
            f"- {proven:,} are proven to differ by two enclosures that do not overlap, or by one of both refusing the "
            "call. The others differ in dtype, rounding, layout, memory or state, which values over the reals cannot "
            "show.",
        ]
    )
