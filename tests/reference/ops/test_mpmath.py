"""Golden values agree with formulas worked out by hand over mpmath, index by index, sharing nothing with `ops`."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from backproof.reference.model.operation import operation, operation_names
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import Family
from backproof.vectors.store import read_golden
from mpmath import mpf

BITS = 2000
FAMILIES, CASES = 3, 2
"""How many families of each operation, direction and dtype, and how many cases of each."""
Matrix = list[list[Any]]


def matrix(x: np.ndarray) -> Matrix:
    """Give an array of any rank as rows along its last axis."""
    return [[mpf(float(v)) for v in row] for row in np.atleast_2d(x).reshape(-1, x.shape[-1])]


def weights_of(labels: np.ndarray, classes: int) -> Matrix:
    """Give labels as rows of weights."""
    if labels.ndim == 2:
        return matrix(labels)
    return [[mpf(int(k == label)) for k in range(classes)] for label in labels]


def rows_upstream(dL_dloss: np.ndarray, rows: int, reduction: str) -> list[Any]:
    """Give the gradient of L with respect to each row's loss."""
    if reduction == "none":
        return [mpf(float(g)) for g in dL_dloss]
    return [mpf(float(dL_dloss)) / (rows if reduction == "mean" else 1)] * rows


def reduced(losses: list[Any], reduction: str) -> list[Any]:
    """Reduce the losses of the rows."""
    if reduction == "none":
        return losses
    return [mpmath.fsum(losses) / (len(losses) if reduction == "mean" else 1)]


