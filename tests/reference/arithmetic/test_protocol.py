"""What formulas may say gives in every arithmetic the elements that NumPy gives."""

# ruff: noqa: ARG005 (every expression is given both operands)

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.arithmetic.exact import rounded
from backproof.reference.arithmetic.fast import Fast, exact
from backproof.reference.arithmetic.fast_bounds import units_of
from backproof.reference.arithmetic.fast_sums import Batch
from backproof.reference.arithmetic.precision import PRECISIONS
from backproof.reference.arithmetic.protocol import FormulaArray, over_elements
from backproof.reference.arithmetic.rounding import Rounding
from backproof.reference.model.functions import over_batch, scatter_add, stored

X = np.arange(1.0, 25).reshape(2, 3, 4)
Y = np.where(X % 3 == 0, -X, X / 2).transpose(0, 2, 1)
INDEX = np.array([2, 0, 2])

STRUCTURE: dict[str, Callable[[Any, Any], Any]] = {
    "where": lambda x, y: np.where(X > 5, x, 0),
    "take": lambda x, y: np.take(x, INDEX, axis=1),
    "take one": lambda x, y: np.take(x, 1, axis=-1),
    "take_along_axis": lambda x, y: np.take_along_axis(x, INDEX.reshape(1, 3, 1), axis=1),
    "index arrays": lambda x, y: x[:, INDEX],
    "strides": lambda x, y: x[:, ::2, ::-1],
    "pad": lambda x, y: np.pad(x, ((0, 0), (1, 2), (0, 3))),
    "pad alike": lambda x, y: np.pad(x, 1, constant_values=7),
    "transpose": lambda x, y: np.transpose(x, (2, 0, 1)),
    "moveaxis": lambda x, y: np.moveaxis(x, 0, -1),
    "swapaxes": lambda x, y: np.swapaxes(x, 0, 2),
    "stack": lambda x, y: np.stack([x, x + 1], axis=1),
    "concatenate": lambda x, y: np.concatenate([x, x], axis=2),
    "squeeze": lambda x, y: np.squeeze(x[:1], axis=0),
    "expand_dims": lambda x, y: np.expand_dims(x, 1),
    "repeat": lambda x, y: np.repeat(x, 2, axis=1),
    "broadcast_to": lambda x, y: np.broadcast_to(x[:1], (3, 3, 4)),
    "sum over a tuple": lambda x, y: x.sum(axis=(0, -1)),
    "sum, axes kept": lambda x, y: x.sum(axis=(0, 2), keepdims=True),
    "mean over a tuple": lambda x, y: x.mean(axis=(0, 1)),
    "largest over a tuple": lambda x, y: x.max(axis=(0, 2)),
    "over_batch": lambda x, y: over_batch(x, (0, 1)),
    "stored": lambda x, y: stored(x),
    "shape, rank, length and size": lambda x, y: x * (x.shape[-1] + 8 * x.ndim + 16 * len(x) + 32 * x.size),
    "square": lambda x, y: np.square(x),
    "reciprocal": lambda x, y: np.reciprocal(x[0, :2, :1] / x[0, :2, :1]),
    "scatter_add": lambda x, y: scatter_add(x[0], INDEX, 4),
    "scatter_add to nowhere": lambda x, y: scatter_add(x[0, :0], INDEX[:0], 2),
    "stacked products": lambda x, y: x @ y,
    "a matrix for all": lambda x, y: x @ y[0],
    "broadcast stacks": lambda x, y: x[:, None] @ y[None],
    "a matrix times a stack": lambda x, y: x[0] @ y,
    "an empty stack": lambda x, y: x[:0] @ y[:0],
    "vector times matrix": lambda x, y: x[0, 0] @ y[0],
    "matrix times vector": lambda x, y: x[0] @ y[0, :, 0],
    "vector times stack": lambda x, y: x[0, 0] @ y,
    "inner product": lambda x, y: x[0, 0] @ y[0, :, 0],
}
WRONG: dict[str, Callable[[Any, Any], Any]] = {
    "inner sizes": lambda x, y: x @ x,
    "a scalar": lambda x, y: x[0, 0, 0] @ y,
    "stacks": lambda x, y: x[:, None][:, [0, 0, 0]] @ y[[0, 1, 0, 1]],
}


def floats(x: Any) -> np.ndarray:
    if isinstance(x, Fast):
        return x.value
    balls = x.balls if isinstance(x, Ball) else x.value
    return over_elements(rounded, 1)(balls).astype(np.float64)


def in_arithmetic(kind: str, x: np.ndarray) -> FormulaArray:
    if kind == "balls":
        return Ball(x)
    if kind == "fast":
        return exact(x, units_of(PRECISIONS["bfloat16"]["stepwise"]), Batch())
    return Rounding(x, np.zeros(x.shape), PRECISIONS["bfloat16"][kind])


@pytest.mark.parametrize("kind", ["balls", "fused", "stepwise", "fast"])
@pytest.mark.parametrize("said", STRUCTURE)
def test_every_arithmetic_has_the_elements_that_numpy_has(said: str, kind: str) -> None:
    got, due = STRUCTURE[said](in_arithmetic(kind, X), in_arithmetic(kind, Y)), np.asarray(STRUCTURE[said](X, Y))
    assert isinstance(got, FormulaArray)
    assert got.shape == due.shape
    np.testing.assert_array_equal(floats(got), due)


@pytest.mark.parametrize("kind", ["balls", "fused", "fast"])
@pytest.mark.parametrize("said", WRONG)
def test_what_makes_no_product_is_refused_as_numpy_refuses_it(said: str, kind: str) -> None:
    for x, y in ((X, Y), (in_arithmetic(kind, X), in_arithmetic(kind, Y))):
        with pytest.raises(ValueError, match=r"."):
            WRONG[said](x, y)


def test_padding_is_exact() -> None:
    padded = np.pad(Rounding(X, np.ones(X.shape), PRECISIONS["float32"]["float32"]), 1)
    assert padded.error[0, 0, 0].is_zero()
    assert padded.error[1, 1, 1] == 1


def test_a_step_is_taken_once_for_the_very_same_arrays() -> None:
    x, y = in_arithmetic("fused", X), in_arithmetic("fused", X)
    assert x + y is x + y
    assert x.sum(axis=0) is x.sum(axis=0)
    assert x.T is x.T
    others = x - y, x + in_arithmetic("fused", X), x.sum(axis=0, keepdims=True), x.sum(axis=1)
    assert len({id(result) for result in (x + y, x.sum(axis=0), *others)}) == 6


def test_what_moves_elements_gives_rounding_arrays_the_very_same_for_the_same_arguments() -> None:
    x, lower = in_arithmetic("fused", X), X < 5
    for move in (
        lambda: x.reshape(6, 4),
        lambda: np.swapaxes(x, 0, 1),
        lambda: x[:, ::2],
        lambda: x[:, INDEX.copy()],
        lambda: np.where(lower.copy(), x, 0),
        lambda: x.reshape(6, 4) @ x.reshape(6, 4).T,
    ):
        assert move() is move()
    assert np.where(lower, x, 0) is not np.where(~lower, x, 0)
    assert x[:, ::2] is not x[:, ::1]
    assert x[:, INDEX] is not x[:, INDEX[[0, 0, 1]]]
