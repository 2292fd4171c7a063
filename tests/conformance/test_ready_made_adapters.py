"""The adapters that come with backproof, held against the golden vectors that come with it."""

import importlib
import sys
from pathlib import Path

import pytest
from backproof.conformance.adapter import AdapterError, load
from backproof.conformance.check import check
from backproof.conformance.conventions import Tracker
from backproof.conformance.verdict import Outcome
from backproof.vectors import store

OPERATIONS = tuple(store.golden_operations())


def verdicts(adapter, op):
    implementation = load(f"backproof.conformance.adapters.{adapter}", OPERATIONS)
    implementation.setup()
    vectors, tracker = store.read_golden(op), Tracker()
    return [tracker.add(check(family, implementation, vectors)) for family in vectors.families]


def told(verdicts):
    return [f"{verdict.id}: {miss.summary}" for verdict in verdicts for miss in verdict.misses]


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_numpy_adapter_misses_nothing_not_even_what_is_robust(op):
    seen = verdicts("numpy", op)
    assert told(seen) == []
    assert {verdict.outcome for verdict in seen} <= {Outcome.PASSED, Outcome.UNSUPPORTED}


def test_the_numpy_adapter_does_not_lean_on_the_reference():
    module = importlib.import_module("backproof.conformance.adapters.numpy")
    assert "reference" not in Path(str(module.__file__)).read_text()


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_torch_adapter_misses_nothing_that_is_required(op):
    pytest.importorskip("torch")
    assert told(verdict for verdict in verdicts("torch", op) if verdict.outcome is Outcome.FAILED) == []


def test_the_torch_adapter_says_in_one_line_that_torch_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "backproof.conformance.adapters.torch", raising=False)
    with pytest.raises(AdapterError, match="this adapter needs PyTorch: pip install torch") as error:
        load("backproof.conformance.adapters.torch", OPERATIONS)
    assert "\n" not in str(error.value)
