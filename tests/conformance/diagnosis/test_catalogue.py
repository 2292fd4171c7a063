"""What the faults of the catalogue look like: one in twenty of each operation, as it is on record.

`pytest -m catalogue tests/conformance/diagnosis/test_catalogue.py --force-regen` writes the record.
"""

import json
import time
from pathlib import Path
from statistics import median

import pytest
from backproof.conformance.check.verdict import MissKind
from backproof.reference.faults import every_fault_of
from backproof.reference.model.operation import operation_names
from diagnosed import Told, told

RECORD = Path(__file__).with_suffix(".json")
ONE_IN = 20
WRONG = "a name of one that differs, if only where nothing failed"
"""Worse than none, and on record nowhere."""
SECONDS = 1.0
"""A diagnosis takes no longer, in the middle, whatever the machine."""


def described(found: Told) -> str:
    """What was said of a fault."""
    if found.is_right:
        return "its own name, or that of one that does the same"
    if found.is_wrong:
        return WRONG
    if not found.findings:
        return "nothing, since every call raises" if raises_always(found) else "nothing"
    return "another description that holds"


def raises_always(found: Told) -> bool:
    """Whether every call raises, of which nothing can be said: many faults do."""
    misses = [item.verdict.misses for item in found.ran if item.fails]
    return all(miss.kind is MissKind.RAISED for some in misses for miss in some)


@pytest.mark.catalogue
@pytest.mark.parametrize("op", operation_names())
def test_what_faults_look_like_is_as_recorded(op: str, request: pytest.FixtureRequest) -> None:
    now: dict[str, list[str]] = {}
    seconds = []
    for fault in every_fault_of(op)[::ONE_IN]:
        began = time.process_time()
        found = told(fault)
        seconds.append(time.process_time() - began)
        if found is not None:
            now.setdefault(described(found), []).append(fault.name)
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if request.config.getoption("force_regen"):
        record[op] = now
        RECORD.write_text(json.dumps(dict(sorted(record.items())), indent=1) + "\n", encoding="utf-8")
    assert now == record.get(op)
    assert WRONG not in now
    assert median(seconds) < SECONDS
    assert len(now.get("nothing", [])) <= 0.15 * sum(map(len, now.values())) + 1
