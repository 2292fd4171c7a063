"""The adapters that come with backproof, held against the golden vectors that come with it."""

import sys
from functools import cache
from pathlib import Path

import pytest
from backproof.conformance import adapters
from backproof.conformance.check.family import check
from backproof.conformance.check.further import called_many_times
from backproof.conformance.check.verdict import Outcome
from backproof.conformance.implementation.errors import AdapterError
from backproof.conformance.implementation.load import load
from backproof.vectors import store
from shares import one_in
from verdicts import table

OPERATIONS = tuple(store.golden_operations())
FRAMEWORKS = {
    "autograd": "HIPS autograd",
    "jax": "JAX",
    "mlx": "MLX",
    "tensorflow": "TensorFlow",
    "tinygrad": "tinygrad",
    "torch": "PyTorch",
}
"""What each adapter of an optional framework calls it, by the name that adapter, module and package share."""


class Without:
    """An importer to which one package is not installed."""

    def __init__(self, package):
        self.package = package

    def find_spec(self, name, _path=None, _target=None):
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {self.package!r}", name=self.package)


def verdicts(adapter, op):
    implementation = load(f"backproof.conformance.adapters.{adapter}", OPERATIONS)
    implementation.setup()
    vectors = store.read_golden(op)
    often = called_many_times(vectors, implementation.dtypes)
    return [check(family, implementation, vectors, many_calls=family.id in often) for family in vectors.families]


def told(verdicts):
    return [f"{verdict.id}: {miss.summary}" for verdict in verdicts for miss in verdict.misses]


# All of it, in the same dtypes, is what `tox -e vectors` runs.
@pytest.mark.parametrize("op", one_in(32, OPERATIONS))
def test_the_numpy_adapter_misses_nothing_not_even_what_is_robust(op):
    seen = verdicts("numpy", op)
    assert told(seen) == []
    outcomes = {verdict.outcome for verdict in seen}
    assert outcomes <= {Outcome.PASSED, Outcome.UNSUPPORTED} or outcomes == {Outcome.NOT_IMPLEMENTED}


def test_the_numpy_adapter_implements_the_lesson():
    functions = load("backproof.conformance.adapters.numpy", OPERATIONS).functions
    lesson = {"dense", "relu", "softmax", "cross_entropy", "softmax_cross_entropy", "mlp"}
    assert {op for op, _ in functions} >= lesson


@pytest.mark.parametrize("adapter", ["activations", "autodiff", "layers", "numpy", *FRAMEWORKS])
def test_no_adapter_leans_on_the_reference(adapter):
    assert "reference" not in (Path(adapters.__path__[0]) / f"{adapter}.py").read_text()


@cache
def explained(adapter):
    return table.read(adapter)[1]


def is_known(adapter, verdict):
    """Whether a failure is one that the framework's verdict table explains."""
    return any(explanation.covers(verdict.id) for explanation in explained(adapter))


@pytest.mark.parametrize("op", OPERATIONS)
@pytest.mark.parametrize("adapter", [pytest.param("autograd", marks=pytest.mark.catalogue), "torch"])
def test_the_adapter_misses_nothing_that_is_required(adapter, op):
    pytest.importorskip(adapter, reason=f"needs {FRAMEWORKS[adapter]}; run by tox -e {adapter}")
    failed = [verdict for verdict in verdicts(adapter, op) if verdict.outcome is Outcome.FAILED]
    assert told(verdict for verdict in failed if not is_known(adapter, verdict)) == []


@pytest.mark.parametrize(("adapter", "framework"), FRAMEWORKS.items())
def test_an_adapter_says_in_one_line_that_its_framework_is_missing(adapter, framework, monkeypatch):
    for name in list(sys.modules):
        if (name + ".").startswith((adapter + ".", f"backproof.conformance.adapters.{adapter}.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(adapter), *sys.meta_path])
    with pytest.raises(AdapterError, match=f"this adapter needs {framework}: pip install {adapter}") as error:
        load(f"backproof.conformance.adapters.{adapter}", OPERATIONS)
    assert "\n" not in str(error.value)
