"""Families of cases for the dense layer."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from ..generation.draws import Shape, Words, held, nearest_held
from ..kinds.contraction import contraction
from ..kinds.operands import Contraction, initial, ordinary
from ..kinds.paired import families
from ..model.family import Draft, Inputs

DENSE = Contraction(("inputs", "weights", "biases"))


def drafts(dtype: str) -> Iterator[Draft]:
    """Give all families at a dtype."""
    inputs = nearest_held([[1, 2, 3, 2.5], [2, 5, -1, 2], [-1.5, 2.7, 3.3, -0.8]], dtype)
    neurons = [[0.2, 0.8, -0.5, 1], [0.5, -0.91, 0.26, -0.5], [-0.26, -0.27, 0.17, 0.87]]
    weights = np.ascontiguousarray(nearest_held(neurons, dtype).T)
    rows = held(np.repeat([[1.0], [2.0], [3.0]], 3, axis=1), dtype)
    yield from families(
        "lesson",
        "lesson stride-zero",
        "The lesson's layer of three neurons; each row of the upstream is 1, 2 or 3 throughout.",
        (DENSE.case(rows, inputs, weights, held([[2, 3, 0.5]], dtype)),),
        source="nnfs.io, chapter on backpropagation: the dense layer",
    )
    yield from families(
        "initial-weights",
        "random small-values upstream-signed",
        "A layer as it starts: weights 0.01 times bell-shaped numbers, biases of 0.",
        draw=start,
        source="nnfs.io, chapter on layers",
    )
    yield from contraction(DENSE, dtype)
    for name, comment, inputs_shape, biases_shape in (
        ("vector", "A single row as a vector, and biases as another.", (4,), (3,)),
        ("vector-of-biases", "Biases as a vector.", (5, 4), (3,)),
        ("stack", "A stack of matrices.", (2, 5, 4), (1, 3)),
        ("stack-vector-of-biases", "A stack of matrices, and biases as a vector.", (2, 5, 4), (3,)),
    ):
        draw = partial(further, inputs_shape, biases_shape)
        yield from families(
            f"further-{name}",
            "further-form rank upstream-signed",
            f"{comment} An implementation may refuse it.",
            draw=draw,
            counts=2,
        )


def further(inputs: Shape, biases: Shape, w: Words) -> Inputs:
    """Bell-shaped everything, the inputs of any rank, the biases a row or a vector; four features and three outputs."""
    return DENSE.case(w.normal((*inputs[:-1], 3)), w.normal(inputs), w.normal((4, 3)), w.normal(biases))


def start(w: Words) -> Inputs:
    """A layer before training."""
    case = ordinary(DENSE, (4, 6, 3), w, upstream=8.0)
    return {**case, "weights": initial(w, (6, 3)), "biases": w.array(np.zeros((1, 3)))}
