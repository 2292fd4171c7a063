"""All formulations of an operation are the same mathematics: in ball arithmetic each encloses the others."""

import inspect
from functools import partial
from itertools import product

import flint
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.model.formulations import (
    AS_WRITTEN,
    Formulation,
    as_written,
    losing_digits,
    named,
    replacing,
    sized_by,
    through,
)
from backproof.reference.model.operation import operation
from backproof.reference.ops import conv2d, sigmoid, silu, softmax_cross_entropy
from calls import Draw, Form, as_tuple, call, directions, forms

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


def drawn(form: Form, scale: str) -> dict[str, np.ndarray]:
    """Draw the arguments of a call."""
    return call(form, Words(f"formulations/{form}/{scale}", "float64"), SCALES[scale])


def ignores_every_row(form: Form, scale: str) -> bool:
    """Whether no row of the call counts: a mean over none is NaN."""
    ignored = form.parameters.get("ignore_index")
    return ignored is not None and bool((drawn(form, scale)["labels"] == ignored).all())


def enclosures(direction: str, form: Form, scale: str) -> list[tuple[np.ndarray, ...]]:
    """Evaluate every formulation that applies: for each, its results as object arrays of balls."""
    flint.ctx.prec = BITS
    arguments = drawn(form, scale)
    balls = [x if x.dtype.kind == "i" else Ball(x) for x in arguments.values()]
    formulas = [f for f in operation(form.op).formulations[direction] if f.applies({**arguments, **form.parameters})]
    return [tuple(y.balls for y in as_tuple(f.function(*balls, **form.parameters))) for f in formulas]


def of_every(many: int, place: int, op: str, direction: str) -> tuple[Form, ...]:
    """One form of so many of a function, and one at least; which are drawn where the call is made, and depend on the
    function's place among all."""
    every = forms(op, direction)
    return every[place % min(many, len(every)) :: many]


@pytest.mark.parametrize("many", [pytest.param(8, id="some"), pytest.param(1, id="all", marks=pytest.mark.catalogue)])
@pytest.mark.parametrize(("place", "op", "direction"), [(place, *one) for place, one in enumerate(directions())])
def test_every_formulation_encloses_the_others(place: int, op: str, direction: str, many: int) -> None:
    few = min(many, 2)
    for form, scale in product(of_every(many, place, op, direction), [*SCALES][place % few :: few]):
        canonical, *others = enclosures(direction, form, scale)
        assert ignores_every_row(form, scale) or any(a.is_finite() for one in canonical for a in one.ravel())
        for results in others:
            assert len(results) == len(canonical)
            for one, other in zip(canonical, results, strict=True):
                assert one.shape == other.shape
                assert all(map(enclose, one.ravel(), other.ravel())), f"{form}, {scale}"


def enclose(one: flint.arb, other: flint.arb) -> bool:
    """Whether two enclosures are of the same number, and say which it is; or both of a pole, such as 1 / 0."""
    if not (one.is_finite() and other.is_finite()):
        return one.is_finite() == other.is_finite()
    return bool(one.overlaps(other) and abs(one - other) <= 1e-30 * (1 + abs(one)))


def test_formulations_have_names_of_their_own_and_limits_on_arguments_of_the_operation() -> None:
    for op, direction in directions():
        described = operation(op)
        formulations = described.formulations[direction]
        assert formulations[0] == as_written(described.functions[direction])
        assert len({formulation.name for formulation in formulations}) == len(formulations)
        assert all(set(f.longest) <= set(described.arguments[direction]) for f in formulations)


# Combinators

PARTS = (
    as_written(lambda x: x + 1),
    Formulation(lambda x: 1 + x, "1 + x", stable=False, accumulates=True, longest={"x": 4}),
)
DOUBLED = (
    as_written(lambda x: 2 * x),
    Formulation(lambda x: x + x, "x + x", longest={"x": 3, "y": 5}),
)


def applied(outer_part: object, inner_part: object, x: np.ndarray) -> object:
    return outer_part(inner_part(x))


def test_a_combination_has_the_names_the_limits_and_the_failings_of_its_parts() -> None:
    first, second, third, fourth = through(applied, DOUBLED, PARTS, name="applied")
    assert [f.name for f in (first, second, third, fourth)] == [
        "applied",
        "applied, 1 + x",
        "applied, x + x",
        "applied, x + x, 1 + x",
    ]
    assert (first.stable, first.accumulates, first.longest) == (True, False, {})
    assert (fourth.stable, fourth.accumulates, fourth.longest) == (False, True, {"x": 3, "y": 5})
    assert [f.function(10) for f in (first, second, third, fourth)] == [22] * 4
    assert through(applied, DOUBLED, PARTS)[0].name == AS_WRITTEN


def test_a_formula_is_computed_by_others_in_place_of_what_its_text_names_there_alone() -> None:
    by = replacing(silu.backward, sigmoid.forward)
    g, x = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    assert (by(sigmoid.forward, g, x) == silu.backward(g, x)).all()
    assert (by(lambda x: 0 * x, g, x) == g * (x * sigmoid.slope(x))).all()  # the slope calls the sigmoid itself
    assert [*inspect.signature(partial(by, sigmoid.forward)).parameters] == ["dL_doutputs", "inputs"]


def test_a_formula_by_parts_is_without_decorators_and_has_defaults() -> None:
    by = partial(replacing(conv2d.forward, conv2d.correlated), lambda images, *_: images)
    assert by(np.ones((1, 2, 3, 3)), np.ones((2, 2, 1, 1)), np.array([1, 2]))[0, :, 0, 0].tolist() == [2, 3]
    plain = replacing(softmax_cross_entropy.forward, softmax_cross_entropy.loss_of)
    assert [*inspect.signature(plain).parameters] == ["part0", "logits", "labels", "reduction"]


def test_what_loses_digits_is_marked_whatever_its_parts_are() -> None:
    marked = losing_digits(through(applied, DOUBLED, PARTS))
    assert [f.stable for f in marked] == [False] * 4
    assert [f.function(10) for f in marked] == [22] * 4


def test_a_formulation_is_evaluated_up_to_its_limits_of_the_argument_that_has_the_size() -> None:
    (renamed,) = sized_by(PARTS[1:], x="bias")
    assert renamed.applies({"x": np.zeros(9), "bias": np.zeros((9, 4))})
    assert not renamed.applies({"x": np.zeros(1), "bias": np.zeros((1, 5))})
    assert PARTS[0].applies({})


@pytest.mark.parametrize(("axis", "applies"), [(0, True), (1, False), (-1, False), ((0, 1), False), (None, False)])
def test_a_running_logarithm_is_one_of_few_terms_whatever_the_axis(axis: object, applies: bool) -> None:
    (running,) = named(operation("logsumexp").formulations["forward"], "running logsumexp of at most 5 terms")
    assert running.applies({"inputs": np.zeros((3, 8)), "axis": axis}) is applies


@pytest.mark.parametrize("op", ["scaled_dot_product_attention", "masked_attention"])
def test_keys_are_repeated_where_heads_share_them_alone(op: str) -> None:
    (repeated,) = named(operation(op).formulations["backward"], "keys repeated")
    query, key = np.zeros((1, 4, 3, 2)), np.zeros((1, 4, 5, 2))
    assert repeated.applies({"query": query, "key": key[:, :2]})
    assert not repeated.applies({"query": query, "key": key})


def test_formulations_are_chosen_by_name() -> None:
    assert named(PARTS, "1 + x", AS_WRITTEN) == (PARTS[1], PARTS[0])
    with pytest.raises(KeyError, match="2 x"):
        named(PARTS, "2 x")