def product(a: Matrix, b: Matrix) -> Matrix:
    """Multiply two matrices."""
    return [[mpmath.fsum(a[i][k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for i in range(len(a))]


def transpose(a: Matrix) -> Matrix:
    """Exchange rows and columns."""
    return [list(column) for column in zip(*a, strict=True)]


def affine(x: Matrix, w: Matrix, b: Matrix) -> Matrix:
    """Give x w + b."""
    return [[v + b[0][j] for j, v in enumerate(row)] for row in product(x, w)]


def probabilities(z: Matrix) -> Matrix:
    """Give exp(z) over its sum; nothing overflows in mpmath."""
    exponentials = [[mpmath.exp(v) for v in row] for row in z]
    return [[v / mpmath.fsum(row) for v in row] for row in exponentials]


def column_sums(a: Matrix) -> Matrix:
    """Sum over the rows."""
    return [[mpmath.fsum(column) for column in zip(*a, strict=True)]]


def dense_forward(inputs: Any, weights: Any, biases: Any) -> list[Any]:
    return [affine(matrix(inputs), matrix(weights), matrix(biases))]


def dense_backward(dL_doutputs: Any, inputs: Any, weights: Any, biases: Any) -> list[Any]:
    g, x, w = matrix(dL_doutputs), matrix(inputs), matrix(weights)
    return [product(g, transpose(w)), product(transpose(x), g), column_sums(g)]


def relu_forward(inputs: Any) -> list[Any]:
    return [[[v if v > 0 else mpf(0) for v in row] for row in matrix(inputs)]]


def relu_backward(dL_doutputs: Any, inputs: Any) -> list[Any]:
    pairs = zip(matrix(dL_doutputs), matrix(inputs), strict=True)
    return [[[g if v > 0 else mpf(0) for g, v in zip(*rows, strict=True)] for rows in pairs]]


def softmax_forward(logits: Any) -> list[Any]:
    return [probabilities(matrix(logits))]


def softmax_backward(dL_doutputs: Any, logits: Any) -> list[Any]:
    gradient = []
    for g, p in zip(matrix(dL_doutputs), probabilities(matrix(logits)), strict=True):
        gradient.append([mpmath.fsum(g[j] * p[j] * ((i == j) - p[i]) for j in range(len(p))) for i in range(len(p))])
    return [gradient]


def cross_entropy_forward(probabilities: Any, labels: Any, *, reduction: str) -> list[Any]:
    p = matrix(probabilities)
    y = weights_of(labels, len(p[0]))
    losses = [
        -mpmath.fsum(w * mpmath.log(v) for v, w in zip(*rows, strict=True) if w) for rows in zip(p, y, strict=True)
    ]
    return [[reduced(losses, reduction)]]


def cross_entropy_backward(dL_dloss: Any, probabilities: Any, labels: Any, *, reduction: str) -> list[Any]:
    p = matrix(probabilities)
    y, g = weights_of(labels, len(p[0])), rows_upstream(dL_dloss, len(p), reduction)
    return [[[-y[i][k] * g[i] / p[i][k] if y[i][k] else mpf(0) for k in range(len(p[0]))] for i in range(len(p))]]


def losses_of(z: Matrix, y: Matrix) -> list[Any]:
    """Give sum_k y_k (log sum_j exp(z_j) - z_k) of each row."""
    totals = [mpmath.log(mpmath.fsum(mpmath.exp(v) for v in row)) for row in z]
    return [
        mpmath.fsum(w * (total - v) for v, w in zip(row, weights, strict=True))
        for row, weights, total in zip(z, y, totals, strict=True)
    ]


def scaled_difference(p: Matrix, y: Matrix, g: list[Any]) -> Matrix:
    """Give (p - y) g, row by row."""
    return [[(v - w) * g[i] for v, w in zip(p[i], y[i], strict=True)] for i in range(len(p))]


def softmax_cross_entropy_forward(logits: Any, labels: Any, *, reduction: str) -> list[Any]:
    z = matrix(logits)
    return [[reduced(losses_of(z, weights_of(labels, len(z[0]))), reduction)]]


def softmax_cross_entropy_backward(dL_dloss: Any, logits: Any, labels: Any, *, reduction: str) -> list[Any]:
    p = probabilities(matrix(logits))
    return [scaled_difference(p, weights_of(labels, len(p[0])), rows_upstream(dL_dloss, len(p), reduction))]


def softmax_cross_entropy_from_outputs_backward(
    dL_dloss: Any, outputs: Any, labels: Any, *, reduction: str
) -> list[Any]:
    p = matrix(outputs)
    return [scaled_difference(p, weights_of(labels, len(p[0])), rows_upstream(dL_dloss, len(p), reduction))]


def hidden_and_logits(tensors: Sequence[Any]) -> tuple[Matrix, Matrix, Matrix]:
    """Give the hidden layer before and after ReLU, and the logits."""
    x, w1, b1, w2, b2 = map(matrix, tensors)
    hidden = affine(x, w1, b1)
    active = [[v if v > 0 else mpf(0) for v in row] for row in hidden]
    return hidden, active, affine(active, w2, b2)


def mlp_forward(*tensors: Any, reduction: str) -> list[Any]:
    _, _, z = hidden_and_logits(tensors[:5])
    return [[reduced(losses_of(z, weights_of(tensors[5], len(z[0]))), reduction)]]


def mlp_backward(dL_dloss: Any, *tensors: Any, reduction: str) -> list[Any]:
    hidden, active, z = hidden_and_logits(tensors[:5])
    inputs, weights1, weights2 = matrix(tensors[0]), matrix(tensors[1]), matrix(tensors[3])
    y = weights_of(tensors[5], len(z[0]))
    at_logits = scaled_difference(probabilities(z), y, rows_upstream(dL_dloss, len(z), reduction))
    passed = product(at_logits, transpose(weights2))
    at_hidden = [
        [g if h > 0 else mpf(0) for g, h in zip(*rows, strict=True)] for rows in zip(passed, hidden, strict=True)
    ]
    return [
        product(at_hidden, transpose(weights1)),
        product(transpose(inputs), at_hidden),
        column_sums(at_hidden),
        product(transpose(active), at_logits),
        column_sums(at_logits),
    ]


BY_HAND: dict[str, Callable[..., list[Any]]] = {
    name: function for name, function in globals().items() if name.endswith(("_forward", "_backward"))
}


def sampled() -> Iterator[object]:
    """Every operation in every direction at every dtype."""
    for name in operation_names():
        for direction in operation(name).functions:
            yield from (pytest.param(name, direction, dtype, id=f"{name}-{direction}-{dtype}") for dtype in DTYPES)


def sample(name: str, direction: str, dtype: str) -> list[Family]:
    """Give some families that were drawn, spread over all that there are."""
    drawn = [
        f
        for f in read_golden(name).families
        if f.seed
        and (f.direction, f.dtype, f.level, f.result) == (direction, dtype, "required", "valid")
        and next(iter(f.inputs.values())).size < 400
    ]
    return drawn[:: max(len(drawn) // FAMILIES, 1)]


@pytest.mark.parametrize(("name", "direction", "dtype"), list(sampled()))
def test_golden_values_are_those_worked_out_by_hand(name: str, direction: str, dtype: str) -> None:
    families = sample(name, direction, dtype)
    assert len(families) >= FAMILIES
    for family in families:
        for case in range(min(family.count, CASES)):
            with mpmath.workprec(BITS):
                results = BY_HAND[f"{name}_{direction}"](
                    *(x[case] for x in family.inputs.values()), **family.parameters
                )
                wanted = [[float(v) for row in result for v in row] for result in results]
            for want, (result, expected) in zip(wanted, family.answer.expected.items(), strict=True):
                assert expected[case].ravel().tolist() == want, f"{family.id}#{case} {result}"


def test_every_operation_is_worked_out_by_hand() -> None:
    assert set(BY_HAND) == {
        f"{name}_{direction}" for name in operation_names() for direction in operation(name).functions
    }
