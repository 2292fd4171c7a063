"""All formulations of an operation are the same mathematics: in ball arithmetic each encloses the others."""

from collections.abc import Iterator

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.model.operation import Operation, operation
from calls import SIZES, Draw, as_tuple, call, directions, forms, formulations

BITS = 2000
"""Enough for logits that lie a thousand apart: exp(-1000) is 1,443 bits down."""


def spread(w: Words, shape: Shape) -> np.ndarray:
    """Magnitudes from 2**-30 to 2**9, signed."""
    return w.spread(shape, -30, 9)


def far(w: Words, shape: Shape) -> np.ndarray:
    """Close together, far from 0."""
    return w.array(1024 + w.normal(shape, 2.0**-10))


def coarse(w: Words, shape: Shape) -> np.ndarray:
    """Small integers, zeros and ties among them."""
    return w.array(w.integers(shape, -2, 3))


SCALES: dict[str, Draw] = {"ordinary": lambda w, shape: w.normal(shape), "spread": spread, "far": far, "coarse": coarse}


def cases() -> Iterator[object]:
    """Every operation and direction in every form at every scale."""
    for name, direction in directions():
        for form in forms(operation(name)):
            for scale in SCALES:
                yield pytest.param(name, direction, form, scale, id=f"{name}-{direction}-{form}-{scale}")


def enclosures(described: Operation, direction: str, form: object, scale: str) -> list[tuple[np.ndarray, ...]]:
    """Evaluate every formulation that applies: for each, its results as object arrays of balls."""
    flint.ctx.prec = BITS
    key = f"formulations/{described.name}/{direction}/{form}/{scale}"
    arguments = call(described, direction, form, Words(key, "float64"), SCALES[scale], SIZES)
    balls = [x if x.dtype == np.int64 else Ball(x) for x in arguments.values()]
    formulas = [f for f in formulations(described, direction) if f.applies(arguments)]
    return [tuple(y.balls for y in as_tuple(f.function(*balls, **form.parameters))) for f in formulas]


@pytest.mark.parametrize(("name", "direction", "form", "scale"), list(cases()))
def test_every_formulation_encloses_the_others(name: str, direction: str, form: object, scale: str) -> None:
    canonical, *others = enclosures(operation(name), direction, form, scale)
    for results in others:
        assert len(results) == len(canonical)
        for one, other in zip(canonical, results, strict=True):
            assert one.shape == other.shape
            for a, b in zip(one.ravel(), other.ravel(), strict=True):
                assert a.is_finite()
                assert b.is_finite()
                assert a.overlaps(b)
                assert abs(a - b) <= 1e-30 * (1 + abs(a)), "an enclosure so wide says nothing"


def test_operations_with_a_softmax_have_more_than_one_formulation() -> None:
    assert all(len(formulations(operation(n), d)) > 1 for n, d in directions() if "softmax" in n or n == "mlp")
