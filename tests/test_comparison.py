"""The comparison of checkers: its record is whole, its tables are in the documents, and nothing that hangs stops it."""

from dataclasses import replace
from pathlib import Path

import fragile_server
import pytest
from comparison import record, tables, workers
from comparison.calls import OPERATIONS
from comparison.checkers import CHECKERS, OURS, STRICT
from comparison.subjects import PLAIN, subjects
from shares import one_in


@pytest.mark.parametrize("op", one_in(10, OPERATIONS))
def test_every_fault_and_every_sound_variant_is_in_the_record(op: str) -> None:
    results = record.load()
    faults = [name for name in results.faults if name.startswith(f"{op}.")]
    variants = [name for name in results.variants if name.endswith(f": {op}")]
    assert [*faults, *variants] == [name for name, subject in subjects(op).items() if subject.group != PLAIN]


def test_every_checker_is_in_the_record_with_every_operation() -> None:
    results = record.load()
    assert [*results.spoiled] == [*CHECKERS]
    assert [*results.seconds] == [OURS, *CHECKERS]
    assert {tuple(by_op) for by_op in (*results.spoiled.values(), *results.seconds.values())} == {OPERATIONS}


@pytest.mark.parametrize("document", tables.DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_of_a_document_are_those_of_the_record(document: Path) -> None:
    text = document.read_text()
    assert tables.filled(text, record.load()) == text


def test_the_documents_have_every_table() -> None:
    text = tables.DOCUMENTS[0].read_text()
    assert [name for name in tables.PARTS if f"<!-- comparison: {name} -->" not in text] == []


def test_what_backproof_finds_has_to_be_as_recorded() -> None:
    recorded = record.load()
    name, fault = next(iter(recorded.faults.items()))
    lost = {column: dtypes for column, dtypes in fault.rejected.items() if column != OURS}
    changed = replace(recorded, faults=recorded.faults | {name: replace(fault, rejected=lost)})
    assert list(record.differences(recorded, recorded)) == []
    (line,) = record.differences(recorded, changed, (OURS, STRICT))
    assert line.startswith(f"{name}: {OURS} recorded all, ")
    assert line.endswith("found no rejection")


def test_what_others_find_may_move_a_little_and_no_more() -> None:
    recorded = record.load()
    found_by_numpy = [name for name, fault in recorded.faults.items() if "float64" in fault.rejected.get("numpy", ())]

    def without(count: int) -> record.Results:
        lost = {name: replace(recorded.faults[name], rejected={}) for name in found_by_numpy[:count]}
        return replace(recorded, faults=recorded.faults | lost)

    assert not any("assert_allclose" in line for line in tables.moved(recorded, without(tables.MOVES)))
    assert any("assert_allclose" in line for line in tables.moved(recorded, without(tables.MOVES + 1)))


def test_a_checker_that_hangs_or_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LIMIT", 0.2)
    worker = workers.Worker(fragile_server.serve)
    with pytest.raises(TimeoutError):
        worker.ask("hang")
    with pytest.raises((EOFError, ConnectionError)):
        worker.ask("die")
    monkeypatch.setattr(workers, "LIMIT", 60)
    assert worker.ask("still", "there") == ("still", "there")
    worker.stop()
