"""The comparison of checkers: its record is whole, its tables are in the documents, and nothing that hangs stops it."""

import sys
from pathlib import Path

import fragile_server
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.comparison import record, tables, workers
from tests.comparison.checkers import CHECKERS
from tests.comparison.subjects import subjects


def test_every_fault_and_every_sound_variant_is_in_the_record() -> None:
    results = record.load()
    assert [*results.faults, *results.variants] == [*subjects()]
    assert [*results.spoiled] == [*CHECKERS]


@pytest.mark.parametrize("document", tables.DOCUMENTS, ids=lambda path: path.name)
def test_the_tables_of_a_document_are_those_of_the_record(document: Path) -> None:
    text = document.read_text()
    assert tables.filled(text, record.load()) == text


def test_the_documents_have_every_table() -> None:
    text = tables.DOCUMENTS[0].read_text()
    assert [name for name in tables.PARTS if f"<!-- comparison: {name} -->" not in text] == []


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
