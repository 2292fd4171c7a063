"""The diagnosis of failures, against the check of the same families: a fault of every direction of every operation.

What is said of it is looked for from scratch each time, the making of the candidates included. Processor time.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from backproof.conformance.diagnosis.findings import diagnose
from backproof.reference.faults import every_fault_of
from backproof.reference.model.operation import operation, operation_names

from .measure import Figure, at_most

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from diagnosed import of_fault, ran, whole

TRIES = 5
"""Of so many faults the first that fails is diagnosed: some fail under --impl-strict alone."""


def timed(op: str, direction: str) -> tuple[float, float, str]:
    """Time the diagnosis and the check of a fault that is drawn by the operation's name; all 0 where none fails."""
    faults = [fault for fault in every_fault_of(op) if fault.direction == direction]
    for fault in random.Random(f"{op} {direction}").sample(faults, TRIES):
        subject, vectors = of_fault(fault), whole(op)
        begun = process_time()
        families = ran(subject, vectors)
        checked = process_time()
        if any(item.fails for item in families):
            subject.setup()
            list(diagnose(families, subject, vectors))
            return process_time() - checked, checked - begun, f"{op}.{fault.name}"
    return 0.0, 0.0, ""


def figures() -> Iterator[Figure]:
    """Measure."""
    times = sorted(timed(op, direction) for op in operation_names() for direction in operation(op).functions)
    diagnoses, checks = (sum(time[place] for time in times) for place in (0, 1))
    slowest, check, name = times[-1]
    yield at_most(f"the diagnosis of {len(times)} functions that fail, against their check", diagnoses / checks, 2)
    yield at_most("the same", diagnoses, 30, "s")
    yield at_most("nineteen in twenty of them, each", times[-1 - len(times) // 20][0], 1, "s")
    yield at_most(f"the slowest, {name} ({slowest:.2g} s), against its check", slowest / check, 20)
