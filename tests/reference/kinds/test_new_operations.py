"""Each kind gives an operation that is not there yet all its families: every one of them has a golden answer."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from backproof.reference import cases, ops
from backproof.reference.generation.build import build, drafts
from backproof.reference.kinds.contraction import contraction
from backproof.reference.kinds.elementwise import Elementwise, elementwise
from backproof.reference.kinds.normalization import Rows, rows
from backproof.reference.kinds.operands import Contraction
from backproof.reference.kinds.targets import DIFFERENCE, Pointwise, by_element
from backproof.reference.model.family import Draft
from backproof.reference.model.losses import reduced
from backproof.reference.model.shapes import require_same_shape

Array = Any


class Cube:
    """x cubed, times a factor: element by element, with a parameter."""

    KIND = Elementwise(kinks={0.0: None}, spread=(-30, 30), parameters={"factor": 0.5}, suffix="-half")

    @staticmethod
    def forward(inputs: Array, *, factor: float) -> Array:
        return inputs * inputs * inputs * factor

    @staticmethod
    def backward(dL_doutputs: Array, inputs: Array, *, factor: float) -> Array:
        require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
        return dL_doutputs * (inputs * inputs * (3 * factor))

    @classmethod
    def drafts(cls, dtype: str) -> Iterator[Draft]:
        return elementwise(cls.KIND, dtype)


class Product:
    """A product of two matrices, without biases."""

    @staticmethod
    def forward(a: Array, b: Array) -> Array:
        return a @ b

    @staticmethod
    def backward(dL_doutputs: Array, a: Array, b: Array) -> tuple[Array, Array]:
        require_same_shape(dL_doutputs=dL_doutputs, outputs=a @ b)
        return dL_doutputs @ b.T, a.T @ dL_doutputs

    @staticmethod
    def drafts(dtype: str) -> Iterator[Draft]:
        return contraction(Contraction(("a", "b")), dtype)


class Weighted:
    """Rows divided by the number of their elements, times weights."""

    @staticmethod
    def forward(inputs: Array, weight: Array) -> Array:
        return inputs / inputs.shape[-1] * weight

    @staticmethod
    def backward(dL_doutputs: Array, inputs: Array, weight: Array) -> tuple[Array, Array]:
        require_same_shape(dL_doutputs=dL_doutputs, inputs=inputs)
        size, batch = inputs.shape[-1], tuple(range(len(inputs.shape) - 1))
        return dL_doutputs * weight / size, (dL_doutputs * inputs / size).sum(axis=batch)

    @staticmethod
    def drafts(dtype: str) -> Iterator[Draft]:
        return rows(Rows(weights=("weight",)), dtype)


class SquaredError:
    """The squared error of each element, reduced over all of them."""

    LABELS = ("targets",)
    LOSS = Pointwise(DIFFERENCE)

    @staticmethod
    def forward(predictions: Array, targets: Array, *, reduction: str) -> Array:
        require_same_shape(predictions=predictions, targets=targets)
        losses = (predictions - targets) * (predictions - targets)
        return losses if reduction == "none" else reduced(losses.reshape(-1), reduction)

    @staticmethod
    def backward(dL_dloss: Array, predictions: Array, targets: Array, *, reduction: str) -> Array:
        require_same_shape(predictions=predictions, targets=targets)
        require_same_shape(dL_dloss=dL_dloss, loss=predictions if reduction == "none" else np.zeros(()))
        size = max(1, int(np.prod(predictions.shape)))
        return dL_dloss * (2 * (predictions - targets)) / (size if reduction == "mean" else 1)

    @classmethod
    def drafts(cls, dtype: str) -> Iterator[Draft]:
        return by_element(cls.LOSS, dtype, changes={"forward-empty-mean": {"point": None}})


@pytest.fixture(params=[Cube, Product, Weighted, SquaredError])
def op(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An operation that is nowhere but in memory."""
    name = f"new_{request.param.__name__.lower()}"
    for package in (ops, cases):
        module = ModuleType(f"{package.__name__}.{name}")
        vars(module).update(BATCH_AXIS={}, **{k: getattr(request.param, k) for k in vars(request.param) if k[0] != "_"})
        vars(module).update(drafts=lambda dtype: (replace(d, count=1) for d in request.param.drafts(dtype)))
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return name


def test_every_family_has_an_answer(op: str) -> None:
    families = drafts(op, "float32")
    assert len(families) >= 49
    for name in families:
        family = build(op, "float32", name)
        assert family.count >= 1
        assert bool(family.answer.expected) == (family.result != "invalid")
