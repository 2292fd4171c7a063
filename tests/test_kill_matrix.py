"""Every fault is rejected, by the check that a user's own implementation undergoes, or computes the same.

What is recorded of an operation: how many faults there are, how many a default run rejects, which only a strict run
does (NaN, infinities, empty batches, calls to be refused), and which are equivalent: no run rejects them, and the
exact arithmetic finds no difference. `pytest -m catalogue tests/test_kill_matrix.py --force-regen` writes it.
"""

import json
import random
from pathlib import Path

import pytest
from backproof.reference.faults import by_name, every_fault_of
from backproof.reference.model.operation import operation_names
from kill_matrix import Rejected, matrix, rejected
from proofs import proven
from shares import one_in

RECORD = Path(__file__).with_suffix(".json")
SAMPLED = 1
"""Faults of each operation that every run of the tests tries."""


def recorded(op: str) -> dict[str, object]:
    """What is recorded of an operation."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert op in record, "not recorded; run pytest -m catalogue tests/test_kill_matrix.py --force-regen"
    return record[op]


def sample(op: str) -> list[str]:
    return random.Random(op).sample([fault.name for fault in every_fault_of(op)], SAMPLED)


@pytest.mark.parametrize("op", one_in(10, operation_names()))
def test_of_a_sample_what_rejects_each_fault_is_as_recorded(op: str) -> None:
    record = recorded(op)
    kinds = {Rejected.NEVER: record["equivalent"], Rejected.UNDER_STRICT: record["under --impl-strict alone"]}
    for name in sample(op):
        due = next((how for how, names in kinds.items() if name in names), Rejected.BY_DEFAULT)
        assert (name, rejected(by_name(op)[name])) == (name, due)


@pytest.mark.parametrize("op", one_in(10, operation_names()))
def test_of_a_sample_no_fault_that_is_recorded_as_equivalent_differs_in_exact_arithmetic(op: str) -> None:
    equivalent = recorded(op)["equivalent"]
    some = random.Random(op).sample(equivalent, min(len(equivalent), SAMPLED))
    assert [name for name in some if proven(by_name(op)[name])] == []


@pytest.mark.catalogue
@pytest.mark.parametrize("op", operation_names())
def test_what_rejects_the_faults_is_as_recorded(op: str, request: pytest.FixtureRequest) -> None:
    found = matrix(op)
    survivors = [name for name, fate in found.items() if fate.rejected is Rejected.NEVER and fate.proven]
    assert survivors == []
    names = {how: sorted(name for name, fate in found.items() if fate.rejected is how) for how in Rejected}
    now = {
        "faults": len(found),
        "rejected by default": len(names[Rejected.BY_DEFAULT]),
        "proven to differ over the reals": sum(fate.proven for fate in found.values()),
        "under --impl-strict alone": names[Rejected.UNDER_STRICT],
        "equivalent": names[Rejected.NEVER],
    }
    if request.config.getoption("force_regen"):
        record = json.loads(RECORD.read_text(encoding="utf-8")) | {op: now}
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert now == recorded(op)
