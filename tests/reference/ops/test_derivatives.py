"""Every backward is the derivative of its forward, to 30 digits."""

from dataclasses import replace

import flint
import numpy as np
import pytest
from backproof.reference.generation.derivatives import BITS, DIGITS, departures, lifted
from backproof.reference.generation.draws import Shape, Words
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.ops import softmax, softmax_cross_entropy, softmax_cross_entropy_from_outputs
from calls import call, forms

WITH_FORWARD = [op for op in operation_names() if "forward" in operation(op).functions]


def drawn(w: Words, shape: Shape) -> np.ndarray:
    """Bell-shaped numbers with all their bits: no kink is nearer than a step."""
    return w.normal(shape)


@pytest.mark.parametrize("op", WITH_FORWARD)
def test_backward_is_the_derivative_of_forward(op: str) -> None:
    for form in forms(op, "backward"):
        inputs = call(form, Words(f"derivative/{form}", "float64"), drawn)
        assert [*departures(operation(op), inputs, form.parameters)] == [], form


def test_elements_that_are_exchanged_are_told_and_no_others() -> None:
    square = operation("square")
    backward = square.functions["backward"]
    exchanged = replace(square, functions={**square.functions, "backward": lambda g, x: backward(g, x)[::-1]})
    inputs = {"dL_doutputs": np.ones(3), "inputs": np.array([1.0, 2.0, 3.0])}
    assert [str(one) for one in departures(exchanged, inputs, {})] == [
        "dL_dinputs[0] is 6 where the slope of forward is 2",
        "dL_dinputs[2] is 2 where the slope of forward is 6",
    ]


def test_the_gradient_from_saved_outputs_is_that_at_the_logits_they_came_from() -> None:
    flint.ctx.prec = BITS
    plain = [f for f in forms("softmax_cross_entropy", "backward") if set(f.parameters) == {"reduction"}]
    assert {form.parameters["reduction"] for form in plain} == {"none", "sum", "mean"}
    for form in plain:
        dL_dloss, logits, labels = lifted(call(form, Words(f"saved/{form}", "float64"), drawn).values())
        whole = softmax_cross_entropy.backward(dL_dloss, logits, labels, **form.parameters)
        outputs = softmax.forward(logits)
        saved = softmax_cross_entropy_from_outputs.backward(dL_dloss, outputs, labels, **form.parameters)
        pairs = zip(whole.balls.ravel(), saved.balls.ravel(), strict=True)
        assert all(abs(a - b) < DIGITS for a, b in pairs), form


def test_every_operation_without_a_forward_is_held_against_another() -> None:
    assert set(operation_names()) - set(WITH_FORWARD) == {"softmax_cross_entropy_from_outputs"}
